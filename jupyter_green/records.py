"""The records: what was measured, as frozen values and as JSON.

JSON has the names of the fields, so that a reader needs one list of names. Unknown is ``None``, never 0.
Reading fills what an older version did not write with "unknown" and passes over what a newer one added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

SCHEMA_VERSION = 1

Quality = Literal["measured", "apportioned", "modelled"]
Status = Literal["ok", "error", "interrupted", "unknown"]
Kind = Literal["cell", "scoring", "block"]

# From the best to the worst: a sum is only as good as its worst part.
QUALITIES: tuple[Quality, ...] = ("measured", "apportioned", "modelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """The energy of a window of time.

    ``machine_j`` is what each domain of the whole machine used (J); ``attributed_j`` is this work's part of
    it (J) with the error of the scale in ``low_j`` and ``high_j``; ``covers`` is what is inside the figure.
    """

    machine_j: Mapping[str, float | None]
    attributed_j: float | None
    low_j: float | None
    high_j: float | None
    duration_s: float
    cpu_s: float | None
    source: Mapping[str, str]
    quality: Quality | None
    covers: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """A carbon intensity in gCO2e/kWh with the range it may have, and where it comes from."""

    zone: str
    g_per_kwh: float
    low: float
    high: float
    at: str | None
    kind: Literal["average", "marginal"]
    scope: Literal["lifecycle", "direct"]
    source: Literal["measured", "forecast", "table", "user"]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a record goes: an MLflow tracking URI without credentials, and an experiment's name."""

    tracking_uri: str
    experiment: str
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """Energy, CO2e, cost and accuracy of one cell, scoring or measured block."""

    record_id: str
    session_id: str
    kind: Kind
    notebook: str | None
    kernel_id: str | None
    cell_id: str | None
    execution_count: int | None
    name: str | None
    phase: str | None
    started_at: datetime
    status: Status
    energy: Energy
    intensity: Intensity | None
    pue: float
    co2e_g: float | None
    co2e_low_g: float | None
    co2e_high_g: float | None
    cost: float | None
    currency: str | None
    metrics: Mapping[str, float | None]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    mlflow: Target | None
    between_j: float | None  # used by this work between the last record and this one, J
    meter_cpu_s: float | None  # CPU time that measuring itself took since the last record, s
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The life of one kernel, papermill run or script: the first line of its journal file."""

    session_id: str
    notebook: str | None
    kernel_id: str | None
    name: str | None
    host: str
    boot_id: str | None
    pid: int
    pid_started: int | None
    started_at: datetime
    cwd: str
    runner: Literal["kernel", "papermill", "script"]
    parameters: Mapping[str, str]


def to_json(record: Any) -> dict[str, Any]:
    """Return a record as JSON values, a key for each field."""
    return {name: _plain(getattr(record, name)) for name in record.__slots__}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    return to_json(value)


def energy_from_json(data: Mapping[str, Any]) -> Energy:
    """Read an `Energy`; what is missing is unknown."""
    return Energy(
        machine_j=dict(data.get("machine_j") or {}),
        attributed_j=data.get("attributed_j"),
        low_j=data.get("low_j"),
        high_j=data.get("high_j"),
        duration_s=float(data["duration_s"]),
        cpu_s=data.get("cpu_s"),
        source=dict(data.get("source") or {}),
        quality=data.get("quality"),
        covers=tuple(data.get("covers") or ()),
        notes=tuple(data.get("notes") or ()),
    )


def intensity_from_json(data: Mapping[str, Any]) -> Intensity:
    """Read an `Intensity`."""
    return Intensity(**{name: data[name] for name in Intensity.__slots__})


def target_from_json(data: Mapping[str, Any]) -> Target:
    """Read a `Target`."""
    return Target(
        tracking_uri=data["tracking_uri"], experiment=data["experiment"], run_ids=tuple(data.get("run_ids") or ())
    )


def cell_from_json(data: Mapping[str, Any]) -> CellRecord:
    """Read a `CellRecord` of this or an older schema version.

    Raises:
        KeyError, TypeError, ValueError: If it is not a record.
    """
    intensity, target = data.get("intensity"), data.get("mlflow")
    return CellRecord(
        record_id=str(data["record_id"]),
        session_id=str(data["session_id"]),
        kind=data.get("kind", "cell"),
        notebook=data.get("notebook"),
        kernel_id=data.get("kernel_id"),
        cell_id=data.get("cell_id"),
        execution_count=data.get("execution_count"),
        name=data.get("name"),
        phase=data.get("phase"),
        started_at=datetime.fromisoformat(data["started_at"]),
        status=data.get("status", "unknown"),
        energy=energy_from_json(data["energy"]),
        intensity=None if intensity is None else intensity_from_json(intensity),
        pue=float(data.get("pue", 1.0)),
        co2e_g=data.get("co2e_g"),
        co2e_low_g=data.get("co2e_low_g"),
        co2e_high_g=data.get("co2e_high_g"),
        cost=data.get("cost"),
        currency=data.get("currency"),
        metrics=dict(data.get("metrics") or {}),
        parameters=dict(data.get("parameters") or {}),
        tags=dict(data.get("tags") or {}),
        mlflow=None if target is None else target_from_json(target),
        between_j=data.get("between_j"),
        meter_cpu_s=data.get("meter_cpu_s"),
        notes=tuple(data.get("notes") or ()),
    )


def session_from_json(data: Mapping[str, Any]) -> Session:
    """Read a `Session`."""
    return Session(
        session_id=str(data["session_id"]),
        notebook=data.get("notebook"),
        kernel_id=data.get("kernel_id"),
        name=data.get("name"),
        host=str(data.get("host", "")),
        boot_id=data.get("boot_id"),
        pid=int(data["pid"]),
        pid_started=data.get("pid_started"),
        started_at=datetime.fromisoformat(data["started_at"]),
        cwd=str(data.get("cwd", "")),
        runner=data.get("runner", "kernel"),
        parameters=dict(data.get("parameters") or {}),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """Add; one unknown makes the sum unknown, and so does having nothing to add.

    >>> _sum([1.0, 2.0]), _sum([1.0, None]), _sum([])
    (3.0, None, None)
    """
    total, seen = 0.0, False
    for value in values:
        if value is None:
            return None
        total, seen = total + value, True
    return total if seen else None


def sum_energy(energies: Iterable[Energy]) -> Energy:
    """Add energies of windows that do not overlap.

    The errors of the scale are common to all parts, so low and high add up as they are.
    """
    parts = list(energies)
    domains = {domain for part in parts for domain in part.machine_j}
    known = [part.quality for part in parts]
    quality = max(known, key=lambda q: QUALITIES.index(q) if q else len(QUALITIES)) if known else None
    return Energy(
        machine_j={domain: _sum(part.machine_j.get(domain) for part in parts) for domain in sorted(domains)},
        attributed_j=_sum(part.attributed_j for part in parts),
        low_j=_sum(part.low_j for part in parts),
        high_j=_sum(part.high_j for part in parts),
        duration_s=sum(part.duration_s for part in parts),
        cpu_s=_sum(part.cpu_s for part in parts),
        source={domain: source for part in parts for domain, source in part.source.items()},
        quality=quality,
        covers=tuple(sorted({item for part in parts for item in part.covers})),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What several records cost together; unknown where one of them is unknown."""

    energy: Energy
    co2e_g: float | None
    co2e_low_g: float | None
    co2e_high_g: float | None
    cost: float | None
    currency: str | None


def total(records: Iterable[CellRecord]) -> Total:
    """Add up records; costs in different currencies have no sum."""
    parts = list(records)
    currencies = {part.currency for part in parts}
    one_currency = len(currencies) == 1
    return Total(
        energy=sum_energy(part.energy for part in parts),
        co2e_g=_sum(part.co2e_g for part in parts),
        co2e_low_g=_sum(part.co2e_low_g for part in parts),
        co2e_high_g=_sum(part.co2e_high_g for part in parts),
        cost=_sum(part.cost for part in parts) if one_currency else None,
        currency=currencies.pop() if one_currency else None,
    )
