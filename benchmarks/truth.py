"""Error against truth: cells of known length on a synthetic counter tree driven at a known power."""

from __future__ import annotations

from benchmarks import peer
from benchmarks.synthetic import world
from benchmarks.table import Figure, Peer, median
from benchmarks.tools import Cell, Spec, measure

WATTS = 40.0
DURATIONS = ((0.01, 11.0, 60), (0.05, 3.0, 40), (0.2, 1.0, 20), (1.0, 0.3, 7), (5.0, 0.3, 3))


def _error(cells: list[Cell]) -> float:
    """Return the median error of the package's figure, %; the truth is power x the time between begin and end."""
    return median([100 * abs(cell.joules / (WATTS * cell.wall_s) - 1) for cell in cells])


def run() -> list[Figure]:
    """Measure and return the figures."""
    figures = []
    with world(WATTS) as here:
        for duration_s, limit, repeats in DURATIONS:
            error = {
                tool: _error(
                    measure(Spec(tool=tool, load="sleep", amount_s=duration_s, repeats=repeats, root=str(here.root)))
                )
                for tool in ("ours, machine", "machine")
            }
            note = f"synthetic tree, {WATTS:g} W x the cell's time, steps of 1 ms; median of {repeats}"
            beside = Peer(peer.A_TASK, error["machine"], "its cpu_energy, same tree")
            name = f"error of a cell of {duration_s * 1e3:g} ms"
            figures.append(Figure(name, "%", error["ours, machine"], limit, (beside,), note))
    return figures
