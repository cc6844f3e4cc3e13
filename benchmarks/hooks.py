"""What two hooks cost a cell in a live kernel, beside codecarbon with a task per cell."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks import peer
from benchmarks.synthetic import make_tree
from benchmarks.table import Figure, Peer, median
from benchmarks.tools import REPOSITORY
from tests.kernels import Kernel

CELLS = 220
_WARM = 20  # the first cells fill caches; the median is over the rest

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
    _hooks[:] = [_timed(_event, hook) if _is_measured(hook) else hook for hook in _hooks]
"""

_OURS = """
import jupyter_green
%load_ext jupyter_green
%track_energy on
_is_measured = lambda hook: "jupyter_green" in getattr(hook, "__module__", "")
"""

# The counter tree takes the place of /sys/class/powercap, which this machine may not have.
ON_TREE = """
import functools, pathlib
from jupyter_green.track import current as _current
_current.make_meter = functools.partial(_current.make_meter, root=pathlib.Path({root!r}))
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


ROUNDS = 3
PAUSE_S = 0.05


def _setups(root: str) -> dict[str, list[str]]:
    machine = peer.HOOKS.format(settings=peer.settings())
    process = peer.HOOKS.format(settings=peer.settings("process"))
    on_tree = peer.ON_TREE.format(repository=str(REPOSITORY), root=root)
    return {
        "vm": [_OURS, _TIMED],
        "rapl": [ON_TREE.format(root=root), _OURS, _TIMED],
        "workers": [_OURS, _WORKERS, _TIMED],
        "machine": [machine, _TIMED],
        "process": [process, _TIMED],
        "machine, rapl": [on_tree, machine, _TIMED],
        "machine, workers": [machine, _WORKERS, _TIMED],
        "process, workers": [process, _WORKERS, _TIMED],
    }


def run() -> list[Figure]:
    """Measure in turn, so that a slower minute of the machine falls on all alike, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        setups = _setups(str(make_tree(Path(folder))))
        rounds = [{name: cell_cpu_ms(setup) for name, setup in setups.items()} for _ in range(ROUNDS)]
        slow = {name: cell_cpu_ms(setups[name], PAUSE_S) for name in ("vm", "machine")}
    middle = {name: median([one[name] for one in rounds]) for name in setups}
    part = median([one["vm"] / one["machine"] for one in rounds])
    count = f"median of {CELLS - _WARM} cells, of {ROUNDS} kernels in turn"

    def beside(*names: str) -> tuple[Peer, ...]:
        notes = {"process": "process mode: it too looks at one process tree", "machine, rapl": "same tree"}
        return tuple(
            Peer(peer.A_TASK, middle[name], notes.get(name.removesuffix(", workers"), "machine mode")) for name in names
        )

    told = f"{count}; codecarbon: {peer.told(peer.settings())}"
    return [
        Figure("hooks and append, no counters", "ms CPU", middle["vm"], 0.2, beside("machine", "process"), told),
        Figure(
            "the same as a part of codecarbon's",
            "",
            part,
            1 / 3,
            (Peer(f"{peer.A_TASK}, machine mode", 1.0),),
            "of the same round; aim: a quarter",
        ),
        Figure(
            f"the first, cells {PAUSE_S * 1e3:g} ms apart",
            "ms CPU",
            slow["vm"],
            0.2,
            (Peer(peer.A_TASK, slow["machine"]),),
            "one kernel each; colder caches, and /proc/stat is read",
        ),
        Figure(
            "hooks and append, RAPL",
            "ms CPU",
            middle["rapl"],
            0.35,
            beside("machine, rapl"),
            "synthetic tree, package and DRAM",
        ),
        Figure(
            "hooks and append, 4 live workers",
            "ms CPU",
            middle["workers"],
            0.6,
            beside("machine, workers", "process, workers"),
            "4 idle children",
        ),
    ]
