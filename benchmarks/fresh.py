"""Processes with compiled files, as installed packages have them: a checkout may be one where Python writes none."""

from __future__ import annotations

import os
import tempfile

_COMPILED = tempfile.TemporaryDirectory()


def compiled(**more: str) -> dict[str, str]:
    """Return an environment in which the second process of a kind finds everything compiled."""
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": _COMPILED.name, **more}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ
