"""Delivery: a session's journal becomes runs in MLflow, each record exactly once.

Whoever delivers holds the session's lock. A run is made with a tag that names its session or record, so one that was
made before a crash is found again; what a run already holds is read before anything is added to it.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_green.errors import DeliveryError
from jupyter_green.records import CellRecord, End, Session, Target
from jupyter_green.track import mlflow_run
from jupyter_green.track.history import is_over, read_session
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.locks import locked
from jupyter_green.track.mlflow_run import Point
from jupyter_green.track.receipts import Delivered, Receipts, read_receipts, write_problem, write_receipt
from jupyter_green.track.store import connect, refused
from jupyter_green.track.target import absolute_uri

if TYPE_CHECKING:
    from mlflow.entities import Experiment
    from mlflow.tracking import MlflowClient

_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"  # MLflow's error code
_BATCH = 1000  # MLflow's limit of metrics in a request
_MOST_BYTES = 500_000  # of parameters in a request; a server refuses more than 1 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a delivery did."""

    delivered: int  # records that MLflow has now and did not have before
    tracking_uri: str | None
    experiment_id: str | None
    run_id: str | None
    problem: str | None


def deliver(
    home: Path,
    path: Path,
    wanted: Target | None,
    environ: Mapping[str, str],
    up_to_date: set[str] | None = None,
) -> Outcome:
    """Bring what MLflow lacks of a session to it.

    Args:
        home: The folder of everything that is kept.
        path: The session's journal file.
        wanted: Where records go that name no place themselves; None leaves them in the journal unless another record
            of the session names one.
        environ: Holds ``MLFLOW_TRACKING_URI`` with the user's credentials, where there are any.
        up_to_date: Runs that this process itself brought up to date: what they hold need not be read again.
    """
    up_to_date = set() if up_to_date is None else up_to_date
    began = time.process_time()
    try:
        with locked(home, path.name):
            log = read_session(path)
            if log is None:
                return _nothing("the journal holds no session")
            outcome = _deliver_log(home, log, read_receipts(path), wanted, environ, up_to_date)
            if outcome.problem is not None:
                with suppress(OSError):  # the caller is told all the same
                    write_problem(path, outcome.problem, time.process_time() - began)
            return outcome
    except OSError as error:
        return _nothing(f"the journal at {home} could not be used ({error.strerror or error})")


def _nothing(problem: str | None) -> Outcome:
    return Outcome(delivered=0, tracking_uri=None, experiment_id=None, run_id=None, problem=problem)


def _deliver_log(
    home: Path,
    log: SessionLog,
    receipts: Receipts,
    wanted: Target | None,
    environ: Mapping[str, str],
    up_to_date: set[str],
) -> Outcome:
    began = time.process_time()
    outcome = _nothing(None)
    over = is_over(log)
    done = receipts.record_ids
    groups = group(log.records, wanted, receipts)
    latest = max((records[-1] for records in groups.values()), key=log.records.index, default=None)
    for goal, records in groups.items():
        end = log.end
        if end is not None and records[-1] is not latest:
            end = replace(end, between_j=None)  # what came after the last record is in one run's total only
        is_final = any(one.is_final and records[-1].record_id in one.record_ids for one in receipts.delivered)
        missing = [record for record in records if record.record_id not in done]
        if not missing and (is_final or not over):
            continue
        try:
            client, uri = _client(goal, log.session, environ)
            with locked(home, absolute_uri(uri, log.session.cwd)):
                one = _send(_Delivery(client, uri, log.session, receipts, up_to_date), goal, records, end, over)
        except DeliveryError as error:  # another place of this session may be there
            outcome = replace(outcome, problem=outcome.problem or str(error))
            continue
        with suppress(OSError):  # a full disk: the next try finds in MLflow what it has
            write_receipt(log.path, one, time.process_time() - began)
        began = time.process_time()
        outcome = Outcome(
            delivered=outcome.delivered + len(missing),
            tracking_uri=one.tracking_uri,
            experiment_id=one.experiment_id,
            run_id=one.run_id,
            problem=outcome.problem,
        )
    return outcome


def _send(delivery: _Delivery, goal: Target, records: Sequence[CellRecord], end: End | None, over: bool) -> Delivered:
    try:
        return delivery.send(goal, records, end, over)
    except DeliveryError:
        raise
    except Exception as error:  # whatever mlflow raises: the records stay in the journal
        raise refused(delivery.uri, error) from error


def group(records: Sequence[CellRecord], wanted: Target | None, receipts: Receipts) -> dict[Target, list[CellRecord]]:
    """Return where the records go, in their order.

    A record without a place of its own stays where it is already; else it goes with the session: to the first place
    that any record names, else to ``wanted``. One that is to stay here goes nowhere, nor does what it holds.
    """
    named = next((record.mlflow for record in records if record.mlflow is not None), None) or wanted
    at = {record_id: one.goal for one in receipts.delivered for record_id in one.record_ids}
    groups: dict[Target, list[CellRecord]] = {}
    staying = {record.record_id for record in records if record.stays}
    for record in records:
        if record.stays or record.part_of in staying:
            continue
        goal = record.mlflow or at.get(record.record_id) or named
        if goal is not None:
            plain = Target(tracking_uri=goal.tracking_uri, experiment=goal.experiment)
            groups.setdefault(plain, []).append(record)
    return groups


def _client(goal: Target, session: Session, environ: Mapping[str, str]) -> tuple[MlflowClient, str]:
    """Connect as the session would have: in its folder, and with the user's credentials only to the user's address."""
    try:
        os.chdir(session.cwd)
    except OSError as error:
        if goal.tracking_uri is None:
            raise refused(session.cwd, error) from error
    given = environ.get("MLFLOW_TRACKING_URI")
    uri = goal.tracking_uri
    if given and uri is not None and "://" in given and absolute_uri(given, session.cwd) == uri:
        uri = given  # the same address, with the user info that the journal leaves out
    return connect(uri)


class _Delivery:
    """One session's way into one experiment."""

    def __init__(
        self, client: MlflowClient, uri: str, session: Session, receipts: Receipts, up_to_date: set[str]
    ) -> None:
        self.uri = absolute_uri(uri, session.cwd)
        self._client, self._session, self._receipts, self._up_to_date = client, session, receipts, up_to_date

    def send(self, goal: Target, records: Sequence[CellRecord], end: End | None, over: bool) -> Delivered:
        """Bring records to MLflow that it does not have; return what it has then."""
        experiment_id = self._experiment(goal.experiment)
        shown = self._shown(experiment_id)
        is_current = shown is not None and shown.run_id in self._up_to_date
        runs = {} if is_current else self._find_runs(experiment_id)
        tags = {**mlflow_run.session_tags(self._session, records), **_user()}
        run_id = shown.run_id if shown is not None else runs.get("")
        is_new = run_id is None
        if run_id is None:
            started = int(self._session.started_at.timestamp() * 1e3)
            run_id = self._client.create_run(experiment_id, start_time=started, tags=tags).info.run_id
        else:
            del tags["mlflow.runName"]  # it may have been renamed since
        self._up_to_date.discard(run_id)
        known = frozenset(shown.record_ids) if shown is not None else frozenset[str]()
        first = next((n for n, record in enumerate(records) if record.record_id not in known), len(records))
        points = mlflow_run.series(records[first:], first + 1)
        points += mlflow_run.totals(records, end, len(records))
        if not is_new and not is_current:
            points = self._lacking(run_id, points)
        self._log(run_id, points, {} if is_current else self._session.parameters, tags)
        children = dict(shown.children) if shown is not None else {}
        for record in records:
            if record.name is not None and record.kind != "scoring" and record.record_id not in children:
                children[record.record_id] = self._child(experiment_id, run_id, record, runs.get(record.record_id))
        if over:
            self._client.set_terminated(run_id, _status(end), end_time=_end_ms(records, end))
        elif shown is not None and shown.is_final:  # it had only seemed to be over
            self._client.update_run(run_id, status="RUNNING")
        # Last: where the store of artifacts cannot be reached, all the rest is right.
        self._client.log_text(run_id, mlflow_run.cells_table(records), "cells.json")
        self._up_to_date.add(run_id)
        return Delivered(
            goal=goal,
            tracking_uri=self.uri,
            experiment_id=experiment_id,
            run_id=run_id,
            record_ids=tuple(record.record_id for record in records),
            children=children,
            is_final=over,
        )

    def _shown(self, experiment_id: str) -> Delivered | None:
        """Return what is known of this session's run in an experiment; None if it has none, or none any more."""
        for one in reversed(self._receipts.delivered):
            if one.experiment_id == experiment_id and one.tracking_uri == self.uri:
                return one if self._is_there(one.run_id) else None
        return None

    def _experiment(self, name: str | None) -> str:
        experiment: Experiment | None
        if name is not None and name.startswith("id:"):
            experiment = self._client.get_experiment(name[3:])
        else:
            experiment = self._client.get_experiment_by_name(name) if name is not None else self._default()
        if experiment is None:
            return str(self._client.create_experiment(name or "Default"))
        if experiment.lifecycle_stage == "deleted":
            raise DeliveryError(
                self.uri,
                f"the experiment {experiment.name!r} is deleted",
                f"Restore it (mlflow experiments restore -x {experiment.experiment_id}) and type: jupyter green sync",
            )
        return str(experiment.experiment_id)

    def _default(self) -> Experiment | None:
        """Return MLflow's default experiment, whatever it is called by now."""
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_experiment("0")
        except MlflowException as error:
            if error.error_code != _NOT_FOUND:
                raise
            return self._client.get_experiment_by_name("Default")

    def _find_runs(self, experiment_id: str) -> dict[str, str]:
        """Return the runs that an earlier delivery of this session made: by record, and the session's own as ``""``."""
        found: dict[str, str] = {}
        token = None
        while True:
            page = self._client.search_runs(
                [experiment_id], f"tags.`{mlflow_run.SESSION}` = '{self._session.session_id}'", page_token=token
            )
            for run in page:
                found.setdefault(run.data.tags.get(mlflow_run.RECORD, ""), run.info.run_id)
            token = page.token
            if not token:
                return found

    def _is_there(self, run_id: str) -> bool:
        """Tell whether a run still is in the store, which may have been thrown away and made anew.

        Raises:
            DeliveryError: If somebody deleted the run.
        """
        from mlflow.exceptions import MlflowException

        try:
            stage = self._client.get_run(run_id).info.lifecycle_stage
        except MlflowException as error:
            if error.error_code != _NOT_FOUND:
                raise
            return False
        if stage == "active":
            return True
        raise DeliveryError(
            self.uri,
            f"the run {run_id} was deleted",
            f"Restore it (mlflow runs restore --run-id {run_id}) and type: jupyter green sync",
        )

    def _child(self, experiment_id: str, parent: str, record: CellRecord, run_id: str | None) -> str:
        points = mlflow_run.child_points(record)
        if run_id is None:
            tags = {**mlflow_run.child_tags(self._session, record, parent), **_user()}
            started = mlflow_run.start_ms(record)
            run_id = self._client.create_run(experiment_id, start_time=started, tags=tags).info.run_id
        else:
            points = self._lacking(run_id, points)
        self._log(run_id, points, record.parameters, {})
        status = "FINISHED" if record.status in ("ok", "unknown") else "FAILED"
        self._client.set_terminated(run_id, status, end_time=mlflow_run.end_ms(record))
        return str(run_id)

    def _lacking(self, run_id: str, points: Sequence[Point]) -> list[Point]:
        """Return the points that a run does not hold yet."""
        held: dict[str, set[tuple[int, int, float]]] = {}
        for key in {point.key for point in points}:
            history = self._client.get_metric_history(run_id, key)
            held[key] = {(metric.step, metric.timestamp, metric.value) for metric in history}
        return [point for point in points if (point.step, point.at_ms, point.value) not in held[point.key]]

    def _log(
        self, run_id: str, points: Sequence[Point], parameters: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics: list[Any] = [Metric(point.key, point.value, point.at_ms, point.step) for point in points]
        self._client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        for some in mlflow_run.batches(mlflow_run.plain(parameters), _MOST_BYTES):
            self._client.log_batch(run_id, params=[Param(key, value) for key, value in some])
        for start in range(0, len(metrics), _BATCH):
            self._client.log_batch(run_id, metrics=metrics[start : start + _BATCH])


def _user() -> dict[str, str]:
    """Return who made a run, as MLflow's own ``start_run`` says it."""
    with suppress(OSError, KeyError, ImportError):  # a container's user may have no name
        return {"mlflow.user": getpass.getuser()}
    return {}


def _status(end: End | None) -> str:
    if end is None:
        return "KILLED"  # its process is gone without a last line
    return {"ok": "FINISHED", "error": "FAILED", "interrupted": "KILLED", "unknown": "FINISHED"}[end.status]


def _end_ms(records: Sequence[CellRecord], end: End | None) -> int:
    return mlflow_run.end_ms(records[-1]) if end is None else int(end.at.timestamp() * 1e3)
