"""An engine's run and what its kernel recorded itself, put together as one session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jupyter_green.records import Between, CellRecord, Target
from jupyter_green.totals import add_known


def merge(
    outside: Sequence[CellRecord], inside: Sequence[CellRecord], beside: Sequence[CellRecord] = ()
) -> list[CellRecord]:
    """Put what a kernel recorded in place of what its engine measured from outside.

    The kernel's figure is the one that the user saw under the cell; what the engine saw beyond it (hooks, the
    extension itself) goes to "between cells", so that the sum stays the engine's.

    Args:
        outside: The engine's records, one for each code cell that ran.
        inside: The kernel's records: cells, scoring, blocks.
        beside: Records of processes that the kernel started: parts of the cell that they ran in.
    """
    mine: list[list[CellRecord]] = [[] for _ in range(len(outside) + 1)]
    for part, place in zip(inside, _places(outside, inside), strict=True):
        mine[place].append(part)
    others: list[list[CellRecord]] = [[] for _ in range(len(outside) + 1)]
    for part in beside:
        others[_by_time(outside, part)].append(part)
    there = {part.record_id for part in (*inside, *beside)}
    merged: list[CellRecord] = []
    for whole, parts, theirs in zip(outside, mine, others, strict=False):
        cell = next((part for part in parts if part.kind == "cell" and part.part_of is None), None)
        merged.extend(_part_of(whole, part, cell or whole, there) for part in theirs)
        if cell is not None:
            merged.extend(_instead_of(whole, parts))
        else:  # the kernel did not measure this cell, only blocks in it
            merged.extend(_part_of(whole, part, whole, there) for part in parts)
            merged.append(whole)
    return [*merged, *(_after(outside, part) for part in (*mine[-1], *others[-1]))]


def _places(outside: Sequence[CellRecord], inside: Sequence[CellRecord]) -> list[int]:
    """Return for each of a kernel's records the number of the engine's it belongs to; that of none: after all.

    Cells are told by their ``In[n]`` and the others by the cells around them in the journal, as a clock may be set;
    the time decides only where that leaves a choice.
    """
    numbers = {one.execution_count: n for n, one in enumerate(outside) if one.execution_count is not None}
    cells = [_number(part, numbers, len(outside)) for part in inside]
    nexts = cells[:]
    for n in range(len(nexts) - 2, -1, -1):
        nexts[n] = nexts[n + 1] if cells[n] is None else cells[n]
    places: dict[str, int] = {}
    last = 0
    for part, cell, following in zip(inside, cells, nexts, strict=True):
        upper = len(outside) if following is None else following
        if cell is not None:
            last = place = cell
        elif part.part_of in places:  # a block that went on after its cell
            place = places[part.part_of]
        elif part.part_of is not None and following is not None:  # else a part is written before what it is part of
            place = following
        elif part.kind == "scoring":
            place = last
        else:
            place = min(max(_by_time(outside, part), last), upper)
        places[part.record_id] = place
    return [places[part.record_id] for part in inside]


def _number(part: CellRecord, numbers: dict[int, int], after: int) -> int | None:
    """Return the number of the engine's record of the same cell; None if that cannot be told."""
    if part.kind != "cell" or part.part_of is not None or part.execution_count is None or not numbers:
        return None
    if part.execution_count > max(numbers):
        return after  # the engine was killed before it wrote
    return numbers.get(part.execution_count)


def _by_time(outside: Sequence[CellRecord], part: CellRecord) -> int:
    began = part.started_at.timestamp()
    ends = (one.started_at.timestamp() + one.energy.duration_s for one in outside)
    return next((n for n, ended in enumerate(ends) if began <= ended), len(outside))


def _after(outside: Sequence[CellRecord], part: CellRecord) -> CellRecord:
    """Return what a kernel recorded when its engine wrote no more."""
    if not outside:
        return replace(part, session_id=_run_of(part))
    return replace(part, session_id=_run_of(part), mlflow=_goal(outside[-1], part))


def _goal(whole: CellRecord, part: CellRecord) -> Target | None:
    """Return where a kernel's record goes: where its engine's run goes, so that one run of papermill is one in MLflow.

    Only an experiment that the cell itself named is another one (mlflow in the notebook names its own by their ids).
    """
    if part.stays:
        return None
    if whole.mlflow is None or part.mlflow is None:
        return part.mlflow or whole.mlflow
    named = part.mlflow.experiment
    is_own = named is not None and named != whole.mlflow.experiment and not named.startswith("id:")
    return part.mlflow if is_own else whole.mlflow


def _part_of(whole: CellRecord, part: CellRecord, around: CellRecord, there: set[str]) -> CellRecord:
    return replace(
        part,
        session_id=whole.session_id,
        part_of=part.part_of if part.part_of in there else around.record_id,  # else its own was never written
        cell_id=part.cell_id or whole.cell_id,
        between_j=None,
        notebook=part.notebook or whole.notebook,
        mlflow=_goal(whole, part),
    )


def _instead_of(whole: CellRecord, parts: list[CellRecord]) -> Iterator[CellRecord]:
    outer = [part for part in parts if part.part_of is None]
    before = whole.between_j or Between(value=0.0, low=0.0, high=0.0, cpu_s=0.0)
    # What ran between the engine's cells may be among the parts, so both accounts pay for them together.
    value = _beyond(before.value, whole.energy.attributed_j, [part.energy.attributed_j for part in outer])
    low = _beyond(before.low, whole.energy.low_j, [part.energy.low_j for part in outer])
    high = _beyond(before.high, whole.energy.high_j, [part.energy.high_j for part in outer])
    known = [bound for bound in (value, low, high) if bound is not None]  # two meters may see idle power differently
    rest = replace(
        before,
        value=value,
        low=None if low is None else min(known),
        high=None if high is None else max(known),
        cpu_s=_beyond(before.cpu_s, whole.energy.cpu_s, [part.energy.cpu_s for part in outer]),
    )
    is_first = True
    for part in parts:
        between = None
        if part.part_of is None and is_first:
            between, is_first = rest, False
        status = whole.status if part.kind == "cell" and part.part_of is None else part.status
        yield replace(
            part,
            session_id=whole.session_id,
            cell_id=part.cell_id or whole.cell_id,
            code=part.code or whole.code,
            between_j=between,
            status=status,
            notebook=part.notebook or whole.notebook,
            mlflow=_goal(whole, part),
            notes=tuple(dict.fromkeys((*part.notes, *whole.notes))),
        )


def _beyond(before: float | None, whole: float | None, parts: list[float | None]) -> float | None:
    """Return what an engine saw before and in a cell beyond what its kernel recorded; unknown where one of them is."""
    seen, told = add_known([before, whole]), add_known(parts)
    return None if seen is None or told is None else max(0.0, seen - told)


def _run_of(record: CellRecord) -> str:
    return record.session_id.partition(".")[0]
