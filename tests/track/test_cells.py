"""What is recorded of a notebook, cell by cell, as the journal grows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_green.records import CellRecord
from jupyter_green.totals import total
from jupyter_green.track.cells import NotebookLog, Notebooks
from jupyter_green.track.journal import Journal
from jupyter_green.track.receipts import Delivered, write_receipt
from tests.track.forge import DEFAULT, OK, add, energy, record, session, write

NOTEBOOK = "/home/ann/churn.ipynb"
RUN = "a" * 16


def _log(home: Path, notebook: str | None = NOTEBOOK, kernel_id: str | None = None) -> NotebookLog:
    return Notebooks(home).open(notebook, kernel_id)


def _cell(number: int, cell_id: str | None = "c", **changes: object) -> CellRecord:
    return record(number, cell_id=cell_id, **changes)  # type: ignore[arg-type]


def _ids(log: NotebookLog, since: int = 0) -> list[tuple[str, int]]:
    return [(cell.cell_id, cell.runs) for cell in log.cells(since)]


def test_nothing_is_recorded(tmp_path: Path) -> None:
    """Without a journal there is nothing, and no folder is made."""
    log = _log(tmp_path / "home")
    log.refresh()
    assert (log.look(), log.cells(0), log.total, log.session, log.newest) == (0, (), None, None, None)
    assert log.problem is None
    assert not (tmp_path / "home").exists()


def test_cells_told_once(tmp_path: Path) -> None:
    """Each cell is told with its newest record; after a revision, only those that changed since."""
    journal = Journal(tmp_path, session())
    add(journal, [_cell(1, "a"), _cell(2, "b"), _cell(3, "a", joules=5.0)])
    log = _log(tmp_path)
    log.refresh()
    assert _ids(log) == [("a", 2), ("b", 1)]
    assert log.cells(0)[0].record.energy.attributed_j == 5.0
    before, size = log.revision, log.look()
    add(journal, [_cell(4, "b")])
    assert log.look() > size
    log.refresh()
    assert _ids(log, before) == [("b", 2)]
    log.refresh()
    assert _ids(log, log.revision) == []


def test_sums_are_those_of_the_report(tmp_path: Path) -> None:
    """The total of a notebook is that of all its sessions, with what lay between cells and after them."""
    first = [_cell(1), _cell(2, kind="scoring"), _cell(3, joules=None)]
    second = [_cell(1, session_id="1" * 16), _cell(2, session_id="1" * 16, part_of=f"{'1' * 16}-1")]
    write(tmp_path, session(), first[:2], OK)
    write(tmp_path, session("1" * 16), second, OK)
    log = _log(tmp_path)
    log.refresh()
    whole, parts = log.total, [total(first[:2], OK), total(second, OK)]
    assert whole is not None
    assert whole.energy.attributed_j == pytest.approx(sum(part.energy.attributed_j or 0 for part in parts))
    assert whole.co2e_high_g == pytest.approx(sum(part.co2e_high_g or 0 for part in parts))
    assert (whole.between_j is not None, log.sessions) == (True, 2)
    write(tmp_path, session("2" * 16), first, OK)
    log.refresh()
    assert log.total is not None
    assert log.total.energy.attributed_j is None  # one part is unknown


def test_a_renamed_notebook_keeps_its_kernels_records(tmp_path: Path) -> None:
    """The kernel's sessions belong to the notebook that uses it now, whatever it was called when they began."""
    write(tmp_path, session(kernel_id="k"), [_cell(1)])
    assert _ids_of(_log(tmp_path, "/home/ann/renamed.ipynb", "k")) == [("c", 1)]
    assert _ids_of(_log(tmp_path, "/home/ann/renamed.ipynb", "other")) == []
    assert _ids_of(_log(tmp_path, None, "k")) == [("c", 1)]


def _ids_of(log: NotebookLog) -> list[tuple[str, int]]:
    log.refresh()
    return _ids(log)


def test_the_running_kernels_total(tmp_path: Path) -> None:
    """The session's total is that of the kernel that runs now; after its restart there is none yet."""
    write(tmp_path, session(kernel_id="k"), [_cell(1)])
    log = _log(tmp_path, NOTEBOOK, "k")
    log.refresh()
    assert log.session is not None
    assert log.session == log.total
    gone = session("1" * 16, kernel_id="k", pid=2**22 - 3, pid_started=1)
    shutil.rmtree(tmp_path)
    write(tmp_path, gone, [_cell(1, session_id="1" * 16)])
    log.refresh()
    assert log.session is None


def test_records_that_somebody_deleted(tmp_path: Path) -> None:
    """Where records are gone, a new epoch tells all that is left."""
    kept = write(tmp_path, session(), [_cell(1, "a")])
    gone = write(tmp_path, session("1" * 16), [_cell(1, "b", session_id="1" * 16)])
    log = _log(tmp_path)
    log.refresh()
    before = log.epoch
    assert len(_ids(log)) == 2
    gone.unlink()
    log.refresh()
    assert _ids(log) == [("a", 1)]
    assert log.epoch != before
    kept.unlink()
    log.refresh()
    assert _ids(log) == []


def test_cells_that_became_runs(tmp_path: Path) -> None:
    """A record that reached MLflow is told again, with its run; it does not count as another run of the cell."""
    path = write(tmp_path, session(), [_cell(1, "a"), _cell(2, "b")])
    log = _log(tmp_path)
    log.refresh()
    before = log.revision
    first = f"{'0' * 16}-1"
    write_receipt(
        path,
        Delivered(
            goal=DEFAULT, tracking_uri="x", experiment_id="0", run_id="r", record_ids=(first,), children={},
            is_final=False,
        ),
        0.0,
    )  # fmt: skip
    log.refresh()
    (told,) = log.cells(before)
    assert told.record.mlflow is not None
    assert (told.cell_id, told.runs, told.record.mlflow.run_ids) == ("a", 1, ("r",))


def test_failed_runs_and_parts_are_no_measure_of_a_change(tmp_path: Path) -> None:
    """A change compares runs that came to their end; scoring and parts of cells are no runs."""
    runs = [_cell(n, joules=10.0 + n / 10) for n in range(1, 5)]
    failed = _cell(5, joules=1.0, status="error")
    part = replace(_cell(6, joules=90.0), part_of="x")
    scoring = _cell(7, joules=90.0, kind="scoring")
    write(tmp_path, session(), [*runs, failed, part, scoring, _cell(8, joules=10.2)])
    log = _log(tmp_path)
    log.refresh()
    (cell,) = log.cells(0)
    assert cell.change is not None
    assert (cell.runs, cell.change.verdict, cell.change.runs) == (6, "same", 4)


def test_an_engines_session_stands_for_its_kernels(tmp_path: Path) -> None:
    """What an engine and its kernel both recorded is told once."""
    notebook = NOTEBOOK
    write(tmp_path, session(RUN, runner="papermill", notebook=notebook), [_cell(1, session_id=RUN)], OK)
    kernel = f"{RUN}.{'b' * 16}"
    inside = replace(_cell(1, session_id=kernel, joules=8.0), record_id=f"{kernel}-1")
    write(tmp_path, session(kernel, run=RUN, notebook=notebook), [inside], OK)
    log = _log(tmp_path)
    log.refresh()
    (cell,) = log.cells(0)
    assert (cell.runs, cell.record.energy.attributed_j) == (1, 8.0)
    assert log.sessions == 1


def test_an_engines_session_that_grows_is_as_one_read_afresh(tmp_path: Path) -> None:
    """Whoever watches a run of papermill sees after each line what a fresh reader sees, blocks counted once."""
    engine = Journal(tmp_path, session(RUN, runner="papermill"))
    kernel = f"{RUN}.{'b' * 16}"
    inner = Journal(tmp_path, session(kernel, run=RUN))
    watched = _log(tmp_path)
    for number in (1, 2, 3):
        begun = _cell(number).started_at
        outside = _cell(number, f"c{number}", session_id=RUN, energy=energy(20.0, duration_s=10.0), joules=20.0)
        block = _cell(number, None, session_id=kernel, kind="block", name="fit", joules=9.0, started_at=begun)
        whole = _cell(number, f"c{number}", session_id=kernel, joules=15.0, started_at=begun)
        parts = [replace(block, record_id=f"{kernel}-b{number}")] + ([whole] if number == 2 else [])
        for journal, lines in ((inner, parts), (engine, [outside])):
            add(journal, lines)
            watched.refresh()
        afresh = _log(tmp_path)
        afresh.refresh()
        assert watched.total == afresh.total
        assert [(one.cell_id, one.record, one.runs) for one in watched.cells(0)] == [
            (one.cell_id, one.record, one.runs) for one in afresh.cells(0)
        ]


@pytest.mark.parametrize(
    ("about", "changed"),
    [
        ({"method": "twice the watts"}, {}),
        ({"host": "another computer"}, {}),
        ({}, {"quality": "apportioned", "source": {"cpu": "rapl"}}),
        ({}, {"covers": ("cpu", "dram")}),
    ],
)
def test_only_what_was_measured_alike_is_compared(
    tmp_path: Path, about: dict[str, object], changed: dict[str, object]
) -> None:
    """Twice the energy by another measure is no change of the cell; by the same one it is."""
    write(tmp_path, session(), [_cell(n, joules=10.0 + n / 10) for n in range(1, 5)])
    other = session("1" * 16, **about)
    write(tmp_path, other, [_cell(9, session_id="1" * 16, joules=20.0, energy=energy(20.0, **changed))])
    log = _log(tmp_path)
    log.refresh()
    (cell,) = log.cells(0)
    assert (cell.runs, cell.record.energy.attributed_j, cell.change) == (5, 20.0, None)


def test_another_text_is_another_cell(tmp_path: Path) -> None:
    """A changed text is compared with the text before it until it has runs enough of its own; all runs are summed."""
    old = [_cell(n, joules=10.0 + n / 10, code="old") for n in range(1, 5)]
    new = [_cell(n, joules=2.0 + n / 100, code="new") for n in range(5, 9)]
    journal = Journal(tmp_path, session())
    log = _log(tmp_path)
    told = []
    for one in (*old, *new):
        add(journal, [one])
        log.refresh()
        (cell,) = log.cells(0)
        told.append(None if cell.change is None else (cell.change.verdict, cell.change.text_changed))
    assert told == [None, None, None, ("same", False), *[("less", True)] * 3, ("same", False)]
    assert (cell.runs, cell.all_j) == (8, pytest.approx(41.0 + 8.26))


def test_a_clock_that_is_set_back_hides_nothing(tmp_path: Path) -> None:
    """In a session the record that was written last is the newest, whatever its clock said."""
    journal = Journal(tmp_path, session())
    add(journal, [_cell(30, joules=10.0)])
    log = _log(tmp_path)
    log.refresh()
    add(journal, [_cell(2, joules=20.0)])
    log.refresh()
    (cell,) = log.cells(0)
    assert (cell.runs, cell.record.energy.attributed_j) == (2, 20.0)


def test_two_kernels_of_a_notebook_at_once(tmp_path: Path) -> None:
    """The runs of both count, whoever reads them first; the newest is the one that began last."""
    first, second = Journal(tmp_path, session()), Journal(tmp_path, session("1" * 16))
    log = _log(tmp_path)
    add(second, [_cell(5, session_id="1" * 16, joules=5.0)])
    log.refresh()
    add(first, [_cell(1, joules=1.0)])
    log.refresh()
    assert [(one.runs, one.record.energy.attributed_j) for one in log.cells(0)] == [(2, 5.0)]
    add(first, [_cell(9, joules=9.0)])
    log.refresh()
    assert [(one.runs, one.record.energy.attributed_j) for one in log.cells(0)] == [(3, 9.0)]


def test_a_failed_run_is_compared_with_nothing(tmp_path: Path) -> None:
    """What an earlier run changed is not said of a later one that failed."""
    runs = [_cell(n, joules=10.0 + n / 10) for n in range(1, 5)]
    write(tmp_path, session(), [*runs, _cell(5, joules=20.0), _cell(6, joules=1.0, status="error")])
    log = _log(tmp_path)
    log.refresh()
    (cell,) = log.cells(0)
    assert (cell.record.status, cell.change) == ("error", None)


def test_the_running_kernel_beside_a_newer_session(tmp_path: Path) -> None:
    """A run of papermill that began later is no reason to forget what the running kernel used."""
    write(tmp_path, session(kernel_id="k"), [_cell(1)])
    write(tmp_path, session(RUN, runner="papermill"), [_cell(2, session_id=RUN)], OK)
    log = _log(tmp_path, NOTEBOOK, "k")
    log.refresh()
    assert log.session == total([_cell(1)])
    assert log.newest is not None
    assert log.newest.session_id == RUN


@pytest.mark.parametrize("before", [b"", b"\n", b'{"v":1,"type":"ses\n\n'])
def test_a_kernels_file_without_its_first_line_yet(tmp_path: Path, before: bytes) -> None:
    """A file that only its first line can tell is found once that is there, also behind what a full disk left."""
    path = write(tmp_path, session(kernel_id="k"), [_cell(1)])
    whole = path.read_bytes()
    path.write_bytes(before)
    log = _log(tmp_path, None, "k")
    log.refresh()
    assert log.cells(0) == ()
    with path.open("ab") as file:
        file.write(whole)
    log.refresh()
    assert _ids(log) == [("c", 1)]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """It is told, and the others are shown; once it can be read again, all is."""
    write(tmp_path, session(), [_cell(1, "a")])
    path = write(tmp_path, session("1" * 16), [_cell(1, "b", session_id="1" * 16)])
    kept = path.read_bytes()
    path.unlink()
    path.symlink_to(path)  # root may read everything, but not this
    log = _log(tmp_path)
    log.refresh()
    assert _ids(log) == [("a", 1)]
    assert log.problem == "A file of the journal could not be read (Too many levels of symbolic links)."
    path.unlink()
    path.write_bytes(kept)
    log.refresh()
    assert (sorted(_ids(log)), log.problem) == ([("a", 1), ("b", 1)], None)


def test_a_journal_that_is_written_anew(tmp_path: Path) -> None:
    """Where a file holds other records than before, what is gone is not told any more."""
    path = write(tmp_path, session(), [_cell(1, "a"), _cell(2, "b")])
    log = _log(tmp_path)
    log.refresh()
    before = log.epoch
    path.unlink()
    other = write(tmp_path, session(), [_cell(1, "b")])
    assert other == path
    log.refresh()
    assert _ids(log) == [("b", 1)]
    assert log.epoch != before


def test_only_some_notebooks_are_kept_in_memory(tmp_path: Path) -> None:
    """A server that looked at many notebooks forgets those asked for longest ago, and tells all anew."""
    write(tmp_path, session(), [_cell(1)])
    notebooks = Notebooks(tmp_path)
    log = notebooks.open(NOTEBOOK, None)
    for number in range(40):
        notebooks.open(f"/{number}.ipynb", None)
    again = notebooks.open(NOTEBOOK, None)
    again.refresh()
    assert again is not log
    assert again.epoch != log.epoch
    assert _ids(again) == [("c", 1)]
