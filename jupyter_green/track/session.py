"""Who measures: the description of this process that a journal's file begins with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_green.meter.clocks import boot_id, process_started
from jupyter_green.meter.meter import Meter
from jupyter_green.records import Session


def new_session(
    *,
    meter: Meter,
    runner: Any,
    session_id: str,
    notebook: str | None,
    kernel_id: str | None,
    name: str | None = None,
    run: str | None = None,
    inside: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Session:
    """Describe the session of this process, as of now."""
    pid = os.getpid()
    return Session(
        session_id=session_id,
        notebook=notebook,
        kernel_id=kernel_id,
        name=name,
        host=os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
        boot_id=boot_id(),
        pid=pid,
        pid_started=process_started(pid),
        started_at=datetime.now(UTC),
        cwd=_cwd(),
        runner=runner,
        run=run,
        inside=inside,
        covers=meter.source.covers,
        method=meter.source.method,
        parameters=parameters or {},
    )


def new_session_id(run: str | None = None) -> str:
    """Return an id; that of a kernel inside an engine's run begins with the run's."""
    own = os.urandom(8).hex()
    return own if run is None else f"{run}.{own}"


def _cwd() -> str:
    """Return the current folder; nothing if somebody deleted it."""
    try:
        return os.getcwd()
    except OSError:
        return ""
