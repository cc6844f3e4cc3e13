"""The tracker of this process: made at its first use, from the environment that the door hands down."""

from __future__ import annotations

import atexit
import os
import re
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from jupyter_green.errors import GreenError, UsageError
from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.records import CellRecord, Intensity
from jupyter_green.settings import Settings, read_home, read_settings
from jupyter_green.track.courier import Courier
from jupyter_green.track.inside import mark, session_around, unmark
from jupyter_green.track.journal import Journal
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Tracker

_RUN_ID = re.compile(r"[0-9a-f]{16}")

_current: Tracker | None = None
_courier: Courier | None = None
# Two threads that begin to measure at once share a session; a signal handler that measures may come in between.
_starting = threading.RLock()


def _renew() -> None:
    """Give a forked child a lock of its own: another thread may have held the parent's."""
    global _starting
    _starting = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def current() -> Tracker | None:
    """Return this process's tracker if there is one already; None in a forked child."""
    return None if _current is None or _current.is_inert else _current


def start(
    settings: Settings,
    *,
    runner: Literal["kernel", "script"],
    notebook: str | None = None,
    kernel_id: str | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> Tracker:
    """Return this process's tracker, made now if there is none yet; its session ends with the process.

    Raises:
        UsageError: If the intensity in the settings cannot be understood.
    """
    global _current, _courier
    with _starting:
        if _current is not None:
            return _current
        _courier, tracker = _make(settings, runner, notebook, kernel_id, environ)
        _current = tracker
        atexit.register(_end, tracker)
        mark(environ, tracker.session.session_id)
    return tracker


def _make(
    settings: Settings,
    runner: Literal["kernel", "script"],
    notebook: str | None,
    kernel_id: str | None,
    environ: Mapping[str, str],
) -> tuple[Courier | None, Tracker]:
    run = environ.get("JUPYTER_GREEN_RUN")
    run = run if run and _RUN_ID.fullmatch(run) else None
    inside = session_around(environ) if runner == "script" else None
    intensity = resolve_or_none(settings)
    home = read_home(environ)
    meter = make_meter(busy_w=settings.cpu_busy_w, idle_w=settings.cpu_idle_w)
    session = new_session(
        meter=meter,
        runner=runner,
        session_id=new_session_id(run),
        notebook=None if inside is not None else notebook,  # whose cell counts it already
        kernel_id=kernel_id,
        run=run,
        inside=inside,
    )
    journal = Journal(home, session)
    # Inside an engine's run the engine delivers, so that nothing is counted twice.
    courier = None if run is not None else Courier(home, journal.path, environ, meter.quiet)
    on_record = None if courier is None else courier.consider
    return courier, Tracker(session, settings, meter, journal, intensity, on_record)


def stop() -> None:
    """End this process's session, and its courier with it."""
    global _current, _courier
    tracker, _current = _current, None
    courier, _courier = _courier, None
    if tracker is not None:
        atexit.unregister(_end)
        unmark(os.environ, tracker.session.session_id)
        tracker.end()
        if courier is not None and not tracker.is_inert:  # a forked child's is its parent's
            courier.close()


def _end(tracker: Tracker) -> None:
    tracker.end()


def delivery_problem() -> str | None:
    """Return why records do not leave for MLflow, if that is so."""
    return None if _courier is None else _courier.problem


def last() -> CellRecord | None:
    """Return the newest record of a cell or block in this process, or None if there is none."""
    tracker = current()
    return None if tracker is None else tracker.last


def usable_settings(environ: Mapping[str, str], cwd: Path | None = None) -> tuple[Settings, str | None]:
    """Return the user's settings without what is wrong in them, and in sentences what that is.

    Args:
        environ: The environment.
        cwd: Where the search for a project's settings starts; the process's own folder by default.
    """
    problems: list[str] = []
    settings = read_settings(environ=environ, cwd=cwd, on_error=problems.append)
    try:
        resolve_or_none(settings)
    except UsageError as error:
        problems.append(str(error))
        sources = {**settings.sources, "intensity": "default"}
        settings = replace(settings, intensity=None, sources=sources)
    if not problems:
        return settings, None
    return settings, f"{' '.join(problems)} It counts as not set."


def resolve_or_none(settings: Settings) -> Intensity | None:
    """Return the intensity that the settings name; None if the tables are not there.

    Raises:
        UsageError: If the text cannot be understood.
    """
    try:
        return resolve(settings.intensity)
    except UsageError:
        raise
    except (GreenError, OSError, ValueError, KeyError):
        return None


def is_free() -> bool:
    """Tell whether this process has no tracker yet, not even one inherited by a fork."""
    return _current is None
