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

from benchmarks.table import Figure, median
from tests.kernels import Kernel

REPEATS = 9
_COMPILED = tempfile.TemporaryDirectory()  # a checkout may be one in which Python writes no compiled files
KERNELS = 20
IDLE_S = 10.0
MANY = 10_000

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

_MANY = """
import gc, json, os, threading, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext jupyter_green")
shell.run_cell("%track_energy on")
def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {"mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6, "fds": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count()}
for n in range(2000):
    shell.run_cell("x = 1", store_history=False)
first = state()
for n in range(MANY):
    shell.run_cell("x = 1", store_history=False)
print(json.dumps({"first": first, "last": state()}))
"""


def _python(code: str) -> dict[str, float]:
    """Run code in a fresh process with compiled files, as an installed package has them; return what it prints."""
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "JUPYTER_GREEN_HOME": home, "IPYTHONDIR": home, "PYTHONPYCACHEPREFIX": _COMPILED.name}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _imports() -> list[Figure]:
    _python(_IMPORT.format(code="shell.run_cell('%load_ext jupyter_green'); import codecarbon"))  # compiles
    ours = [_python(_IMPORT.format(code="import jupyter_green.magics")) for _ in range(REPEATS)]
    loaded = [_python(_IMPORT.format(code="shell.run_cell('%load_ext jupyter_green')")) for _ in range(REPEATS)]
    theirs = [_python(_IMPORT.format(code="import codecarbon")) for _ in range(3)]
    peer = "import codecarbon"
    note = f"beyond IPython, median of {REPEATS} processes"

    def middle(runs: list[dict[str, float]], key: str) -> float:
        return median([run[key] for run in runs])

    return [
        Figure("import", "ms CPU", middle(ours, "ms"), 20, peer, middle(theirs, "ms"), note),
        Figure("memory of the import", "MB", middle(ours, "mb"), 3, peer, middle(theirs, "mb"), note),
        Figure("%load_ext", "ms CPU", middle(loaded, "ms"), None, "", None, note),
    ]


def _first_cell() -> Figure:
    """Compare the first with the second measured cell of fresh kernels, by paired differences of CPU time."""
    differences, seconds = [], []
    for _ in range(KERNELS):
        with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
            kernel.run("def work():\n    return sum(i * i for i in range(300_000))\nwork()")
            kernel.run("%load_ext jupyter_green")
            kernel.run("%track_energy on")
            used = []
            for _ in range(2):
                kernel.run("work()")
                used.append(kernel.value("_energy.energy.cpu_s"))
        differences.append(1e3 * (used[0] - used[1]))
        seconds.append(1e3 * used[1])
    mean = statistics.mean(differences)
    half = 2.093 * statistics.stdev(differences) / math.sqrt(KERNELS)  # Student's t, 19 degrees of freedom
    note = f"first less second cell of {KERNELS} kernels: {mean:.2f} ± {half:.2f} ms (95 %) of {median(seconds):.1f}"
    return Figure("first cell above the second's interval", "ms CPU", max(0.0, mean - half), 0.0, "", None, note)


def _idle() -> Figure:
    def used_ms_per_s(cells: list[str]) -> float:
        with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
            for cell in cells:
                kernel.run(cell)
            before = float(kernel.value("__import__('time').process_time()"))
            time.sleep(IDLE_S)
            after = float(kernel.value("__import__('time').process_time()"))
        return (after - before) * 1e3 / IDLE_S

    plain = used_ms_per_s(["1"])
    ours = used_ms_per_s(["%load_ext jupyter_green", "%track_energy on", "1"])
    start = "from codecarbon import OfflineEmissionsTracker\nt = OfflineEmissionsTracker(country_iso_code='FRA', "
    theirs = used_ms_per_s([start + "log_level='error', output_methods=[])\nt.start()"])
    note = f"over {IDLE_S:g} s, less a kernel without either ({plain:.2g})"
    return Figure("idle", "ms CPU/s", max(0.0, ours - plain), None, "codecarbon started", theirs - plain, note)


def _many() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", _MANY.replace("MANY", str(MANY))],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "JUPYTER_GREEN_HOME": home, "IPYTHONDIR": home},
        )
    state = json.loads(done.stdout.splitlines()[-1])
    first, last = state["first"], state["last"]
    note = f"after 2,000 and {MANY + 2000:,} cells"
    return [
        Figure(f"memory gained over {MANY:,} cells", "MB", max(0.0, last["mb"] - first["mb"]), 1.0, "", None, note),
        Figure("descriptors gained", "", float(last["fds"] - first["fds"]), 0.0, "", None, note),
        Figure("threads gained", "", float(last["threads"] - first["threads"]), 0.0, "", None, note),
    ]


def run() -> list[Figure]:
    """Measure and return the figures."""
    return [*_imports(), _first_cell(), _idle(), *_many()]
