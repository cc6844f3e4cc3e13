"""Who recorded each file of the journal: the sessions of a notebook, and those of the kernel it uses now.

A notebook that was renamed keeps its kernel, whose journal keeps the old name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_green.records import Session
from jupyter_green.track.history import whole_sessions
from jupyter_green.track.journal import log_paths
from jupyter_green.track.tail import Tail


class Heads:
    """What the first lines of the journal's files say, each read once.

    Args:
        home: The folder of the journal.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._kernels: dict[str, str | None] = {}
        self.has_beginnings = False  # whether some file had no first line yet, so that it is to be looked at again

    def of_kernel(self, kernel_id: str) -> Iterator[Path]:
        """Yield the files of a kernel's sessions."""
        self.has_beginnings = False
        for path in log_paths(self._home):
            if path.name not in self._kernels:
                session = _session(path)
                if session is None:
                    self.has_beginnings = True
                    continue
                self._kernels[path.name] = session.kernel_id
            if self._kernels[path.name] == kernel_id:
                yield path

    def sessions(self, notebook: str | None, kernel_id: str | None) -> list[tuple[Path, ...]]:
        """Return the files of each session of a notebook and its kernel, the oldest first, an engine's before others.

        Args:
            notebook: The notebook's absolute path; None if its contents are no files.
            kernel_id: Of the kernel that it uses now.
        """
        found = set() if notebook is None else set(log_paths(self._home, notebook))
        if kernel_id is not None:
            found.update(self.of_kernel(kernel_id))
        return whole_sessions(found, log_paths(self._home))


def _session(path: Path) -> Session | None:
    """Return what a file's first line says; None if there is none yet."""
    head = Tail(path)
    try:
        head.read_head()
    except OSError:
        return None
    return head.session
