"""A scripted computer whose truth is known: 20 W idle and 15 W for each busy CPU. Figures from it are synthetic.

It counts as Linux does: CPU time of processes in ns, that of the machine in ticks of 10 ms, energy in µJ that turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_green.meter.cpu_power import CpuPower
from jupyter_green.meter.power import Calm, Counted, Modelled, Snapshot, Used
from jupyter_green.meter.rapl import Counters, Zone

IDLE_W, BUSY_W = 20.0, 15.0
RANGE_UJ = 262_143_328_850
TICK_NS = 10_000_000


def counted(cpus: int = 2, domains: tuple[str, ...] = ("package-0",), range_uj: int = RANGE_UJ) -> Counted:
    """Return a source on counters that are read from snapshots alone."""
    zones = tuple(Zone(domain, "/there/is/no/such/file", range_uj) for domain in domains)
    return Counted(Counters(zones), modelled(cpus))


def modelled(cpus: int = 2) -> Modelled:
    """Return the model with 4 W a busy and 1 W an idle CPU."""
    return Modelled(CpuPower(4.0, 1.0, "scripted"), cpus)


def unknown_before(first: Snapshot) -> Calm:
    """Return what is known at the start: nothing."""
    return Calm(first, None, None, None)


@dataclass
class World:
    """What ran so far, exactly."""

    own_ns: int = 0
    busy_ns: int = 7_000_000_000 + 3_000_001  # a tick begins somewhere
    at_ns: int = 1_000_000_000
    true_uj: float = 0.0
    offset_uj: int = 0
    asleep_ns: int = 0

    def run(self, seconds: float, own: float = 0.0, others: float = 0.0) -> Snapshot:
        """Let time pass with this many CPUs busy, and look."""
        self.at_ns += round(seconds * 1e9)
        self.own_ns += round(own * seconds * 1e9)
        self.busy_ns += round((own + others) * seconds * 1e9)
        self.true_uj += (IDLE_W + BUSY_W * (own + others)) * seconds * 1e6
        return self.look()

    def sleep(self, seconds: float, power_w: float = 0.5) -> None:
        """Suspend the computer: the monotonic clock and all CPU clocks stand still, the counter goes on."""
        self.asleep_ns += round(seconds * 1e9)
        self.true_uj += power_w * seconds * 1e6

    def look(self) -> Snapshot:
        """Return what a kernel would tell now."""
        shown = (self.offset_uj + round(self.true_uj)) % (RANGE_UJ + 1)
        return Snapshot(self.at_ns, self.own_ns, self.busy_ns // TICK_NS * TICK_NS, (shown,), self.asleep_ns)


def calm_world(source: Counted) -> tuple[World, Snapshot, Calm]:
    """Return a world of which a calm second was seen."""
    world = World()
    first = world.look()
    second = world.run(1.0)
    used: Used = source.used(first, second, unknown_before(first))
    return world, second, used.calm
