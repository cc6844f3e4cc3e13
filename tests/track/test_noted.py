"""A plain cell's line, written without its record, says what the record would have said."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import Measured, make_meter
from jupyter_green.meter.power import FIXED, OTHERS_S, UNKNOWN, Flag
from jupyter_green.records import Between, CellRecord
from jupyter_green.settings import default_settings
from jupyter_green.track.journal import Journal, read_log
from jupyter_green.track.noted import Noted
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.window import NO_OPTIONS, Options, Stopped, Window

joules = st.floats(0, 1e7, allow_subnormal=False)
amounts = st.lists(joules, min_size=FIXED + 1, max_size=FIXED + 1).map(tuple)
names = st.none() | st.text(max_size=20)


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[Tracker]:
    """A tracker whose session has its first record."""
    meter = make_meter(root=tmp_path / "no-counters")
    session = new_session(
        meter=meter,
        runner="kernel",
        session_id=new_session_id(),
        notebook=str(tmp_path / "nb.ipynb"),
        kernel_id="k",
    )
    made = Tracker(session, default_settings(), meter, Journal(tmp_path / "home", session), resolve(None))
    _cell(made, "first")
    yield made
    made.end()


def _cell(tracker: Tracker, key: str) -> CellRecord:
    tracker.open(key, cell_id=key)
    stopped = tracker.stop(key)
    assert stopped is not None
    return tracker.write(stopped, tracker.record(stopped))


def _stopped(values: tuple[float, ...], flags: int, seconds: float, cell_id: str | None, count: int | None) -> Stopped:
    window = Window("session-7", "cell", cell_id, count, "0a1b2c3d", NO_OPTIONS)
    return Stopped("key", window, Measured(0, int(seconds * 1e9), values, flags), None)


def _flat(value: Any) -> Any:
    """Return a record as numbers and texts that can be compared with a tolerance."""
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _flat(getattr(value, field.name)) for field in fields(value)}
    return value


def _assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _assert_same(one[key], other[key])
    elif isinstance(one, float):
        assert math.isclose(one, other, rel_tol=1e-11, abs_tol=1e-300)
    elif hasattr(one, "timestamp"):
        assert abs(one.timestamp() - other.timestamp()) < 2e-6
    else:
        assert one == other


@given(
    values=amounts,
    gap=amounts,
    more=st.sampled_from([0, Flag.SHARED, Flag.IDLE_UNSEEN, Flag.SHARED | Flag.IDLE_UNSEEN]),
    seconds=st.floats(0, 1e6),
    cell_id=names,
    count=st.none() | st.integers(0, 10**9),
    status=st.sampled_from(["ok", "error", "interrupted"]),
)
def test_a_plain_line_is_the_record(
    tmp_path_factory: pytest.TempPathFactory,
    values: tuple[float, ...],
    gap: tuple[float, ...],
    more: int,
    seconds: float,
    cell_id: str | None,
    count: int | None,
    status: Any,
) -> None:
    """Whatever the numbers, the record read back from a plain line is the one that would have been made."""
    folder = tmp_path_factory.mktemp("plain")
    meter = make_meter(root=folder / "no-counters")
    session = new_session(
        meter=meter,
        runner="kernel",
        session_id=new_session_id(),
        notebook=None,
        kernel_id=None,
    )
    tracker = Tracker(session, default_settings(), meter, Journal(folder / "home", session), resolve(None))
    _cell(tracker, "first")
    stopped = _stopped(values, Flag.MODELLED | more, seconds, cell_id, count)
    stopped.window.gap = Measured(0, 0, gap, Flag.MODELLED)
    tracker.meter_cpu_s = 0.25
    whole = tracker.record(stopped, status)
    tracker.meter_cpu_s = 0.25
    noted = tracker.note(stopped, status)
    assert noted is not None
    _assert_same(_flat(whole), _flat(noted.record))
    log = read_log(tracker.journal.path)
    assert log is not None
    assert log.records[-1] == noted.record
    assert tracker.last == noted.record
    tracker.end()


def test_a_cell_with_more_to_say_is_not_plain(tracker: Tracker) -> None:
    """A name, a part, a step or an unknown number takes the long way."""
    values = (1.0,) * (FIXED + 1)
    plain = _stopped(values, Flag.MODELLED, 1.0, "c", 1)
    assert tracker.note(plain._replace(part_of="outer"), "ok") is None
    for flags in (Flag.CPU_UNKNOWN, Flag.MODELLED | Flag.SLEPT):
        assert tracker.note(plain._replace(measured=plain.measured._replace(flags=flags)), "ok") is None
    for place in (OTHERS_S, FIXED):
        unknown = (*values[:place], UNKNOWN, *values[place + 1 :])
        assert tracker.note(_stopped(unknown, Flag.MODELLED, 1.0, "c", 1), "ok") is None
    named = _stopped(values, Flag.MODELLED, 1.0, "c", 1)
    named.window.options = Options(name="fit")
    assert tracker.note(named, "ok") is None


def test_an_unknown_gap_takes_the_long_way(tracker: Tracker) -> None:
    """What was used between cells is unknown, not 0, where the CPU time could not be read."""
    stopped = _stopped((1.0,) * (FIXED + 1), Flag.MODELLED, 1.0, "c", 1)
    stopped.window.gap = Measured(0, 0, (0.0,) * (FIXED + 1), Flag.CPU_UNKNOWN)
    assert tracker.note(stopped, "ok") is None
    gap = tracker.record(stopped).between_j
    assert gap == Between(value=None, low=None, high=None)


def test_a_noted_record_is_as_good_as_a_record(tracker: Tracker) -> None:
    """`_energy` compares, prints, copies and pickles as the record that it stands for."""
    stopped = _stopped((2.0,) * (FIXED + 1), Flag.MODELLED, 1.0, "c", 3)
    noted = tracker.note(stopped, "ok")
    assert type(noted) is Noted
    record = noted.record
    assert (noted.energy, noted.execution_count) == (record.energy, 3)
    assert noted == record
    assert repr(noted) == repr(record)
    assert pickle.loads(pickle.dumps(noted)) == record
    assert copy.deepcopy(noted) == record
    with pytest.raises(AttributeError, match="nonsense"):
        _ = noted.nonsense
