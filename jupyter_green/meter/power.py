"""From two snapshots to joules: what the machine used in between, and which part of it was this work's.

Two sources, one shape. `Counted` reads RAPL and shares it out; `Modelled` needs nothing but CPU seconds. A counter
that stops answering turns its interval into a modelled one, flagged, never into a zero.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jupyter_green.meter.cpu_power import MODEL_FACTOR, CpuPower
from jupyter_green.meter.rapl import TICK_S, Counters, counter_delta_uj, is_certain, longest_wait_s
from jupyter_green.units import NS_PER_S, UJ_PER_J


class Flag:
    """What is to be said of an interval, and so of every record that holds a part of it (bits; an enum costs 20 µs)."""

    SHARED = 1  # several cells ran at once
    MODELLED = 2  # no counter was used
    SENSOR_LOST = 4  # a counter did not answer
    DELTA_DROPPED = 8  # a counter was reset, or turned more than once unseen
    IDLE_UNSEEN = 16  # the machine's idle power was not seen yet
    CPU_UNKNOWN = 32  # the kernel did not tell the CPU time
    OVERLAPPED = 64  # another block of the same thread began inside it and did not end inside it, or the reverse
    SLEPT = 128  # the computer was suspended
    OTHERS_UNKNOWN = 256  # a counter was shared out without knowing how busy others kept the machine


class Snapshot(NamedTuple):
    """The running totals at one moment."""

    at_ns: int
    own_ns: int | None  # CPU time of this work's process tree
    busy_ns: int | None  # CPU time of everything on the machine; None if it was not read
    raw_uj: tuple[int | None, ...]
    asleep_ns: int | None = None  # time that the machine slept, in which ``at_ns`` stands still; None if not told


class Calm(NamedTuple):
    """What is known of the machine's idle power and of the load of others.

    ``anchor`` is a snapshot old enough that the 10 ms ticks of ``/proc/stat`` do not matter between it and now.
    """

    anchor: Snapshot
    others: float | None  # CPUs kept busy by others, as a mean
    idle_w: float | None  # the lowest power seen over a calm second
    lowest_w: float | None  # the lowest power seen over a second, calm or not


class Used(NamedTuple):
    """What an interval used."""

    amounts: tuple[float, ...]
    flags: int
    calm: Calm


# The vector of the ledger: these, then the joules of each domain.
ATTRIBUTED, LOW, HIGH, OWN_S, OTHERS_S = range(5)
FIXED = 5
UNKNOWN = math.nan  # what nobody counted, as the joules of a domain; what it is added to is unknown too

_ANCHOR_NS = NS_PER_S // 5  # 20 ticks of /proc/stat
_TELLING_NS = 3 * NS_PER_S // 100  # 3 of them
_TICK_OF_STAT_S = 0.01
_CALM_S = 1.0
# A second is calm if nothing of it was this work's (on a server one busy CPU is a small load, and still the very thing
# to be measured), and others kept no more than this part of the machine busy, nor more than this many CPUs.
_CALM_OWN, _CALM_LOAD, _CALM_BUSY = 0.05, 0.05, 0.5
_SLEPT_NS = 5_000_000  # two clocks cannot be read at once; what is used in a shorter sleep is little
_STUCK_S = 0.5  # 500 of a counter's steps: a package that used nothing in that time is a counter that does not count


# How many CPUs others keep busy: the best guess, and the least and the most that the ticks allow.
_Others = tuple[float, float, float]


def needs_busy(calm: Calm, last_ns: int, at_ns: int) -> bool:
    """Tell whether ``/proc/stat`` is worth reading: it counts in ticks of 10 ms, and so says nothing of less."""
    is_long = at_ns - last_ns >= _TELLING_NS
    return is_long or calm.others is None or at_ns - calm.anchor.at_ns >= _ANCHOR_NS


def _others(calm: Calm, before: Snapshot, after: Snapshot) -> tuple[_Others | None, Calm]:
    """Return how many CPUs others keep busy (None: nobody tells), and what is known from now on.

    Over a short cell ``/proc/stat`` says little. What it said over the last fifth of a second is believed as long as
    the ticks since then allow it: a neighbour that began or ended with the cell is seen, and noise is not.
    """
    known = calm.others
    if known is not None and after.busy_ns is None:
        return (known, known, known), calm
    old_enough = after.at_ns - calm.anchor.at_ns >= _ANCHOR_NS
    is_long = after.at_ns - before.at_ns >= _ANCHOR_NS and before.busy_ns is not None
    anchor = before if is_long else calm.anchor
    busy, own = _grown(anchor.busy_ns, after.busy_ns), _grown(anchor.own_ns, after.own_ns)
    if after.at_ns <= anchor.at_ns:
        assumed = known or 0.0
        return (assumed, assumed, assumed), calm
    if busy is None or own is None:
        return None if known is None else (known, known, known), calm
    duration_s = (after.at_ns - anchor.at_ns) / NS_PER_S
    least = max(0.0, busy - own - 2 * _TICK_OF_STAT_S) / duration_s
    most = max(0.0, busy - own + 2 * _TICK_OF_STAT_S) / duration_s
    if not old_enough and known is not None:
        return (min(max(known, least), most), least, most), calm
    cpus = max(0.0, busy - own - _TICK_OF_STAT_S) / duration_s
    return (cpus, least, most), Calm(after, cpus, calm.idle_w, calm.lowest_w) if old_enough else calm


def _grown(before_ns: int | None, after_ns: int | None) -> float | None:
    """Return by how many seconds a clock went on, or None."""
    if before_ns is None or after_ns is None:
        return None
    return max(0, after_ns - before_ns) / NS_PER_S


def _slept(before: Snapshot, after: Snapshot) -> bool:
    """Tell whether the machine slept in between: then its counters went on, or began anew, while all clocks stood."""
    if before.asleep_ns is None or after.asleep_ns is None:
        return False
    return after.asleep_ns - before.asleep_ns > _SLEPT_NS


class Modelled:
    """Linear in CPU seconds: every busy logical CPU draws ``busy_w``, every idle one ``idle_w``.

    A cell's share of the idle power follows its share of the machine's CPU time, so its figure is
    ``busy_w`` x its CPU seconds, whatever else runs. Machine: ``cpus * idle_w * t + (busy_w - idle_w) * busy``.
    """

    domains: tuple[str, ...] = ("cpu",)
    covers: tuple[str, ...] = ("cpu",)
    longest_wait_s: float | None = None

    def __init__(self, power: CpuPower, cpus: int) -> None:
        self.power, self.cpus = power, cpus

    @property
    def method(self) -> str:
        """How the figure comes about, in a sentence."""
        return (
            f"attributed = {self.power.busy_w:.3g} W x CPU seconds of the process tree ({self.power.origin}); "
            f"range x/÷ {MODEL_FACTOR:g}"
        )

    def read_uj(self) -> tuple[int | None, ...]:
        """Nothing to read."""
        return ()

    def used(self, before: Snapshot, after: Snapshot, calm: Calm) -> Used:
        """Return what the interval used by the model."""
        others, calm = _others(calm, before, after)
        return self.share(before, after, others, calm, Flag.MODELLED, domains=1)

    def share(
        self, before: Snapshot, after: Snapshot, others: _Others | None, calm: Calm, flags: int, domains: int
    ) -> Used:
        """Return the modelled vector with this many domains, the first of them the whole CPU."""
        duration_s = (after.at_ns - before.at_ns) / NS_PER_S
        own_s = _grown(before.own_ns, after.own_ns)
        if own_s is None:
            own_s, others, flags = 0.0, None, flags | Flag.CPU_UNKNOWN
        busy_s = UNKNOWN if others is None else _busy_s(own_s, others[0] * duration_s, self.cpus * duration_s)
        power = self.power
        machine_j = self.cpus * power.idle_w * duration_s + (power.busy_w - power.idle_w) * busy_s
        value = power.busy_w * own_s
        fixed = (value, value / MODEL_FACTOR, value * MODEL_FACTOR, own_s, busy_s - own_s)
        return Used((*fixed, machine_j, *(UNKNOWN,) * (domains - 1)), flags, calm)

    def close(self) -> None:
        """Nothing to give back."""


class Counted:
    """RAPL, shared out by CPU time.

    With the machine's energy E over t seconds, its idle power p, own CPU seconds o and all busy CPU seconds b:
    ``attributed = (E - p t) o / b + p t o / (cpus t)``: of what load adds, the share of the load; of what idling
    costs, the share of the machine's CPU time. Low: no idle power at all, beside as many others as the ticks of
    ``/proc/stat`` allow. High: the share of the load of all of E, beside as few. While p has not been seen, it may be
    anything up to the lowest power seen, and the range says so. Where nobody tells what others used, the figure is as
    if they had used nothing, and low as if they had used all the rest. Where the counter has not moved yet, high is
    that of the model.
    """

    def __init__(self, counters: Counters, fallback: Modelled) -> None:
        self._counters = counters
        self._fallback = fallback
        self._ranges = tuple(zone.range_uj for zone in counters.zones)
        self.domains = tuple(zone.domain for zone in counters.zones)
        self.covers = tuple(sorted({domain.partition("-")[0] for domain in self.domains}))
        self.read_uj = counters.read_uj

    def used(self, before: Snapshot, after: Snapshot, calm: Calm) -> Used:
        """Return what the interval used by the counters, or by the model where they failed."""
        others, calm = _others(calm, before, after)
        duration_s = (after.at_ns - before.at_ns) / NS_PER_S
        own_s = _grown(before.own_ns, after.own_ns)
        domains_j: list[float] = []
        failed = 0 if own_s is not None else Flag.CPU_UNKNOWN
        if _slept(before, after):
            failed |= Flag.SLEPT
        for old, new, range_uj, domain in zip(before.raw_uj, after.raw_uj, self._ranges, self.domains, strict=True):
            if old is None or new is None:
                failed |= Flag.SENSOR_LOST
                continue
            delta_uj = counter_delta_uj(old, new, range_uj)
            if not delta_uj and duration_s >= _STUCK_S and domain.startswith("package"):
                failed |= Flag.SENSOR_LOST
            if not is_certain(delta_uj, duration_s, range_uj):
                failed |= Flag.DELTA_DROPPED
            domains_j.append(delta_uj / UJ_PER_J)
        if failed or own_s is None:
            flags = Flag.MODELLED | failed
            return self._fallback.share(before, after, others, calm, flags, domains=len(self.domains))
        return self._share(own_s, others, duration_s, domains_j, calm)

    def _share(
        self, own_s: float, others: _Others | None, duration_s: float, domains_j: list[float], calm: Calm
    ) -> Used:
        total_j = sum(domains_j)
        capacity_s = self._fallback.cpus * duration_s
        # The fewer the others, the more of the load is ours.
        guess, least, most = (0.0, 0.0, float(self._fallback.cpus)) if others is None else others
        busy_s = fewest_s = most_s = _busy_s(own_s, guess * duration_s, capacity_s)
        if least < most:
            fewest_s = _busy_s(own_s, least * duration_s, capacity_s)
            most_s = _busy_s(own_s, most * duration_s, capacity_s)
        others_s, flags = (busy_s - own_s, 0) if others is not None else (UNKNOWN, Flag.OTHERS_UNKNOWN)
        if duration_s >= _CALM_S:
            calm_s = min(_CALM_LOAD * capacity_s, _CALM_BUSY * duration_s)
            is_calm = others is not None and busy_s <= calm_s and own_s <= _CALM_OWN * duration_s
            calm = _seen(calm, total_j / duration_s, is_calm)
        if calm.idle_w is None:
            flags |= Flag.IDLE_UNSEEN
        if not own_s:
            return Used((0.0, 0.0, 0.0, 0.0, others_s, *domains_j), flags, calm)
        of_load, of_capacity = own_s / busy_s, min(own_s / busy_s, own_s / capacity_s) if capacity_s else 0.0
        high = total_j * own_s / fewest_s if total_j else self._fallback.power.busy_w * own_s * MODEL_FACTOR
        if calm.idle_w is not None:
            idle_j = min(total_j, calm.idle_w * duration_s)
            value = (total_j - idle_j) * of_load + idle_j * of_capacity
            low = (total_j - idle_j) * own_s / most_s
            return Used((value, low, high, own_s, others_s, *domains_j), flags, calm)
        # The idle power lies between nothing and the lowest power seen: the middle, with both ends as the range.
        lowest_j = total_j if calm.lowest_w is None else min(total_j, calm.lowest_w * duration_s)
        value = ((total_j - lowest_j) * of_load + lowest_j * of_capacity + total_j * of_load) / 2
        low = (total_j - lowest_j) * own_s / most_s + lowest_j * min(of_capacity, own_s / most_s)
        return Used((value, low, high, own_s, others_s, *domains_j), flags, calm)

    @property
    def method(self) -> str:
        """How the figure comes about, in a sentence."""
        return (
            f"RAPL ({', '.join(self.domains)}) shared out: what load adds by CPU time among the busy, idle power by "
            "CPU time of the whole machine; range: without and with a full share of idle power"
        )

    @property
    def longest_wait_s(self) -> float:
        """How long the counters may stay unread, s."""
        return longest_wait_s(self._counters.zones)

    def close(self) -> None:
        """Give the descriptors back."""
        self._counters.close()


def _busy_s(own_s: float, others_s: float, capacity_s: float) -> float:
    """Return all busy CPU seconds: what others used a moment ago they may not use now, but never more than there is."""
    return max(own_s, min(own_s + others_s, capacity_s))


def _seen(calm: Calm, power_w: float, is_calm: bool) -> Calm:
    """Learn the idle power from the mean power of an interval of at least a second."""
    lowest = power_w if calm.lowest_w is None else min(calm.lowest_w, power_w)
    idle = calm.idle_w
    if is_calm or idle is not None:
        idle = power_w if idle is None else min(idle, power_w)
    return calm._replace(lowest_w=lowest, idle_w=idle)


def tick_error_j(machine_j: float, duration_s: float) -> float:
    """Return how far a counter's figure may be off because it counts in steps of 1 ms."""
    return machine_j / duration_s * TICK_S if duration_s > 0 else 0.0
