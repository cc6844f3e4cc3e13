"""What is recorded of a notebook, cell by cell, kept up to date as the journal grows.

A notebook's sessions are those whose file carries its path, and those of the kernel it uses now: a notebook that was
renamed keeps its kernel, whose journal keeps the old name.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_green.records import CellRecord, Session
from jupyter_green.totals import Total, join, total
from jupyter_green.track.changes import Change, change
from jupyter_green.track.history import is_alive, read_session, whole_sessions
from jupyter_green.track.journal import journal_folder, log_paths
from jupyter_green.track.receipts import read_receipts, receipts_path
from jupyter_green.track.tail import Tail

_MOST_OPEN = 32  # notebooks kept in memory, those asked for last


@dataclass(frozen=True, slots=True, kw_only=True)
class CellState:
    """The newest record of a cell, and how it compares with the cell's earlier runs."""

    cell_id: str
    record: CellRecord
    runs: int  # records of this cell, this one included
    change: Change | None


@dataclass(slots=True)
class _Cell:
    """A cell's history: which record is the newest, and when that was noticed."""

    newest: CellRecord
    revision: int
    runs: int = 0
    energies_j: list[float | None] = field(default_factory=list)  # of runs that came to their end, the oldest first


class _Log:
    """One session's file, its receipts, and the total of both."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail = Tail(path)
        self.records: dict[str, CellRecord] = {}
        self.total: Total | None = None
        self._seen: tuple[int, int] | None = None

    def sizes(self) -> tuple[int, int]:
        """Return how many bytes the journal's file and its receipts have; 0 for what is not there."""
        return _size(self.path), _size(receipts_path(self.path))

    def refresh(self) -> list[CellRecord]:
        """Read what is new and return the records that are new or changed."""
        sizes = self.sizes()
        if sizes == self._seen:
            return []
        before = self._seen
        try:
            self.tail.read()
            found = self._found()
        except OSError:
            return []
        if before is None or sizes[1] != before[1]:
            found = self._with_runs(found)
        else:  # only the journal grew: what is new has no run yet
            found = {key: self.records.get(key, record) for key, record in found.items()}
        new = [record for key, record in found.items() if self.records.get(key) is not record]
        new = [record for record in new if self.records.get(record.record_id) != record]
        self.records, self._seen = found, sizes
        if new or self.tail.end is not None:
            self.total = total(found.values(), self.tail.end) if found else None
        return new

    def _found(self) -> dict[str, CellRecord]:
        if self.tail.session is not None and self.tail.session.runner == "papermill":
            log = read_session(self.path)  # with what its kernel recorded itself
            return {} if log is None else {record.record_id: record for record in log.records}
        return dict(self.tail.records)

    def _with_runs(self, found: dict[str, CellRecord]) -> dict[str, CellRecord]:
        runs = read_receipts(self.path).runs()
        return {key: self._with_run(record, runs.get(key, ())) for key, record in found.items()}

    def _with_run(self, record: CellRecord, run_ids: tuple[str, ...]) -> CellRecord:
        if record.mlflow is None or record.mlflow.run_ids == run_ids:
            return record
        known = self.records.get(record.record_id)
        if known is not None and known.mlflow is not None and known.mlflow.run_ids == run_ids:
            return known
        return replace(record, mlflow=replace(record.mlflow, run_ids=run_ids))


class NotebookLog:
    """All that is recorded of one notebook.

    Args:
        home: The folder of the journal.
        notebook: The notebook's absolute path; None if its contents are no files.
        kernel_id: Of the kernel that it uses now.
        heads: Who recorded each file.
    """

    def __init__(self, home: Path, notebook: str | None, kernel_id: str | None, heads: Heads) -> None:
        self.epoch = os.urandom(8).hex()
        self.revision = 0
        self._home, self._notebook, self._kernel_id, self._heads = home, notebook, kernel_id, heads
        self._logs: dict[Path, _Log] = {}
        self._cells: dict[str, _Cell] = {}
        self._folder: int | None = None  # when the journal's folder was changed last, ns

    def look(self) -> int:
        """Return how many bytes are recorded, by looking at sizes only; new sessions are noticed."""
        self._find()
        return sum(sum(log.sizes()) for log in self._logs.values())

    def refresh(self) -> None:
        """Read what was appended since the last time."""
        self._find()
        for log in self._logs.values():
            for record in log.refresh():
                self._note(record)

    def cells(self, since: int) -> tuple[CellState, ...]:
        """Return the cells that changed after a revision."""
        return tuple(
            CellState(cell_id=cell_id, record=cell.newest, runs=cell.runs, change=change(cell.energies_j))
            for cell_id, cell in self._cells.items()
            if cell.revision > since
        )

    @property
    def total(self) -> Total | None:
        """The total of all sessions; None if nothing was recorded."""
        totals = [log.total for log in self._logs.values() if log.total is not None]
        return join(totals) if totals else None

    @property
    def session(self) -> Total | None:
        """The total of the kernel that runs now, since its last start."""
        newest = self.newest
        if newest is None or self._kernel_id is None or newest.session.kernel_id != self._kernel_id:
            return None
        return newest.total if is_alive(newest.session) else None

    @property
    def newest(self) -> KnownSession | None:
        """The session that was started last."""
        for log in reversed(self._logs.values()):
            if log.tail.session is not None:
                return KnownSession(log.tail.session, log.total)
        return None

    @property
    def newest_path(self) -> Path | None:
        """The file of the session that has records and was started last."""
        return next((log.path for log in reversed(self._logs.values()) if log.sizes()[0]), None)

    @property
    def sessions(self) -> int:
        """How many sessions have records."""
        return sum(1 for log in self._logs.values() if log.records)

    @property
    def unreadable(self) -> int:
        """Lines that were passed over."""
        return sum(log.tail.unreadable for log in self._logs.values())

    def _find(self) -> None:
        """Notice new files; the folder's time tells whether there can be any."""
        try:
            changed = os.stat(journal_folder(self._home)).st_mtime_ns
        except OSError:
            changed = None
        if changed == self._folder:
            return
        self._folder = changed
        paths = [files[0] for files in self._heads.sessions(self._notebook, self._kernel_id)]
        if not self._logs.keys() <= set(paths):
            self._begin_anew()  # somebody deleted records
        self._logs = {path: self._logs.get(path) or _Log(path) for path in paths}

    def _begin_anew(self) -> None:
        self.epoch, self.revision = os.urandom(8).hex(), 0
        self._logs, self._cells = {}, {}

    def _note(self, record: CellRecord) -> None:
        self.revision += 1
        if record.cell_id is None or record.kind != "cell" or record.part_of is not None:
            return
        cell = self._cells.get(record.cell_id)
        if cell is None:
            cell = self._cells[record.cell_id] = _Cell(record, self.revision)
        elif cell.newest.record_id == record.record_id:  # it became a run in MLflow
            cell.newest, cell.revision = record, self.revision
            return
        elif record.started_at < cell.newest.started_at:
            return
        cell.newest, cell.revision = record, self.revision
        cell.runs += 1
        if record.status == "ok":
            cell.energies_j.append(record.energy.attributed_j)


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session and what it used so far."""

    session: Session
    total: Total | None


class Heads:
    """Who recorded each file of the journal, read from its first line once."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._kernels: dict[str, str | None] = {}

    def of_kernel(self, kernel_id: str) -> Iterator[Path]:
        """Yield the files of a kernel's sessions."""
        for path in log_paths(self._home):
            if path.name not in self._kernels:
                session = _session(path)
                if session is None:
                    continue
                self._kernels[path.name] = session.kernel_id
            if self._kernels[path.name] == kernel_id:
                yield path

    def sessions(self, notebook: str | None, kernel_id: str | None) -> list[tuple[Path, ...]]:
        """Return the files of each session of a notebook and its kernel, the oldest first, an engine's before others.

        Args:
            notebook: The notebook's absolute path; None if its contents are no files.
            kernel_id: Of the kernel that it uses now.
        """
        found = set() if notebook is None else set(log_paths(self._home, notebook))
        if kernel_id is not None:
            found.update(self.of_kernel(kernel_id))
        return whole_sessions(found, log_paths(self._home))


class Notebooks:
    """The notebooks that somebody looks at.

    Args:
        home: The folder of the journal.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._heads = Heads(home)
        self._open: OrderedDict[tuple[str | None, str | None], NotebookLog] = OrderedDict()
        self.lock = threading.Lock()  # one reader at a time

    def open(self, notebook: str | None, kernel_id: str | None) -> NotebookLog:
        """Return what is recorded of a notebook; call it and what it returns with the lock held."""
        key = notebook, kernel_id
        log = self._open.get(key)
        if log is None:
            log = self._open[key] = NotebookLog(self._home, notebook, kernel_id, self._heads)
        self._open.move_to_end(key)
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return log


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _session(path: Path) -> Session | None:
    """Return what a file's first line says; None if there is none yet."""
    head = Tail(path)
    try:
        head.read_head()
    except OSError:
        return None
    return head.session
