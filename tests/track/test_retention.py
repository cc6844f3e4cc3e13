"""Retention, and the receipts that it goes by."""

from __future__ import annotations

import os
import stat
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.records import CellRecord
from jupyter_green.track.journal import log_paths
from jupyter_green.track.locks import locked
from jupyter_green.track.receipts import Delivered, read_receipts, receipts_path, write_problem, write_receipt
from jupyter_green.track.retention import forget_old
from tests.track.forge import DEFAULT, OK, record, session, write

DAY_S = 86400
RUN = "a" * 16


def _made(home: Path, session_id: str, days: float, count: int = 2, **changes: object) -> Path:
    """A session's file, so many days old."""
    records = [record(n, session_id=session_id) for n in range(1, count + 1)]
    path = write(home, session(session_id, **changes), records, OK)  # type: ignore[arg-type]
    then = time.time() - days * DAY_S
    os.utime(path, (then, then))
    return path


def _one(number: int, **changes: Any) -> CellRecord:
    return record(number, session_id="1" * 16, **changes)


def _delivered(log: Path, *record_ids: str, is_final: bool = True, run_id: str = "r") -> Path:
    one = Delivered(
        goal=DEFAULT,
        tracking_uri="sqlite:////x.db",
        experiment_id="0",
        run_id=run_id,
        record_ids=record_ids,
        children={},
        is_final=is_final,
    )
    write_receipt(log, one, 0.5)
    return log


def _ids(session_id: str, *numbers: int) -> list[str]:
    return [f"{session_id}-{n}" for n in numbers]


def test_delivered_and_old_is_deleted(tmp_path: Path) -> None:
    """A session that MLflow has to the last record goes after 180 days, with its receipts; a younger one stays."""
    old = _delivered(_made(tmp_path, "1" * 16, 181), *_ids("1" * 16, 1, 2))
    young = _delivered(_made(tmp_path, "2" * 16, 179), *_ids("2" * 16, 1, 2))
    assert forget_old(tmp_path, {}) == 1
    assert log_paths(tmp_path) == [young]
    assert not receipts_path(old).exists()
    assert receipts_path(young).exists()


def test_undelivered_is_never_deleted(tmp_path: Path) -> None:
    """However old, what MLflow lacks a part of stays: no receipt, a record missing, no end, a line that is torn."""
    _made(tmp_path, "1" * 16, 9999)
    _delivered(_made(tmp_path, "2" * 16, 9999), *_ids("2" * 16, 1))
    _delivered(_made(tmp_path, "3" * 16, 9999), *_ids("3" * 16, 1, 2), is_final=False)
    torn = _delivered(_made(tmp_path, "4" * 16, 9999), *_ids("4" * 16, 1, 2))
    with torn.open("ab") as file:
        file.write(b'{"v":1,"type":"cell","rec')
    os.utime(torn, (0, 0))
    assert forget_old(tmp_path, {}) == 0
    assert len(log_paths(tmp_path)) == 4


def test_one_place_that_is_away_keeps_the_session(tmp_path: Path) -> None:
    """A session of which one place is final and another has nothing stays."""
    log = _made(tmp_path, "1" * 16, 9999, count=3)
    _delivered(log, *_ids("1" * 16, 1, 2))
    assert forget_old(tmp_path, {}) == 0
    _delivered(log, *_ids("1" * 16, 3), run_id="other")
    assert forget_old(tmp_path, {}) == 1


def test_one_place_without_the_last_word_keeps_the_session(tmp_path: Path) -> None:
    """A session of which one place has the end and another only the records stays until that has the end, too."""
    other = replace(DEFAULT, experiment="other")
    log = write(tmp_path, session("1" * 16), [_one(1), _one(2, mlflow=other)], OK)
    os.utime(log, (0, 0))
    _delivered(log, *_ids("1" * 16, 1))
    _delivered(log, *_ids("1" * 16, 2), run_id="other", is_final=False)
    assert forget_old(tmp_path, {}) == 0
    _delivered(log, *_ids("1" * 16, 2), run_id="other")
    assert forget_old(tmp_path, {}) == 1


def test_parts_go_with_their_run(tmp_path: Path) -> None:
    """An engine's session goes together with its kernel's file; alone, the kernel's file stays."""
    kernel = f"{RUN}.{'b' * 16}"
    engine = _made(tmp_path, RUN, 999, count=1, runner="papermill")
    part = _made(tmp_path, kernel, 999, count=1, run=RUN)
    other = _made(tmp_path, f"{'c' * 16}.{'d' * 16}", 999, count=1, run="c" * 16)
    _delivered(engine, f"{RUN}-1")
    assert forget_old(tmp_path, {}) == 0  # what MLflow should have is the kernel's record
    _delivered(engine, f"{kernel}-1")
    assert forget_old(tmp_path, {}) == 1
    assert not part.exists()
    assert log_paths(tmp_path) == [other]


def test_a_kernel_without_its_engines_file(tmp_path: Path) -> None:
    """A kernel whose engine wrote no line stands for itself: delivered and old, it goes as any other session."""
    kernel = f"{'c' * 16}.{'d' * 16}"
    log = _made(tmp_path, kernel, 999, count=1, run="c" * 16)
    assert forget_old(tmp_path, {}) == 0
    _delivered(log, f"{kernel}-1")
    assert forget_old(tmp_path, {}) == 1
    assert log_paths(tmp_path) == []
    assert not receipts_path(log).exists()


def _locks(home: Path) -> set[Path]:
    return set((home / "locks").iterdir())


def _lock_file(home: Path, what: str, days: float) -> Path:
    """The file of a lock that was made so many days ago."""
    before = _locks(home) if (home / "locks").exists() else set()
    with locked(home, what):
        (path,) = _locks(home) - before
    then = time.time() - days * DAY_S
    os.utime(path, (then, then))
    return path


def test_locks_of_what_is_gone(tmp_path: Path) -> None:
    """The lock of a session that is gone goes once it is old and nobody holds it; those of the others stay."""
    there = _lock_file(tmp_path, _made(tmp_path, "1" * 16, 999).name, 999)
    forgotten = _delivered(_made(tmp_path, "2" * 16, 999), *_ids("2" * 16, 1, 2))
    _lock_file(tmp_path, forgotten.name, 999)
    _lock_file(tmp_path, "gone before", 999)
    held, young = _lock_file(tmp_path, "held", 999), _lock_file(tmp_path, "young", 9)
    with locked(tmp_path, "held"):
        assert forget_old(tmp_path, {}) == 1
    assert _locks(tmp_path) == {there, held, young}


def test_a_lock_that_is_deleted_while_somebody_waits(tmp_path: Path) -> None:
    """Whoever waited for a lock whose file was deleted meanwhile holds the new one, and keeps others out."""
    path = _lock_file(tmp_path, "a session", 999)
    waiting, inside, leave = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        waiting.set()
        with locked(tmp_path, "a session"):
            inside.set()
            leave.wait(60)

    with locked(tmp_path, "a session"):
        waiter = threading.Thread(target=wait)
        waiter.start()
        waiting.wait(60)
        while not _is_open_twice(path):
            pass
        path.unlink()
    assert inside.wait(60)
    (new,) = _locks(tmp_path)
    os.utime(new, (0, 0))
    forget_old(tmp_path, {})
    assert _locks(tmp_path) == {new}
    leave.set()
    waiter.join()
    forget_old(tmp_path, {})
    assert _locks(tmp_path) == set()


def _is_open_twice(path: Path) -> bool:
    """Tell whether this process has a file open by two descriptors."""
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(os.readlink(entry))
    return names.count(str(path)) == 2


def test_days_are_a_setting(tmp_path: Path) -> None:
    """``journal_days`` says how long; a value that cannot be understood deletes nothing."""
    _delivered(_made(tmp_path, "1" * 16, 9), *_ids("1" * 16, 1, 2))
    assert forget_old(tmp_path, {}) == 0
    assert forget_old(tmp_path, {"JUPYTER_GREEN_JOURNAL_DAYS": "soon"}) == 0
    assert forget_old(tmp_path, {"JUPYTER_GREEN_JOURNAL_DAYS": "8"}) == 1


def test_a_project_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyproject.toml that asks for less than the user's days deletes nothing."""
    project = tmp_path / "cloned"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.jupyter_green]\njournal_days = 1\n")
    monkeypatch.chdir(project)
    log = _delivered(_made(tmp_path, "1" * 16, 9), *_ids("1" * 16, 1, 2))
    assert forget_old(tmp_path, {}) == 0
    assert forget_old(tmp_path, {"JUPYTER_GREEN_JOURNAL_DAYS": "0.5"}) == 0
    assert log.exists()


def test_no_journal(tmp_path: Path) -> None:
    """Without a journal there is nothing to delete."""
    assert forget_old(tmp_path / "none", {}) == 0


def test_receipts_add_up(tmp_path: Path) -> None:
    """Receipts of a run add up, each line holds only what it added, and the newest run stands last."""
    log = _made(tmp_path, "1" * 16, 0)
    _delivered(log, "a", "b", is_final=False)
    first = receipts_path(log).stat().st_size
    _delivered(log, "x", run_id="other")
    _delivered(log, "a", "b", "c")
    found = read_receipts(log)
    assert [(one.run_id, one.record_ids, one.is_final) for one in found.delivered] == [
        ("other", ("x",), True),
        ("r", ("a", "b", "c"), True),
    ]
    assert found.delivered[1].goal == DEFAULT
    assert receipts_path(log).read_text().count('"cpu_s":0.5') == 3  # what delivering took, for whoever asks
    assert receipts_path(log).stat().st_size < 3 * first
    assert stat.S_IMODE(receipts_path(log).stat().st_mode) == 0o600
    assert stat.S_IMODE(receipts_path(log).parent.stat().st_mode) == 0o700


def test_receipts_cut_at_every_byte(tmp_path: Path) -> None:
    """Receipts that a crash tore apart lose their last line at most, and take a new one."""
    log = _made(tmp_path, "1" * 16, 0)
    _delivered(log, "a")
    whole = len(receipts_path(log).read_bytes())
    _delivered(log, "a", "b")
    both = receipts_path(log).read_bytes()
    for size in range(len(both) + 1):
        receipts_path(log).write_bytes(both[:size])
        ids = read_receipts(log).record_ids
        assert ids >= ({"a"} if size >= whole - 1 else set())
        if size % 50 == 0:
            _delivered(log, "a", "b", "c")
            assert read_receipts(log).record_ids == {"a", "b", "c"}


def test_problem_is_noted_once(tmp_path: Path) -> None:
    """The same problem again is no new line; a delivery clears it."""
    log = _made(tmp_path, "1" * 16, 0)
    for _ in range(3):
        write_problem(log, "away", 0.1)
    assert receipts_path(log).read_bytes().count(b"away") == 1
    assert read_receipts(log).where == "; away"
    _delivered(log, "a")
    assert read_receipts(log).problem is None
    assert read_receipts(log).where == " to sqlite:////x.db"


@pytest.mark.parametrize("garbage", [b"\xff", b"[]", b"null", b"{}", b'{"type":"delivered"}', b"[" * 100_000])
def test_garbage_among_receipts(tmp_path: Path, garbage: bytes) -> None:
    """A line that is no receipt does not count and does no harm."""
    log = _made(tmp_path, "1" * 16, 0)
    _delivered(log, "a")
    with receipts_path(log).open("ab") as file:
        file.write(garbage + b"\n")
    assert read_receipts(log).record_ids == {"a"}


def test_runs_of_a_record(tmp_path: Path) -> None:
    """A record's own run comes first, then the session's that hold it."""
    log = _made(tmp_path, "1" * 16, 0)
    one = Delivered(
        goal=DEFAULT,
        tracking_uri="x",
        experiment_id="0",
        run_id="whole",
        record_ids=("a", "b"),
        children={"a": "own"},
        is_final=True,
    )
    write_receipt(log, one, 0.0)
    assert read_receipts(log).runs() == {"a": ("own", "whole"), "b": ("whole",)}
