"""Retention: delivered sessions are deleted after a while, undelivered ones never."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from jupyter_green.errors import UsageError
from jupyter_green.settings import read_settings
from jupyter_green.track.goals import group, lacks
from jupyter_green.track.history import is_over, read_session
from jupyter_green.track.journal import log_paths
from jupyter_green.track.receipts import read_receipts, receipts_path

_DAY_S = 86400.0


def forget_old(home: Path, environ: Mapping[str, str]) -> int:
    """Delete sessions that MLflow has to the last record and that are older than the setting ``journal_days``.

    Returns:
        How many were deleted.
    """
    try:
        days = read_settings(environ=environ).journal_days
    except UsageError:
        return 0  # what was meant is not known, so nothing is deleted
    oldest = time.time() - days * _DAY_S
    forgotten = 0
    for path in log_paths(home):
        try:
            if path.stat().st_mtime < oldest and _is_delivered(path):
                _delete(home, path)
                forgotten += 1
        except OSError:
            continue
    return forgotten


def _is_delivered(path: Path) -> bool:
    if "." in path.stem:  # a kernel inside an engine's run goes with the engine's session
        return False
    log = read_session(path)
    if log is None or log.unreadable or not log.records or not is_over(log):
        return False
    receipts = read_receipts(path)
    if not {record.record_id for record in log.records} <= receipts.record_ids:
        return False
    return not any(lacks(records, receipts, over=True) for records in group(log.records, None, receipts).values())


def _delete(home: Path, path: Path) -> None:
    session = path.stem.rpartition("-")[2]
    for part in log_paths(home, run=session):
        part.unlink()
    path.unlink()
    receipts_path(path).unlink(missing_ok=True)
