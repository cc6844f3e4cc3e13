"""Our meter and codecarbon behind one face, each in a fresh process that does the same work."""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks import peer
from benchmarks.loads import LOADS
from benchmarks.synthetic import World

REPOSITORY = Path(__file__).parent.parent
_SETTLE_S = 0.5  # for a neighbour to be under way
_PATIENCE_S = 300
_PHASE_S = 0.002  # cells begin anywhere between two steps of a counter
_SPIN = "while True: pass"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Who measures what.

    Args:
        tool: ``ours`` (what the cell is given), ``ours, machine`` (what the counters counted), or codecarbon's
            ``machine`` or ``process``.
        load: What the cell does; see `benchmarks.loads`.
        amount_s: How long it sleeps, or the CPU time of each of its parts.
        repeats: How many cells.
        root: A synthetic powercap tree; None has both tools model.
        stat: What stands for ``/proc/stat``.
        busy_w: Watts of one busy logical CPU, for the model.
        cpu_w: The same of all of them.
        calm_s: How long the first cell, which is not counted, sleeps.
        warm_up: Do the work once before.
    """

    tool: str
    load: str
    amount_s: float
    repeats: int
    root: str | None = None
    stat: str = "/proc/stat"
    busy_w: float | None = None
    cpu_w: float | None = None
    calm_s: float = 0.0
    warm_up: bool = False


class Cell(NamedTuple):
    """What a tool said of a cell, and the truth: how long it took and the CPU time it and its workers used."""

    joules: float
    wall_s: float
    cpu_s: float


class _Tool(Protocol):
    def open(self) -> None:
        """Begin a cell."""

    def close(self) -> float:
        """End it and return its joules, the CPU's alone."""


class _Ours:
    def __init__(self, spec: Spec) -> None:
        from jupyter_green.meter.clocks import BusyClock
        from jupyter_green.meter.meter import Meter, choose_source
        from jupyter_green.meter.process_tree import ProcessTree

        nowhere = Path(__file__).parent / "no such folder"
        source = choose_source(spec.busy_w, root=nowhere if spec.root is None else Path(spec.root))
        self._meter = Meter(source, ProcessTree(), BusyClock(spec.stat))
        self._of_machine = spec.tool == "ours, machine"
        self._number = 0

    def open(self) -> None:
        self._number += 1
        self._meter.open(self._number)

    def close(self) -> float:
        from jupyter_green.meter.power import ATTRIBUTED, FIXED

        measured = self._meter.close(self._number)
        self._meter.forget(self._number)
        assert measured is not None
        return sum(measured.amounts[FIXED:]) if self._of_machine else measured.amounts[ATTRIBUTED]


class _Codecarbon:
    def __init__(self, spec: Spec) -> None:
        from codecarbon import OfflineEmissionsTracker

        logging.getLogger("codecarbon").setLevel(logging.ERROR)  # it has two lines to say before its settings
        if spec.root is not None:
            peer.look_at(spec.root)
        self._tracker = OfflineEmissionsTracker(**peer.settings(spec.tool, spec.cpu_w))
        self._number = 0

    def open(self) -> None:
        self._number += 1
        self._tracker.start_task(f"cell {self._number}")

    def close(self) -> float:
        return float(self._tracker.stop_task(f"cell {self._number}").cpu_energy) * peer.J_PER_KWH


def _cell(tool: _Tool, load: str, amount_s: float) -> Cell:
    work = LOADS[load]
    time.sleep(random.uniform(0, _PHASE_S))
    tool.open()
    began, used = time.perf_counter(), time.process_time()
    others_s = work(amount_s)
    wall_s, own_s = time.perf_counter() - began, time.process_time() - used
    return Cell(tool.close(), wall_s, others_s + own_s)


def measure(spec: Spec, world: World | None = None, neighbour: bool = False) -> list[Cell]:
    """Have a fresh process measure its own cells.

    Args:
        spec: Who measures what.
        world: A synthetic machine, on which the process and its neighbour draw power.
        neighbour: Let another process, not its child, keep a CPU busy meanwhile.
    """
    command = [sys.executable, "-m", "benchmarks.tools", json.dumps(asdict(spec))]
    with ExitStack() as stack:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        stack.callback(process.wait)
        stack.callback(process.kill)
        assert process.stdin is not None
        assert process.stdout is not None
        if world is not None:
            world.attach(process.pid)
        while (line := process.stdout.readline()) != "ready\n":
            if not line:
                raise RuntimeError(f"{spec} came to nothing")
        if neighbour:
            busy = subprocess.Popen([sys.executable, "-c", _SPIN])
            stack.callback(busy.wait)
            stack.callback(busy.kill)
            if world is not None:
                world.attach(busy.pid)
            time.sleep(_SETTLE_S)
        answer, _ = process.communicate("go\n", timeout=_PATIENCE_S)
        if process.returncode:
            raise RuntimeError(f"{spec} came to nothing")
    return [Cell(*cell) for cell in json.loads(answer.splitlines()[-1])]


def main() -> None:
    """Measure as the first argument says: ``ready``, then after a line of input the cells, as JSON."""
    spec = Spec(**json.loads(sys.argv[1]))
    tool: _Tool = _Ours(spec) if spec.tool.startswith("ours") else _Codecarbon(spec)
    _cell(tool, "sleep", spec.calm_s)  # takes a tool's own cold start
    if spec.warm_up:
        _cell(tool, spec.load, spec.amount_s)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([_cell(tool, spec.load, spec.amount_s) for _ in range(spec.repeats)]))


if __name__ == "__main__":
    main()
