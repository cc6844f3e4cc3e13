"""Attribution against a scripted computer with exact truth (synthetic: 20 W idle, 15 W for each busy CPU)."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.meter.power import (
    ATTRIBUTED,
    FIXED,
    HIGH,
    LOW,
    OTHERS_S,
    OWN_S,
    Flag,
    Snapshot,
    tick_error_j,
)
from jupyter_green.meter.rapl import MAX_W
from tests.meter.world import BUSY_W, IDLE_W, RANGE_UJ, World, calm_world, counted, modelled, unknown_before


@pytest.mark.parametrize("others", [0.0, 1.0])
@pytest.mark.parametrize("seconds", [1.0, 5.0, 60.0])
def test_own_load_gets_what_it_adds(seconds: float, others: float) -> None:
    """One own busy CPU is given its 15 W and its share of idling, whether a neighbour is busy or not."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    used = source.used(before, world.run(seconds, own=1.0, others=others), calm)
    value, low, high = used.amounts[:OWN_S]
    truth = (BUSY_W + IDLE_W / 2) * seconds
    # What others used is known to a tick of 10 ms.
    assert value == pytest.approx(truth, rel=0.01 / seconds if others else 1e-6)
    assert low <= BUSY_W * seconds <= truth <= high
    assert low == pytest.approx(BUSY_W * seconds, rel=0.03 / seconds)
    assert used.flags == 0
    assert used.amounts[FIXED] == pytest.approx((IDLE_W + BUSY_W * (1 + others)) * seconds, rel=1e-6)


def test_a_sleep_beside_a_busy_neighbour_costs_next_to_nothing() -> None:
    """A cell that sleeps is given at most 1 % of the package's dynamic energy while a neighbour is busy."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    used = source.used(before, world.run(2.0, own=0.002, others=1.0), calm)
    assert used.amounts[LOW] <= 0.01 * BUSY_W * 2
    assert used.amounts[ATTRIBUTED] <= 0.01 * BUSY_W * 2


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.19])
@pytest.mark.parametrize(("before_it", "in_it"), [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)])
@pytest.mark.parametrize("phase", [0.0, 0.003, 0.006, 0.009])
def test_a_neighbour_that_comes_or_goes_with_a_short_cell_is_seen(
    seconds: float, before_it: float, in_it: float, phase: float
) -> None:
    """In a short cell the load of others before it is believed as far as the ticks allow, so the range is true."""
    source = counted(cpus=4)
    world, before, calm = calm_world(source)
    after = world.run(1.0 + phase, others=before_it)
    calm = source.used(before, after, calm).calm
    used = source.used(after, world.run(seconds, own=1.0, others=in_it), calm)
    value, low, high = used.amounts[:OWN_S]
    truth = (BUSY_W + IDLE_W / 4) * seconds
    assert low <= truth <= high
    if before_it == in_it:
        assert value == pytest.approx(truth, rel=0.01)
    else:
        assert value == pytest.approx(truth, rel=0.03 / seconds)


@pytest.mark.parametrize("tick_ns", [-15_000_000, -9_000_000, 0, 9_000_000, 15_000_000])
def test_the_ticks_are_not_taken_for_a_neighbour(tick_ns: int) -> None:
    """On a quiet machine the steps of /proc/stat do not change the figure of a short cell."""
    source = counted(cpus=4)
    world, before, calm = calm_world(source)
    after = world.run(0.1, own=1.0)
    used = source.used(before, after._replace(busy_ns=(after.busy_ns or 0) + tick_ns), calm)
    assert used.amounts[OTHERS_S] == 0
    assert used.amounts[ATTRIBUTED] == pytest.approx((BUSY_W + IDLE_W / 4) * 0.1)


def test_one_busy_cpu_of_a_large_server_is_not_calm() -> None:
    """Own work is never taken for the idle power, however small a part of a large machine it is."""
    source = counted(cpus=128)
    world = World()
    first = world.look()
    used = source.used(first, world.run(10.0, own=1.0), unknown_before(first))
    truth = (BUSY_W + IDLE_W / 128) * 10
    assert used.calm.idle_w is None
    assert used.flags == Flag.IDLE_UNSEEN
    assert used.amounts[LOW] <= truth <= used.amounts[HIGH]


def test_neighbours_of_a_large_server_are_not_calm() -> None:
    """Several busy CPUs of others are not taken for the idle power, though they are few among 128."""
    source = counted(cpus=128)
    world = World()
    first = world.look()
    assert source.used(first, world.run(10.0, others=5.0), unknown_before(first)).calm.idle_w is None


def test_before_a_calm_second_the_range_holds_the_truth() -> None:
    """While the idle power was not seen, the truth lies in the range, and the figure says so."""
    source = counted(cpus=4)
    world = World()
    first = world.look()
    used = source.used(first, world.run(3.0, own=1.0, others=2.0), unknown_before(first))
    truth = (BUSY_W + IDLE_W / 4) * 3
    assert used.flags & Flag.IDLE_UNSEEN
    assert used.amounts[LOW] <= truth <= used.amounts[HIGH]
    assert used.amounts[LOW] <= used.amounts[ATTRIBUTED] <= used.amounts[HIGH]


def test_an_idle_power_once_seen_can_only_fall() -> None:
    """A second that draws less than the idle power seen so far lowers it; one that draws more does not raise it."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    after = world.run(2.0, own=1.0)
    calm = source.used(before, after, calm).calm
    assert calm.idle_w == pytest.approx(IDLE_W)
    world.true_uj -= 10e6
    assert source.used(after, world.run(2.0), calm).calm.idle_w == pytest.approx(IDLE_W - 5)


@given(st.data())
def test_a_figure_lies_in_its_range_and_in_the_package(data: st.DataObject) -> None:
    """Whatever happens to the clocks and counters: 0 <= low <= value <= high, value <= machine, all finite."""
    cpus = data.draw(st.sampled_from([1, 2, 16, 128]))
    source = counted(cpus=cpus)
    world = World()
    before = world.look()
    calm = unknown_before(before)
    for _ in range(data.draw(st.integers(1, 6))):
        seconds = data.draw(st.sampled_from([0.0, 1e-6, 0.0004, 0.01, 0.1, 0.3, 1.0, 7.0]))
        own = data.draw(st.floats(0, cpus))
        after = world.run(seconds, own=own, others=data.draw(st.floats(0, cpus - own)))
        tick_ns = data.draw(st.integers(-30_000_000, 30_000_000))  # the machine's clock is late or early
        not_read = data.draw(st.booleans())
        is_told = calm.others is not None or not not_read  # what was read before is believed
        after = after._replace(busy_ns=None if not_read else (after.busy_ns or 0) + tick_ns)
        if data.draw(st.booleans()):
            after = after._replace(raw_uj=before.raw_uj)  # the counter has not moved
        used = source.used(before, after, calm)
        value, low, high = used.amounts[:OWN_S]
        known = [amount for amount in used.amounts if not math.isnan(amount)]
        assert all(math.isfinite(amount) and amount >= 0 for amount in known)
        assert len(known) == len(used.amounts) or not is_told
        assert low <= value * (1 + 1e-12) + 1e-12
        assert value <= high * (1 + 1e-12) + 1e-12
        if not used.flags & Flag.MODELLED:
            assert value <= sum(used.amounts[FIXED:]) * (1 + 1e-12) + 1e-12
        before, calm = after, used.calm


@given(st.data())
def test_the_shares_of_two_meters_are_at_most_the_package(data: st.DataObject) -> None:
    """What two meters attribute to their own trees adds up to no more than the package used, but for a tick."""
    cpus = data.draw(st.sampled_from([2, 8, 64]))
    sources = counted(cpus=cpus), counted(cpus=cpus)
    worlds = World(), World()  # the same machine, seen by either
    befores = [world.look() for world in worlds]
    calms = [unknown_before(before) for before in befores]
    if data.draw(st.booleans()):
        afters = [world.run(1.0) for world in worlds]
        calms = [s.used(b, a, c).calm for s, b, a, c in zip(sources, befores, afters, calms, strict=True)]
        befores = afters
    seconds = data.draw(st.floats(0.5, 20))
    first = data.draw(st.floats(0.05, cpus / 2))
    second = data.draw(st.floats(0.05, cpus / 2))
    third = data.draw(st.floats(0, cpus - first - second))
    afters = [
        worlds[0].run(seconds, own=first, others=second + third),
        worlds[1].run(seconds, own=second, others=first + third),
    ]
    used = [s.used(b, a, c) for s, b, a, c in zip(sources, befores, afters, calms, strict=True)]
    package = used[0].amounts[FIXED]
    tick = 0.021 / (seconds * min(first, second))  # of which 10 ms are given to oneself on purpose
    assert sum(one.amounts[ATTRIBUTED] for one in used) <= package * (1 + tick)


def test_own_work_never_shares_with_more_than_the_machine_has() -> None:
    """When all CPUs are this work's, neighbours of a moment ago are not believed to go on."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    after = world.run(0.3, others=2.0)
    calm = source.used(before, after, calm).calm
    assert calm.others == pytest.approx(2.0, abs=0.1)
    used = source.used(after, world.run(0.1, own=2.0), calm)
    assert used.amounts[LOW] == pytest.approx(2 * BUSY_W * 0.1)
    assert used.amounts[OTHERS_S] == 0


@pytest.mark.parametrize("lost", ["before", "after", "both"])
def test_a_lost_counter_is_modelled_and_flagged(lost: str) -> None:
    """An interval at whose begin or end a counter did not answer has the model's figure, not zero, and says so."""
    source = counted(cpus=2, domains=("package-0", "dram-0"))
    world = World()
    before = world.look()
    after = world.run(2.0, own=1.0)
    before = before._replace(raw_uj=(5, None) if lost != "after" else (5, 5))
    after = after._replace(raw_uj=(9_000_000, None) if lost != "before" else (9_000_000, 9_000_000))
    used = source.used(before, after, unknown_before(before))
    assert used.flags == Flag.MODELLED | Flag.SENSOR_LOST
    assert used.amounts[ATTRIBUTED] == pytest.approx(4.0 * 2)
    assert used.amounts[LOW] == pytest.approx(4.0)
    assert used.amounts[HIGH] == pytest.approx(16.0)
    assert used.amounts[FIXED] == pytest.approx(2 * 1.0 * 2 + 3.0 * 2, rel=0.01)  # the model's whole CPU
    assert math.isnan(used.amounts[FIXED + 1])  # what the memory used is not known


def test_a_counter_that_does_not_count_is_lost() -> None:
    """A package that seems to use nothing for a second has a dead counter; the interval is modelled, not zero."""
    source = counted(cpus=2)
    world = World()
    before = world.look()
    after = world.run(1.0, own=1.0)._replace(raw_uj=before.raw_uj)
    used = source.used(before, after, unknown_before(before))
    assert used.flags == Flag.MODELLED | Flag.SENSOR_LOST
    assert used.amounts[ATTRIBUTED] == pytest.approx(4.0)
    assert used.calm.lowest_w is None


def test_shorter_than_a_step_of_the_counter_is_not_certainly_nothing() -> None:
    """Where the counter has not moved yet, the figure may be 0 but its range is not."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    after = world.run(0.0004, own=1.0)._replace(raw_uj=before.raw_uj)
    used = source.used(before, after, calm)
    assert used.amounts[ATTRIBUTED] == 0
    assert used.amounts[HIGH] > 0
    assert used.flags == 0


@pytest.mark.parametrize("step_uj", [-1, -5_000_000, -200_000_000_000])
def test_a_counter_that_goes_back_is_dropped(step_uj: int) -> None:
    """A counter that was reset seems to have made nearly a whole turn: that is not energy, and it is flagged."""
    source = counted(cpus=2)
    world = World(offset_uj=250_000_000_000)
    before = world.look()
    after = world.run(1.0, own=1.0)
    after = after._replace(raw_uj=((before.raw_uj[0] or 0) + step_uj,))
    used = source.used(before, after, unknown_before(before))
    assert used.flags == Flag.MODELLED | Flag.DELTA_DROPPED
    assert used.amounts[FIXED] < 20
    assert used.amounts[ATTRIBUTED] == pytest.approx(4.0)


def test_too_long_unread_is_not_believed() -> None:
    """After so long that a turn may have been lost the counter's difference is dropped and flagged."""
    source = counted(cpus=2)
    world = World()
    before = world.look()
    used = source.used(before, world.run(RANGE_UJ / 1e6 / MAX_W + 1, own=1.0), unknown_before(before))
    assert used.flags == Flag.MODELLED | Flag.DELTA_DROPPED


@pytest.mark.parametrize("reset", [False, True])
def test_what_was_used_asleep_is_nobodys(reset: bool) -> None:
    """Eight hours of sleep inside a cell are in no figure: the interval is modelled, says so, and teaches nothing."""
    source = counted(cpus=2)
    world = World(offset_uj=RANGE_UJ - 12_000_000_000)
    before = world.look()
    world.run(15.0, own=0.04)
    world.sleep(8 * 3600)
    after = world.run(15.0, own=0.04)
    if reset:  # a step that a package could have made in the time awake
        after = after._replace(raw_uj=(50_000_000,))
    used = source.used(before, after, unknown_before(before))
    assert used.flags == Flag.MODELLED | Flag.SLEPT
    assert used.amounts[: OWN_S + 1] == pytest.approx((4.8, 2.4, 9.6, 1.2))
    assert used.amounts[FIXED] == pytest.approx(2 * 1.0 * 30 + 3.0 * 1.2, rel=0.01)
    assert (used.calm.idle_w, used.calm.lowest_w) == (None, None)


def test_clocks_that_differ_by_a_hair_are_no_sleep() -> None:
    """Two clocks cannot be read at once: a difference of a few ms is not taken for sleep."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    world.sleep(0.004, power_w=0.0)
    assert source.used(before, world.run(1.0, own=1.0), calm).flags == 0


def test_where_sleep_is_not_told_the_counter_is_believed() -> None:
    """A system without a clock that goes on asleep is measured as before."""
    source = counted(cpus=2)
    world, before, calm = calm_world(source)
    world.sleep(8 * 3600)
    after = world.run(1.0, own=1.0)
    for one, other in ((None, after.asleep_ns), (before.asleep_ns, None)):
        used = source.used(before._replace(asleep_ns=one), after._replace(asleep_ns=other), calm)
        assert not used.flags & Flag.SLEPT


def test_sleep_does_not_change_the_model() -> None:
    """Without counters a cell's figure is its CPU time's, and no idle power is reckoned for the time asleep."""
    source = modelled(cpus=2)
    worlds = World(), World()
    firsts = [world.look() for world in worlds]
    worlds[0].sleep(8 * 3600)
    used = [
        source.used(first, world.run(5.0, own=0.5, others=1.0), unknown_before(first))
        for first, world in zip(firsts, worlds, strict=True)
    ]
    assert used[0].amounts == used[1].amounts
    assert used[0].flags == used[1].flags == Flag.MODELLED


@given(offset_uj=st.integers(0, RANGE_UJ), seconds=st.floats(0.2, 60), own=st.floats(0, 2))
def test_a_turn_is_not_seen_in_the_energy(offset_uj: int, seconds: float, own: float) -> None:
    """Wherever the counter stands, an interval has the machine's energy to the µJ."""
    source = counted(cpus=2)
    world = World(offset_uj=offset_uj)
    before = world.look()
    used = source.used(before, world.run(seconds, own=own), unknown_before(before))
    assert used.amounts[FIXED] == pytest.approx((IDLE_W + BUSY_W * own) * seconds, abs=2e-6)


def test_an_unknown_cpu_time_is_flagged() -> None:
    """Where the kernel does not tell the tree's CPU time, nothing is attributed, and the interval says why."""
    source = counted(cpus=2)
    before = Snapshot(0, None, 0, (0,))
    used = source.used(before, Snapshot(10**9, None, 0, (30_000_000,)), unknown_before(before))
    assert used.flags & Flag.CPU_UNKNOWN
    assert used.amounts[ATTRIBUTED] == 0
    model = modelled().used(before, Snapshot(10**9, None, 0, ()), unknown_before(before))
    assert model.flags == Flag.MODELLED | Flag.CPU_UNKNOWN


@pytest.mark.parametrize("others", [0.0, 1.0, 7.0])
def test_the_model_does_not_depend_on_the_neighbours(others: float) -> None:
    """Without counters a cell's figure is watts times its own CPU seconds, with a factor of 2, whatever else runs."""
    source = modelled(cpus=8)
    world = World()
    before = world.look()
    used = source.used(before, world.run(5.0, own=0.5, others=others), unknown_before(before))
    assert used.amounts[: OWN_S + 1] == pytest.approx((10.0, 5.0, 20.0, 2.5))
    assert used.amounts[OTHERS_S] == pytest.approx(5 * others, abs=0.02)
    assert used.amounts[FIXED] >= used.amounts[ATTRIBUTED]
    assert used.flags == Flag.MODELLED


def test_without_proc_stat_the_range_allows_for_any_load_of_others() -> None:
    """Where the kernel does not tell how busy the machine is, others' CPU time is unknown, and the range is wide."""
    source = counted(cpus=2)
    world = World()
    before = world.look()._replace(busy_ns=None)
    after = world.run(2.0, own=1.0, others=1.0)._replace(busy_ns=None)
    used = source.used(before, after, unknown_before(before))
    assert used.flags == Flag.IDLE_UNSEEN | Flag.OTHERS_UNKNOWN
    assert math.isnan(used.amounts[OTHERS_S])
    assert used.amounts[LOW] <= (BUSY_W + IDLE_W / 2) * 2 <= used.amounts[HIGH]
    assert used.amounts[FIXED] == pytest.approx(2 * (IDLE_W + 2 * BUSY_W))  # the counter told that


def test_without_proc_stat_no_second_is_calm() -> None:
    """Where others may be busy unseen, the power of a second without own work is not taken for the idle power."""
    source = counted(cpus=2)
    world = World()
    before = world.look()._replace(busy_ns=None)
    after = world.run(2.0, others=1.0)._replace(busy_ns=None)
    assert source.used(before, after, unknown_before(before)).calm.idle_w is None


def test_without_proc_stat_the_model_does_not_know_the_machine() -> None:
    """Without /proc/stat a cell's figure is as known as ever; others' CPU time and the machine's energy are not."""
    source = modelled(cpus=2)
    world = World()
    before = world.look()._replace(busy_ns=None)
    used = source.used(before, world.run(5.0, own=0.5)._replace(busy_ns=None), unknown_before(before))
    assert used.amounts[: OWN_S + 1] == pytest.approx((10.0, 5.0, 20.0, 2.5))
    assert math.isnan(used.amounts[OTHERS_S])
    assert math.isnan(used.amounts[FIXED])
    assert used.flags == Flag.MODELLED


def test_the_error_of_a_step_shrinks_with_time() -> None:
    """A counter that counts every millisecond is off by 10 % of 10 ms and by 1 ‰ of a second."""
    assert tick_error_j(1.0, 0.01) == pytest.approx(0.1)
    assert tick_error_j(1.0, 1.0) == pytest.approx(0.001)
    assert tick_error_j(0.0, 0.0) == 0


@pytest.mark.parametrize("cpus", [2, 16, 128])
@pytest.mark.parametrize("cell_s", [0.05, 0.2, 1.0, 5.0])
@pytest.mark.parametrize("neighbours", [(0.0,), (1.0,), (0.3,), (0.0, 1.0)])
def test_many_cells_beside_neighbours_have_true_ranges(cpus: int, cell_s: float, neighbours: tuple[float, ...]) -> None:
    """On any machine, beside neighbours that come and go, each cell's truth is in its range, and the sum is near it."""
    moments = random.Random(cpus)
    source = counted(cpus=cpus)
    world = World()
    before = world.look()
    calm = unknown_before(before)
    total = 0.0
    truth = (BUSY_W + IDLE_W / cpus) * cell_s
    for _ in range(60):
        between = world.run(2.0, others=moments.choice(neighbours))
        calm = source.used(before, between, calm).calm
        before = world.run(cell_s, own=1.0, others=moments.choice(neighbours))
        used = source.used(between, before, calm)
        calm = used.calm
        assert used.amounts[LOW] <= truth * (1 + 1e-9)
        assert used.amounts[HIGH] >= truth * (1 - 1e-9)
        total += used.amounts[ATTRIBUTED]
    assert total == pytest.approx(60 * truth, rel=0.25)
