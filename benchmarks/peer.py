"""codecarbon as its documentation has it used in a notebook: one tracker, a task per cell, machine mode by default.

``output_methods=[]`` and ``log_level="error"`` spare it files and log lines; all else is its default. In comparisons
of energy its ``cpu_energy`` is taken: ``energy_consumed`` adds a constant for memory, which our model leaves out.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

NAME = f"codecarbon {version('codecarbon')}"
A_TASK = f"{NAME}, a task per cell"
J_PER_KWH = 3.6e6


def settings(mode: str = "machine", cpu_w: float | None = None) -> dict[str, Any]:
    """Return what a tracker is made with.

    Args:
        mode: What it tracks: ``machine`` (its default) or ``process``.
        cpu_w: The power of all CPUs under load, W, where both tools are to model with the same; it is then told to
            model. None lets it look for counters itself.
    """
    chosen = {"country_iso_code": "FRA", "tracking_mode": mode, "output_methods": [], "log_level": "error"}
    return chosen if cpu_w is None else {**chosen, "force_cpu_power": cpu_w}


def told(chosen: dict[str, Any]) -> str:
    """Return the settings as they are written in a program."""
    return f"OfflineEmissionsTracker({', '.join(f'{key}={value!r}' for key, value in chosen.items())})"


def look_at(root: str) -> None:
    """Let it find its counters in a synthetic tree.

    No setting of the tracker names the directory; the functions that look there have it as a default.
    """
    from codecarbon.core.cpu import is_rapl_available
    from codecarbon.external.hardware import CPU

    is_rapl_available.__defaults__ = (root,)
    # rapl_dir, tracking_mode, rapl_include_dram, rapl_prefer_psys
    CPU.__init__.__defaults__ = (root, *(CPU.__init__.__defaults__ or ())[1:])


# For a kernel: a task around each cell. `_last` is what the last one came to.
HOOKS = """
from codecarbon import OfflineEmissionsTracker
_tracker = OfflineEmissionsTracker(**{settings!r})
_number = 0
def _before(info):
    global _number
    _number += 1
    _tracker.start_task(f"cell {{_number}}")
def _after(result):
    global _last
    if _tracker._active_task:
        _last = _tracker.stop_task(f"cell {{_number}}")
get_ipython().events.register("pre_run_cell", _before)
get_ipython().events.register("post_run_cell", _after)
_is_measured = lambda hook: hook in (_before, _after)
"""

# For a kernel, before the above.
ON_TREE = """
import sys as _sys
_sys.path.insert(0, {repository!r})
from benchmarks import peer as _peer
_peer.look_at({root!r})
"""
