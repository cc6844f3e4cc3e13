"""The interval ledger: nothing is lost and nothing counted twice, whatever the order of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.meter import ledger
from jupyter_green.meter.ledger import Ledger

SHARED = 1

# An event: open a window on a thread, close the n-th open window (in any order), let an interval pass, take between.
_AMOUNT = st.floats(0, 1e6)
_CPU = st.dictionaries(st.integers(0, 3), st.integers(0, 10**10))
_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 9)),
        st.tuples(st.just("settle"), _AMOUNT, _CPU),
        st.tuples(st.just("take")),
    ),
    max_size=40,
)


@given(_EVENTS)
def test_outermost_windows_and_between_are_all(events: list[tuple[object, ...]]) -> None:
    """Outermost windows, those never closed and "between" add up to all intervals, in any order of events."""
    state = ledger.empty(2)
    given_out = outermost = between = 0.0
    for number, event in enumerate(events):
        open_keys = list(state.windows)
        match event:
            case ("open", int(thread)):
                state = ledger.open_window(state, number, thread, number)
            case ("close", int(which)) if open_keys:
                key = open_keys[which % len(open_keys)]
                if ledger.around(state, key) is None:
                    outermost += state.windows[key].amounts[0]
                state = ledger.close_window(state, key)
            case ("settle", float(amount), dict(cpu)):
                given_out += amount
                state = ledger.settle(state, (amount, 2 * amount), 0, cpu, SHARED)
            case ("take",):
                between += state.between[0]
                state = ledger.take_between(state)
    still_open = sum(window.amounts[0] for window in state.windows.values())
    assert outermost + still_open + between + state.between[0] == pytest.approx(given_out, rel=1e-9)


def _opened(*threads: int) -> Ledger:
    state = ledger.empty(1)
    for number, thread in enumerate(threads):
        state = ledger.open_window(state, f"window {number}", thread, number)
    return state


def _amounts(state: Ledger) -> list[float]:
    return [window.amounts[0] for window in state.windows.values()]


def test_with_no_window_open_it_is_between() -> None:
    """What is used while no window is open goes to the account "between cells", with its flags."""
    state = ledger.settle(ledger.empty(1), (3.0,), 4, {}, SHARED)
    assert state.between == (3.0,)
    assert state.between_flags == 4
    emptied = ledger.take_between(state)
    assert emptied.between == (0.0,)
    assert emptied.between_flags == 0


def test_the_innermost_window_of_a_thread_is_given_it() -> None:
    """Of nested windows the newest gets the interval, and hands it to the outer one when it closes."""
    state = ledger.settle(_opened(1, 1), (5.0,), 2, {}, SHARED)
    assert _amounts(state) == [0.0, 5.0]
    assert ledger.around(state, "window 1") == "window 0"
    assert ledger.around(state, "window 0") is None
    state = ledger.close_window(state, "window 1")
    assert _amounts(state) == [5.0]
    assert state.windows["window 0"].flags == 2


def test_threads_share_by_their_cpu_time() -> None:
    """Two threads with windows share an interval as they shared the CPU, and both are told that they shared."""
    state = ledger.settle(_opened(1, 2), (8.0,), 0, {1: 3, 2: 1}, SHARED)
    assert _amounts(state) == [6.0, 2.0]
    assert [window.flags for window in state.windows.values()] == [SHARED, SHARED]


@pytest.mark.parametrize("cpu", [{}, {1: 0, 2: 0}, {3: 7}])
def test_threads_that_used_no_cpu_share_equally(cpu: dict[int, int]) -> None:
    """Where no thread with a window used any CPU time, they share equally."""
    assert _amounts(ledger.settle(_opened(1, 2), (8.0,), 0, cpu, SHARED)) == [4.0, 4.0]


def test_an_outer_window_that_closes_first_leaves_the_inner_alone() -> None:
    """A window closed before the one inside it keeps what it was given; the inner one is then nobody's part."""
    state = ledger.settle(_opened(1), (2.0,), 0, {}, SHARED)
    state = ledger.open_window(state, "inner", 1, 5)
    state = ledger.settle(state, (3.0,), 0, {}, SHARED)
    assert state.windows["window 0"].amounts == (2.0,)
    state = ledger.close_window(state, "window 0")
    assert ledger.around(state, "inner") is None
    assert _amounts(state) == [3.0]


def test_a_window_in_the_middle_hands_to_the_next_outer_one() -> None:
    """Of three nested windows the middle one may close first: the outer gets its part and keeps the inner one."""
    state = _opened(1, 1, 1)
    state = ledger.settle(state, (1.0,), 0, {}, SHARED)
    state = ledger.close_window(state, "window 1")
    assert ledger.around(state, "window 2") == "window 0"
    state = ledger.close_window(state, "window 2")
    assert _amounts(state) == [1.0]


def test_a_step_changes_no_ledger() -> None:
    """Every step returns a new ledger: the old one is what it was, so that an interrupted step is no step."""
    before = _opened(1, 2)
    kept = dict(before.windows)
    ledger.settle(before, (1.0,), 1, {}, SHARED)
    ledger.open_window(before, "another", 1, 9)
    ledger.close_window(before, "window 0")
    assert before.windows == kept
    assert before.between == (0.0,)
