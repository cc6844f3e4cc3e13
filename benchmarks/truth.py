"""Error against truth: a synthetic counter tree driven at a known power, and CPU time as workers report it."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.hooks import make_tree
from benchmarks.table import Figure, median
from jupyter_green.meter.cpu_power import cpu_power
from jupyter_green.meter.meter import Meter, make_meter
from jupyter_green.meter.power import FIXED, OWN_S

WATTS = 40.0
DURATIONS = ((0.01, 11.0, 60), (0.05, 3.0, 40), (0.2, 1.0, 20), (1.0, 0.3, 7), (5.0, 0.3, 3))

# Writes a counter each ms at a constant power, by its own clock. The truth is power x time.
_WRITER = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY)
watts = float(sys.argv[2])
began = time.monotonic_ns()
tick = 0
while True:
    now = time.monotonic_ns()
    tick = (now - began) // 1_000_000
    os.pwrite(fd, b"%-20d\\n" % int(tick * watts * 1e3), 0)
    rest = began + (tick + 1) * 1_000_000 - time.monotonic_ns()
    if rest > 0:
        time.sleep(rest / 1e9)
"""


def _errors(meter: Meter, duration_s: float, repeats: int) -> float:
    """Return the median error of the package's figure, %."""
    errors = []
    for number in range(repeats):
        meter.open(number)
        time.sleep(duration_s)
        measured = meter.close(number)
        meter.forget(number)
        assert measured is not None
        truth_j = WATTS * (measured.closed_ns - measured.opened_ns) / 1e9
        errors.append(100 * abs(sum(measured.amounts[FIXED:]) - truth_j) / truth_j)
    return median(errors)


def _against_tree() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        root = make_tree(Path(folder))
        counter = root / "intel-rapl:0" / "energy_uj"
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(counter), str(WATTS)])
        try:
            meter = make_meter(root=root)
            for duration_s, limit, repeats in DURATIONS:
                error = _errors(meter, duration_s, repeats)
                name = f"error of a cell of {duration_s * 1e3:g} ms"
                note = f"synthetic tree, {WATTS:g} W, steps of 1 ms; median of {repeats}"
                figures.append(Figure(name, "%", error, limit, "", None, note))
            meter.close_down()
        finally:
            writer.kill()
            writer.wait()
    return figures


def burn(seconds: float) -> float:
    """Use CPU time and return how much it was, as this process's own clock has it."""
    began = time.process_time()
    while time.process_time() - began < seconds:
        sum(i * i for i in range(2000))
    return time.process_time() - began


def _loop() -> float:
    return burn(0.5)


def _threads() -> float:
    began = time.process_time()
    threads = [threading.Thread(target=burn, args=(0.5,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - began


def _subprocess() -> float:
    code = "import time, benchmarks.truth as t; t.burn(0.5); print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def _pool() -> float:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(burn, [0.3, 0.3, 0.3, 0.3]))


def _loky() -> float:
    from joblib import Parallel, delayed

    return float(sum(Parallel(n_jobs=2)(delayed(burn)(0.5) for _ in range(4))))


def _data_loader() -> float:
    from torch.utils.data import DataLoader

    class Burning:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> float:
            return burn(0.3)

    batches = DataLoader(Burning(), batch_size=1, num_workers=2)  # type: ignore[arg-type]
    return float(sum(float(batch) for batch in batches))


_WORK: dict[str, Callable[[], float]] = {
    "own loop": _loop,
    "threads": _threads,
    "subprocess": _subprocess,
    "fork pool": _pool,
    "loky": _loky,
    "DataLoader workers": _data_loader,
}


def _attribution() -> list[Figure]:
    """Compare the CPU time given to a window with what the workers themselves report.

    Starting workers is CPU time of the cell too, which they cannot see: 10 ms are allowed for it on top of 5 %, and
    for loky and DataLoader, which import a library in each worker, a first round starts them.
    """
    figures = []
    for name, work in _WORK.items():
        work()
        meter = make_meter()
        began = time.process_time()
        meter.open(name)
        truth_s = work()
        own_s = time.process_time() - began
        measured = meter.close(name)
        meter.close_down()
        assert measured is not None
        if name not in ("own loop", "threads"):
            truth_s += own_s
        excess = abs(measured.amounts[OWN_S] - truth_s)
        note = f"{measured.amounts[OWN_S]:.3f} of {truth_s:.3f} CPU-s"
        figures.append(Figure(f"attribution: {name}", "s off", excess, 0.05 * truth_s + 0.01, "", None, note))
    return figures


SLEEP_S = 2.0

_OUR_SLEEP = """
import json, time
from jupyter_green.meter.meter import make_meter
meter = make_meter()
meter.open("sleep")
time.sleep({seconds})
print(json.dumps(meter.close("sleep").amounts[0]))
"""

# A first task takes the tool's own cold start.
_THEIR_SLEEP = """
import json, time
from codecarbon import OfflineEmissionsTracker
settings = {{"log_level": "critical", "output_methods": [], "tracking_mode": {mode!r}}}
tracker = OfflineEmissionsTracker(country_iso_code="FRA", **settings)
tracker.start_task("first")
tracker.stop_task("first")
tracker.start_task("sleep")
time.sleep({seconds})
print(json.dumps(tracker.stop_task("sleep").energy_consumed * 3.6e6))
"""


def _sleep_j(code: str) -> float:
    """Return what a sleeping process is charged while another process, not its own, keeps a CPU busy, J."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        busy.kill()
        busy.wait()
    return float(json.loads(done.stdout.splitlines()[-1]))


def _sleep() -> list[Figure]:
    ours = median([_sleep_j(_OUR_SLEEP.format(seconds=SLEEP_S)) for _ in range(3)])
    power = cpu_power(None, None)
    dynamic_j = (power.busy_w - power.idle_w) * SLEEP_S
    note = f"the neighbour's load costs {dynamic_j:.3g} J by the same watts; target 1 % of that"
    name = f"a sleep of {SLEEP_S:g} s beside a busy neighbour"
    figures = []
    for mode in ("machine", "process"):
        theirs = _sleep_j(_THEIR_SLEEP.format(mode=mode, seconds=SLEEP_S))
        figures.append(Figure(name, "J", ours, dynamic_j / 100, f"codecarbon 3.3.2, {mode} mode", theirs, note))
    return figures


def run() -> list[Figure]:
    """Measure and return the figures."""
    return [*_against_tree(), *_attribution(), *_sleep()]
