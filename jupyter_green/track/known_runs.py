"""A notebook's runs in MLflow as the receipts know them: read by whoever shows them, without a word to MLflow."""

from __future__ import annotations

import os
import shlex
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jupyter_green.programs import typed
from jupyter_green.records import Target
from jupyter_green.totals import Total, held_by_others, total
from jupyter_green.track.goals import group
from jupyter_green.track.heads import Heads
from jupyter_green.track.history import engine_of, is_over, read_session, session_id
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.mlflow_run import session_tags
from jupyter_green.track.receipts import Delivered, Receipts, read_receipts, receipts_path
from jupyter_green.track.sync import send
from jupyter_green.track.target import OWN_CONFIGURATION, without_credentials

_PATIENCE_S = 600.0  # how long sending may take while other pages wait for their turn
_MOST_KNOWN = 1024  # sessions whose runs are kept in memory, those asked for last
_ANYWHERE = Target(tracking_uri=None, experiment=None)  # where does not matter for how many wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that holds records of a notebook: a session's, or the one of a named record in it."""

    run_id: str
    parent_run_id: str | None
    session_id: str
    name: str
    started_at: str
    tracking_uri: str
    experiment_id: str
    link: str | None  # where a browser finds it; None if its store has no address
    command: str | None  # what to type to look at it instead
    cells: int  # records that are no part of another one, scorings left out
    total: Total
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of a notebook, the newest first, and what waits for MLflow."""

    runs: tuple[Run, ...]
    waiting: int  # records that MLflow does not have yet, those that are to stay here left out
    problem: str | None  # of the last try to deliver


class KnownRuns:
    """The runs of notebooks as the receipts know them; a session whose files stay the same is read once.

    Args:
        home: The folder of the journal.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._heads = Heads(home)
        self._known: OrderedDict[Path, tuple[object, Runs]] = OrderedDict()
        self._lock = threading.Lock()  # one reader at a time

    def of(self, notebook: str | None, kernel_id: str | None) -> Runs:
        """Return the runs of a notebook.

        Args:
            notebook: The notebook's absolute path; None if its contents are no files.
            kernel_id: Of the kernel that it uses now; what that recorded under another name counts too.
        """
        with self._lock:
            parts = [self._read(paths) for paths in self._heads.find(notebook, kernel_id).sessions]
        runs = [run for part in parts for run in part.runs]
        return Runs(
            runs=tuple(sorted(runs, key=lambda run: run.started_at, reverse=True)),
            waiting=sum(part.waiting for part in parts),
            problem=next((part.problem for part in reversed(parts) if part.problem is not None), None),
        )

    def _read(self, paths: tuple[Path, ...]) -> Runs:
        stamps = tuple(map(_stamp, paths))
        known = self._known.get(paths[0])
        if known is None or known[0] != stamps:
            known = self._known[paths[0]] = stamps, _read_runs(paths[0])
        self._known.move_to_end(paths[0])
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return known[1]

    def send(self, notebook: str | None, kernel_id: str | None, environ: Mapping[str, str], folder: Path) -> str | None:
        """Deliver what waits of a notebook's sessions; return why that failed, if it did.

        Credentials in this environment go to the address that this environment names, and to no other.

        Args:
            notebook: As in `of`.
            kernel_id: As there.
            environ: The user's environment.
            folder: Where the notebook's kernel starts.

        Raises:
            UsageError: As `jupyter_green.track.sync.send` does.
        """
        with self._lock:
            sessions = self._heads.find(notebook, kernel_id).sessions
        logs = (log for log in map(_sendable, sessions) if log is not None)
        results = send(logs, self._home, environ, folder, _PATIENCE_S)
        problems = [outcome["problem"] for _, outcome in results if outcome["problem"]]
        return str(problems[-1]) if problems else None


def _stamp(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return what changes when a journal file or its receipts do."""
    stamps: list[tuple[int, int] | None] = []
    for one in (path, receipts_path(path)):
        try:
            status = os.stat(one)
            stamps.append((status.st_size, status.st_mtime_ns))
        except OSError:
            stamps.append(None)
    return tuple(stamps)


def _read_runs(path: Path) -> Runs:
    try:
        log = read_session(path)
    except OSError:  # somebody has just deleted it
        log = None
    if log is None:
        return Runs(runs=(), waiting=0, problem=None)
    receipts = read_receipts(log.path)
    due = {one.record_id for records in group(log.records, _ANYWHERE, receipts).values() for one in records}
    return Runs(
        runs=tuple(_session_runs(log, receipts, due)),
        waiting=len(due - receipts.record_ids),
        problem=receipts.problem,
    )


def _session_runs(log: SessionLog, receipts: Receipts, due: Collection[str]) -> Iterator[Run]:
    by_id = {record.record_id: record for record in log.records}
    held = held_by_others(log.records)
    last = next((record_id for record_id in reversed(by_id) if record_id in due), None)
    for one in receipts.delivered:
        records = [by_id[record_id] for record_id in one.record_ids if record_id in by_id]
        yield _run(
            log,
            one,
            run_id=one.run_id,
            parent_run_id=None,
            name=session_tags(log.session, ())["mlflow.runName"],
            started_at=log.session.started_at.isoformat(),
            cells=sum(1 for record in records if record.record_id not in held and record.kind != "scoring"),
            # What was used after the last record is in one run's total only, as when it is delivered.
            total=total(records, log.end if last in one.record_ids else None, held),
            metrics={},
        )
        for record_id, run_id in one.children.items():
            record = by_id.get(record_id)
            if record is not None:
                yield _run(
                    log,
                    one,
                    run_id=run_id,
                    parent_run_id=one.run_id,
                    name=record.name or record.record_id,
                    started_at=record.started_at.isoformat(),
                    cells=1,
                    total=total([replace(record, between_j=None)]),  # that is the session's
                    metrics=record.metrics,
                )


def _run(log: SessionLog, one: Delivered, *, run_id: str, **known: Any) -> Run:
    uri = without_credentials(one.tracking_uri)
    link = _link(uri, one.experiment_id, run_id)
    return Run(
        run_id=run_id,
        session_id=log.session.session_id,
        tracking_uri=uri,
        experiment_id=one.experiment_id,
        link=link,
        command=None if link is not None else _command(uri),
        **known,
    )


def _link(uri: str, experiment_id: str, run_id: str) -> str | None:
    parts = _parts(uri)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        return None
    return f"{uri.rstrip('/')}/#/experiments/{quote(experiment_id, safe='')}/runs/{quote(run_id, safe='')}"


def _command(uri: str) -> str | None:
    parts = _parts(uri)
    if parts is None or parts.scheme in ("http", "https") or uri.partition(":")[0] in OWN_CONFIGURATION:
        return None  # ``mlflow ui`` shows stores, no servers
    return f"{typed('mlflow')} ui --backend-store-uri {shlex.quote(uri)}"


def _parts(uri: str) -> Any:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  (it is parsed when asked for)
    except ValueError:
        return None
    return parts


def _sendable(paths: tuple[Path, ...]) -> SessionLog | None:
    try:
        log = read_session(paths[0])
        if log is None or (engine_of(session_id(log.path)) is not None and not is_over(log)):
            return None  # a kernel inside an engine's run is the engine's to send, as long as that may yet write
    except OSError:
        return None
    return log
