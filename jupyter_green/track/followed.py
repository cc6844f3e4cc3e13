"""One session's file followed as it grows: its records with the runs they became, by cell, and their total."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from jupyter_green.records import CellRecord, Session
from jupyter_green.totals import Total, total
from jupyter_green.track.history import read_session
from jupyter_green.track.receipts import read_receipts, receipts_path
from jupyter_green.track.tail import Tail


class Followed:
    """A session, read anew only where its file or its receipts grew.

    Args:
        path: The journal's file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: Mapping[str, CellRecord] = {}
        self.cells: dict[str, list[CellRecord]] = {}  # of each cell, in the order in which they were written
        self.total: Total | None = None
        self.problem: str | None = None  # why the file could not be read the last time
        self._tail = Tail(path)
        self._read: Mapping[str, CellRecord] | None = None  # the tail's records that are in ours
        self._seen: tuple[int, int] | None = None

    @property
    def session(self) -> Session | None:
        """What the file is about; None as long as it has no first line."""
        return self._tail.session

    @property
    def unreadable(self) -> int:
        """Lines that were passed over."""
        return self._tail.unreadable

    def sizes(self) -> tuple[int, int]:
        """Return how many bytes the journal's file and its receipts have; 0 for what is not there."""
        return _size(self.path), _size(receipts_path(self.path))

    def refresh(self) -> list[str]:
        """Read what is new and return the ids of the cells whose records are not what they were."""
        sizes = self.sizes()
        if sizes == self._seen:
            return []
        try:
            changed = self._refresh(has_new_runs=self._seen is None or sizes[1] != self._seen[1])
        except OSError as error:
            self.problem = error.strerror or type(error).__name__
            return []
        self.total = total(self.records.values(), self._tail.end) if self.records else None
        self.problem, self._seen = None, sizes  # at last: what went wrong on the way is tried again
        return changed

    def _refresh(self, *, has_new_runs: bool) -> list[str]:
        self._tail.read()
        if self.session is not None and self.session.runner == "papermill":
            log = read_session(self.path)  # with what its kernel recorded itself, which may take a record's place
            return self._take_all(() if log is None else log.records)
        if has_new_runs or self._read is not self._tail.records:
            return self._take_all(self._tail.records.values())
        return self._take_new()

    def _take_all(self, found: Iterable[CellRecord]) -> list[str]:
        runs = read_receipts(self.path).runs()
        records = {record.record_id: _with_runs(record, runs.get(record.record_id, ())) for record in found}
        before, self.cells = self.cells, {}
        for record in records.values():
            self._note(record)
        self.records, self._read = records, self._tail.records
        return [cell_id for cell_id in {**before, **self.cells} if before.get(cell_id) != self.cells.get(cell_id)]

    def _take_new(self) -> list[str]:
        """Take the records that were appended; none of them is a run in MLflow yet."""
        new = {record.record_id: record for record in islice(self._tail.records.values(), len(self.records), None)}
        self.records = {**self.records, **new}
        cell_ids = [record.cell_id for record in new.values() if self._note(record)]
        return [cell_id for cell_id in dict.fromkeys(cell_ids) if cell_id is not None]

    def _note(self, record: CellRecord) -> bool:
        """Keep the record of a run of a cell; scorings and what is part of another record are none."""
        if record.cell_id is None or record.kind != "cell" or record.part_of is not None:
            return False
        self.cells.setdefault(record.cell_id, []).append(record)
        return True


def _with_runs(record: CellRecord, run_ids: tuple[str, ...]) -> CellRecord:
    if record.mlflow is None or record.mlflow.run_ids == run_ids:
        return record
    return replace(record, mlflow=replace(record.mlflow, run_ids=run_ids))


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
