"""What JupyterLab's buttons ask of a kernel: by an expression of a silent request, so that nothing is left behind.

They run as ``__import__("jupyter_green.magics.switch", fromlist=["switch"]).switch(True)``: no name enters the user's
namespace, no line is printed, and ``In[n]`` does not move. The answer is JSON, which the request's reply carries.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

from IPython import get_ipython

from jupyter_green.errors import UsageError
from jupyter_green.intensity import resolve
from jupyter_green.magics.extension import hooks_of, install
from jupyter_green.magics.hooks import Hooks
from jupyter_green.magics.lab import server_reads
from jupyter_green.track import current


def switch(on: bool | None = None) -> str:
    """Turn tracking on or off (None: leave it as it is) and tell how it stands.

    Returns:
        JSON: ``on``, whether every cell is measured; ``carries``, whether records come with the cells' outputs, because
        the server cannot read this kernel's journal; ``problem``, what is wrong in the settings, or null.
    """
    shell = get_ipython()
    hooks = hooks_of(shell)
    if on is not None:
        if hooks is None and on:
            hooks = install(shell)
        if hooks is not None:
            hooks.is_on = on
            hooks.carries = not server_reads(os.environ)
    return _state(hooks)


def choose_intensity(said: str | None) -> str:
    """Take another carbon intensity from the next cell on, if cells are measured here; return what `switch` does.

    Raises:
        UsageError: If the text cannot be understood, or an administrator locked the intensity where this kernel runs.
    """
    intensity = resolve(said)
    hooks = hooks_of(get_ipython())
    if hooks is not None:
        settings = hooks.settings
        if "intensity" in settings.locked and said != settings.intensity:
            raise UsageError(f"intensity is locked by the administrator ({settings.sources['intensity']}).")
        hooks.settings = replace(hooks.settings, intensity=said)
        tracker = current.current()
        if tracker is not None:
            tracker.intensity = intensity
    return _state(hooks)


def _state(hooks: Hooks | None) -> str:
    on = hooks is not None and hooks.is_on
    carries = hooks is not None and hooks.carries
    return json.dumps({"on": on, "carries": carries, "problem": None if hooks is None else hooks.problem})
