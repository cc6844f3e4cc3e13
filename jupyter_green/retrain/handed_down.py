"""What a run hands down: the notebook's name and the journal's folder as the caller meant them, and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_green.settings import PREFIX, Settings, read_home
from jupyter_green.track.inside import VARIABLE
from jupyter_green.track.secrets import bare_url


def door() -> str:
    """Return the folder that papermill was called in: around an engine it has gone to the notebook's already."""
    from papermill.iorw import papermill_io

    try:
        handler = papermill_io.get_handler("local")
        folder = handler.cwd(None)  # its one way to be read: it gives the folder that it replaces
        handler.cwd(folder)
    except AttributeError:  # a handler of somebody else's
        folder = None
    return str(folder or os.getcwd())


def home_from(folder: str, environ: Mapping[str, str]) -> Path:
    """Return the journal's folder as somebody in ``folder`` meant it.

    Raises:
        UsageError: If it is in the home of a user that is not there.

    >>> home_from("/home/ann", {"JUPYTER_GREEN_HOME": "energy"}).as_posix()
    '/home/ann/energy'
    """
    given = environ.get("JUPYTER_GREEN_HOME")
    if given and not given.startswith("~"):
        return read_home({"JUPYTER_GREEN_HOME": os.path.join(folder, given)})
    return Path(folder, read_home(environ))


def notebook_name(given: Any, folder: str) -> str | None:
    """Return what a notebook is called in records: its absolute path, or its address without what may be secret.

    Args:
        given: papermill's input: a path, an address, ``-``, or the notebook itself.
        folder: Where a path begins.
    """
    if not isinstance(given, str | os.PathLike):
        return None
    text = os.fspath(given)
    if text.lstrip().startswith("{"):  # papermill takes a notebook's JSON in place of its path
        return None
    if "://" in text:
        return bare_url(text)
    return text if text == "-" else os.path.abspath(os.path.join(folder, text))


def environment(
    settings: Settings, session_id: str, home: Path | None, notebook: str | None, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the kernel's environment: which run it is part of, and what this run's cells are measured with.

    What was given to the run by an option, or set in the folder it was called from, a kernel would not find itself.
    """
    handed = {
        PREFIX + name.upper(): str(getattr(settings, name))
        for name, source in settings.sources.items()
        if source != "default"
    }
    others = ("JPY_SESSION_NAME", VARIABLE)  # of the notebook that this run is started from, if it is
    inherited = {name: value for name, value in environ.items() if name not in others}
    told = {"JUPYTER_GREEN_RUN": session_id}
    if home is not None:
        told["JUPYTER_GREEN_HOME"] = str(home)
    if notebook is not None and os.path.isabs(notebook):
        told["JPY_SESSION_NAME"] = notebook
    return {**inherited, **handed, **told}
