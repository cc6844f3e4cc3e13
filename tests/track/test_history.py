"""The journal read as people mean it: an engine's session and its kernel's as one."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.records import Between, CellRecord, Target
from jupyter_green.totals import total
from jupyter_green.track.history import is_alive, is_over, read_session, sessions
from jupyter_green.track.journal import read_log
from jupyter_green.track.merge import merge
from tests.track.forge import BEGIN, OK, dead, energy, record, session, write

RUN = "a" * 16
KERNEL = f"{RUN}.{'b' * 16}"


def _outside(number: int, joules: float = 20.0, between_j: float = 2.0) -> CellRecord:
    """What an engine measured of the cell in the nth minute; it took 10 s."""
    gap = Between(value=between_j, low=between_j / 2, high=between_j * 2)
    measured = energy(joules, duration_s=10.0)
    return record(number, session_id=RUN, joules=joules, energy=measured, between_j=gap, cell_id=f"c{number}")


def _inside(
    number: int, joules: float = 15.0, at_s: float = 1.0, name: str | None = None, **changes: object
) -> CellRecord:
    """What its kernel measured, beginning a little later."""
    began = BEGIN + timedelta(minutes=number, seconds=at_s)
    made = record(number, session_id=KERNEL, joules=joules, started_at=began, mlflow=None, name=name)
    return replace(made, record_id=f"{KERNEL}-{number}-{at_s}", **changes)  # type: ignore[arg-type]


def test_kernels_figure_stands_for_the_engines() -> None:
    """A cell has its kernel's figure, and what the engine saw beyond it lies between the cells."""
    (merged,) = merge((_outside(1),), [_inside(1, notes=("a note",))])
    assert merged.record_id == f"{KERNEL}-1-1.0"
    assert merged.session_id == RUN
    assert merged.cell_id == "c1"
    assert merged.energy.attributed_j == 15.0
    assert merged.between_j == Between(value=2.0 + 5.0, low=1.0 + 2.5, high=4.0 + 10.0)
    assert merged.mlflow == _outside(1).mlflow
    assert merged.notes == ("a note",)


def test_cell_that_the_kernel_did_not_measure() -> None:
    """A cell of which the kernel has nothing is the engine's."""
    outside = (_outside(1), _outside(2), _outside(3))
    assert [one.record_id for one in merge(outside, [_inside(2)])] == [
        f"{RUN}-1",
        f"{KERNEL}-2-1.0",
        f"{RUN}-3",
    ]
    assert merge(outside, []) == list(outside)


def test_blocks_of_a_cell_that_the_kernel_did_not_measure() -> None:
    """Blocks that a plain kernel measured are parts of the engine's cell, and no other cell gets them."""
    block = _inside(1, kind="block", name="fit")
    merged = merge((_outside(1), _outside(2)), [block, _inside(2)])
    assert [(one.record_id, one.part_of) for one in merged] == [
        (block.record_id, f"{RUN}-1"),
        (f"{RUN}-1", None),
        (f"{KERNEL}-2-1.0", None),
    ]
    assert total(merged).energy.attributed_j == pytest.approx(2 * 22.0)


def test_status_is_the_engines() -> None:
    """A cell that failed by what the engine saw failed, whatever the kernel thought."""
    (merged,) = merge((replace(_outside(1), status="error", notes=("ValueError: x",)),), [_inside(1)])
    assert merged.status == "error"
    assert "ValueError: x" in merged.notes


def test_scoring_and_blocks_stay_in_their_order() -> None:
    """Blocks and scoring of a cell keep the order in which the kernel wrote them."""
    inside = [
        _inside(1, 1.0, 2.0, kind="block", part_of=f"{KERNEL}-1-1.0"),
        _inside(1, 10.0, 1.0),
        _inside(1, 2.0, 3.0, kind="scoring"),
        _inside(2, 10.0),
    ]
    merged = merge((_outside(1), _outside(2)), inside)
    assert [one.record_id for one in merged] == [one.record_id for one in inside]
    assert total(merged).energy.attributed_j == pytest.approx(44.0)


def test_engine_killed_half_way() -> None:
    """What the kernel recorded after the engine's last line is kept, behind the rest, as part of the run."""
    merged = merge((_outside(1),), [_inside(1), _inside(2), _inside(3)])
    assert [(one.record_id, one.session_id) for one in merged] == [(f"{KERNEL}-{n}-1.0", RUN) for n in (1, 2, 3)]
    assert [one.between_j for one in merged[1:]] == [Between(value=1.0, low=0.5, high=2.0, cpu_s=0.25)] * 2


def test_a_clock_that_is_set_back_in_a_run() -> None:
    """Cells are matched by their In[n], so that a clock that is set back or stands still counts nothing twice."""
    hour = timedelta(hours=1)
    outside = (_outside(1), replace(_outside(2), started_at=_outside(2).started_at - hour))
    late = [_inside(2, 5.0, 2.0, kind="block", part_of=f"{KERNEL}-2-1.0", name="fit"), _inside(2)]
    inside = [_inside(1), *(replace(one, started_at=one.started_at - hour) for one in late)]
    inside.append(_inside(2, 1.0, 9e4, kind="scoring"))  # a day later: the computer slept
    merged = merge(outside, inside)
    assert [one.record_id for one in merged] == [one.record_id for one in inside]
    assert total(merged).energy.attributed_j == pytest.approx(2 * 22.0)


def test_what_a_script_in_a_cell_measured_is_part_of_the_cell() -> None:
    """Blocks of a process that the kernel started, or whose own cell was never written, add nothing to the run."""
    script = replace(_inside(1, 9.0, 2.0, kind="block", name="fit"), record_id="script-1")
    for inside in ([_inside(1)], []):
        merged = merge((_outside(1),), inside, [script])
        assert [one.part_of for one in merged] == [merged[-1].record_id, None]
        assert total(merged).energy.attributed_j == pytest.approx(22.0)
    lost = _inside(1, 9.0, 2.0, kind="block", part_of="never written")
    assert [one.part_of for one in merge((_outside(1),), [lost])] == [f"{RUN}-1", None]


def test_two_meters_that_see_idle_power_differently() -> None:
    """What an engine saw beyond its kernel has a range that holds its value, however the two ranges lie."""
    seen = energy(10.0, duration_s=10.0, low_j=9.0, high_j=12.0)
    told = energy(8.0, low_j=4.0, high_j=13.0)
    gap = Between(value=0.0, low=0.0, high=0.0)
    (merged,) = merge((replace(_outside(1), energy=seen, between_j=gap),), [replace(_inside(1), energy=told)])
    assert merged.between_j == Between(value=2.0, low=0.0, high=5.0, cpu_s=None)


CHURN = Target(tracking_uri=None, experiment="churn")
SERVER = "http://host:5000"


@pytest.mark.parametrize(
    ("run", "cell", "goal"),
    [
        (CHURN, CHURN, CHURN),
        (CHURN, None, CHURN),
        (None, CHURN, CHURN),
        (CHURN, Target(tracking_uri=None, experiment=None), CHURN),
        (CHURN, Target(tracking_uri=SERVER, experiment="churn"), CHURN),
        (CHURN, Target(tracking_uri=None, experiment="id:3"), CHURN),
        (CHURN, Target(tracking_uri=None, experiment="other"), Target(tracking_uri=None, experiment="other")),
    ],
)
def test_one_run_of_papermill_is_one_in_mlflow(run: Target | None, cell: Target | None, goal: Target | None) -> None:
    """A kernel's record goes where its engine's run goes, unless the cell named another experiment."""
    outside = (replace(_outside(1), mlflow=run), replace(_outside(2), mlflow=run))
    inside = [
        replace(_inside(1), mlflow=cell),
        replace(_inside(2, kind="block", name="fit"), mlflow=cell),
        replace(_inside(3), mlflow=cell),  # the engine was killed before its own record of it
    ]
    merged = merge(outside, inside)
    assert [one.mlflow for one in merged if one.record_id.startswith(KERNEL)] == [goal] * 3


def test_a_cell_that_stays_goes_nowhere() -> None:
    """A cell that asked for ``--mlflow off`` names no place, whatever its run has."""
    (merged,) = merge((replace(_outside(1), mlflow=CHURN),), [_inside(1, stays=True)])
    assert merged.stays
    assert merged.mlflow is None


def test_notebook_is_the_engines_where_the_kernel_knows_none() -> None:
    """A notebook that the kernel could not be told by its path is called as the engine calls it."""
    outside = replace(_outside(1), notebook="https://host/nb.ipynb")
    assert [one.notebook for one in merge((outside,), [_inside(1)])] == ["https://host/nb.ipynb"]


joules = st.floats(0, 1e6)


@given(
    cells=st.lists(
        st.tuples(joules, joules, st.lists(st.floats(0, 1), max_size=3), st.booleans()), min_size=1, max_size=6
    )
)
def test_sum_stays_the_engines(cells: list[tuple[float, float, list[float], bool]]) -> None:
    """Whatever the kernel recorded of each cell, cells and gaps add up to what the engine measured."""
    outside, inside = [], []
    for number, (whole_j, gap_j, shares, has_cell) in enumerate(cells, 1):
        outside.append(_outside(number, whole_j, gap_j))
        left_j = whole_j
        for n, share in enumerate(shares):
            kind = "cell" if has_cell and n == 0 else "block"
            inside.append(_inside(number, left_j * share, 1.0 + n, kind=kind))
            left_j -= left_j * share
    merged = total(merge(tuple(outside), inside)).energy
    expected = total(outside).energy
    assert merged.attributed_j == pytest.approx(expected.attributed_j, rel=1e-9, abs=1e-9)
    assert merged.low_j == pytest.approx(expected.low_j, rel=1e-9, abs=1e-9)
    assert merged.high_j == pytest.approx(expected.high_j, rel=1e-9, abs=1e-9)


def test_engine_and_kernel_are_one_session(tmp_path: Path) -> None:
    """The files of an engine and of its kernel are read as one session."""
    path = write(tmp_path, session(RUN, runner="papermill"), [_outside(1), _outside(2)], OK)
    write(tmp_path, session(KERNEL, run=RUN), [_inside(1), _inside(2)], OK)
    (log,) = sessions(tmp_path)
    assert log == read_session(path)
    assert [one.record_id for one in log.records] == [f"{KERNEL}-1-1.0", f"{KERNEL}-2-1.0"]


def test_kernel_without_its_engines_file(tmp_path: Path) -> None:
    """If an engine was killed before its first line, its kernel's records are a session once the kernel is gone."""
    write(tmp_path, dead(session_id=KERNEL, run=RUN), [_inside(1)])
    assert [log.session.session_id for log in sessions(tmp_path)] == [KERNEL]
    living = "c" * 16 + "." + "d" * 16
    write(tmp_path, session(living, run="c" * 16), [record(1, session_id=living)])
    assert [log.session.session_id for log in sessions(tmp_path)] == [KERNEL]
    write(tmp_path, session(RUN, runner="papermill"), [_outside(1)])
    assert [log.session.session_id for log in sessions(tmp_path)] == [RUN]


def test_who_is_alive(tmp_path: Path) -> None:
    """A session lives while its process does: the same number with another start, or on another boot, is another's."""
    here = session()
    assert is_alive(here)
    assert not is_alive(dead())
    assert not is_alive(replace(here, boot_id="another"))
    assert not is_alive(replace(here, host="elsewhere"))
    assert not is_alive(replace(here, pid=2**22 + 1))


def test_zombie_is_dead() -> None:
    """A process that has ended is dead, though its parent has not asked for its status yet."""
    from jupyter_green.meter.clocks import process_started

    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert process_started(pid) is not None
        assert not is_alive(session(pid=pid, pid_started=process_started(pid)))
    finally:
        os.waitpid(pid, 0)


def test_other_hosts_session_is_over_when_it_says_so(tmp_path: Path) -> None:
    """A session of another computer is over at its end, or after a week of silence."""
    import time

    elsewhere = session("e" * 16, host="elsewhere")
    path = write(tmp_path, elsewhere, [record(1)])
    log = read_log(path)
    assert log is not None
    assert not is_over(log)
    old = time.time() - 8 * 86400
    os.utime(path, (old, old))
    assert is_over(log)
    ended = read_log(write(tmp_path, replace(elsewhere, session_id="f" * 16), [record(1)], OK))
    assert ended is not None
    assert is_over(ended)
