"""What a page that looks at a notebook asks again and again: the records, and what the kernel draws now."""

from __future__ import annotations

import os
import time

from jupyter_green.errors import JournalError
from jupyter_green.meter.cpu_power import logical_cpus
from jupyter_green.meter.watch import Watch
from jupyter_green.server.base import Desk, GreenHandler, asked
from jupyter_green.server.wire import LiveState, NotebookState


class NotebookHandler(GreenHandler):
    """``GET notebook?path=&kernel=&epoch=&since=``: what is recorded of a notebook."""

    @asked
    async def get(self) -> None:
        path, kernel = self.notebook()
        epoch, since = self.text("epoch") or "", int(self.number("since", 0))
        await self.answer(_notebook, self.desk, path, kernel, epoch, since)


def _notebook(desk: Desk, path: str | None, kernel: str | None, epoch: str, since: int) -> NotebookState:
    desk.check_journal()
    with desk.notebooks.lock:
        log = desk.notebooks.open(path, kernel)
        size = log.look()
        log.refresh()
        newest = log.newest
        return NotebookState(
            epoch=log.epoch,
            revision=log.revision,
            cells=log.cells(since if epoch == log.epoch else 0),
            total=log.total,
            session=log.session,
            sessions=log.sessions,
            session_id=None if newest is None else newest.session_id,
            method=None if newest is None else newest.method,
            covers=() if newest is None else newest.covers,
            unreadable=log.unreadable,
            problem=log.problem,
            journal_bytes=size,
            logical_cpus=logical_cpus(),
        )


class LiveHandler(GreenHandler):
    """``GET live?path=&kernel=&since=``: what a kernel draws now, and whether there are new records."""

    @asked
    async def get(self) -> None:
        path, kernel = self.notebook()
        since = self.number("since", 0.0)
        watch: Watch | str = "There is no kernel."
        if kernel is not None:
            watch = await self.desk.watches.watch(kernel, os.environ, self.desk.folder(path))
        await self.answer(_live, self.desk, path, kernel, since, watch)


def _live(desk: Desk, path: str | None, kernel: str | None, since: float, watch: Watch | str) -> LiveState:
    size = _size(desk, path, kernel)
    if not isinstance(watch, str):
        watch.sample()
        if watch.has_ended:
            watch = "The kernel has ended."
    seen, problem = (None, watch) if isinstance(watch, str) else (watch, None)
    return LiveState(
        now_s=time.monotonic(),
        samples=() if seen is None else seen.since(since),
        quality=None if seen is None else seen.quality,
        method=None if seen is None else seen.method,
        problem=problem,
        journal_bytes=size,
    )


def _size(desk: Desk, path: str | None, kernel: str | None) -> int | None:
    if not desk.notebooks.lock.acquire(blocking=False):
        return None  # somebody reads, and will tell
    try:
        desk.check_journal()
        return desk.notebooks.open(path, kernel).look()
    except (JournalError, OSError):
        return None  # what is recorded says why; what the kernel draws can be told all the same
    finally:
        desk.notebooks.lock.release()
