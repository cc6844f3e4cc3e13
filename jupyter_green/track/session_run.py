"""A session's run in MLflow: made or found again by its tag, and brought up to date."""

from __future__ import annotations

import getpass
import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_green.errors import DeliveryError
from jupyter_green.programs import typed
from jupyter_green.records import CellRecord, End, Session, Target
from jupyter_green.track import mlflow_run
from jupyter_green.track.mlflow_run import Point
from jupyter_green.track.places import Place
from jupyter_green.track.receipts import Delivered, Receipts
from jupyter_green.track.store import NOT_FOUND

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_BATCH = 1000  # MLflow's limit of metrics in a request
_MOST_BYTES = 500_000  # of parameters in a request; a server refuses more than 1 MB


class SessionRun:
    """A session's run at one place, with the runs of its named records.

    Args:
        client: Of the place's store.
        place: Where the run is, or will be.
        session: Whose run it is.
        receipts: What MLflow has of the session.
        up_to_date: As for `jupyter_green.track.deliver.deliver`.
    """

    def __init__(
        self, client: MlflowClient, place: Place, session: Session, receipts: Receipts, up_to_date: set[str]
    ) -> None:
        self._client, self._place, self._session = client, place, session
        self._receipts, self._up_to_date = receipts, up_to_date
        self._latest: Mapping[str, float] = {}  # metrics of the session's run when it was looked at

    def send(
        self, goal: Target, records: Sequence[CellRecord], end: End | None, over: bool, held: Collection[str]
    ) -> Delivered:
        """Bring records to MLflow that it does not have; return what it has then.

        Args:
            goal: A name of the place.
            records: All that go there, in their order.
            end: The session's end, if it has come to one.
            over: Whether the session can get no more records.
            held: Records of the session that are in another's figure, which may be in another run's totals.
        """
        experiment_id = self._place.experiment_id
        shown = self._shown()
        is_current = shown is not None and shown.run_id in self._up_to_date
        runs = {} if is_current else self._find_runs()
        tags = {**mlflow_run.session_tags(self._session, records), **_user()}
        run_id = shown.run_id if shown is not None else runs.get("")
        is_new = run_id is None
        if run_id is not None and shown is None:
            self._is_there(run_id)
        if run_id is None:
            started = int(self._session.started_at.timestamp() * 1e3)
            run_id = self._client.create_run(experiment_id, start_time=started, tags=tags).info.run_id
        else:
            del tags["mlflow.runName"]  # it may have been renamed since
        self._up_to_date.discard(run_id)
        steps = {record_id: step for step, record_id in enumerate(shown.record_ids if shown is not None else (), 1)}
        known = frozenset(steps)
        for record in records:  # new ones come behind, so that each keeps its step: one that was held up may be older
            steps.setdefault(record.record_id, len(steps) + 1)
        # What never came to its end holds nothing: what was inside it stands for itself, as is known now.
        freed = {one.record_id for one in records if one.part_of is not None and one.record_id not in held} & known
        told = [(steps[one.record_id], one) for one in records if one.record_id not in known or one.record_id in freed]
        totals = mlflow_run.totals(records, end, len(steps), held)
        points = mlflow_run.series(told, held) + [point for point in totals if not math.isnan(point.value)]
        if not is_new and (freed or not is_current):
            points = self._lacking(run_id, points)
        points += self._lost(run_id, [point for point in totals if math.isnan(point.value)])
        self._log(run_id, points, {} if is_current else self._session.parameters, tags)
        children = dict(shown.children) if shown is not None else {}
        for record in records:
            if record.name is not None and record.kind != "scoring" and record.record_id not in children:
                children[record.record_id] = self._child(run_id, record, runs.get(record.record_id))
        if over:
            self._client.set_terminated(run_id, _status(end), end_time=_end_ms(records, end))
        elif shown is not None and shown.is_final:  # it had only seemed to be over
            self._client.update_run(run_id, status="RUNNING")
        # Last: where the store of artifacts cannot be reached, all the rest is right.
        self._client.log_text(run_id, mlflow_run.cells_table(records), "cells.json")
        self._up_to_date.add(run_id)
        return Delivered(
            goal=goal,
            tracking_uri=self._place.uri,
            experiment_id=experiment_id,
            run_id=run_id,
            record_ids=tuple(record.record_id for record in records),
            children=children,
            is_final=over,
        )

    def _shown(self) -> Delivered | None:
        """Return what is known of this session's run here; None if it has none, or none any more."""
        for one in reversed(self._receipts.delivered):
            if (one.tracking_uri, one.experiment_id) == self._place:
                return one if self._is_there(one.run_id) else None
        return None

    def _find_runs(self) -> dict[str, str]:
        """Return the runs that an earlier delivery of this session made: by record, and the session's own as ``""``."""
        found: dict[str, str] = {}
        ours = f"tags.`{mlflow_run.SESSION}` = '{self._session.session_id}'"
        token = None
        while True:
            page = self._client.search_runs([self._place.experiment_id], ours, page_token=token)
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
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != NOT_FOUND:
                raise
            return False
        if run.info.lifecycle_stage == "active":
            self._latest = run.data.metrics
            return True
        raise DeliveryError(
            self._place.uri,
            f"the run {run_id} was deleted",
            f"Restore it ({typed('mlflow')} runs restore --run-id {run_id}) and type: {typed('jupyter')} green sync",
        )

    def _child(self, parent: str, record: CellRecord, run_id: str | None) -> str:
        points = mlflow_run.child_points(record)
        if run_id is None:
            tags = {**mlflow_run.child_tags(self._session, record, parent), **_user()}
            started = mlflow_run.start_ms(record)
            run_id = self._client.create_run(self._place.experiment_id, start_time=started, tags=tags).info.run_id
        else:
            points = self._lacking(run_id, points)
        self._log(run_id, points, record.parameters, {})
        status = "FINISHED" if record.status in ("ok", "unknown") else "FAILED"
        self._client.set_terminated(run_id, status, end_time=mlflow_run.end_ms(record))
        return str(run_id)

    def _lacking(self, run_id: str, points: Sequence[Point]) -> list[Point]:
        """Return the points that a run does not hold yet."""
        held: dict[str, set[tuple[int, int, float | None]]] = {}
        for key in {point.key for point in points}:
            history = self._client.get_metric_history(run_id, key)
            held[key] = {(metric.step, metric.timestamp, _comparable(metric.value)) for metric in history}
        return [point for point in points if (point.step, point.at_ms, _comparable(point.value)) not in held[point.key]]

    def _lost(self, run_id: str, unknown: Sequence[Point]) -> list[Point]:
        """Return the points of unknown totals for which MLflow still shows a value; one that never had one has none.

        What MLflow shows decides, so that each is told once, whatever became of the deliveries before.
        """
        points = []
        for point in unknown:
            if math.isnan(self._latest.get(point.key, math.nan)):
                continue
            history = self._client.get_metric_history(run_id, point.key)
            # MLflow shows the greatest of the same step and time, and keeps a NaN as 0.
            after = max((one.timestamp + 1 for one in history if one.step == point.step), default=point.at_ms)
            points.append(point._replace(at_ms=max(point.at_ms, after)))
        return points

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


def _comparable(value: float) -> float | None:
    return None if math.isnan(value) else value  # it is not equal to itself


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
