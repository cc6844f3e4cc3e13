"""Locks between processes: held on an open file, gone with the process that holds them."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_green.track.journal import make_private

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)


@contextmanager
def locked(home: Path, what: str) -> Iterator[None]:
    """Hold the lock called ``what`` (a session, a store); wait for whoever holds it.

    Raises:
        OSError: If the lock file cannot be made or locked.
    """
    folder = home / "locks"
    make_private(folder)
    name = hashlib.sha256(what.encode()).hexdigest()[:24]
    fd = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(fd)
        yield
    finally:
        os.close(fd)
