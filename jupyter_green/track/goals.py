"""Where a session's records go by what they name, and what MLflow lacks of them: told without a word to MLflow."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_green.records import CellRecord, Target
from jupyter_green.track.receipts import Receipts


def group(records: Sequence[CellRecord], wanted: Target | None, receipts: Receipts) -> dict[Target, list[CellRecord]]:
    """Return where the records go, in their order.

    A record without a place of its own stays where it is already; else it goes with the session: to the first place
    that any record names, else to ``wanted``. One that is to stay here goes nowhere, nor does what it holds.
    """
    staying = _staying(records)
    going = [record for record in records if record.record_id not in staying]
    named = next((record.mlflow for record in going if record.mlflow is not None), None) or wanted
    at = {record_id: one.goal for one in receipts.delivered for record_id in one.record_ids}
    groups: dict[Target, list[CellRecord]] = {}
    for record in going:
        goal = record.mlflow or at.get(record.record_id) or named
        if goal is not None:
            plain = Target(tracking_uri=goal.tracking_uri, experiment=goal.experiment)
            groups.setdefault(plain, []).append(record)
    return groups


def _staying(records: Sequence[CellRecord]) -> set[str]:
    """Return the records that are to stay here: those that say so, and what they hold, however deep inside."""
    inside: dict[str, list[str]] = {}
    for record in records:
        if record.part_of is not None:
            inside.setdefault(record.part_of, []).append(record.record_id)
    waiting = [record.record_id for record in records if record.stays]
    found = set(waiting)
    while waiting:
        new = [record_id for record_id in inside.get(waiting.pop(), ()) if record_id not in found]
        found.update(new)
        waiting += new
    return found


def lacks(records: Sequence[CellRecord], receipts: Receipts, over: bool) -> bool:
    """Tell whether MLflow lacks a part of what goes to one goal: a record, or the last word of a session.

    Args:
        records: All that go there.
        receipts: What MLflow has.
        over: Whether the session can get no more records.
    """
    done = receipts.record_ids
    if any(record.record_id not in done for record in records):
        return True
    run = receipts.newest_with(records[-1].record_id)
    return over and (run is None or not run.is_final)
