"""A session as Markdown and as JSON, and as the rows that the command line prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_green.records import CellRecord, Session, to_json
from jupyter_green.totals import Total
from jupyter_green.units import energy_text, mass_text, three_figures
from jupyter_green.views.line import co2e_part, energy_part, grid_text, intensity_text, metric_text, notes_of


def title(record: CellRecord) -> str:
    """Return what a record is called: its name or cell number, and its kind where that is not a cell."""
    number = "" if record.execution_count is None else f"[{record.execution_count}] "
    name = record.name or ""
    kind = {"cell": "", "scoring": "scoring", "block": "block"}[record.kind]
    return f"{number}{name}{' ' if name and kind else ''}{kind}".strip() or "cell"


def metrics_text(record: CellRecord) -> str:
    """Return a record's metrics, as in ``accuracy 0.9611``."""
    return ", ".join(f"{name} {metric_text(value)}" for name, value in record.metrics.items())


def cost_text(value: float | None, currency: str | None) -> str:
    """Return an amount of money, or that there is none."""
    return "no price set" if value is None else f"{three_figures(value)} {currency}"


def total_lines(whole: Total) -> list[str]:
    """Return a total in sentences: energy, of which between cells, CO2e, cost."""
    energy = whole.energy
    if energy.quality is None:
        return ["Total: nothing was measured"]
    parts = [
        f"energy not known {_where(whole.without_energy, whole.parts)}"
        if energy.attributed_j is None
        else energy_text(energy.attributed_j, energy.low_j, energy.high_j),
        f"CO₂e not known {_where(whole.without_co2e, whole.parts)}"
        if whole.co2e_g is None
        else f"{mass_text(whole.co2e_g, whole.co2e_low_g, whole.co2e_high_g)} CO₂e ({_grids(whole)})",
        *([] if energy.attributed_j is None else [energy.quality]),
    ]
    lines = [f"Total: {' · '.join(parts)}"]
    if whole.between_j is not None:
        gap = whole.between_j
        lines.append(
            f"of which between cells (start of the kernel, idling): {energy_text(gap.value, gap.low, gap.high)}"
        )
    if whole.cost is not None:
        lines.append(f"Cost: {cost_text(whole.cost, whole.currency)} (of the energy's middle figure, at your price)")
    return lines


def _where(some: int, parts: int) -> str:
    """Say of how many parts something is not known; if of none, it is what lies between them."""
    return f"for {some} of {parts} parts" if some else "between cells"


def _grids(whole: Total) -> str:
    """Name each grid once, as in ``FRA, grid not set``."""
    return ", ".join(dict.fromkeys(grid_text(one) for one in whole.intensities))


def rows(records: Sequence[CellRecord]) -> list[tuple[str, str, str, str, str]]:
    """Return a row a record: title, energy, CO2e, metrics, state."""
    return [
        (
            title(record) + (" (part of the one after it)" if record.part_of else ""),
            energy_part(record).removeprefix("energy "),
            co2e_part(record).replace(" CO₂e", "").removeprefix("CO₂e "),
            metrics_text(record),
            {"ok": "", "error": "failed"}.get(record.status, record.status),
        )
        for record in records
    ]


HEADINGS = ("cell", "energy (low to high)", "CO₂e (low to high, grid)", "metrics", "state")


def method_lines(session: Session, records: Sequence[CellRecord]) -> list[str]:
    """Return where the numbers come from."""
    lines = [f"Energy: {session.method}. It covers: {', '.join(session.covers)}."]
    for intensity in dict.fromkeys(record.intensity for record in records):
        if intensity is None:
            lines.append("Carbon intensity: not known, so CO₂e is not measured.")
        else:
            lines.append(f"Carbon intensity: {intensity_text(intensity)}; source: {intensity.source}.")
    pues = {record.pue for record in records}
    lines.append(f"PUE {', '.join(f'{pue:g}' for pue in sorted(pues))} (1: this computer alone).")
    return lines


def markdown(session: Session, records: Sequence[CellRecord], whole: Total) -> str:
    """Write a session as Markdown."""
    name = session.notebook.rpartition("/")[2] if session.notebook else session.runner
    lines = [f"# Energy of {_escaped(name)}, {session.started_at:%Y-%m-%d %H:%M} UTC", ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "| --- | ---: | ---: | --- | --- |"]
    lines += [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows(records)]
    lines += ["", *[f"{line}  " for line in total_lines(whole)], "", "## How this was measured", ""]
    lines += [f"- {_escaped(line)}" for line in method_lines(session, records)]
    notes = dict.fromkeys(f"{title(record)}: {note}" for record in records for note in notes_of(record))
    if notes:
        lines += ["", "## Notes", "", *[f"- {_escaped(note)}" for note in notes]]
    if session.parameters:
        lines += ["", "## Parameters", "", *[f"- {_escaped(k)} = {_escaped(v)}" for k, v in session.parameters.items()]]
    return "\n".join(lines) + "\n"


def together(sessions: int, whole: Total) -> str:
    """Say beside the newest of several sessions what all of them used."""
    energy = whole.energy
    used = energy_text(energy.attributed_j, energy.low_j, energy.high_j)
    return f"This is the newest of {sessions} sessions; together they used: {used}. `jupyter green report --all`\n"


def _escaped(text: str) -> str:
    for character in "\\`*_|<>[]#":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")


def as_json(session: Session, records: Sequence[CellRecord], whole: Total) -> dict[str, Any]:
    """Return a session as JSON values."""
    return {"session": to_json(session), "cells": [to_json(record) for record in records], "total": to_json(whole)}
