"""The interval ledger: every event closes an interval and gives it to whoever was open.

An amount is a vector (joules of each domain, attributed joules, CPU seconds ...); the ledger knows no sensor.
An interval belongs to the innermost open window of each thread; threads share it by the CPU time they used in it,
equally if none used any; with no window open it is "between cells". So cells + between = all, to the last bit.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

Amounts = tuple[float | None, ...]


def add(left: Amounts, right: Sequence[float | None], weight: float = 1.0) -> Amounts:
    """Add a part of ``right``; what is unknown stays unknown."""
    return tuple(
        None if a is None or b is None else a + b * weight for a, b in zip(left, right, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Window:
    """An open cell: the thread it runs in and what it was given so far."""

    thread: int
    amounts: Amounts
    shared: bool = False


class Ledger:
    """Windows and the account "between cells".

    Every step makes new values and puts them in place with one assignment, so that an interrupt
    between two bytecodes leaves the ledger as it was before or after the step, never in the middle.
    """

    def __init__(self, size: int) -> None:
        self._zero: Amounts = (0.0,) * size
        self._state: tuple[dict[Hashable, Window], Amounts] = ({}, self._zero)

    @property
    def between(self) -> Amounts:
        """What was used while no window was open."""
        return self._state[1]

    @property
    def open_keys(self) -> list[Hashable]:
        """The keys of the open windows, the oldest first."""
        return list(self._state[0])

    def innermost(self) -> dict[int, Hashable]:
        """Return the innermost open window of each thread."""
        return {window.thread: key for key, window in self._state[0].items()}

    def settle(self, amounts: Sequence[float | None], thread_cpu: Mapping[int, int]) -> None:
        """Give an interval to the innermost windows.

        Args:
            amounts: What was used in the interval.
            thread_cpu: CPU time of each thread in the interval, ns; needed when several have a window.
        """
        windows, between = self._state
        inner = self.innermost()
        if not inner:
            self._state = (windows, add(between, amounts))
            return
        weights = _weights({thread: thread_cpu.get(thread, 0) for thread in inner})
        new = dict(windows)
        for thread, key in inner.items():
            window = windows[key]
            new[key] = replace(
                window,
                amounts=add(window.amounts, amounts, weights[thread]),
                shared=window.shared or len(inner) > 1,
            )
        self._state = (new, between)

    def open(self, key: Hashable, thread: int) -> None:
        """Open a window inside those that the thread already has."""
        windows, between = self._state
        self._state = ({**windows, key: Window(thread, self._zero)}, between)

    def close(self, key: Hashable) -> Window | None:
        """Take a window out, in any order; None if it is not open."""
        windows, between = self._state
        window = windows.get(key)
        if window is not None:
            self._state = ({k: w for k, w in windows.items() if k != key}, between)
        return window


def _weights(cpu: Mapping[int, int]) -> dict[int, float]:
    total = sum(cpu.values())
    if total <= 0:
        return dict.fromkeys(cpu, 1 / len(cpu))
    return {thread: used / total for thread, used in cpu.items()}
