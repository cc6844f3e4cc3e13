"""Locks between processes: held on an open file, gone with the process that holds them."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_green.track.journal import make_private

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int, wait: bool = True) -> None:
        msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int, wait: bool = True) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(home: Path, what: str) -> Iterator[None]:
    """Hold the lock called ``what`` (a session, a store); wait for whoever holds it.

    Raises:
        OSError: If the lock file cannot be made or locked.
    """
    path = _path(home, what)
    make_private(path.parent)
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(fd)
            if _is(fd, path):
                yield
                return
        finally:
            os.close(fd)


def forget_locks(home: Path, kept: Iterable[str], oldest: float) -> None:
    """Delete files of locks that nobody holds; whoever waits for one of them meanwhile makes it anew.

    Args:
        home: The folder of everything that is kept.
        kept: Names of locks that stay.
        oldest: Those made later stay too, s since 1970.
    """
    stay = {_path(home, what) for what in kept}
    for path in (home / "locks").glob("*.lock"):
        with suppress(OSError):  # somebody holds it, or was faster
            if path not in stay and path.stat().st_mtime < oldest:
                _delete(path)


def _delete(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    try:
        _lock(fd, wait=False)
        if _is(fd, path):
            path.unlink()
    finally:
        os.close(fd)


def _path(home: Path, what: str) -> Path:
    return home / "locks" / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.lock"


def _is(fd: int, path: Path) -> bool:
    """Tell whether an open file still is the one of that name: a lock on a deleted one keeps nobody out."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
