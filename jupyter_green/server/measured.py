"""How it is measured, and the report: asked for by a click, answered by what the command line answers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from tornado import web

from jupyter_green.errors import SensorError
from jupyter_green.programs import typed
from jupyter_green.server.base import Desk, GreenHandler, asked, finite, written
from jupyter_green.totals import total
from jupyter_green.track.history import read_session, with_runs
from jupyter_green.views.report import as_json, markdown, together

_PATIENCE_S = 30.0


class DoctorHandler(GreenHandler):
    """``GET doctor``: what ``jupyter green doctor --json`` says, from a process of its own, as it measures itself."""

    @asked
    async def get(self) -> None:
        desk = self.desk
        if desk.doctor is None or desk.doctor.done():
            desk.doctor = asyncio.create_task(asyncio.to_thread(written, _doctor))
        self.send(await desk.doctor)


def _doctor() -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "jupyter_green.cli", "doctor", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False, env=dict(os.environ))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SensorError("doctor", f"it did not answer ({type(error).__name__})", "Try it in a terminal.") from None
    try:
        return dict(json.loads(done.stdout))
    except (ValueError, TypeError):
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise SensorError("doctor", reason[-1][:300], f"Type: {typed('jupyter')} green doctor") from None


class ReportHandler(GreenHandler):
    """``GET report?path=&kernel=&form=md|json``: a notebook's newest session as ``jupyter green report`` tells it."""

    @asked
    async def get(self) -> None:
        path, kernel = self.notebook()
        form = self.text("form") or "md"
        if form not in ("md", "json"):
            raise web.HTTPError(400, "A report is made as md or json.")
        await self.answer(_report, self.desk, path, kernel, form)


def _report(desk: Desk, path: str | None, kernel: str | None, form: str) -> dict[str, str]:
    desk.check_journal()
    with desk.notebooks.lock:
        log = desk.notebooks.open(path, kernel)
        log.refresh()
        newest, sessions, everything = log.newest_path, log.sessions, log.total
    found = None if newest is None else read_session(newest)
    if found is None or not found.records:
        raise web.HTTPError(404, "Nothing is recorded of this notebook yet.")
    records, whole = with_runs(found), total(found.records, found.end)
    if form == "json":
        values = finite(as_json(found.session, records, whole))
        return {"text": json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False) + "\n"}
    text = markdown(found.session, records, whole)
    if sessions > 1 and everything is not None:
        text += "\n" + together(sessions, everything)
    return {"text": text}
