"""Stress of a meter in a process of its own: ``forks``, or ``interrupts SEED FOLDER``."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

import jupyter_green
from jupyter_green.meter.clocks import BusyClock
from jupyter_green.meter.meter import Keeper, Meter, choose_source, make_meter
from jupyter_green.meter.power import FIXED
from jupyter_green.meter.process_tree import ProcessTree

T = TypeVar("T")

CHILDREN = 60
INTERRUPTS = 300

_BOMBARD = """
import os, random, signal, sys, time
seed, pid, count = map(int, sys.argv[1:])
moments = random.Random(seed)
for _ in range(count):
    time.sleep(moments.uniform(0.0002, 0.004))
    os.kill(pid, signal.SIGINT)
os.kill(pid, signal.SIGUSR1)
"""


def forks() -> None:
    """Fork while another thread opens and closes windows; each child calls everything."""
    meter = make_meter()
    keeper = Keeper(meter, lambda: None)
    stop = threading.Event()

    def race() -> None:
        while not stop.is_set():
            meter.open("racing")
            meter.close("racing")
            meter.forget("racing")

    thread = threading.Thread(target=race)
    thread.start()
    children = []
    for _ in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)
            _use(meter)
            keeper.stop()
            os._exit(0)
        children.append(pid)
        meter.tick()
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    stop.set()
    thread.join()
    keeper.stop()
    print(f"{ends.count(0)} children ended well")


def _use(meter: Meter) -> None:
    meter.open("child")
    meter.peek("child")
    meter.tick()
    meter.close("child")
    meter.forget("child")
    meter.take_between()
    meter.open_in(threading.get_native_id())


def interrupts(seed: int, folder: Path) -> None:
    """Open and close windows under a hail of SIGINT from a sibling, and check that nothing was lost."""
    print(f"seed {seed}", flush=True)
    root = folder / "powercap"
    zone = root / "intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    counter = os.open(zone / "energy_uj", os.O_RDWR | os.O_CREAT)
    os.pwrite(counter, b"%-20d" % 0, 0)
    # The counter below stands still between our steps; on this clock that is never long enough to be suspicious.
    meter = Meter(choose_source(root=root), ProcessTree(), BusyClock(), lambda: time.monotonic_ns() // 1000)
    package = os.path.dirname(jupyter_green.__file__)
    state = {"is_over": False, "caught": 0}

    def interrupt(_number: int, frame: FrameType | None) -> None:
        while frame is not None:  # only inside the meter: what is tested must not break the test
            if frame.f_code.co_filename.startswith(package):
                raise KeyboardInterrupt
            frame = frame.f_back

    def insist(call: Callable[..., T], *arguments: object) -> T:
        while True:
            try:
                return call(*arguments)
            except KeyboardInterrupt:
                state["caught"] += 1

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGUSR1, lambda *_: state.update(is_over=True))
    child = subprocess.Popen(["sleep", "600"])  # so that the tree is walked as well
    sender = subprocess.Popen([sys.executable, "-c", _BOMBARD, str(seed), str(os.getpid()), str(INTERRUPTS)])
    amounts = random.Random(seed)
    true_uj = number = 0
    in_windows = 0.0
    while not state["is_over"]:
        number += 1
        keys = (f"outer {number}", f"inner {number}")
        for key in keys:
            insist(meter.open, key)
            true_uj += amounts.randrange(1, 20)
            os.pwrite(counter, b"%-20d" % true_uj, 0)
        for key in reversed(keys) if number % 3 else keys:
            measured = insist(meter.close, key)
            if measured is not None and measured.around is None:
                in_windows += measured.amounts[FIXED]
            insist(meter.forget, key)
            insist(meter.tick)
    sender.wait()
    meter.tick()
    between = meter.take_between().amounts[FIXED]
    child.kill()
    child.wait()
    lacking = true_uj / 1e6 - in_windows - between
    print(f"{number} rounds, {state['caught']} interrupts in the meter, {true_uj / 1e6} J, lacking {lacking} J")
    assert state["caught"] > 0
    assert abs(lacking) <= 1e-9 * true_uj
    assert not meter._state.ledger.windows
    print("conserved")


if __name__ == "__main__":
    if sys.argv[1] == "forks":
        forks()
    else:
        interrupts(int(sys.argv[2]), Path(sys.argv[3]))
