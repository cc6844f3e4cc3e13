"""The interval ledger: every event closes an interval and gives it to whoever was open.

An amount is a vector (joules of each domain, attributed joules, CPU seconds ...); the ledger knows no sensor.
An interval belongs to the innermost open window of each thread; threads share it by the CPU time they used in it,
equally if none used any; with no window open it is "between cells". A window that closes hands what it was given
to the window around it, if there is one. So outermost windows + between = all.

Every function here returns a new `Ledger` and changes none: whoever keeps one puts the new one in place with a
single assignment, so that an interrupt between two bytecodes finds the state before or after a step, never between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import add as _add
from typing import NamedTuple

Amounts = tuple[float, ...]


class Window(NamedTuple):
    """An open cell: its thread, when it was opened (ns), and what it was given so far."""

    thread: int
    opened_ns: int
    amounts: Amounts
    flags: int


class Ledger(NamedTuple):
    """Open windows, the oldest first, and the account "between cells"."""

    windows: Mapping[Hashable, Window]
    between: Amounts
    between_flags: int

    @property
    def threads(self) -> frozenset[int]:
        """The threads that have a window."""
        return frozenset(window.thread for window in self.windows.values())


def empty(size: int) -> Ledger:
    """Return a ledger without windows for vectors of ``size`` amounts."""
    return Ledger({}, (0.0,) * size, 0)


def add(left: Amounts, right: Sequence[float]) -> Amounts:
    """Return ``left + right``."""
    return tuple(map(_add, left, right))


def by_cpu(amounts: Sequence[float], thread_cpu: Mapping[int, int]) -> dict[int, Amounts]:
    """Share an interval among threads by their CPU time in it, equally if none used any."""
    total = sum(thread_cpu.values())
    even = 1 / len(thread_cpu)
    weights = {thread: cpu / total if total > 0 else even for thread, cpu in thread_cpu.items()}
    return {thread: tuple([amount * weight for amount in amounts]) for thread, weight in weights.items()}


def settle(
    ledger: Ledger,
    amounts: Sequence[float],
    flags: int,
    thread_cpu: Mapping[int, int],
    shared_flag: int,
    share: Callable[[Sequence[float], Mapping[int, int]], Mapping[int, Sequence[float]]] = by_cpu,
) -> Ledger:
    """Give an interval to the innermost windows.

    Args:
        ledger: The state before the interval.
        amounts: What was used in the interval.
        flags: What is to be said of the interval; collected bit by bit.
        thread_cpu: CPU time of each thread in the interval, ns; needed when several have a window.
        shared_flag: The flag for windows that had to share.
        share: How they share.
    """
    windows, between, between_flags = ledger
    if not windows:
        return Ledger(windows, add(between, amounts), between_flags | flags)
    inner = {window.thread: key for key, window in windows.items()}
    parts: Mapping[int, Sequence[float]] = dict.fromkeys(inner, amounts)
    if len(inner) > 1:
        flags |= shared_flag
        parts = share(amounts, {thread: thread_cpu.get(thread, 0) for thread in inner})
    given = dict(windows)
    for thread, key in inner.items():
        _, opened_ns, old, old_flags = windows[key]
        given[key] = Window(thread, opened_ns, add(old, parts[thread]), old_flags | flags)
    return Ledger(given, between, between_flags)


def open_window(ledger: Ledger, key: Hashable, thread: int, at_ns: int) -> Ledger:
    """Open a window inside those that the thread already has."""
    windows, between, flags = ledger
    return Ledger({**windows, key: Window(thread, at_ns, (0.0,) * len(between), 0)}, between, flags)


def around(ledger: Ledger, key: Hashable) -> Hashable | None:
    """Return the window around another: the next older one of its thread, or None."""
    found = None
    thread = ledger.windows[key].thread
    for other, window in ledger.windows.items():
        if other is key or other == key:
            return found
        if window.thread == thread:
            found = other
    return found


def close_window(ledger: Ledger, key: Hashable) -> Ledger:
    """Take a window out, in any order; what it was given goes to the window around it as well."""
    windows = dict(ledger.windows)
    closed = windows.pop(key)
    outer_key = around(ledger, key) if windows else None
    if outer_key is not None:
        outer = windows[outer_key]
        windows[outer_key] = outer._replace(
            amounts=add(outer.amounts, closed.amounts), flags=outer.flags | closed.flags
        )
    return Ledger(windows, ledger.between, ledger.between_flags)


def take_between(ledger: Ledger) -> Ledger:
    """Empty the account "between cells"."""
    return Ledger(ledger.windows, (0.0,) * len(ledger.between), 0)
