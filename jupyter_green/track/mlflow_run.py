"""What a session and its records look like in MLflow: metrics, parameters, tags and the table of cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from jupyter_green.records import CellRecord, End, Session
from jupyter_green.totals import Total, total

SESSION, RECORD, KIND = "green.session", "green.record", "green.kind"
_MOST_TEXT = 5000  # MLflow takes 8,000 characters in a tag and 6,000 in a parameter
MG_PER_G = 1e3


class Point(NamedTuple):
    """One value of a metric."""

    key: str
    value: float
    at_ms: int
    step: int


def end_ms(record: CellRecord) -> int:
    """Return when a record's window closed, ms since 1970."""
    return int((record.started_at.timestamp() + record.energy.duration_s) * 1e3)


def start_ms(record: CellRecord) -> int:
    """Return when a record's window opened, ms since 1970."""
    return int(record.started_at.timestamp() * 1e3)


def series(records: Sequence[CellRecord], first: int) -> list[Point]:
    """Return the cells' energies, CO2e and metrics as step series; unknown values have no point.

    Args:
        records: Consecutive records of one session.
        first: The step of the first of them.
    """
    points = []
    for step, record in enumerate(records, first):
        at = end_ms(record)
        co2e_mg = None if record.co2e_g is None else record.co2e_g * MG_PER_G
        values = {"cell_energy_j": record.energy.attributed_j, "cell_co2e_mg": co2e_mg, **record.metrics}
        points += [Point(key, value, at, step) for key, value in values.items() if value is not None]
    return points


def totals(records: Sequence[CellRecord], end: End | None, step: int) -> list[Point]:
    """Return a session's totals so far, as of its last record or its end."""
    if not records:
        return []
    at = end_ms(records[-1]) if end is None else max(end_ms(records[-1]), int(end.at.timestamp() * 1e3))
    return [Point(key, value, at, step) for key, value in _total_values(total(records, end)).items()]


def _total_values(whole: Total) -> dict[str, float]:
    return _values(
        energy_j=whole.energy.attributed_j,
        energy_low_j=whole.energy.low_j,
        energy_high_j=whole.energy.high_j,
        co2e_g=(whole.co2e_g, whole.co2e_low_g, whole.co2e_high_g),
        cpu_s=whole.energy.cpu_s,
        cost=whole.cost,
    )


def _values(*, co2e_g: tuple[float | None, float | None, float | None], **others: float | None) -> dict[str, float]:
    mg = [None if value is None else value * MG_PER_G for value in co2e_g]
    values = {**others, "co2e_mg": mg[0], "co2e_low_mg": mg[1], "co2e_high_mg": mg[2]}
    return {key: value for key, value in values.items() if value is not None}


def child_points(record: CellRecord) -> list[Point]:
    """Return a named record's own metrics: its steps, then its totals."""
    points = []
    last = 0
    for step in record.steps:
        at = int(step.at.timestamp() * 1e3)
        points.append(Point("energy_j", step.energy_j, at, step.step))
        points += [Point(key, value, at, step.step) for key, value in step.metrics.items() if value is not None]
        last = max(last, step.step + 1)
    values = _values(
        energy_j=record.energy.attributed_j,
        energy_low_j=record.energy.low_j,
        energy_high_j=record.energy.high_j,
        co2e_g=(record.co2e_g, record.co2e_low_g, record.co2e_high_g),
        cpu_s=record.energy.cpu_s,
        cost=record.cost,
    )
    values |= {key: value for key, value in record.metrics.items() if value is not None}
    return points + [Point(key, value, end_ms(record), last) for key, value in values.items()]


def session_tags(session: Session, records: Sequence[CellRecord]) -> dict[str, str]:
    """Return the tags of a session's run."""
    name = session.name or _stem(session.notebook)
    tags = {
        SESSION: session.session_id,
        KIND: "session",
        "mlflow.runName": name or f"{session.runner} {session.started_at:%Y-%m-%d %H:%M}",
        "green.method": session.method,
        "mlflow.loggedArtifacts": json.dumps([{"path": "cells.json", "type": "table"}]),
        **_common(session, records[-1:]),
    }
    return _clipped(tags)


def child_tags(session: Session, record: CellRecord, parent: str) -> dict[str, str]:
    """Return the tags of a named record's run."""
    tags = {
        **record.tags,
        SESSION: session.session_id,
        RECORD: record.record_id,
        KIND: record.kind,
        "mlflow.parentRunId": parent,
        "mlflow.runName": record.name or record.record_id,
        **_common(session, [record]),
    }
    if record.execution_count is not None:
        tags["green.cell"] = str(record.execution_count)
    return _clipped(tags)


def _common(session: Session, records: Iterable[CellRecord]) -> dict[str, str]:
    tags: dict[str, str] = {"green.covers": ", ".join(session.covers)}
    if session.notebook is not None:
        # The name alone: a server that others read has no need of this computer's folders.
        tags["green.notebook"] = tags["mlflow.source.name"] = PurePath(session.notebook).name
        tags["mlflow.source.type"] = "NOTEBOOK"
    for record in records:
        tags["green.quality"] = record.energy.quality or "not measured"
        if record.intensity is not None:
            tags["green.intensity"] = f"{record.intensity.g_per_kwh:g} gCO2e/kWh, {record.intensity.label}"
        if record.phase is not None:
            tags["green.phase"] = record.phase
        if record.energy.notes or record.notes:
            tags["green.notes"] = "; ".join((*record.energy.notes, *record.notes))
    return tags


def _stem(notebook: str | None) -> str | None:
    return None if notebook is None else PurePath(notebook).stem


def _clipped(tags: dict[str, str]) -> dict[str, str]:
    return {key: value[:_MOST_TEXT] for key, value in tags.items()}


_COLUMNS = (
    "cell", "kind", "name", "status", "started_at", "energy_j", "energy_low_j", "energy_high_j", "quality",
    "co2e_mg", "co2e_low_mg", "co2e_high_mg", "cpu_s", "duration_s", "cost", "metrics", "notes",
)  # fmt: skip


def cells_table(records: Sequence[CellRecord]) -> str:
    """Return all records as the JSON table that MLflow's interface shows."""
    return json.dumps({"columns": _COLUMNS, "data": [_cells_row(record) for record in records]}, ensure_ascii=False)


def _cells_row(record: CellRecord) -> list[Any]:
    energy = record.energy
    mg = [None if v is None else v * MG_PER_G for v in (record.co2e_g, record.co2e_low_g, record.co2e_high_g)]
    return [
        record.execution_count, record.kind, record.name, record.status, record.started_at.isoformat(),
        energy.attributed_j, energy.low_j, energy.high_j, energy.quality, *mg, energy.cpu_s, energy.duration_s,
        record.cost, ", ".join(f"{k}={'not measured' if v is None else f'{v:.6g}'}" for k, v in record.metrics.items()),
        "; ".join((*energy.notes, *record.notes)),
    ]  # fmt: skip
