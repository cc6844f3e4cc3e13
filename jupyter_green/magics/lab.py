"""Who draws the numbers of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_green.errors import UsageError
from jupyter_green.settings import read_home
from jupyter_green.track.notebook import drawing_mark


def is_from_lab(shell: Any) -> bool:
    """Tell whether the running request comes from JupyterLab or Notebook 7, and not from a console or an engine.

    Theirs carry ``deletedCells`` in their metadata.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent()
    return isinstance(parent, dict) and "deletedCells" in (parent.get("metadata") or {})


def lab_draws(shell: Any, environ: Mapping[str, str]) -> bool:
    """Tell whether JupyterLab with our extension draws the line itself.

    Its server says that it is there, and which journals it can read (``JUPYTER_GREEN_UI``).
    """
    return bool(environ.get("JUPYTER_GREEN_UI")) and is_from_lab(shell) and server_reads(environ)


def server_reads(environ: Mapping[str, str]) -> bool:
    """Tell whether the server that this kernel belongs to reads the journal that it writes."""
    mark = environ.get("JUPYTER_GREEN_UI")
    try:
        return mark == drawing_mark(read_home(environ))
    except UsageError:
        return False
