"""Whether what a process uses is in another session's figures already, because a measured process started it.

A kernel's cell holds what the scripts and workers that it started use. One of them that measures its own blocks has a
session of its own, which must not be added to the notebook's. The environment tells, as it is handed down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from jupyter_green.meter.clocks import read_stat

VARIABLE = "JUPYTER_GREEN_INSIDE"
_MOST = 64  # processes between the two


def mark(environ: MutableMapping[str, str], session_id: str) -> None:
    """Tell the processes that this one starts that its session counts them."""
    environ[VARIABLE] = f"{session_id}:{os.getpid()}"


def unmark(environ: MutableMapping[str, str], session_id: str) -> None:
    """Tell them no more: the session has ended."""
    if environ.get(VARIABLE, "").partition(":")[0] == session_id:
        del environ[VARIABLE]


def session_around(environ: Mapping[str, str]) -> str | None:
    """Return the session whose figures hold this process's energy, or None.

    A process that its measured one does not lead to any more, a daemon for example, is in nobody's figures.
    """
    session_id, _, pid = environ.get(VARIABLE, "").partition(":")
    if not session_id or not pid.isdecimal():
        return None
    return session_id if _is_ancestor(int(pid)) else None


def _is_ancestor(wanted: int) -> bool:
    pid = os.getppid()
    for _ in range(_MOST):
        if pid == wanted:
            return True
        stat = read_stat(pid)
        if stat is None:
            return False
        pid = int(stat[1])
    return False
