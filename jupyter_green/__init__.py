"""Energy, CO2e and accuracy of every notebook cell and run, with range and method.

The names below load at their first use: ``import jupyter_green`` alone does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_green.track.api import history, last, measure, step

__all__ = ["__version__", "history", "last", "measure", "step"]

__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    if name in {"history", "last", "measure", "step"}:
        from jupyter_green.track import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell ``jupyter-builder develop`` what to link."""
    return [{"src": "labextension", "dest": "jupyter-green"}]


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext jupyter_green``."""
    from jupyter_green.magics import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Called by ``%unload_ext jupyter_green``."""
    from jupyter_green.magics import unload_ipython_extension as unload

    unload(shell)
