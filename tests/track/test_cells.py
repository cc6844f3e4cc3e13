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
from tests.track.forge import DEFAULT, OK, add, record, session, write

NOTEBOOK = "/home/ann/churn.ipynb"
RUN = "a" * 16


def _log(home: Path, notebook: str | None = NOTEBOOK, kernel_id: str | None = None) -> NotebookLog:
    return Notebooks(home).open(notebook, kernel_id)


def _cell(number: int, cell_id: str = "c", **changes: object) -> CellRecord:
    return record(number, cell_id=cell_id, **changes)  # type: ignore[arg-type]


def _ids(log: NotebookLog, since: int = 0) -> list[tuple[str, int]]:
    return [(cell.cell_id, cell.runs) for cell in log.cells(since)]


def test_nothing_is_recorded(tmp_path: Path) -> None:
    """Without a journal there is nothing, and no folder is made."""
    log = _log(tmp_path / "home")
    log.refresh()
    assert (log.look(), log.cells(0), log.total, log.session, log.newest) == (0, (), None, None, None)
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
