"""What the magics say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_green.settings import Settings
from jupyter_green.track import current
from jupyter_green.units import energy_text, three_figures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jupyter_green.magics.hooks import Hooks
    from jupyter_green.records import CellRecord


def loaded_line(settings: Settings) -> str:
    """Return the one line that loading prints."""
    grid = "not set, world average" if settings.intensity is None else settings.intensity
    return f"jupyter_green: %%track_energy measures a cell, %track_energy on every cell (grid: {grid})."


def status_text(hooks: Hooks) -> str:
    """Return how it is measured, what was used, and what waits."""
    lines = [f"Tracking {'every cell' if hooks.is_on else 'cells that begin with %%track_energy'}."]
    if hooks.problem is not None:
        lines.append(hooks.problem)
    tracker = current.current()
    if tracker is None:
        lines.append("Nothing was measured yet.")
        return "\n".join(lines)
    lines.append(f"Method: {tracker.session.method}.")
    intensity = tracker.intensity
    if intensity is None:
        lines.append("Carbon intensity: not known, so CO2e is not measured.")
    else:
        from jupyter_green.views.line import intensity_text

        lines.append(f"Carbon intensity: {intensity_text(intensity)}.")
    problem = current.delivery_problem()
    lines.extend(_session_lines(tracker.journal.path, tracker.journal.waiting, problem is not None))
    if problem is not None:
        lines.append(f"MLflow: {problem}. Type %track_energy sync.")
    return "\n".join(lines)


def _session_lines(path: Path, waiting: int, is_stuck: bool) -> list[str]:
    from jupyter_green.totals import total
    from jupyter_green.track.journal import read_log

    lines = []
    log = read_log(path) if path.exists() else None
    if log is not None and log.records:
        whole = total(log.records)
        energy = whole.energy
        lines.append(
            f"This session: {energy_text(energy.attributed_j, energy.low_j, energy.high_j)} in "
            f"{_count(len(log.records), 'record')}, {energy.quality}."
        )
        spent = [record.meter_cpu_s for record in log.records if record.meter_cpu_s is not None]
        if spent:
            mean_ms = three_figures(1e3 * sum(spent) / len(spent))
            lines.append(
                f"Measuring took {mean_ms} ms CPU time a cell in this session: all that the hooks do in this kernel, "
                f"mean of {_count(len(spent), 'timed plain cell')}."
            )
        else:
            lines.append("What measuring takes was not timed yet in this session.")
        lines.append(f"MLflow: {delivery_text(path, log.records, is_stuck)}.")
    if waiting > 1 or (waiting and log is None):
        lines.append(f"{waiting} lines could not be written to the journal yet and are kept in memory.")
    return lines


def delivery_text(path: Path, records: Sequence[CellRecord], is_stuck: bool) -> str:
    """Say how many records MLflow has, and what becomes of the others."""
    from jupyter_green.records import Target
    from jupyter_green.track.goals import group
    from jupyter_green.track.receipts import read_receipts

    receipts = read_receipts(path)
    sent = sum(1 for record in records if record.record_id in receipts.record_ids)
    going = sum(map(len, group(records, None, receipts).values()))
    may_go = sum(map(len, group(records, Target(tracking_uri=None, experiment=None), receipts).values()))
    kept = len(records) - may_go
    if sent or is_stuck or receipts.problem is not None:
        told = [f"{sent} of {len(records)} records delivered{receipts.where}"]
        if sent < going and not is_stuck and receipts.problem is None:
            told.append(f"{going - sent} on the way")
    elif going:
        told = [f"{_count(going, 'record')} on the way"]
    elif may_go:
        told = [f"{_count(may_go, 'record')} for %track_energy sync to send"]
    else:
        return f"{_count(kept, 'record')} kept here (--mlflow off)"
    return ", ".join([*told, f"{kept} kept here (--mlflow off)"] if kept else told)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
