"""Sessions made up for tests: records with round figures, written by the real journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_green.meter.clocks import boot_id, process_started
from jupyter_green.records import Between, CellRecord, End, Energy, Intensity, Session, Target
from jupyter_green.track.journal import Journal

BEGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
WORLD = Intensity(
    zone="world",
    g_per_kwh=360.0,
    low=36.0,
    high=720.0,
    at="2024",
    kind="average",
    scope="lifecycle",
    source="table",
    label="made up",
)  # 360 g/kWh is 0.1 mg/J
DEFAULT = Target(tracking_uri=None, experiment=None)


def energy(joules: float | None = 10.0, **changes: Any) -> Energy:
    """An energy with the range of the model, half to double."""
    made = Energy(
        machine_j={"cpu": 20.0},
        attributed_j=joules,
        low_j=None if joules is None else joules / 2,
        high_j=None if joules is None else joules * 2,
        duration_s=1.0,
        cpu_s=0.5,
        others_cpu_s=0.25,
        source={"cpu": "model"},
        quality="modelled",
        covers=("cpu",),
    )
    return replace(made, **changes)


def record(number: int, *, joules: float | None = 10.0, session_id: str = "0" * 16, **changes: Any) -> CellRecord:
    """The record of a session's nth cell, which began in its nth minute and used 10 J and 1 J before it."""
    co2e_g = None if joules is None else joules * 1e-4
    made = CellRecord(
        record_id=f"{session_id}-{number}",
        session_id=session_id,
        kind="cell",
        part_of=None,
        notebook=None,
        kernel_id=None,
        cell_id=None,
        execution_count=number,
        code=None,
        name=None,
        phase=None,
        started_at=BEGIN + timedelta(minutes=number),
        status="ok",
        energy=energy(joules),
        intensity=WORLD,
        pue=1.0,
        co2e_g=co2e_g,
        co2e_low_g=None if co2e_g is None else co2e_g / 20,
        co2e_high_g=None if co2e_g is None else co2e_g * 4,
        price_per_kwh=None,
        cost=None,
        currency=None,
        metrics={},
        parameters={},
        tags={},
        mlflow=DEFAULT,
        between_j=Between(value=1.0, low=0.5, high=2.0, cpu_s=0.25),
        steps=(),
        meter_cpu_s=0.0001,
    )
    return replace(made, **changes)


def session(session_id: str = "0" * 16, **changes: Any) -> Session:
    """A session of this process, which is alive."""
    pid = os.getpid()
    made = Session(
        session_id=session_id,
        notebook="/home/ann/churn.ipynb",
        kernel_id=None,
        name=None,
        host=os.uname().nodename,
        boot_id=boot_id(),
        pid=pid,
        pid_started=process_started(pid),
        started_at=BEGIN,
        cwd="/",
        runner="kernel",
        run=None,
        inside=None,
        covers=("cpu",),
        method="made up",
        parameters={},
    )
    return replace(made, **changes)


OK = End(
    at=BEGIN + timedelta(hours=1),
    status="ok",
    between_j=Between(value=2.0, low=1.0, high=4.0, cpu_s=0.5),
    meter_cpu_s=0.001,
)


def write(home: Path, about: Session, records: Sequence[CellRecord], end: End | None = None) -> Path:
    """Write a session's file and return its path."""
    journal = Journal(home, about)
    add(journal, records, end)
    return journal.path


def add(journal: Journal, records: Sequence[CellRecord], end: End | None = None) -> None:
    """Append records, and the end if there is one."""
    for one in records:
        assert journal.append(one) is None
    if end is not None:
        assert journal.append_end(end) is None
    journal.close()


def dead(**changes: Any) -> Session:
    """A session of this machine whose process is gone: no process began at tick 1."""
    return session(pid_started=1, **changes)
