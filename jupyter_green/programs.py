"""What to type in a terminal, where this Python's environment need not be active."""

from __future__ import annotations

import os
import shlex
import sys


def typed(program: str) -> str:
    """Return how a program of this Python's environment is called in a shell.

    Args:
        program: Its name, as in ``mlflow``.

    Returns:
        The name alone if a shell finds that very program by it, else its path, quoted. JupyterLab's terminals have the
        server's ``PATH``, which does not know the environment of a server that was started without activating it.
    """
    import shutil  # only where there is something to type

    beside = shutil.which(program, path=os.path.dirname(sys.executable))
    found = shutil.which(program)
    if beside is None or (found is not None and os.path.samefile(found, beside)):
        return program
    return shlex.quote(beside)
