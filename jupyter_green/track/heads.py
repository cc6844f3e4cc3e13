"""Who recorded each file of the journal: the sessions of a notebook, and those of the kernel it uses now.

A notebook that was renamed keeps its kernel, whose journal keeps the old name.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jupyter_green.records import Session
from jupyter_green.track.history import whole_sessions
from jupyter_green.track.journal import log_paths
from jupyter_green.track.tail import Tail


class Found(NamedTuple):
    """The files of each session, the oldest first, an engine's before its kernels'."""

    sessions: list[tuple[Path, ...]]
    is_final: bool  # else a file had no first line yet, and is to be looked at again


class Heads:
    """What the first lines of the journal's files say, each read once.

    Args:
        home: The folder of the journal.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._kernels: dict[str, str | None] = {}

    def find(self, notebook: str | None, kernel_id: str | None) -> Found:
        """Return the sessions of a notebook and its kernel.

        Args:
            notebook: The notebook's absolute path; None if its contents are no files.
            kernel_id: Of the kernel that it uses now.
        """
        everything = log_paths(self._home)
        found = set() if notebook is None else set(log_paths(self._home, notebook))
        is_final = True
        if kernel_id is not None:
            for path in everything:
                if path.name not in self._kernels and not self._read(path):
                    is_final = False
                elif self._kernels[path.name] == kernel_id:
                    found.add(path)
        return Found(whole_sessions(found, everything), is_final)

    def _read(self, path: Path) -> bool:
        session = _session(path)
        if session is not None:
            self._kernels[path.name] = session.kernel_id
        return session is not None


def _session(path: Path) -> Session | None:
    """Return what a file's first line says; None if there is none yet."""
    head = Tail(path)
    try:
        head.read_head()
    except OSError:
        return None
    return head.session
