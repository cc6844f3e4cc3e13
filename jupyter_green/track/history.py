"""The journal read as people mean it: sessions with their records, those of an engine and its kernel as one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_green.meter.clocks import boot_id, process_exists, read_stat
from jupyter_green.records import Between, CellRecord, Session, Target
from jupyter_green.totals import add_known
from jupyter_green.track.journal import SessionLog, log_paths, read_log
from jupyter_green.track.receipts import read_receipts

_SILENT_S = 7 * 86400.0  # a session of another computer that wrote nothing for so long is taken to be over


def read_session(path: Path) -> SessionLog | None:
    """Read a session; for an engine's run, with what its kernel recorded itself.

    Raises:
        OSError: If the file cannot be opened.
    """
    log = read_log(path)
    if log is None or log.session.runner != "papermill":
        return log
    home = path.parent.parent
    parts = [read_log(part) for part in log_paths(home, run=log.session.session_id)]
    records = merge(log.records, [record for part in parts if part is not None for record in part.records])
    return replace(log, records=tuple(records))


def merge(outside: tuple[CellRecord, ...], inside: list[CellRecord]) -> list[CellRecord]:
    """Put what a kernel recorded in place of what its engine measured from outside.

    The kernel's figure is the one that the user saw under the cell; what the engine saw beyond it (hooks, the
    extension itself) goes to "between cells", so that the sum stays the engine's.

    Args:
        outside: The engine's records, one for each code cell that ran.
        inside: The kernel's records: cells, scoring, blocks.
    """
    waiting = list(inside)
    merged: list[CellRecord] = []
    for whole in outside:
        ended = whole.started_at.timestamp() + whole.energy.duration_s
        mine = [part for part in waiting if part.started_at.timestamp() <= ended]
        waiting = [part for part in waiting if part.started_at.timestamp() > ended]
        if any(part.kind == "cell" and part.part_of is None for part in mine):
            merged.extend(_instead_of(whole, mine))
        else:  # the kernel did not measure this cell, only blocks in it
            merged.extend(_part_of(whole, part) for part in mine)
            merged.append(whole)
    return [*merged, *(_after(outside, part) for part in waiting)]


def _after(outside: tuple[CellRecord, ...], part: CellRecord) -> CellRecord:
    """Return what a kernel recorded when its engine wrote no more."""
    if not outside:
        return replace(part, session_id=_run_of(part))
    return replace(part, session_id=_run_of(part), mlflow=_goal(outside[-1], part))


def _goal(whole: CellRecord, part: CellRecord) -> Target | None:
    """Return where a kernel's record goes: where its engine's run goes, so that one run of papermill is one in MLflow.

    Only an experiment that the cell itself named is another one (mlflow in the notebook names its own by their ids).
    """
    if part.stays:
        return None
    if whole.mlflow is None or part.mlflow is None:
        return part.mlflow or whole.mlflow
    named = part.mlflow.experiment
    is_own = named is not None and named != whole.mlflow.experiment and not named.startswith("id:")
    return part.mlflow if is_own else whole.mlflow


def _part_of(whole: CellRecord, part: CellRecord) -> CellRecord:
    return replace(
        part,
        session_id=whole.session_id,
        part_of=part.part_of or whole.record_id,
        cell_id=part.cell_id or whole.cell_id,
        between_j=None,
        notebook=part.notebook or whole.notebook,
        mlflow=_goal(whole, part),
    )


def _instead_of(whole: CellRecord, parts: list[CellRecord]) -> Iterator[CellRecord]:
    outer = [part for part in parts if part.part_of is None]
    before = whole.between_j or Between(value=0.0, low=0.0, high=0.0, cpu_s=0.0)
    # What ran between the engine's cells may be among the parts, so both accounts pay for them together.
    rest = replace(
        before,
        value=_beyond(before.value, whole.energy.attributed_j, [part.energy.attributed_j for part in outer]),
        low=_beyond(before.low, whole.energy.low_j, [part.energy.low_j for part in outer]),
        high=_beyond(before.high, whole.energy.high_j, [part.energy.high_j for part in outer]),
        cpu_s=_beyond(before.cpu_s, whole.energy.cpu_s, [part.energy.cpu_s for part in outer]),
    )
    is_first = True
    for part in parts:
        between = None
        if part.part_of is None and is_first:
            between, is_first = rest, False
        status = whole.status if part.kind == "cell" and part.part_of is None else part.status
        yield replace(
            part,
            session_id=whole.session_id,
            cell_id=part.cell_id or whole.cell_id,
            between_j=between,
            status=status,
            notebook=part.notebook or whole.notebook,
            mlflow=_goal(whole, part),
            notes=tuple(dict.fromkeys((*part.notes, *whole.notes))),
        )


def _beyond(before: float | None, whole: float | None, parts: list[float | None]) -> float | None:
    """Return what an engine saw before and in a cell beyond what its kernel recorded; unknown where one of them is."""
    seen, told = add_known([before, whole]), add_known(parts)
    return None if seen is None or told is None else max(0.0, seen - told)


def _run_of(record: CellRecord) -> str:
    return record.session_id.partition(".")[0]


def is_alive(session: Session) -> bool:
    """Tell whether a session's process still runs on this boot of this machine."""
    if not is_here(session):
        return False
    if session.boot_id is None:  # not Linux: a process of this number must do
        return process_exists(session.pid)
    stat = read_stat(session.pid)
    if stat is None or stat[0] in (b"Z", b"X"):  # it has ended, and its parent has not noticed yet
        return False
    return session.boot_id == boot_id() and int(stat[19]) == session.pid_started


def is_here(session: Session) -> bool:
    """Tell whether a session was recorded on this machine: of another one's processes nothing can be known."""
    here = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return session.host == here


def is_over(log: SessionLog) -> bool:
    """Tell whether a session can get no more records."""
    if log.end is not None:
        return True
    if not is_here(log.session):
        return time.time() - log.path.stat().st_mtime > _SILENT_S
    return not is_alive(log.session)


def sessions(home: Path, notebook: str | None = None) -> Iterator[SessionLog]:
    """Read all sessions, the oldest first; a kernel inside an engine's run belongs to the engine's session.

    If there is none (the engine was killed before its first line), the kernel's stands for itself once it is over.
    """
    paths = log_paths(home, notebook)
    there = {session_id(path) for path in paths}
    for path in paths:
        engine = engine_of(session_id(path))
        if engine in there:
            continue
        try:
            log = read_session(path)
        except OSError:
            continue
        if log is not None and (engine is None or is_over(log)):  # its engine may yet write
            yield log


def session_id(path: Path) -> str:
    """Return the session that a journal's file is of, by its name."""
    return path.stem.rpartition("-")[2]


def engine_of(session_id: str) -> str | None:
    """Return the session of the engine that ran a kernel; None for one that no engine ran.

    >>> engine_of("1f.2a"), engine_of("1f")
    ('1f', None)
    """
    run, dot, _ = session_id.partition(".")  # <run>.<kernel>
    return run if dot else None


def whole_sessions(paths: Iterable[Path], everything: Iterable[Path]) -> list[tuple[Path, ...]]:
    """Return the files of the sessions that some files belong to, the oldest first.

    An engine's file comes before its kernels', which belong to its session; without one (the engine was killed
    before its first line) each kernel's stands for itself.

    Args:
        paths: The files that are asked for.
        everything: All files of the journal, the oldest first.
    """
    by_id = {session_id(path): path for path in everything}
    kernels: dict[str, list[Path]] = {}
    for one, path in by_id.items():
        engine = engine_of(one)
        if engine in by_id:
            kernels.setdefault(engine, []).append(path)
    found = {}
    for path in paths:
        first = by_id.get(engine_of(session_id(path)) or "", path)
        found[first] = (first, *kernels.get(session_id(first), ()))
    return [found[first] for first in sorted(found)]


def with_runs(log: SessionLog) -> list[CellRecord]:
    """Return a session's records with the MLflow runs they became."""
    runs = read_receipts(log.path).runs()
    records = []
    for record in log.records:
        run_ids = runs.get(record.record_id)
        if record.mlflow is not None and run_ids:
            record = replace(record, mlflow=replace(record.mlflow, run_ids=run_ids))
        records.append(record)
    return records


def read_rows(home: Path, notebook: str | None) -> list[dict[str, Any]]:
    """Return all records as flat rows for a table."""
    return [row(record) for log in sessions(home, notebook) for record in with_runs(log)]


COLUMNS = (
    "record_id", "session_id", "notebook", "kind", "part_of", "execution_count", "name", "started_at", "status",
    "energy_j", "energy_low_j", "energy_high_j", "quality", "covers", "duration_s", "cpu_s", "co2e_g", "co2e_low_g",
    "co2e_high_g", "intensity_g_per_kwh", "intensity_label", "cost", "currency", "run_id", "notes",
)  # fmt: skip


def row(record: CellRecord) -> dict[str, Any]:
    """Return a record as a flat row of `COLUMNS`; metrics are columns of their own, ``metric.`` before their name."""
    energy, intensity = record.energy, record.intensity
    return {
        "record_id": record.record_id,
        "session_id": record.session_id,
        "notebook": record.notebook,
        "kind": record.kind,
        "part_of": record.part_of,
        "execution_count": record.execution_count,
        "name": record.name,
        "started_at": record.started_at,
        "status": record.status,
        "energy_j": energy.attributed_j,
        "energy_low_j": energy.low_j,
        "energy_high_j": energy.high_j,
        "quality": energy.quality,
        "covers": ", ".join(energy.covers),
        "duration_s": energy.duration_s,
        "cpu_s": energy.cpu_s,
        "co2e_g": record.co2e_g,
        "co2e_low_g": record.co2e_low_g,
        "co2e_high_g": record.co2e_high_g,
        "intensity_g_per_kwh": None if intensity is None else intensity.g_per_kwh,
        "intensity_label": None if intensity is None else intensity.label,
        "cost": record.cost,
        "currency": record.currency,
        "run_id": None if record.mlflow is None or not record.mlflow.run_ids else record.mlflow.run_ids[0],
        "notes": "; ".join((*energy.notes, *record.notes)),
        **{f"metric.{name}": value for name, value in record.metrics.items()},
    }
