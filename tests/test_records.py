"""Records as JSON: there and back again, also from older and newer versions."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from jupyter_green import errors
from jupyter_green.records import (
    Between,
    CellRecord,
    End,
    Energy,
    Session,
    cell_from_json,
    end_from_json,
    energy_from_json,
    session_from_json,
    to_json,
)
from jupyter_green.track.journal import SessionLog, read_log
from tests import strategies

GOLDEN = Path(__file__).parent / "golden"
many_fields = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _there_and_back(record: Any, read: Callable[[Mapping[str, Any]], Any]) -> Any:
    return read(json.loads(json.dumps(to_json(record), allow_nan=False)))


@many_fields
@given(strategies.cells)
def test_a_cell_survives_json(record: CellRecord) -> None:
    """A cell's record, written as JSON and read again, is the same."""
    assert _there_and_back(record, cell_from_json) == record


@many_fields
@given(strategies.sessions, strategies.ends)
def test_session_and_end_survive_json(session: Session, end: End) -> None:
    """A session's first and last line, written as JSON and read again, are the same."""
    assert _there_and_back(session, session_from_json) == session
    assert _there_and_back(end, end_from_json) == end


@many_fields
@given(strategies.cells)
def test_json_has_the_names_of_the_fields(record: CellRecord) -> None:
    """The keys are the fields' names, and a record can cross processes."""
    assert list(to_json(record)) == [field.name for field in fields(CellRecord)]
    assert pickle.loads(pickle.dumps(record)) == record


@many_fields
@given(strategies.cells)
def test_what_a_newer_version_added_is_passed_over(record: CellRecord) -> None:
    """Keys that this version does not know change nothing."""
    values = to_json(record)
    values["energy"] = {**values["energy"], "gpu_w": 3}
    assert cell_from_json({**values, "invented_later": [1]}) == record


def test_what_an_older_version_did_not_write_is_unknown() -> None:
    """Of a record with nothing but its identity all else is unknown, and nothing is 0."""
    values = {
        "record_id": "s-1",
        "session_id": "s",
        "started_at": "2026-03-01T09:30:00+00:00",
        "energy": {"duration_s": 2},
    }
    record = cell_from_json(values)
    energy = record.energy
    assert (record.co2e_g, record.cost, record.intensity, record.between_j, record.status) == (None,) * 4 + ("unknown",)
    assert (energy.attributed_j, energy.low_j, energy.high_j, energy.cpu_s, energy.quality) == (None,) * 5
    assert energy.machine_j == {}
    assert record.started_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("missing", ["record_id", "session_id", "started_at", "energy"])
def test_without_its_identity_it_is_no_record(missing: str) -> None:
    """A record without id, session, time or energy cannot be read."""
    values = {
        "record_id": "s-1",
        "session_id": "s",
        "started_at": "2026-03-01T09:30:00+00:00",
        "energy": {"duration_s": 2},
    }
    del values[missing]
    with pytest.raises(KeyError):
        cell_from_json(values)
    with pytest.raises(KeyError):
        energy_from_json({})


@pytest.fixture(scope="module")
def first_format() -> SessionLog:
    """The journal file of the first format."""
    log = read_log(GOLDEN / "journal-v1.jsonl")
    assert log is not None
    return log


def test_the_first_journal_format_is_readable(first_format: SessionLog) -> None:
    """A journal written in the format of version 1 is read without a line being passed over."""
    assert first_format.unreadable == 0
    assert first_format.session.session_id == "0123456789abcdef"
    assert first_format.session.notebook == "/home/ann/Prüfung/churn.ipynb"
    assert first_format.session.covers == ("dram", "package")
    assert [record.record_id[-2:] for record in first_format.records] == ["-1", "-2", "-3", "-4", "-5", "-6"]
    assert first_format.end == End(
        at=datetime(2026, 3, 1, 9, 30, 59, 250_000, UTC),
        status="ok",
        between_j=Between(value=1.5, low=0.75, high=3.0),
        meter_cpu_s=0.00025,
    )


def test_the_records_of_the_first_format(first_format: SessionLog) -> None:
    """Plain, named, scoring, interrupted and unmeasured cells of version 1 are read with all they say."""
    first, plain, named, scoring, inner, unknown = first_format.records
    assert first.energy == Energy(
        machine_j={"package-0": 70.5, "dram-0": 4.25},
        attributed_j=31.125,
        low_j=28.5,
        high_j=37.25,
        duration_s=2.0,
        cpu_s=1.875,
        others_cpu_s=0.125,
        source={"package-0": "rapl", "dram-0": "rapl"},
        quality="apportioned",
        covers=("dram", "package"),
    )
    assert first.started_at == datetime(2026, 3, 1, 9, 30, 1, 250_000, UTC)
    assert first.intensity is not None
    assert (first.intensity.zone, first.intensity.g_per_kwh, first.pue, first.currency) == ("FRA", 56.039, 1.5, "EUR")
    assert plain.energy.notes == ("the machine's idle power has not been seen yet, so the range is wide",)
    assert (plain.energy.attributed_j, plain.co2e_g, plain.intensity) == (31.125, 0.0007267, first.intensity)
    assert (named.name, named.phase, named.metrics) == ("train", "train", {"accuracy": 0.9375, "auc": None})
    assert named.mlflow is not None
    assert (named.mlflow.tracking_uri, named.mlflow.experiment) == ("sqlite:////home/ann/mlflow.db", "churn")
    assert [(step.step, step.energy_j, step.metrics) for step in named.steps] == [
        (0, 10.5, {"loss": 0.5}),
        (1, 20.25, {}),
    ]
    assert (scoring.kind, scoring.cell_id) == ("scoring", None)
    assert (inner.status, inner.part_of, inner.between_j) == ("interrupted", unknown.record_id, None)
    assert (unknown.energy.attributed_j, unknown.energy.quality, unknown.co2e_g, unknown.intensity) == (
        None,
        "modelled",
        None,
        None,
    )


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("intensity '53' has no unit"),
        errors.SensorError("rapl", "no answer", "Try again"),
        errors.DeliveryError("sqlite:///x", "locked", "Try again"),
    ],
)
def test_errors_cross_processes(error: errors.GreenError) -> None:
    """An error that was pickled has its fields and its sentence."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
