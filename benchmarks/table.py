"""What a benchmark returns, and how the table is written."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """Somebody else's figure of the same run, in the same unit; None where it came to none.

    ``note`` says what was done, and where the figure means something else than ours.
    """

    name: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One figure of the table.

    ``limit`` is the largest value the design allows, in the same unit; None where there is no target. No figure
    stands alone: ``beside`` has its peers.
    """

    name: str
    unit: str
    ours: float | None
    limit: float | None
    beside: tuple[Peer, ...]
    note: str = ""

    def __post_init__(self) -> None:
        if not self.beside:
            raise ValueError(f"{self.name} stands alone")

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is met; None where there is none."""
        return None if self.limit is None or self.ours is None else self.ours <= self.limit


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def number(value: float | None) -> str:
    """Return a value with three digits, without an exponent."""
    if value is None:
        return "–"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def write(figures: Sequence[Figure]) -> str:
    """Return the table as Markdown; a second peer has a line of its own under the first."""
    lines = ["| figure | ours | target | met | peer | theirs | how |", "| --- | ---: | ---: | --- | --- | ---: | --- |"]
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        limit = "" if figure.limit is None else f"≤ {_with_unit(figure.limit, figure)}"
        start = [figure.name, _with_unit(figure.ours, figure), limit, met]
        first, *more = figure.beside
        how = "; ".join(text for text in (figure.note, first.note) if text)
        lines.append(_row([*start, first.name, _with_unit(first.value, figure), how]))
        lines += [_row(["", "", "", "", peer.name, _with_unit(peer.value, figure), peer.note]) for peer in more]
    return "\n".join(lines)


def _with_unit(value: float | None, figure: Figure) -> str:
    return f"{number(value)} {figure.unit}".strip()


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Return the date and what machine this is."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return (
        f"{datetime.date.today().isoformat()}, {os.cpu_count()} logical CPUs ({model or platform.processor()}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
