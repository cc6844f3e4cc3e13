"""What is recorded of a notebook, cell by cell, kept up to date as the journal grows."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_green.records import CellRecord, Session
from jupyter_green.totals import Total, add_known, join
from jupyter_green.track.changes import FEWEST, Change, change
from jupyter_green.track.followed import Followed
from jupyter_green.track.heads import Heads
from jupyter_green.track.history import is_alive
from jupyter_green.track.journal import journal_folder

_MOST_OPEN = 32  # notebooks kept in memory, those asked for last


@dataclass(frozen=True, slots=True, kw_only=True)
class CellState:
    """The newest record of a cell, and how it compares with the cell's earlier runs."""

    cell_id: str
    record: CellRecord
    runs: int  # records of this cell, this one included
    all_j: float | None  # attributed energy of all of them, with its range; None if that of one is unknown
    all_low_j: float | None
    all_high_j: float | None
    change: Change | None


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
        self._logs: dict[Path, Followed] = {}  # the oldest first
        self._revisions: dict[str, int] = {}  # when each cell changed last
        self._folder: int | None = None  # when the journal's folder was changed last, ns

    def look(self) -> int:
        """Return how many bytes are recorded, by looking at sizes only; new sessions are noticed."""
        self._find()
        return sum(sum(log.sizes()) for log in self._logs.values())

    def refresh(self) -> None:
        """Read what was appended since the last time."""
        self._find()
        for log in self._logs.values():
            for cell_id in log.refresh():
                self.revision += 1
                self._revisions[cell_id] = self.revision
                if not self._runs(cell_id):  # its records are not there any more
                    self._tell_anew()

    def cells(self, since: int) -> tuple[CellState, ...]:
        """Return the cells that changed after a revision."""
        changed = [cell_id for cell_id, revision in self._revisions.items() if revision > since]
        return tuple(self._state(cell_id, runs) for cell_id in changed if (runs := self._runs(cell_id)))

    @property
    def total(self) -> Total | None:
        """The total of all sessions; None if nothing was recorded."""
        totals = [log.total for log in self._logs.values() if log.total is not None]
        return join(totals) if totals else None

    @property
    def session(self) -> Total | None:
        """The total of the kernel that runs now, since its last start."""
        for log in reversed(self._logs.values()):
            session = log.session
            if session is not None and session.kernel_id is not None and session.kernel_id == self._kernel_id:
                return log.total if is_alive(session) else None
        return None

    @property
    def newest(self) -> Session | None:
        """The session that was started last."""
        return next((log.session for log in reversed(self._logs.values()) if log.session is not None), None)

    @property
    def newest_path(self) -> Path | None:
        """The file of the session that has records and was started last."""
        return next((log.path for log in reversed(self._logs.values()) if log.records), None)

    @property
    def sessions(self) -> int:
        """How many sessions have records."""
        return sum(1 for log in self._logs.values() if log.records)

    @property
    def unreadable(self) -> int:
        """Lines that were passed over."""
        return sum(log.unreadable for log in self._logs.values())

    @property
    def problem(self) -> str | None:
        """Which files could not be read, and why, in a sentence."""
        problems = {log.path.name: log.problem for log in self._logs.values() if log.problem is not None}
        if not problems:
            return None
        files = "A file" if len(problems) == 1 else f"{len(problems)} files"
        return f"{files} of the journal could not be read ({', '.join(sorted(set(problems.values())))})."

    def _find(self) -> None:
        """Notice new files; the folder's time tells whether there can be any."""
        try:
            changed = os.stat(journal_folder(self._home)).st_mtime_ns
        except OSError:
            changed = None
        if changed == self._folder:
            return
        found = self._heads.find(self._notebook, self._kernel_id)
        paths = [files[0] for files in found.sessions]
        self._folder = changed if found.is_final else None
        if not self._logs.keys() <= set(paths):  # somebody deleted records
            self._logs = {}
            self._tell_anew()
        self._logs = {path: self._logs.get(path) or Followed(path) for path in paths}

    def _tell_anew(self) -> None:
        self.epoch = os.urandom(8).hex()
        self._revisions = {cell_id: at for cell_id, at in self._revisions.items() if self._runs(cell_id)}

    def _runs(self, cell_id: str) -> list[tuple[Session | None, CellRecord]]:
        """Return a cell's records with their sessions, the newest last.

        In a session the journal's order counts, as a clock may be set; of several sessions the one that ran the cell
        last comes last, so that one of an older kernel that goes on is no past.
        """
        sessions = [(log.session, log.cells[cell_id]) for log in self._logs.values() if cell_id in log.cells]
        sessions.sort(key=lambda one: one[1][-1].started_at)
        return [(session, record) for session, records in sessions for record in records]

    def _state(self, cell_id: str, runs: list[tuple[Session | None, CellRecord]]) -> CellState:
        newest = runs[-1][1]
        return CellState(
            cell_id=cell_id,
            record=newest,
            runs=len(runs),
            all_j=add_known(record.energy.attributed_j for _, record in runs),
            all_low_j=add_known(record.energy.low_j for _, record in runs),
            all_high_j=add_known(record.energy.high_j for _, record in runs),
            change=_change(runs) if newest.status == "ok" else None,
        )


def _change(runs: list[tuple[Session | None, CellRecord]]) -> Change | None:
    """Compare the last run with earlier ones of its text; as long as there are few, with those of the text before."""
    how = _measured(*runs[-1])
    alike = [record for session, record in runs if record.status == "ok" and _measured(session, record) == how]
    newest = alike[-1]
    own = [record for record in alike if record.code == newest.code]
    others = [record for record in alike if record.code != newest.code]
    if len(own) > FEWEST or not others:
        return change([record.energy.attributed_j for record in own])
    before = [record for record in others if record.code == others[-1].code]
    found = change([record.energy.attributed_j for record in (*before, newest)])
    return None if found is None else replace(found, text_changed=True)


def _measured(session: Session | None, record: CellRecord) -> tuple[object, ...]:
    """Return where and how a record was measured: other watts or another computer are no change of the cell."""
    where = None if session is None else (session.host, session.method)
    energy = record.energy
    return where, energy.quality, energy.covers, tuple(sorted(energy.source.items()))


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
