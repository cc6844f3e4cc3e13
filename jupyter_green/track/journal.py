"""The journal: one JSON line a record, one file a session, written by the session alone.

A file is ``journal/<started>-<notebook>-<session>.jsonl`` (0600 in a 0700 folder). Its first line is the session,
its last one the end, if the session came to one. A line is appended with one ``write``: what was appended survives
``kill -9``. A line that cannot be read (torn by a full disk or a crash) is passed over and counted.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jupyter_green.records import CellRecord, End, Session
from jupyter_green.track.lines import Lines, end_line
from jupyter_green.track.tail import Tail

_MOST_WAITING = 10_000  # lines kept in memory while the disk is full, a few MB


def notebook_key(notebook: str | None) -> str:
    """Return the short name that stands for a notebook's path in file names.

    >>> notebook_key(None), len(notebook_key("/home/ann/churn.ipynb"))
    ('none', 12)
    """
    if notebook is None:
        return "none"
    import hashlib  # a kernel has it loaded already; a plain IPython has no notebook

    return hashlib.sha256(os.fsencode(notebook)).hexdigest()[:12]


def journal_folder(home: Path) -> Path:
    """Return the folder that holds the journal's files."""
    return home / "journal"


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter; the one around it stays as it is, if it is there.

    Raises:
        OSError: If it cannot be made.
    """
    folder.parent.mkdir(0o700, parents=True, exist_ok=True)
    folder.mkdir(0o700, exist_ok=True)
    status = os.stat(folder)
    if status.st_mode & 0o077 and hasattr(os, "getuid") and status.st_uid == os.getuid():
        os.chmod(folder, 0o700)


class Journal:
    """Appends lines to one session's file, which is made with the first of them.

    Args:
        home: The folder of everything that is kept (``JUPYTER_GREEN_HOME``).
        session: What the file is about.
    """

    def __init__(self, home: Path, session: Session) -> None:
        stamp = session.started_at.strftime("%Y%m%dT%H%M%S")
        self.session = session
        self.path = journal_folder(home) / f"{stamp}-{notebook_key(session.notebook)}-{session.session_id}.jsonl"
        self._fd: int | None = None
        self._lock = threading.RLock()  # for the threads of this process; the file has one writer
        self._torn = False
        self._dirty = False
        self.lines: Lines | None = None  # from the first record on
        self._waiting: list[bytes] = []

    def append(self, record: CellRecord) -> str | None:
        """Append a record; return None, or in a sentence why it is only in memory so far."""
        with self._lock:
            if self.lines is None:
                self.lines = Lines(self.session, record)
                self._waiting.append(self.lines.head)
        return self.append_line(self.lines.cell(record))

    def append_end(self, end: End) -> str | None:
        """Append the session's end, if there is a session to end."""
        return None if self.lines is None else self.append_line(end_line(end))

    def append_line(self, line: bytes) -> str | None:
        """Append a line as it is; return None, or why it is only in memory so far."""
        with self._lock:
            try:
                if self._fd is None:
                    self._open()
                while self._waiting:
                    self._write(self._waiting[0])
                    del self._waiting[0]
                self._write(line)
            except OSError as error:
                self._waiting.append(line)
                del self._waiting[1:-_MOST_WAITING]
                return f"the journal could not be written ({error.strerror}); this record is kept in memory for now"
            self._dirty = True
        return None

    @property
    def waiting(self) -> int:
        """How many lines are not on disk."""
        return len(self._waiting)

    def _open(self) -> None:
        make_private(self.path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._fd = os.open(self.path, flags, 0o600)

    def _write(self, line: bytes) -> None:
        assert self._fd is not None
        data = b"\n" + line if self._torn else line
        self._torn = True  # until it is known to be whole: else the next line starts on a new one
        written = os.write(self._fd, data)
        if written != len(data):
            with suppress(OSError):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False

    def sync(self) -> None:
        """Bring what was appended to the disk itself; called by the keeper, never in a cell."""
        fd = self._fd
        if fd is not None and self._dirty:
            self._dirty = False
            try:
                os.fsync(fd)
            except OSError:
                self._dirty = True

    def close(self) -> None:
        """Give the descriptor back."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLog:
    """What one file holds."""

    path: Path
    session: Session
    records: tuple[CellRecord, ...]
    end: End | None
    unreadable: int  # lines that were passed over
    size: int  # bytes that were read


def read_log(path: Path) -> SessionLog | None:
    """Read a session's file; None if not even its first line can be read.

    Raises:
        OSError: If the file cannot be opened.
    """
    tail = Tail(path)
    tail.read(to_end=True)
    if tail.session is None:
        return None
    return SessionLog(
        path=path,
        session=tail.session,
        records=tuple(tail.records.values()),
        end=tail.end,
        unreadable=tail.unreadable,
        size=tail.size,
    )


def log_paths(home: Path, notebook: str | None = None, run: str | None = None) -> list[Path]:
    """Return the files of all sessions, the oldest first.

    Args:
        home: The folder of everything that is kept.
        notebook: Only of this notebook (its absolute path).
        run: Only of the kernels that the engine's session ``run`` started.
    """
    key = "*" if notebook is None else notebook_key(notebook)
    session = "*" if run is None else f"{run}.*"
    return sorted(journal_folder(home).glob(f"*-{key}-{session}.jsonl"))
