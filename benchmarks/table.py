"""What a benchmark returns, and how the table is written."""

from __future__ import annotations

import datetime
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    ``limit`` is the largest value the design allows, in the same unit; None where there is no target.
    """

    name: str
    unit: str
    ours: float | None
    limit: float | None = None
    peer: str = ""
    theirs: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is met; None where there is none."""
        return None if self.limit is None or self.ours is None else self.ours <= self.limit


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def write(figures: Sequence[Figure]) -> str:
    """Return the table as Markdown."""
    lines = ["| figure | ours | target | met | peer | theirs | how |", "| --- | ---: | ---: | --- | --- | ---: | --- |"]
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        limit = "" if figure.limit is None else f"≤ {_number(figure.limit)} {figure.unit}"
        theirs = "" if not figure.peer else f"{_number(figure.theirs)} {figure.unit}"
        ours = f"{_number(figure.ours)} {figure.unit}"
        lines.append(f"| {figure.name} | {ours} | {limit} | {met} | {figure.peer} | {theirs} | {figure.note} |")
    return "\n".join(lines)


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
    import os

    return (
        f"{datetime.date.today().isoformat()}, {os.cpu_count()} logical CPUs ({model or platform.processor()}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
