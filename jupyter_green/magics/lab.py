"""Who draws the numbers of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lab_draws(shell: Any, environ: Mapping[str, str]) -> bool:
    """Tell whether JupyterLab with our extension draws the line itself.

    The server extension says that it is there (``JUPYTER_GREEN_UI``); a request that comes from Lab and not from a
    console or an engine carries ``deletedCells`` in its metadata.
    """
    if not environ.get("JUPYTER_GREEN_UI"):
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent()
    return isinstance(parent, dict) and "deletedCells" in (parent.get("metadata") or {})
