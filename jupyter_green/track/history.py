"""The journal read as people mean it: sessions with their records, those of an engine and its kernel as one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_green.meter.clocks import boot_id, process_exists, read_stat
from jupyter_green.records import CellRecord, Session
from jupyter_green.track.journal import SessionLog, log_paths, read_log
from jupyter_green.track.merge import merge
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
    inside: list[CellRecord] = []  # what the kernel recorded
    beside: list[CellRecord] = []  # what processes that the kernel started recorded of themselves
    for path in log_paths(home, run=log.session.session_id):
        part = read_log(path)
        if part is not None:
            (beside if part.session.runner == "script" else inside).extend(part.records)
    return replace(log, records=tuple(merge(log.records, inside, beside)))


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
