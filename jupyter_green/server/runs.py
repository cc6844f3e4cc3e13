"""A notebook's runs in MLflow: what the receipts know, what MLflow itself says, and sending what waits.

This process never imports mlflow: whoever talks to it is a child process, one at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tornado import web

from jupyter_green.server.base import Desk, GreenHandler, asked, body_text
from jupyter_green.track.known_runs import Runs
from jupyter_green.track.looking import ask

_MOST_RUNS = 1000  # that are asked for at once


def _posted(handler: GreenHandler, body: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the notebook's file and the kernel's id that a body names, as `GreenHandler.notebook` does of the query.

    Raises:
        HTTPError: As there; 400 also if they are no texts.
    """
    return handler.named(body_text(body, "path"), body_text(body, "kernel"))


@contextmanager
def _only_child(desk: Desk) -> Iterator[None]:
    """Hold the place of the one child process that this server may have.

    Raises:
        HTTPError: 409 if another request holds it.
    """
    if not desk.child.acquire(blocking=False):
        raise web.HTTPError(409, "This server is already asking MLflow. Try again in a moment.")
    try:
        yield
    finally:
        desk.child.release()


def _known(desk: Desk, path: str | None, kernel: str | None) -> Runs:
    desk.check_journal()
    return desk.runs.of(path, kernel)


class RunsHandler(GreenHandler):
    """``GET runs?path=&kernel=``: the runs that the receipts know, and what waits."""

    @asked
    async def get(self) -> None:
        path, kernel = self.notebook()
        await self.answer(_known, self.desk, path, kernel)


class LookHandler(GreenHandler):
    """``POST runs/look`` with ``path``, ``kernel`` and ``run_ids``: what MLflow itself says of these runs."""

    @asked
    async def post(self) -> None:
        body = self.body()
        path, kernel = _posted(self, body)
        wanted = body.get("run_ids")
        if not isinstance(wanted, list) or not all(isinstance(run_id, str) for run_id in wanted):
            raise web.HTTPError(400, "run_ids is not a list of texts.")
        if len(wanted) > _MOST_RUNS:
            raise web.HTTPError(400, f"At most {_MOST_RUNS} runs can be asked for at once.")
        runs = await asyncio.to_thread(_known, self.desk, path, kernel)
        addresses = {run.run_id: run.tracking_uri for run in runs.runs}
        if not addresses.keys() >= set(wanted):
            raise web.HTTPError(400, "MLflow is asked only for runs of this notebook.")
        with _only_child(self.desk):
            wanted_at = {run_id: addresses[run_id] for run_id in wanted}
            await self.answer(ask, wanted_at, self.desk.home, dict(os.environ))


class SendHandler(GreenHandler):
    """``POST runs/send`` with ``path`` and ``kernel``: deliver what waits, and tell the runs as they are then."""

    @asked
    async def post(self) -> None:
        path, kernel = _posted(self, self.body())
        with _only_child(self.desk):
            folder = self.desk.folder(path)
            problem = await asyncio.to_thread(self.desk.runs.send, path, kernel, dict(os.environ), folder)
        await self.answer(_after, self.desk, path, kernel, problem)


def _after(desk: Desk, path: str | None, kernel: str | None, problem: str | None) -> Runs:
    runs = _known(desk, path, kernel)
    return replace(runs, problem=problem or runs.problem)
