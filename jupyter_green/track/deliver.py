"""Delivery: a session's journal becomes runs in MLflow, each record exactly once.

Whoever delivers holds the session's lock. A run is made with a tag that names its session or record, so one that was
made before a crash is found again; what a run already holds is read before anything is added to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_green.errors import DeliveryError
from jupyter_green.records import CellRecord, Target
from jupyter_green.totals import held_by_others
from jupyter_green.track.goals import group, lacks
from jupyter_green.track.history import is_over, read_session
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.locks import locked
from jupyter_green.track.places import Place, Places
from jupyter_green.track.receipts import Receipts, read_receipts, write_problem, write_receipt
from jupyter_green.track.session_run import SessionRun
from jupyter_green.track.store import asking


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
    over, done = is_over(log), receipts.record_ids
    groups = group(log.records, wanted, receipts)
    held = held_by_others(log.records, is_whole=over)
    order = {record.record_id: number for number, record in enumerate(log.records)}
    latest = max((order[records[-1].record_id] for records in groups.values()), default=None)
    places = Places(home, log.session, environ)
    found, due, problem = _resolve(places, groups, receipts, over)
    outcome = _nothing(problem)
    for place in due:
        goals = found[place]
        records = sorted((record for goal in goals for record in groups[goal]), key=lambda one: order[one.record_id])
        end = log.end
        if end is not None and order[records[-1].record_id] != latest:
            end = replace(end, between_j=None)  # what came after the last record is in one run's total only
        try:
            with locked(home, place.uri), asking(place.uri):
                run = SessionRun(places.client(place), place, log.session, receipts, up_to_date)
                one = run.send(goals[0], records, end, over, held)
        except DeliveryError as error:  # another place of this session may be there
            outcome = replace(outcome, problem=outcome.problem or str(error))
            continue
        with suppress(OSError):  # a full disk: the next try finds in MLflow what it has
            write_receipt(log.path, one, time.process_time() - began)
        began = time.process_time()
        outcome = Outcome(
            delivered=outcome.delivered + sum(record.record_id not in done for record in records),
            tracking_uri=one.tracking_uri,
            experiment_id=one.experiment_id,
            run_id=one.run_id,
            problem=outcome.problem,
        )
    return outcome


def _resolve(
    places: Places, groups: Mapping[Target, Sequence[CellRecord]], receipts: Receipts, over: bool
) -> tuple[dict[Place, list[Target]], dict[Place, None], str | None]:
    """Find the places that goals mean: two names of one experiment are one place, so that its run gets all records.

    Returns:
        The goals of each place; the places that lack something; why a goal that lacks something was not found.
    """
    found: dict[Place, list[Target]] = {}
    due: dict[Place, None] = {}
    problem = None
    for goal, records in groups.items():
        at = receipts.newest_with(records[-1].record_id)
        if at is not None and not lacks(records, receipts, over):
            place = Place(at.tracking_uri, at.experiment_id)  # nobody need be asked for it
        else:
            try:
                place = places.find(goal)
            except DeliveryError as error:  # another place of this session may be there
                problem = problem or str(error)
                continue
            due[place] = None
        found.setdefault(place, []).append(goal)
    return found, due, problem
