"""What a session and its records look like in MLflow: metrics, parameters, tags and the table of cells."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from jupyter_green.records import CellRecord, End, Session
from jupyter_green.totals import Total, total

SESSION, RECORD, KIND = "green.session", "green.record", "green.kind"
_MOST_TEXT = 5000  # MLflow takes 8,000 characters in a tag and 6,000 in a parameter
_MOST_NAME = 250  # characters of a key, and of a run's name in databases that count
_NO_KEY = re.compile(r"[^/\w.\- :]")  # what MLflow takes in no key
_JSON_BYTES = 6  # of a character of no ASCII in a request
MG_PER_G = 1e3

# Metrics of ours; one of the user's that is called so is shown as ``metric.NAME``.
_OURS = frozenset({
    "cell_energy_j", "cell_co2e_mg", "energy_j", "energy_low_j", "energy_high_j", "co2e_mg", "co2e_low_mg",
    "co2e_high_mg", "cpu_s", "cost",
})  # fmt: skip


class Point(NamedTuple):
    """One value of a metric."""

    key: str
    value: float
    at_ms: int
    step: int


def plain_key(name: str) -> str:
    """Return the name of a metric, parameter or tag as MLflow takes it.

    >>> plain_key("f1 @ 5%"), plain_key("../x"), plain_key("Größe/ä")
    ('f1 _ 5_', '_.._x', 'Größe/ä')
    """
    key = _NO_KEY.sub("_", name)[:_MOST_NAME]
    if key.startswith(("/", "..")) or posixpath.normpath(key) != key or key == ".":
        key = ("_" + key.replace("/", "_"))[:_MOST_NAME]  # it would be a path out of the run's own
    return key


def plain_text(text: str, most: int = _MOST_TEXT) -> str:
    """Return a text that every database takes: no half characters, no NUL, not too long."""
    return text[:most].encode("utf-8", "replace").decode().replace("\0", "?")


def plain(values: Mapping[str, str]) -> dict[str, str]:
    """Return parameters or tags as MLflow takes them; of two names that become one, the second gets a number."""
    found: dict[str, str] = {}
    for name, value in values.items():
        key = wanted = plain_key(str(name))
        number = 1
        while key in found:
            number += 1
            key = f"{wanted[: _MOST_NAME - 5]}_{number}"
        found[key] = plain_text(str(value))
    return found


def batches(values: Mapping[str, str], most_bytes: int) -> Iterator[list[tuple[str, str]]]:
    """Return parameters in parts of 100 at most, none of them too long for a request."""
    part: list[tuple[str, str]] = []
    size = 0
    for key, value in values.items():
        more = _JSON_BYTES * (len(key) + len(value))
        if part and (len(part) == 100 or size + more > most_bytes):
            yield part
            part, size = [], 0
        part.append((key, value))
        size += more
    if part:
        yield part


def _metrics(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the user's metrics that are known, under names that are not ours."""
    known = {plain_key(name): value for name, value in values.items() if value is not None}
    return {f"metric.{key}" if key in _OURS else key: value for key, value in known.items()}


def end_ms(record: CellRecord) -> int:
    """Return when a record's window closed, ms since 1970."""
    return int((record.started_at.timestamp() + record.energy.duration_s) * 1e3)


def start_ms(record: CellRecord) -> int:
    """Return when a record's window opened, ms since 1970."""
    return int(record.started_at.timestamp() * 1e3)


def series(steps: Iterable[tuple[int, CellRecord]], held: Collection[str]) -> list[Point]:
    """Return the cells' energies, CO2e and metrics as step series; unknown values have no point.

    Args:
        steps: Records of one session and their steps.
        held: Records that are in another's figure.
    """
    points = []
    for step, record in steps:
        at = end_ms(record)
        co2e_mg = None if record.co2e_g is None else record.co2e_g * MG_PER_G
        values: dict[str, float | None] = {**_metrics(record.metrics)}
        if record.record_id not in held:
            values |= {"cell_energy_j": record.energy.attributed_j, "cell_co2e_mg": co2e_mg}
        points += [Point(key, value, at, step) for key, value in values.items() if value is not None]
    return points


def totals(records: Sequence[CellRecord], end: End | None, step: int, held: Collection[str]) -> list[Point]:
    """Return a session's totals so far, as of its last record or its end; NaN is MLflow's word for an unknown one."""
    if not records:
        return []
    at = end_ms(records[-1]) if end is None else max(end_ms(records[-1]), int(end.at.timestamp() * 1e3))
    used = _used(total(records, end, held))
    return [Point(key, math.nan if value is None else value, at, step) for key, value in used.items()]


def _used(cost: CellRecord | Total) -> dict[str, float | None]:
    """Return what a cell or a session used, in MLflow's names and units."""
    energy = cost.energy
    return {
        "energy_j": energy.attributed_j,
        "energy_low_j": energy.low_j,
        "energy_high_j": energy.high_j,
        "cpu_s": energy.cpu_s,
        "cost": cost.cost,
        **dict(zip(("co2e_mg", "co2e_low_mg", "co2e_high_mg"), _in_mg(cost), strict=True)),
    }


def _in_mg(cost: CellRecord | Total) -> list[float | None]:
    return [None if g is None else g * MG_PER_G for g in (cost.co2e_g, cost.co2e_low_g, cost.co2e_high_g)]


def child_points(record: CellRecord) -> list[Point]:
    """Return a named record's own metrics: its steps, then its totals."""
    points = []
    last = 0
    for step in record.steps:
        at = int(step.at.timestamp() * 1e3)
        points.append(Point("energy_j", step.energy_j, at, step.step))
        points += [Point(key, value, at, step.step) for key, value in _metrics(step.metrics).items()]
        last = max(last, step.step + 1)
    known = {key: value for key, value in _used(record).items() if value is not None}
    # Where the whole is unknown, the last step's energy is not to be shown for it.
    values = ({"energy_j": math.nan} if record.steps else {}) | known | _metrics(record.metrics)
    return points + [Point(key, value, end_ms(record), last) for key, value in values.items()]


def session_tags(session: Session, records: Sequence[CellRecord]) -> dict[str, str]:
    """Return the tags of a session's run."""
    name = session.name or _stem(session.notebook)
    tags = {
        SESSION: session.session_id,
        KIND: "session",
        "mlflow.runName": plain_text(name or "", _MOST_NAME) or f"{session.runner} {session.started_at:%Y-%m-%d %H:%M}",
        "green.method": session.method,
        "mlflow.loggedArtifacts": json.dumps([{"path": "cells.json", "type": "table"}]),
        **_common(session, records),
    }
    return plain(tags)


def child_tags(session: Session, record: CellRecord, parent: str) -> dict[str, str]:
    """Return the tags of a named record's run."""
    tags = {
        **plain(record.tags),
        SESSION: session.session_id,
        RECORD: record.record_id,
        KIND: record.kind,
        "mlflow.parentRunId": parent,
        "mlflow.runName": plain_text(record.name or record.record_id, _MOST_NAME),
        **_common(session, [record]),
    }
    if record.execution_count is not None:
        tags["green.cell"] = str(record.execution_count)
    if record.part_of is not None:
        tags["green.part_of"] = record.part_of
    return plain(tags)


def _common(session: Session, records: Sequence[CellRecord]) -> dict[str, str]:
    tags: dict[str, str] = {"green.covers": ", ".join(session.covers)}
    if session.notebook is not None:
        # The name alone: a server that others read has no need of this computer's folders.
        tags["green.notebook"] = tags["mlflow.source.name"] = PurePath(session.notebook).name
        tags["mlflow.source.type"] = "NOTEBOOK"
    if records:
        # A sum is only as good as its worst part.
        tags["green.quality"] = total(records).energy.quality or "not measured"
    intensities = [record.intensity for record in records if record.intensity is not None]
    told = {
        "green.intensity": [f"{one.g_per_kwh:g} gCO2e/kWh, {one.label}" for one in intensities],
        "green.phase": [record.phase for record in records if record.phase is not None],
        "green.notes": [note for record in records for note in (*record.energy.notes, *record.notes)],
    }
    return tags | {key: "; ".join(dict.fromkeys(texts)) for key, texts in told.items() if texts}


def _stem(notebook: str | None) -> str | None:
    return None if notebook is None else PurePath(notebook).stem


_COLUMNS = (
    "cell", "kind", "name", "status", "started_at", "energy_j", "energy_low_j", "energy_high_j", "quality",
    "co2e_mg", "co2e_low_mg", "co2e_high_mg", "cpu_s", "duration_s", "cost", "metrics", "notes",
)  # fmt: skip


def cells_table(records: Sequence[CellRecord]) -> str:
    """Return all records as the JSON table that MLflow's interface shows."""
    table = {"columns": _COLUMNS, "data": [_cells_row(record) for record in records]}
    return json.dumps(table, ensure_ascii=False).encode("utf-8", "replace").decode()


def _cells_row(record: CellRecord) -> list[Any]:
    energy = record.energy
    metrics = [
        f"{name}={'not measured' if value is None else f'{value:.6g}'}" for name, value in record.metrics.items()
    ]
    return [
        record.execution_count, record.kind, record.name, record.status, record.started_at.isoformat(),
        energy.attributed_j, energy.low_j, energy.high_j, energy.quality, *_in_mg(record), energy.cpu_s,
        energy.duration_s, record.cost, ", ".join(metrics), "; ".join((*energy.notes, *record.notes)),
    ]  # fmt: skip
