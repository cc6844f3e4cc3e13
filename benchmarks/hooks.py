"""What two hooks cost a cell in a live kernel, beside codecarbon with a task per cell."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.table import Figure, median
from tests.kernels import Kernel
from tests.powercap import Tree

CELLS = 220
_WARM = 20  # the first cells fill caches; the median is over the rest

CODECARBON = {"tracking_mode": "machine", "output_methods": []}

# Wraps every hook that is registered and notes the CPU time of the calling thread inside, ns.
_TIMED = """
import time as _time
_shell = get_ipython()
_spent = {"pre_run_cell": [], "post_run_cell": []}
def _timed(event, hook):
    def timed(argument):
        began = _time.thread_time_ns()
        hook(argument)
        _spent[event].append(_time.thread_time_ns() - began)
    return timed
for _event in _spent:
    _hooks = _shell.events.callbacks[_event]
    _hooks[:] = [_timed(_event, hook) if _is_ours(hook) else hook for hook in _hooks]
"""

_OURS = """
import jupyter_green
%load_ext jupyter_green
%track_energy on
_is_ours = lambda hook: "jupyter_green" in getattr(hook, "__module__", "")
"""

# The counter tree takes the place of /sys/class/powercap, which this machine may not have.
_ON_TREE = """
import functools, pathlib
from jupyter_green.track import current as _current
_current.make_meter = functools.partial(_current.make_meter, root=pathlib.Path({root!r}))
"""

_CODECARBON = """
import logging
from codecarbon import OfflineEmissionsTracker
_tracker = OfflineEmissionsTracker(country_iso_code="FRA", log_level="error", **{settings!r})
_number = 0
def _before(info):
    global _number
    _number += 1
    _tracker.start_task(f"cell {{_number}}")
def _after(result):
    if _tracker._active_task:
        _tracker.stop_task(f"cell {{_number}}")
get_ipython().events.register("pre_run_cell", _before)
get_ipython().events.register("post_run_cell", _after)
_is_ours = lambda hook: hook in (_before, _after)
"""

_WORKERS = """
import subprocess, sys
_waiting = [sys.executable, "-c", "import sys; sys.stdin.read()"]
_workers = [subprocess.Popen(_waiting, stdin=subprocess.PIPE, start_new_session=True) for _ in range(4)]
"""


def cell_cpu_ms(setup: list[str], pause_s: float = 0.0) -> float:
    """Return the median CPU time of both hooks together, ms, over many cells in a live kernel."""
    with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
        for cell in setup:
            reply = kernel.run(cell)
            assert reply.status == "ok", reply.traceback
        for number in range(CELLS):
            kernel.run(f"x = sum(range({20_000 + number}))")
            time.sleep(pause_s)
        spent = kernel.value("__import__('json').dumps(_spent)")
    times = json.loads(spent)
    # The cell that wraps the hooks has only its end among them.
    pairs = zip(times["pre_run_cell"], times["post_run_cell"][-len(times["pre_run_cell"]) :], strict=True)
    both = [(before + after) / 1e6 for before, after in pairs][_WARM:]
    return median(both)


def make_tree(folder: Path) -> Path:
    """Return a synthetic tree of one package and its memory."""
    tree = Tree(folder / "powercap")
    tree.zone("intel-rapl:0", "package-0")
    tree.zone("intel-rapl:0:0", "dram")
    return tree.root


ROUNDS = 3
PAUSE_S = 0.05


def run() -> list[Figure]:
    """Measure in turn, so that a slower minute of the machine falls on all alike, and return the figures."""
    peer = "codecarbon 3.3.2, a task per cell"
    with tempfile.TemporaryDirectory() as folder:
        setups = {
            "codecarbon": [_CODECARBON.format(settings=CODECARBON), _TIMED],
            "vm": [_OURS, _TIMED],
            "rapl": [_ON_TREE.format(root=str(make_tree(Path(folder)))), _OURS, _TIMED],
            "workers": [_OURS, _WORKERS, _TIMED],
        }
        rounds = [{name: cell_cpu_ms(setup) for name, setup in setups.items()} for _ in range(ROUNDS)]
        slow = {name: cell_cpu_ms(setups[name], PAUSE_S) for name in ("vm", "codecarbon")}
    middle = {name: median([one[name] for one in rounds]) for name in setups}
    part = median([one["vm"] / one["codecarbon"] for one in rounds])
    count = f"median of {CELLS - _WARM} cells, of {ROUNDS} kernels in turn"
    settings = f"{count}; codecarbon: OfflineEmissionsTracker(country_iso_code='FRA', {CODECARBON})"
    return [
        Figure("hooks and append, no counters", "ms CPU", middle["vm"], 0.2, peer, middle["codecarbon"], settings),
        Figure("the same as a part of codecarbon's", "", part, 1 / 3, "", None, "of the same round; aim: a quarter"),
        Figure(
            f"the first, cells {PAUSE_S * 1e3:g} ms apart",
            "ms CPU",
            slow["vm"],
            0.2,
            peer,
            slow["codecarbon"],
            "one kernel each; colder caches, and /proc/stat is read",
        ),
        Figure("hooks and append, RAPL", "ms CPU", middle["rapl"], 0.35, "", None, "synthetic tree, package and DRAM"),
        Figure("hooks and append, 4 live workers", "ms CPU", middle["workers"], 0.6, "", None, "4 idle children"),
    ]
