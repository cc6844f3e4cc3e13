"""Retention: delivered sessions are deleted after a while, undelivered ones never."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from jupyter_green.errors import UsageError
from jupyter_green.settings import read_settings
from jupyter_green.track.goals import group, lacks
from jupyter_green.track.history import is_over, read_session, whole_sessions
from jupyter_green.track.journal import log_paths
from jupyter_green.track.locks import forget_locks
from jupyter_green.track.receipts import read_receipts, receipts_path

_DAY_S = 86400.0


def forget_old(home: Path, environ: Mapping[str, str]) -> int:
    """Delete sessions that MLflow has to the last record and that are older than the setting ``journal_days``.

    A kernel inside an engine's run goes with the engine's session, if that is there. Locks as old go with them.

    Returns:
        How many were deleted.
    """
    try:
        days = read_settings(environ=environ).journal_days
    except UsageError:
        return 0  # what was meant is not known, so nothing is deleted
    oldest = time.time() - days * _DAY_S
    forgotten = 0
    paths = log_paths(home)
    for session in whole_sessions(paths, paths):
        try:
            if session[0].stat().st_mtime < oldest and _is_delivered(session[0]):
                _delete(session)
                forgotten += 1
        except OSError:
            continue
    forget_locks(home, [path.name for path in log_paths(home)], oldest)
    return forgotten


def _is_delivered(path: Path) -> bool:
    log = read_session(path)
    if log is None or log.unreadable or not log.records or not is_over(log):
        return False
    receipts = read_receipts(path)
    if not {record.record_id for record in log.records} <= receipts.record_ids:
        return False
    return not any(lacks(records, receipts, over=True) for records in group(log.records, None, receipts).values())


def _delete(session: tuple[Path, ...]) -> None:
    first, *kernels = session
    for path in (*kernels, first):  # the engine's last: without it a kernel's stands for itself, and would be sent
        path.unlink()
    receipts_path(first).unlink(missing_ok=True)
