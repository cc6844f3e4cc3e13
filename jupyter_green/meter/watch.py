"""Watching a process tree from outside: its power over the last minutes, while somebody looks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from jupyter_green.meter.meter import Meter
from jupyter_green.meter.power import ATTRIBUTED, HIGH, LOW, Flag
from jupyter_green.records import Quality
from jupyter_green.units import NS_PER_S

_KEPT_S = 180.0
_SHORTEST_S = 0.05  # between two samples: a power over less is mostly the clock's steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A process tree at one moment of the monotonic clock: its attributed energy since it is watched, and its power.

    Energy in J, power since the sample before in W, each with its range; the first sample has no power.
    """

    at_s: float
    energy_j: float
    low_j: float
    high_j: float
    power_w: float | None
    low_w: float | None
    high_w: float | None


class Watch:
    """Samples one process tree; `sample` is called by whoever has a clock.

    Args:
        meter: Of that tree. It is closed with the watch.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._key = object()
        self._lock = threading.Lock()
        self._samples: tuple[Sample, ...] = ()  # another one after each sample: pages read it without the lock
        self.has_ended = False
        self.quality: Quality | None = None
        meter.open(self._key)

    @property
    def method(self) -> str:
        """How the energy comes about, in a sentence."""
        return self._meter.source.method

    def sample(self) -> None:
        """Take a sample; none if the process has ended."""
        with self._lock:
            self._take()

    def _take(self) -> None:
        if self.has_ended or (self._samples and time.monotonic() - self._samples[-1].at_s < _SHORTEST_S):
            return
        seen = self._meter.peek(self._key)
        if seen is None or seen.flags & Flag.CPU_UNKNOWN:
            self.has_ended = True
            return
        energy_j, low_j, high_j = seen.amounts[ATTRIBUTED], seen.amounts[LOW], seen.amounts[HIGH]
        self.quality = "modelled" if seen.flags & Flag.MODELLED else "apportioned"
        at_s = seen.closed_ns / NS_PER_S
        power_w: tuple[float | None, ...] = (None, None, None)
        if self._samples:
            last = self._samples[-1]
            took_s = at_s - last.at_s
            power_w = (
                (energy_j - last.energy_j) / took_s,
                (low_j - last.low_j) / took_s,
                (high_j - last.high_j) / took_s,
            )
        new = Sample(
            at_s=at_s,
            energy_j=energy_j,
            low_j=low_j,
            high_j=high_j,
            power_w=power_w[0],
            low_w=power_w[1],
            high_w=power_w[2],
        )
        self._samples = (*self.since(at_s - _KEPT_S), new)

    def since(self, at_s: float) -> tuple[Sample, ...]:
        """Return the samples after a moment, the oldest first."""
        return tuple(one for one in self._samples if one.at_s > at_s)

    def close(self) -> None:
        """Give all descriptors back."""
        with self._lock:
            self.has_ended = True
            self._meter.close_down()
