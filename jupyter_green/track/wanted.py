"""Whether a record goes to MLflow without being asked again."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from jupyter_green.track.target import is_named


def is_wanted(choice: str, *, named: bool, environ: Mapping[str, str]) -> bool:
    """Tell whether a record is to be delivered.

    Args:
        choice: The user's: ``on``, ``off`` or ``auto``, which delivers what was
            named, and everything where MLflow is in use.
        named: The cell or block has a name or an experiment, or the user has sent this session before.
        environ: Holds ``MLFLOW_TRACKING_URI`` and the like, where they are set.
    """
    if choice != "auto":
        return choice == "on"
    return named or "mlflow" in sys.modules or is_named(environ)
