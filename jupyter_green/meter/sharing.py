"""Whose it was, where that cannot be told exactly: then the range holds every answer that is possible.

Cells that run at once in several threads have their threads' clocks; CPU time of processes and threads that belong to
no cell may be anybody's. Blocks of one thread that do not lie inside each other (coroutines, generators) have nothing
that tells them apart.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from jupyter_green.meter.ledger import Amounts, Ledger, Window, by_cpu
from jupyter_green.meter.power import HIGH, LOW, OWN_S, Flag
from jupyter_green.units import NS_PER_S


def among_threads(amounts: Sequence[float], cpu_ns: Mapping[int, int]) -> dict[int, Amounts]:
    """Share an interval among the threads that had a window.

    All is shared by the CPU time of the threads. Low is the thread's own CPU time alone, high takes in all that was
    used beside these threads (by children, say).

    Args:
        amounts: What was used, as `power` orders it.
        cpu_ns: CPU time of each thread in the interval, ns.
    """
    known_s = sum(cpu_ns.values()) / NS_PER_S
    all_s = max(amounts[OWN_S], known_s)
    shared = {}
    for thread, part in by_cpu(amounts, cpu_ns).items():
        own_s = cpu_ns[thread] / NS_PER_S
        least, most = (own_s / all_s, (own_s + all_s - known_s) / all_s) if all_s else (0.0, 1.0)
        vector = list(part)
        vector[LOW], vector[HIGH] = amounts[LOW] * least, amounts[HIGH] * most
        shared[thread] = tuple(vector)
    return shared


def untangle(ledger: Ledger, key: Hashable) -> tuple[Window, Ledger]:
    """Return a window that is about to close, and the ledger, with ranges that allow for blocks opened inside it.

    Where younger windows of its thread stay open, both ran side by side, and what either was given may be the other's.
    """
    closing = ledger.windows[key]
    keys = list(ledger.windows)
    younger = [k for k in keys[keys.index(key) + 1 :] if ledger.windows[k].thread == closing.thread]
    if not younger:
        return closing, ledger
    theirs = sum(ledger.windows[k].amounts[HIGH] for k in younger)
    windows = {**ledger.windows, **{k: _maybe(ledger.windows[k], closing.amounts[HIGH]) for k in younger}}
    return _maybe(closing, theirs), ledger._replace(windows=windows)


def _maybe(window: Window, more_j: float) -> Window:
    amounts = list(window.amounts)
    amounts[LOW], amounts[HIGH] = 0.0, amounts[HIGH] + more_j
    return window._replace(amounts=tuple(amounts), flags=window.flags | Flag.OVERLAPPED)
