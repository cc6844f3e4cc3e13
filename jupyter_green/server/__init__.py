"""The server extension: what the browser asks for, answered from the journal and from ``/proc``.

Loading it adds handlers and tells kernels that JupyterLab draws (``JUPYTER_GREEN_UI``). Nothing is read, sampled or
written before a page asks.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jupyter_green.server"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    from jupyter_green.server.app import load  # only in a server

    load(serverapp)
