"""Processes of ours that are nobody's children, so that their CPU time is in no cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

# While it is held nobody reads the process tree: seen there once, a process would count as the user's for ever.
Quiet = Callable[[], AbstractContextManager[object]]

# Runs in a bare interpreter (8 ms): it becomes the process's parent and is gone at once.
_DETACH = "import os,sys\nos.setsid()\nif os.fork():os._exit(0)\nos.execv(sys.argv[1],sys.argv[1:])"


def start_apart(
    command: Sequence[str], environ: Mapping[str, str], quiet: Quiet, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a process as a grandchild whose parent is gone; no Ctrl-C reaches it.

    Args:
        command: What it runs.
        environ: Its environment.
        quiet: Of the meter that reads this process's tree.
        streams: ``stdin``, ``stdout`` and ``stderr`` as for `subprocess.Popen`.

    Returns:
        Its parent, which has ended: of use for the streams only.

    Raises:
        OSError: If it could not be started.
    """
    import subprocess  # only where something is delivered

    with quiet():
        parent = subprocess.Popen([sys.executable, "-I", "-S", "-c", _DETACH, *command], env=dict(environ), **streams)
        failed = parent.wait()
    if failed:
        for stream in (parent.stdin, parent.stdout, parent.stderr):
            if stream is not None:
                stream.close()
        raise OSError(f"exit code {failed}")
    return parent


def is_possible() -> bool:
    """Tell whether this system can start a process apart."""
    return hasattr(os, "fork")
