"""Whose energy it was: workers in a cell, and a cell beside a busy neighbour. The truth is CPU time x watts."""

from __future__ import annotations

import os

from benchmarks import peer
from benchmarks.synthetic import World, world
from benchmarks.table import Figure, Peer, median, number
from benchmarks.tools import Cell, Spec, measure
from jupyter_green.meter.cpu_power import CpuPower, cpu_power

REPEATS = 3
SLEEP_S = 2.0
LOOP_S = 1.0
CALM_S = 1.2  # our meter learns a machine's idle power from a calm second
IDLE_W, BUSY_W = 20.0, 15.0  # of the synthetic machine, and of each busy CPU of it

# CPU time of each part, s
_WORK = {
    "own loop": 0.5,
    "threads": 0.5,
    "subprocess": 0.5,
    "fork pool": 0.3,
    "loky": 0.5,
    "DataLoader workers": 0.3,
}

_MODES = ("process", "machine")
_MEANS = {"process": "", "machine": "of the whole machine, it knows no cell's part"}


def _cpus() -> int:
    return os.cpu_count() or 1


def _spec(tool: str, power: CpuPower, load: str, amount_s: float, warm_up: bool = False) -> Spec:
    """Return a measurement without counters, with the same watts for both tools."""
    cpu_w = power.busy_w * _cpus()
    return Spec(
        tool=tool, load=load, amount_s=amount_s, repeats=REPEATS, warm_up=warm_up, busy_w=power.busy_w, cpu_w=cpu_w
    )


def _on(here: World, tool: str, load: str, amount_s: float) -> Spec:
    """Return a measurement on a synthetic machine with counters."""
    root, stat = str(here.root), str(here.stat)
    return Spec(tool=tool, load=load, amount_s=amount_s, repeats=REPEATS, root=root, stat=stat, calm_s=CALM_S)


def _error(cells: list[Cell], watts: float) -> float:
    return median([100 * abs(cell.joules / (watts * cell.cpu_s) - 1) for cell in cells])


def _told(cells: list[Cell], watts: float) -> str:
    """Return what the cell in the middle was given, and the truth."""
    cell = sorted(cells, key=lambda one: one.joules / one.cpu_s)[len(cells) // 2]
    return f"{number(cell.joules)} J for {number(watts * cell.cpu_s)} ({cell.cpu_s:.3f} CPU-s)"


def _beside(mode: str, value: float, *notes: str) -> Peer:
    return Peer(f"{peer.NAME}, {mode} mode", value, "; ".join(note for note in (*notes, _MEANS[mode]) if note))


def _attributed(name: str, cells: dict[str, list[Cell]], watts: float, how: str) -> Figure:
    """Return the error of what the cells were given; 10 ms of CPU time are allowed on top of 5 %."""
    limit = 5 + 100 * 0.01 / median([cell.cpu_s for cell in cells["ours"]])
    beside = tuple(_beside(mode, _error(cells[mode], watts), _told(cells[mode], watts)) for mode in _MODES)
    ours = cells["ours"]
    return Figure(name, "%", _error(ours, watts), limit, beside, f"ours {_told(ours, watts)}; {how}")


def _workers(power: CpuPower) -> list[Figure]:
    """Compare what a cell is given with what its workers themselves report.

    Starting workers is CPU time of the cell too, which they cannot see; for loky and DataLoader, which import a library
    in each worker, a first round starts them.
    """
    how = f"CPU-s x {power.busy_w:g} W; median of {REPEATS}"
    figures = []
    for name, amount_s in _WORK.items():
        cells = {tool: measure(_spec(tool, power, name, amount_s, warm_up=True)) for tool in ("ours", *_MODES)}
        figures.append(_attributed(f"attribution: {name}", cells, power.busy_w, how))
    return figures


def _sleep(name: str, cells: dict[str, list[Cell]], neighbour_j: float, how: str) -> Figure:
    """Return what a sleeping cell is given, J; the truth is next to nothing."""
    value = {tool: median([cell.joules for cell in some]) for tool, some in cells.items()}
    beside = tuple(_beside(mode, value[mode]) for mode in _MODES)
    note = f"{how}; the neighbour's load costs {neighbour_j:.3g} J, target 1 % of that; median of {REPEATS}"
    return Figure(name, "J", value["ours"], neighbour_j / 100, beside, note)


def _neighbours(power: CpuPower) -> list[Figure]:
    tools = ("ours", *_MODES)
    sleep, loop = f"a sleep of {SLEEP_S:g} s beside a busy neighbour", "a loop beside a busy neighbour"
    asleep = {tool: measure(_spec(tool, power, "sleep", SLEEP_S), neighbour=True) for tool in tools}
    at_work = {tool: measure(_spec(tool, power, "own loop", LOOP_S), neighbour=True) for tool in tools}
    dynamic_j = (power.busy_w - power.idle_w) * SLEEP_S
    how = f"{power.busy_w:g} W a busy CPU; cpu_energy: for memory codecarbon adds a constant"
    figures = [
        _sleep(f"{sleep}, no counters", asleep, dynamic_j, how),
        _attributed(f"{loop}, no counters", at_work, power.busy_w, f"CPU-s x {power.busy_w:g} W; median of {REPEATS}"),
    ]
    with world(IDLE_W, BUSY_W) as here:
        asleep = {tool: measure(_on(here, tool, "sleep", SLEEP_S), here, neighbour=True) for tool in tools}
        at_work = {tool: measure(_on(here, tool, "own loop", LOOP_S), here, neighbour=True) for tool in tools}
    how = f"synthetic machine, {IDLE_W:g} W idle and {BUSY_W:g} W a busy CPU"
    share = f"truth: CPU-s x ({BUSY_W:g} W and its CPU's {IDLE_W / _cpus():g} W of idle power)"
    return [
        *figures,
        _sleep(f"{sleep}, RAPL", asleep, BUSY_W * SLEEP_S, how),
        _attributed(f"{loop}, RAPL", at_work, BUSY_W + IDLE_W / _cpus(), f"{how}; {share}; median of {REPEATS}"),
    ]


def run() -> list[Figure]:
    """Measure and return the figures."""
    power = cpu_power(None, None)
    return [*_workers(power), *_neighbours(power)]
