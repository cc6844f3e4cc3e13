"""Where it cannot be told whose energy it was, the range holds every answer that is possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.meter import ledger
from jupyter_green.meter.power import ATTRIBUTED, FIXED, HIGH, LOW, OWN_S, Flag
from jupyter_green.meter.sharing import among_threads, untangle

_NS = st.integers(0, 10**11)


def _used(joules: float, own_s: float) -> tuple[float, ...]:
    return (joules, joules / 2, joules * 2, own_s, 0.0, own_s, joules)


@given(st.lists(_NS, min_size=2, max_size=4), _NS, st.data())
def test_the_range_holds_whosever_the_children_were(clocks: list[int], children: int, data: st.DataObject) -> None:
    """CPU time of children may be any thread's: whatever the split, each thread's part lies in its range."""
    own_s = (sum(clocks) + children) / 1e9
    amounts = _used(4.0 * own_s, own_s)  # 4 W a busy CPU
    parts = among_threads(amounts, dict(enumerate(clocks)))
    assert sum(part[ATTRIBUTED] for part in parts.values()) == pytest.approx(amounts[ATTRIBUTED])
    assert sum(part[OWN_S] for part in parts.values()) == pytest.approx(own_s)
    whose = data.draw(st.integers(0, len(clocks) - 1))
    for thread, clock in enumerate(clocks):
        truth = 4.0 * (clock + (children if thread == whose else 0)) / 1e9
        assert parts[thread][LOW] <= truth / 2 + 1e-9
        assert parts[thread][HIGH] >= truth * 2 - 1e-9
        assert parts[thread][LOW] <= parts[thread][ATTRIBUTED] + 1e-9
        assert parts[thread][HIGH] >= parts[thread][ATTRIBUTED] - 1e-9


@given(st.lists(st.floats(0, 1e3), min_size=2, max_size=2), st.floats(0, 1e3))
def test_blocks_that_overlap_may_have_each_others_energy(used: list[float], after: float) -> None:
    """Of two blocks of a thread, the older closed first: either may have used all that both were given meanwhile."""
    state = ledger.open_window(ledger.empty(FIXED + 1), "older", 1, 0)
    state = ledger.settle(state, _used(used[0], used[0]), 0, {}, Flag.SHARED)
    state = ledger.open_window(state, "younger", 1, 1)
    state = ledger.settle(state, _used(used[1], used[1]), 0, {}, Flag.SHARED)
    older, state = untangle(state, "older")
    state = ledger.close_window(state, "older")
    state = ledger.settle(state, _used(after, after), 0, {}, Flag.SHARED)
    younger, state = untangle(state, "younger")
    assert older.flags & younger.flags & Flag.OVERLAPPED
    assert (older.amounts[LOW], older.amounts[HIGH]) == (0.0, pytest.approx(2 * sum(used)))
    assert younger.amounts[LOW] == pytest.approx(after / 2)  # what came after the older one is its own
    assert younger.amounts[HIGH] == pytest.approx(2 * (sum(used) + after))
    assert older.amounts[ATTRIBUTED] + younger.amounts[ATTRIBUTED] == pytest.approx(sum(used) + after)


def test_windows_inside_each_other_are_left_alone() -> None:
    """A window whose younger ones of its thread have all closed keeps its figures."""
    state = ledger.open_window(ledger.empty(FIXED + 1), "outer", 1, 0)
    state = ledger.open_window(state, "inner", 1, 1)
    state = ledger.open_window(state, "other thread", 2, 2)
    window, same = untangle(state, "inner")
    assert (window, same) == (state.windows["inner"], state)
