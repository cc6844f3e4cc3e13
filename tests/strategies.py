"""Hypothesis strategies for records."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from jupyter_green.records import QUALITIES, Between, CellRecord, End, Energy, Intensity, Session, Step, Target

texts = st.text(st.characters(codec="utf-8"), max_size=20)
maybe_text = st.none() | texts
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe_number = st.none() | numbers
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
names = st.dictionaries(texts, texts, max_size=3)
metrics = st.dictionaries(texts, maybe_number, max_size=3)
notes = st.lists(texts, max_size=3).map(tuple)

ranges = st.builds(Between, value=numbers, low=numbers, high=numbers)
statuses = st.sampled_from(["ok", "error", "interrupted", "unknown"])
energies = st.builds(
    Energy,
    machine_j=st.dictionaries(texts, maybe_number, max_size=3),
    attributed_j=maybe_number,
    low_j=maybe_number,
    high_j=maybe_number,
    duration_s=numbers,
    cpu_s=maybe_number,
    others_cpu_s=maybe_number,
    source=names,
    quality=st.none() | st.sampled_from(QUALITIES),
    covers=notes,
    notes=notes,
)
intensities = st.builds(
    Intensity,
    zone=texts,
    g_per_kwh=numbers,
    low=numbers,
    high=numbers,
    at=maybe_text,
    kind=st.sampled_from(["average", "marginal"]),
    scope=st.sampled_from(["lifecycle", "direct", None]),
    source=st.sampled_from(["measured", "forecast", "table", "user"]),
    label=texts,
)
steps = st.builds(Step, step=st.integers(), at=moments, energy_j=numbers, metrics=metrics)
targets = st.builds(Target, tracking_uri=maybe_text, experiment=maybe_text, run_ids=notes)
cells = st.builds(
    CellRecord,
    record_id=texts,
    session_id=texts,
    kind=st.sampled_from(["cell", "scoring", "block"]),
    part_of=maybe_text,
    notebook=maybe_text,
    kernel_id=maybe_text,
    cell_id=maybe_text,
    execution_count=st.none() | st.integers(0),
    code=maybe_text,
    name=maybe_text,
    phase=maybe_text,
    started_at=moments,
    status=statuses,
    energy=energies,
    intensity=st.none() | intensities,
    pue=numbers,
    co2e_g=maybe_number,
    co2e_low_g=maybe_number,
    co2e_high_g=maybe_number,
    price_per_kwh=maybe_number,
    cost=maybe_number,
    currency=maybe_text,
    metrics=metrics,
    parameters=names,
    tags=names,
    mlflow=st.none() | targets,
    between_j=st.none() | ranges,
    steps=st.lists(steps, max_size=2).map(tuple),
    meter_cpu_s=maybe_number,
    notes=notes,
)
sessions = st.builds(
    Session,
    session_id=texts,
    notebook=maybe_text,
    kernel_id=maybe_text,
    name=maybe_text,
    host=texts,
    boot_id=maybe_text,
    pid=st.integers(1),
    pid_started=st.none() | st.integers(0),
    started_at=moments,
    cwd=texts,
    runner=st.sampled_from(["kernel", "papermill", "script"]),
    run=maybe_text,
    inside=maybe_text,
    covers=notes,
    method=texts,
    parameters=names,
)
ends = st.builds(End, at=moments, status=statuses, between_j=st.none() | ranges, meter_cpu_s=maybe_number)
