"""A notebook's runs in MLflow: what the receipts know of them, and what MLflow itself says when it is asked.

The receipts are read in the process that shows them, which never imports mlflow; MLflow is asked by a child process.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from jupyter_green.errors import DeliveryError
from jupyter_green.records import CellRecord, Target
from jupyter_green.totals import Total, total
from jupyter_green.track.cells import Heads
from jupyter_green.track.deliver import group
from jupyter_green.track.history import engine_of, is_over, read_session, session_id
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.mlflow_run import session_tags
from jupyter_green.track.receipts import Delivered, Receipts, read_receipts, receipts_path
from jupyter_green.track.secrets import mask_text
from jupyter_green.track.store import _sqlite_path, connect, refused
from jupyter_green.track.sync import OWN_CONFIGURATION, environs, is_trusted, send
from jupyter_green.track.target import absolute_uri, without_credentials

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PATIENCE_S = 30.0  # how long MLflow may take to say what it knows of the runs that somebody looks at
_MOST_KNOWN = 1024  # sessions whose runs are kept in memory, those asked for last
_ANYWHERE = Target(tracking_uri=None, experiment=None)  # where does not matter for how many wait
_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"  # MLflow's error code


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What MLflow itself says of a run."""

    status: str | None
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]


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
            parts = [self._read(paths) for paths in self._heads.sessions(notebook, kernel_id)]
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

    def send(self, notebook: str | None, kernel_id: str | None, environ: Mapping[str, str]) -> str | None:
        """Deliver what waits of a notebook's sessions; return why that failed, if it did.

        Credentials in this environment go to the address that this environment names, and to no other.

        Raises:
            UsageError: If a setting is invalid: what was meant is not known, so nothing is sent.
        """
        with self._lock:
            sessions = self._heads.sessions(notebook, kernel_id)
        logs = (log for log in map(_sendable, sessions) if log is not None)
        problems = [outcome["problem"] for _, outcome in send(logs, self._home, environ) if outcome["problem"]]
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
            cells=_cells(records),
            # What was used after the last record is in one run's total only, as when it is delivered.
            total=total(records, log.end if last in one.record_ids else None),
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


def _cells(records: Sequence[CellRecord]) -> int:
    there = {record.record_id for record in records}
    return sum(1 for record in records if record.part_of not in there and record.kind != "scoring")


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
    return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


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


def ask(addresses: Mapping[str, str], home: Path, environ: Mapping[str, str]) -> dict[str, Found | None]:
    """Ask MLflow itself for runs; None for one that it does not have any more.

    Credentials in this environment go to the address that this environment names, and to no other.

    Args:
        addresses: The tracking URI of each run.
        home: The folder of the journal.
        environ: The environment of the process that asks.

    Raises:
        DeliveryError: If MLflow is away, or does not answer in time.
    """
    by_uri: dict[str, list[str]] = {}
    for run_id, uri in addresses.items():
        by_uri.setdefault(uri, []).append(run_id)
    trusted = {uri for uri in by_uri if is_trusted(uri, environ, os.getcwd())}
    found: dict[str, Found | None] = {}
    until = time.monotonic() + PATIENCE_S
    with environs(environ, home) as (full, clean):
        for uris, used in ((trusted, full), (by_uri.keys() - trusted, clean)):
            jobs = {uri: run_ids for uri, run_ids in by_uri.items() if uri in uris}
            if jobs:
                found |= _ask_child(jobs, used, until - time.monotonic())
    return found


def _ask_child(jobs: Mapping[str, Sequence[str]], environ: Mapping[str, str], wait_s: float) -> dict[str, Found | None]:
    uris = ", ".join(jobs)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "jupyter_green.track", "look"],  # no module of the current folder
            input=json.dumps(jobs).encode(),
            capture_output=True,
            env=dict(environ),
            timeout=max(0.0, wait_s),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise refused(uris, OSError(f"it did not answer ({PATIENCE_S:g} s)")) from None
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    for line in lines:
        if line["problem"] is not None:
            raise DeliveryError(*line["problem"])
    if len(lines) < len(jobs):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise refused(uris, OSError(mask_text(said[-1])))
    return {run_id: None if one is None else Found(**one) for line in lines for run_id, one in line["runs"].items()}


def answer(jobs: Mapping[str, Iterable[str]], environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Ask MLflow, in this process: yield for each tracking URI what it says of its runs, or why it says nothing."""
    for uri, run_ids in jobs.items():
        try:
            _be_there(uri)
            client, _ = connect(_with_user_info(uri, environ))
            runs = {run_id: _look(client, run_id) for run_id in run_ids}
        except DeliveryError as error:
            yield {"runs": {}, "problem": error.args}
        except Exception as error:  # whatever mlflow raises, it says nothing
            yield {"runs": {}, "problem": refused(uri, error).args}
        else:
            yield {"runs": runs, "problem": None}


def _be_there(uri: str) -> None:
    """Refuse a store on this computer that is gone: MLflow would make a new one, and somebody only wants to look."""
    if uri.startswith("sqlite"):
        path = _sqlite_path(uri)
    elif uri.startswith("file:"):
        path = Path(unquote(urlsplit(uri).path))
    elif os.path.isabs(uri):
        path = Path(uri)
    else:
        return
    if not path.exists():
        raise refused(uri, OSError("it is not there any more"))


def _with_user_info(uri: str, environ: Mapping[str, str]) -> str:
    """Return the address with the user info that the receipt leaves out, if the environment names the same one."""
    given = environ.get("MLFLOW_TRACKING_URI")
    return given if given and "://" in given and absolute_uri(given, os.getcwd()) == uri else uri


def _look(client: MlflowClient, run_id: str) -> dict[str, Any] | None:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != _NOT_FOUND:
            raise
        return None
    if run.info.lifecycle_stage != "active":
        return None
    return {
        "status": run.info.status,
        "metrics": {name: value for name, value in run.data.metrics.items() if _is_number(value)},
        "parameters": dict(run.data.params),
    }


def _is_number(value: float) -> bool:
    # MLflow's databases keep an infinite metric as the largest number there is.
    return math.isfinite(value) and abs(value) < sys.float_info.max
