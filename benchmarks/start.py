"""Import, memory, first cell, idle and many cells."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import peer
from benchmarks.fresh import compiled
from benchmarks.hooks import ON_TREE
from benchmarks.synthetic import world
from benchmarks.table import Figure, Peer, median
from benchmarks.tools import REPOSITORY
from benchmarks.truth import WATTS
from jupyter_green.meter.cpu_power import cpu_power
from tests.kernels import Kernel

REPEATS = 9
KERNELS = 20
IDLE_S = 10.0
MANY = 10_000
KERNELS_COUNTED = 8
_T_95 = {KERNELS: 2.093, KERNELS_COUNTED: 2.365}  # Student's t, one degree of freedom less

_IMPORT = """
import time, resource
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import json, sys
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
before_mb, began = rss(), time.process_time()
{code}
print(json.dumps({{"ms": (time.process_time() - began) * 1e3, "mb": rss() - before_mb}}))
"""

_TRACKER = f"from codecarbon import OfflineEmissionsTracker; tracker = {peer.told(peer.settings())}"

_MANY = """
import gc, json, os, threading, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in {setup!r}:
    shell.run_cell(cell, store_history=False).raise_error()
def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {{"mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6, "fds": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count()}}
for n in range(2000):
    shell.run_cell("x = 1", store_history=False)
first = state()
for n in range({many}):
    shell.run_cell("x = 1", store_history=False)
print(json.dumps({{"first": first, "last": state()}}))
"""

_LOAD = ["%load_ext jupyter_green", "%track_energy on"]


def _run(code: str) -> str:
    """Run code in a fresh process with compiled files; return its last line."""
    with tempfile.TemporaryDirectory() as home:
        environ = compiled(JUPYTER_GREEN_HOME=home, IPYTHONDIR=home)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    return done.stdout.splitlines()[-1]


def _imports() -> list[Figure]:
    codes = {
        "ours": "import jupyter_green.magics",
        "loaded": "shell.run_cell('%load_ext jupyter_green')",
        "theirs": "import codecarbon",
        "tracker": _TRACKER,
    }
    for code in codes.values():
        _run(_IMPORT.format(code=code))  # compiles
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(REPEATS):
        for name, code in codes.items():
            runs[name].append(json.loads(_run(_IMPORT.format(code=code))))

    def middle(name: str, key: str) -> float:
        return median([run[key] for run in runs[name]])

    note = f"beyond IPython, median of {REPEATS} processes"
    imported = "import codecarbon"
    tracker = Peer("the same, and a tracker", middle("tracker", "ms"), "it looks at the hardware at its first task")
    return [
        Figure("import", "ms CPU", middle("ours", "ms"), 20, (Peer(imported, middle("theirs", "ms")),), note),
        Figure("memory of the import", "MB", middle("ours", "mb"), 3, (Peer(imported, middle("theirs", "mb")),), note),
        Figure("%load_ext", "ms CPU", middle("loaded", "ms"), None, (tracker,), note),
    ]


def _charged(setup: list[str], charged: str) -> tuple[float, float]:
    """Return what the first and the second measured cell of a fresh kernel are charged with."""
    with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
        for cell in ("def work():\n    return sum(i * i for i in range(300_000))\nwork()", *setup):
            reply = kernel.run(cell)
            assert reply.status == "ok", reply.traceback
        found = []
        for _ in range(2):
            kernel.run("work()")
            found.append(float(kernel.value(charged)))
    return found[0], found[1]


def _above(cells: list[tuple[float, float]], unit: str) -> tuple[float, str]:
    """Return by how much the first cell lies above the second at least (95 %), and how that comes about."""
    differences = [first - second for first, second in cells]
    mean = statistics.mean(differences)
    half = _T_95[len(cells)] * statistics.stdev(differences) / math.sqrt(len(cells))
    second = median([second for _, second in cells])
    return max(0.0, mean - half), f"{mean:.2f} ± {half:.2f} {unit} (95 %) of {second:.2f}"


def _first_cell() -> Figure:
    """Compare what the first two cells of fresh kernels are charged with, by paired differences.

    codecarbon's process mode models watts of a CPU x CPU time, as ours does: its joules tell the CPU time.
    """
    busy_w = cpu_power(None, None).busy_w
    hooks = peer.HOOKS.format(settings=peer.settings("process", busy_w * (os.cpu_count() or 1)))
    ours, theirs = [], []
    for _ in range(KERNELS):
        ours.append(_charged(_LOAD, "1e3 * _energy.energy.cpu_s"))
        theirs.append(_charged([hooks], f"1e3 * _last.cpu_energy * {peer.J_PER_KWH} / {busy_w}"))
    value, note = _above(ours, "ms")
    other, how = _above(theirs, "ms")
    beside = Peer(f"{peer.A_TASK}, process mode", other, f"cpu_energy / {busy_w:g} W: {how}")
    name = "first cell above the second's interval"
    return Figure(name, "ms CPU", value, 0.0, (beside,), f"first less second cell of {KERNELS} kernels: {note}")


def _first_cell_counted() -> Figure:
    """The same by counters: what the package used while the cell was open."""
    with world(WATTS) as here:
        tree = {"repository": str(REPOSITORY), "root": str(here.root)}
        hooks = [peer.ON_TREE.format(**tree), peer.HOOKS.format(settings=peer.settings())]
        ours, theirs = [], []
        for _ in range(KERNELS_COUNTED):
            ours.append(_charged([ON_TREE.format(**tree), *_LOAD], "sum(_energy.energy.machine_j.values())"))
            theirs.append(_charged(hooks, f"_last.cpu_energy * {peer.J_PER_KWH}"))
    value, note = _above(ours, "J")
    other, how = _above(theirs, "J")
    note = f"package of a synthetic tree, {WATTS:g} W; {KERNELS_COUNTED} kernels: {note}"
    return Figure("the same, RAPL", "J", value, None, (Peer(peer.A_TASK, other, f"cpu_energy: {how}"),), note)


def _idle_ms_per_s(cells: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
        for cell in cells:
            reply = kernel.run(cell)
            assert reply.status == "ok", reply.traceback
        before = float(kernel.value("__import__('time').process_time()"))
        time.sleep(IDLE_S)
        after = float(kernel.value("__import__('time').process_time()"))
    return (after - before) * 1e3 / IDLE_S


def _idle() -> Figure:
    setups = {
        "plain": ["1"],
        "ours": [*_LOAD, "1"],
        "a task": [peer.HOOKS.format(settings=peer.settings()), "1"],
        "started": [f"{_TRACKER}; tracker.start()", "1"],
    }
    runs = [{name: _idle_ms_per_s(cells) for name, cells in setups.items()} for _ in range(3)]
    plain = median([one["plain"] for one in runs])
    more = {name: max(0.0, median([one[name] - one["plain"] for one in runs])) for name in setups}
    note = f"over {IDLE_S:g} s, less a kernel with nothing ({plain:.2g}); median of {len(runs)}"
    beside = (
        Peer(f"{peer.A_TASK}, between tasks", more["a task"]),
        Peer(f"{peer.NAME}, started", more["started"], "one measurement of all, its other way of use"),
    )
    return Figure("idle", "ms CPU/s", more["ours"], None, beside, note)


def _many() -> list[Figure]:
    setups = {"ours": _LOAD, "theirs": [peer.HOOKS.format(settings=peer.settings())], "plain": ["1"]}
    gained = {}
    for name, setup in setups.items():
        state = json.loads(_run(_MANY.format(setup=setup, many=MANY)))
        gained[name] = {key: float(state["last"][key] - state["first"][key]) for key in state["first"]}

    def figure(name: str, unit: str, key: str, limit: float, kept: str = "") -> Figure:
        value = {tool: max(0.0, some[key]) for tool, some in gained.items()}
        beside = (Peer(peer.A_TASK, value["theirs"], kept), Peer("IPython alone", value["plain"]))
        return Figure(name, unit, value["ours"], limit, beside, f"after 2,000 and {MANY + 2000:,} cells")

    return [
        figure(f"memory gained over {MANY:,} cells", "MB", "mb", 1.0, "it keeps each task for its report"),
        figure("descriptors gained", "", "fds", 0.0),
        figure("threads gained", "", "threads", 0.0),
    ]


def run() -> list[Figure]:
    """Measure and return the figures."""
    return [*_imports(), _first_cell(), _first_cell_counted(), _idle(), *_many()]
