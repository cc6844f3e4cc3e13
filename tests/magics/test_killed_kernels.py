"""``kill -9`` of real kernels at any moment: what was appended is in MLflow exactly once after a sync."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import random
import select
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.meter.clocks import read_stat
from jupyter_green.track.journal import log_paths, read_log
from jupyter_green.track.receipts import receipts_path
from tests.commands import green
from tests.kernels import PATIENCE_S, Kernel
from tests.track.conftest import wait_until
from tests.track.mlflow_rows import StoredRun, children, runs

_MOST_COURIERS = 2  # that may work when a kernel starts: each imports mlflow
_WITH_COURIER = 0.15  # of the kernels, beside those with a named cell
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of Linux

_SETUP = """
import os
pipe = os.open({pipe!r}, os.O_WRONLY)

def tell():
    os.write(pipe, b".")

def score():
    tell()
    sum(range(100_000))
    return 0.5
"""
_LOAD = "%load_ext jupyter_green\n%track_energy on"
_NAMED = "%%track_energy --quiet -n fit -m accuracy=score()\nsum(range(10_000))\ntell()"
_INNER = "while True:\n    get_ipython().run_cell('x = 1', store_history=True)\n    tell()"


class _Victim:
    """A kernel that tells through a pipe how far it is: a byte wakes the test sooner than a message would.

    Args:
        number: Of all kernels; its notebook and its cells are called after it.
        folder: Where it runs.
        home: Where its journal is.
        mlflow: Its setting; ``on`` has a courier started by the first cell, whatever it is called.
    """

    def __init__(self, number: int, folder: Path, home: Path, mlflow: str = "auto") -> None:
        self.notebook = folder / f"{number}.ipynb"
        self.number = number
        self.sent: list[str] = []  # message ids of measured cells, whose cell ids are NUMBER-0, NUMBER-1 ...
        self.replied: set[str] = set()  # cell ids
        self.heard = 0
        path = folder / f"pipe{number}"
        os.mkfifo(path)
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # for writing, too, so that it has no end
        env: dict[str, str | None] = {"JPY_SESSION_NAME": str(self.notebook), "JUPYTER_GREEN_MLFLOW": mlflow}
        self.kernel = Kernel(folder, green_home=home, env=env)
        self._setup = _SETUP.format(pipe=str(path))

    def __enter__(self) -> _Victim:
        self.kernel.__enter__()
        self.kernel.run(self._setup)
        return self

    def __exit__(self, *_: object) -> None:
        self.kernel.__exit__()
        os.close(self._pipe)

    def send(self, code: str) -> str:
        """Send a cell that is to be measured."""
        message_id = self.kernel.send(code, cell_id=f"{self.number}-{len(self.sent)}")
        self.sent.append(message_id)
        return message_id

    def run(self, code: str) -> None:
        """Run a cell that is to be measured."""
        self.collect(self.send(code))

    def collect(self, message_id: str) -> None:
        """Wait for a cell's reply."""
        assert self.kernel.collect(message_id).status == "ok"
        self._note(message_id)

    def _note(self, message_id: str) -> None:
        with suppress(ValueError):  # a cell that is not measured
            self.replied.add(f"{self.number}-{self.sent.index(message_id)}")

    def wait_for(self, count: int) -> float:
        """Wait until so many bytes were told; return when the last one came."""
        while self.heard < count:
            assert select.select([self._pipe], [], [], PATIENCE_S)[0], "the kernel tells nothing any more"
            self.heard += len(os.read(self._pipe, 1))
        return time.perf_counter()

    def wait_for_delivery(self) -> float:
        """Wait until its courier delivered something; return when that was noticed."""
        home, notebook = self.kernel.home, str(self.notebook)
        wait_until(lambda: any(receipts_path(log).exists() for log in log_paths(home, notebook)), "a delivery")
        return time.perf_counter()

    def kill(self, moment: float) -> None:
        """Kill the kernel at a moment of ``time.perf_counter``, and take down what has arrived from it."""
        time.sleep(max(0.0, moment - time.perf_counter() - 0.002))
        while time.perf_counter() < moment:  # a sleep alone would miss what takes 0.1 ms
            pass
        os.kill(self.kernel.pid, signal.SIGKILL)
        process = self.kernel.manager.provisioner.process  # type: ignore[union-attr]
        assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
        with suppress(BlockingIOError):
            while told := os.read(self._pipe, 4096):
                self.heard += len(told)
        with suppress(queue.Empty):
            while True:
                self._note(self.kernel.client.get_shell_msg(timeout=0)["parent_header"]["msg_id"])


@dataclass(frozen=True, kw_only=True)
class _Paces:
    """How long things take in a kernel that nobody disturbs, s."""

    load: float
    cell: float
    named: float  # from a named cell's end to its reply: it is scored, and the courier started


def _paces(victim: _Victim) -> _Paces:
    began = time.perf_counter()
    victim.kernel.run(_LOAD)
    load = time.perf_counter() - began
    victim.run("tell()")
    began = time.perf_counter()
    victim.run("tell()")
    cell = time.perf_counter() - began
    message_id = victim.send(_NAMED)
    began = victim.wait_for(3)
    victim.collect(message_id)
    named = time.perf_counter() - began
    return _Paces(load=load, cell=cell, named=named)


def _loading(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """While the extension loads, or the first cell makes the journal's file."""
    victim.kernel.send("tell()\n" + _LOAD)
    for _ in range(3):
        victim.send("tell()")
    if draw.random() < 0.5:
        return victim.wait_for(1) + draw.uniform(0, paces.load)
    return victim.wait_for(2) + draw.uniform(0, paces.cell)


def _inside(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """While a cell works or waits."""
    victim.kernel.run(_LOAD)
    for _ in range(draw.randrange(4)):
        victim.run("tell()")
    victim.send("tell()\n" + draw.choice(["while True: pass", "import time\ntime.sleep(600)", "sum(range(10**12))"]))
    return victim.wait_for(len(victim.sent)) + draw.uniform(0, 0.05)


def _between(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """From the last line of a cell on, one of many that wait: in its second hook, or in the next one's first."""
    victim.kernel.run(_LOAD)
    for number in range(20):
        victim.send("accuracy = 0.5\ntell()" if number % 3 == 2 else "tell()")
    return victim.wait_for(draw.randrange(1, 19)) + draw.uniform(0, draw.choice([0.1, 1]) * paces.cell)


def _within(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """In the hooks of cells that a cell runs, one right after the other: most of that time is spent in hooks."""
    victim.kernel.run(_LOAD)
    victim.send(_INNER)
    return victim.wait_for(draw.randrange(1, 20)) + draw.uniform(0, 0.005)


def _scored(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """While a named cell is scored and its courier started."""
    victim.kernel.run(_LOAD)
    for _ in range(draw.randrange(3)):
        victim.run("tell()")
    victim.send(_NAMED)
    victim.send("tell()")
    return victim.wait_for(len(victim.sent) - 1) + draw.uniform(0, paces.named)


def _delivered(victim: _Victim, draw: random.Random, paces: _Paces) -> float:
    """While the courier starts or delivers, and there is more and more."""
    victim.kernel.run(_LOAD)
    victim.run(_NAMED)
    for number in range(200):
        victim.send(_NAMED if number % 20 == 9 else "sum(range(3_000_000))")
    return (victim.wait_for(2) if draw.random() < 0.3 else victim.wait_for_delivery()) + draw.uniform(0, 2)


_KILLS: dict[Callable[[_Victim, random.Random, _Paces], float], int] = {
    _loading: 30,
    _inside: 20,
    _between: 40,
    _within: 20,
    _scored: 30,
    _delivered: 10,
}


@dataclass(frozen=True, kw_only=True)
class _File:
    """One session's file, read without the product: every complete line, and no other."""

    path: Path
    head: dict[str, Any]
    cells: list[dict[str, Any]]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """What tells its records apart, in their order."""
        return [
            (
                datetime.fromtimestamp(cell["started_at"], UTC).isoformat(),
                cell.get("execution_count"),
                cell.get("kind", "cell"),
                cell.get("name"),
                cell["status"],
                cell["energy"]["attributed_j"],
            )
            for cell in self.cells
        ]

    @property
    def named(self) -> list[str]:
        """Which of its records become runs of their own."""
        return [c["record_id"] for c in self.cells if c.get("name") is not None and c.get("kind", "cell") == "cell"]


def _read(path: Path) -> _File | None:
    *complete, torn = path.read_bytes().split(b"\n")
    lines = [json.loads(line) for line in complete]
    log = read_log(path)
    if not lines:  # the kernel died before the first one was whole
        assert log is None
        return None
    head, *cells = lines
    assert log is not None
    assert log.unreadable <= bool(torn)
    assert [record.record_id for record in log.records] == [cell["record_id"] for cell in cells]
    assert head["type"] == "session"
    assert {cell["type"] for cell in cells} <= {"cell"}, "a killed session has no end"
    assert len({cell["record_id"] for cell in cells}) == len(cells)
    return _File(path=path, head=head, cells=cells)


@contextmanager
def _adopted() -> Iterator[Callable[[int], None]]:
    """Let what the kernels leave behind become children of this process, and wait for it.

    A courier is detached, and when its kernel dies it may be anything between a fork of the kernel and a process that
    imports mlflow. Looked for by name it could be missed, among this process's children it cannot.
    """

    def found() -> list[int]:
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        stats = {pid: read_stat(pid) for pid in pids}
        return sorted(pid for pid, stat in stats.items() if stat is not None and int(stat[1]) == os.getpid())

    before = set(found())

    def wait(left: int) -> None:
        """Wait until so many are left at most."""
        while len(pids := [pid for pid in found() if pid not in before]) > left:
            os.waitpid(pids[0], 0)

    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_ADOPT, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    try:
        yield wait
    finally:
        wait(0)
        libc.prctl(_ADOPT, 0, 0, 0, 0)


def _sync(folder: Path, home: Path) -> list[dict[str, Any]]:
    answer = green("sync", "--json", cwd=folder, env={"JUPYTER_GREEN_HOME": str(home)})
    assert (answer.code, answer.err) == (0, "")
    outcomes: list[dict[str, Any]] = json.loads(answer.out)
    assert [outcome["problem"] for outcome in outcomes] == [None] * len(outcomes)
    return outcomes


def _stored(database: Path) -> list[tuple[StoredRun, list[dict[str, Any]]]]:
    """All that is in the store, with the tables of cells."""
    return [(run, run.cells if run.record is None else []) for run in runs(database)]


def _check(database: Path, files: list[_File]) -> None:
    """Compare what MLflow has with the journal's lines."""
    found = [run for run in runs(database) if run.record is None]
    by_session = {run.session: run for run in found}
    assert len(by_session) == len(found), "a session became two runs"
    assert by_session.keys() == {file.head["session_id"] for file in files}
    own = children(database)
    assert own.keys() == {record_id for file in files for record_id in file.named}
    for file in files:
        run = by_session[file.head["session_id"]]
        assert (run.status, run.is_deleted) == ("KILLED", False)
        assert [
            (row["started_at"], row["cell"], row["kind"], row["name"], row["status"], row["energy_j"])
            for row in run.cells
        ] == file.rows
        steps = list(enumerate(file.cells, 1))
        written = {cell["record_id"] for cell in file.cells}  # a block in a cell that never ended stands for itself
        energies = [(n, cell["energy"]["attributed_j"]) for n, cell in steps if cell.get("part_of") not in written]
        assert run.metrics.get("cell_energy_j", []) == [(n, value) for n, value in energies if value is not None]
        scores = [(n, cell["metrics"]["accuracy"]) for n, cell in steps if cell.get("metrics")]
        assert run.metrics.get("accuracy", []) == scores
        for points in run.metrics.values():
            assert len({step for step, _ in points}) == len(points), "a value is there twice"
        for cell in file.cells:
            child = own.get(cell["record_id"])
            if child is not None:
                assert (child.status, child.tags["mlflow.parentRunId"]) == ("FINISHED", run.run_id)
                assert child.metrics["energy_j"] == [(0, cell["energy"]["attributed_j"])]
                assert child.metrics["accuracy"] == [(0, 0.5)]
                assert {len(points) for points in child.metrics.values()} == {1}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_kernels_killed_at_a_hundred_and_fifty_moments(tmp_path: Path, make_store: Callable[[Path], str]) -> None:
    """Killed while it loads, works, measures, scores or delivers, no kernel loses or doubles what it appended."""
    seed = int(os.environ.get("GREEN_SEED", "7"))
    print(f"seed {seed}")
    draw = random.Random(seed)
    folder, home = tmp_path / "work", tmp_path / "home"
    make_store(folder)
    moments = [moment for moment, count in _KILLS.items() for _ in range(count)]
    draw.shuffle(moments)
    victims: list[tuple[_Victim, str]] = []
    with _adopted() as wait_for_couriers:
        with _Victim(0, folder, home) as victim:
            paces = _paces(victim)
            victim.kill(time.perf_counter())
        victims.append((victim, "idle"))
        print(f"load {paces.load:.4f} s, cell {paces.cell:.4f} s, named cell {paces.named:.4f} s")
        for number, moment in enumerate(moments, 1):
            wait_for_couriers(_MOST_COURIERS)
            mlflow = "on" if draw.random() < _WITH_COURIER else "auto"
            with _Victim(number, folder, home, mlflow) as victim:
                victim.kill(moment(victim, draw, paces))
            victims.append((victim, moment.__name__.strip("_")))
        wait_for_couriers(0)

    read = {path: _read(path) for path in sorted((home / "journal").iterdir())}
    files = {Path(file.head["notebook"]).stem: file for file in read.values() if file is not None}
    assert len(files) == sum(file is not None for file in read.values()), "a kernel had two sessions"
    told: dict[str, Counter[str]] = {}
    for victim, kind in victims:
        file = files.get(str(victim.number))
        cells = [] if file is None else file.cells
        recorded = Counter(one["cell_id"] for one in cells if one.get("cell_id") and one.get("kind") != "scoring")
        assert set(recorded) <= {f"{victim.number}-{n}" for n in range(len(victim.sent))}
        assert set(recorded.values()) <= {1}, "a cell has two records"
        assert victim.replied <= set(recorded), "a cell that had ended is not in the journal"
        if kind == "within":
            assert len(cells) >= victim.heard, "a cell that had ended is not in the journal"
        told.setdefault(kind, Counter()).update(
            kills=1,
            without_a_record=not cells,
            records=len(cells),
            replies=len(victim.replied),
            recorded_not_replied=len(set(recorded) - victim.replied),
            ended_not_recorded=kind == "between" and victim.heard > len(recorded),
        )
    for kind, counts in told.items():
        print(kind, {name: int(count) for name, count in counts.items()})
    between = told["between"]
    assert between["recorded_not_replied"] + between["ended_not_recorded"] > 10, "hardly any kill hit the hooks"
    loading = told["loading"]
    assert 0 < loading["without_a_record"] < loading["kills"], "all were killed too soon, or too late"
    with_records = [file for file in files.values() if file.cells]
    receipts = list((home / "receipts").iterdir())
    print(f"{len(with_records)} sessions with records, {len(receipts)} of them delivered by a courier")

    _sync(folder, home)
    _check(folder / "mlflow.db", with_records)
    stored = _stored(folder / "mlflow.db")
    assert _sync(folder, home) == []
    assert _stored(folder / "mlflow.db") == stored
    shutil.rmtree(home / "receipts")  # what a crash may take: then MLflow itself is asked what it has
    assert len(_sync(folder, home)) == len(with_records)
    assert _stored(folder / "mlflow.db") == stored
