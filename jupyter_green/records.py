"""The records: what was measured, as frozen values and as JSON.

JSON has the names of the fields, so that a reader needs one list of names. Unknown is ``None``, never 0.
Reading fills what an older version did not write with "unknown" and passes over what a newer one added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, get_args

SCHEMA_VERSION = 1

Quality = Literal["measured", "apportioned", "modelled"]
Status = Literal["ok", "error", "interrupted", "unknown"]
Kind = Literal["cell", "scoring", "block"]
Runner = Literal["kernel", "papermill", "script"]

# From the best to the worst: a sum is only as good as its worst part.
QUALITIES: tuple[Quality, ...] = ("measured", "apportioned", "modelled")
_STATUSES: tuple[Status, ...] = get_args(Status)
_KINDS: tuple[Kind, ...] = get_args(Kind)
_RUNNERS: tuple[Runner, ...] = get_args(Runner)

_Word = TypeVar("_Word", bound=str)


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
    others_cpu_s: float | None  # what others on this machine used meanwhile, left out
    source: Mapping[str, str]
    quality: Quality | None
    covers: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Attributed energy between two records with the range it may have (J), and the CPU time of it (s)."""

    value: float | None
    low: float | None
    high: float | None
    cpu_s: float | None = None
    quality: Quality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `jupyter_green.step()` inside a cell: the energy since the cell began (J), and what it logged."""

    step: int
    at: datetime
    energy_j: float
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """A carbon intensity in gCO2e/kWh with the range it may have, and where it comes from."""

    zone: str
    g_per_kwh: float
    low: float
    high: float
    at: str | None
    kind: Literal["average", "marginal"]
    scope: Literal["lifecycle", "direct"] | None  # with plants and fuels made, or burning alone; None: not said
    source: Literal["measured", "forecast", "table", "user"]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where in MLflow a record goes, and the runs it became.

    ``tracking_uri`` is absolute and holds no credentials; ``None`` is MLflow's default in the session's folder.
    ``experiment`` is a name, or an id written as ``id:3``; ``None`` is MLflow's default.
    """

    tracking_uri: str | None
    experiment: str | None
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """Energy, CO2e, cost and accuracy of one cell, scoring or measured block."""

    record_id: str
    session_id: str
    kind: Kind
    part_of: str | None  # the record that holds this one; sums leave it out
    notebook: str | None
    kernel_id: str | None
    cell_id: str | None
    execution_count: int | None
    code: str | None  # a checksum of the cell's text: runs of another text are no repeats
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
    price_per_kwh: float | None
    cost: float | None
    currency: str | None
    metrics: Mapping[str, float | None]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    mlflow: Target | None
    between_j: Between | None  # between the last record and this one; None: that is in another's figure
    steps: tuple[Step, ...]
    meter_cpu_s: float | None  # CPU time that measuring the cell before took, s; of every eighth plain cell
    stays: bool = False  # the cell said ``--mlflow off``: it is never delivered, not even with its session
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
    runner: Runner
    run: str | None  # the session of the engine that runs this kernel
    inside: str | None  # the session of the process that started this one, whose figures hold these already
    covers: tuple[str, ...]  # what the energies of this session hold
    method: str  # how its energies come about, in a sentence
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last line of a journal file: the session ended, and what it used after its last record."""

    at: datetime
    status: Status
    between_j: Between | None
    meter_cpu_s: float | None


def to_json(record: Any) -> dict[str, Any]:
    """Return a record as JSON values, a key for each field."""
    return {name: _plain(getattr(record, name)) for name in record.__class__.__slots__}


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is float or kind is int or kind is dict:
        return value
    if kind is tuple:
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return to_json(value) if hasattr(kind, "__slots__") else value


def _finite(value: Any) -> float:
    """Return a number.

    Raises:
        TypeError, ValueError: If it is none, or not finite.
    """
    number = float(value)
    if number - number != 0.0:
        raise ValueError("not a finite number")
    return number


def _known(value: Any) -> float | None:
    """Return a number that may be unknown; errors as `_finite`."""
    return None if value is None else _finite(value)


def _text(value: Any) -> str | None:
    """Return a text that may be unknown; what is none is written as one."""
    return None if value is None else str(value)


def _word(value: Any, known: tuple[_Word, ...]) -> _Word | None:
    """Return one of the known words; None for what a newer version may have written."""
    return value if isinstance(value, str) and value in known else None


def _texts(values: Any) -> tuple[str, ...]:
    return tuple([str(value) for value in values]) if values else ()


def _numbers(values: Mapping[str, Any] | None) -> dict[str, float | None]:
    return {str(name): _known(value) for name, value in values.items()} if values else {}


def _named(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()} if values else {}


def energy_from_json(data: Mapping[str, Any]) -> Energy:
    """Read an `Energy`; what is missing is unknown."""
    return Energy(
        machine_j=_numbers(data.get("machine_j")),
        attributed_j=_known(data.get("attributed_j")),
        low_j=_known(data.get("low_j")),
        high_j=_known(data.get("high_j")),
        duration_s=_finite(data["duration_s"]),
        cpu_s=_known(data.get("cpu_s")),
        others_cpu_s=_known(data.get("others_cpu_s")),
        source=_named(data.get("source")),
        quality=_word(data.get("quality"), QUALITIES),
        covers=_texts(data.get("covers")),
        notes=_texts(data.get("notes")),
    )


_WORDS: Mapping[str, tuple[str | None, ...]] = {
    "kind": ("average", "marginal"),
    "scope": ("lifecycle", "direct", None),
    "source": ("measured", "forecast", "table", "user"),
}


def intensity_from_json(data: Mapping[str, Any]) -> Intensity:
    """Read an `Intensity`.

    Raises:
        KeyError, TypeError, ValueError: If it is none; of words that a newer version may have written, too, as what
            they mean for CO2e is not known.
    """
    words = {name: data[name] for name in ("kind", "scope", "source")}
    for name, known in _WORDS.items():
        if words[name] not in known:
            raise ValueError(f"{name} of an intensity is not known")
    return Intensity(
        zone=str(data["zone"]),
        g_per_kwh=_finite(data["g_per_kwh"]),
        low=_finite(data["low"]),
        high=_finite(data["high"]),
        at=_text(data["at"]),
        label=str(data["label"]),
        **words,
    )


def target_from_json(data: Mapping[str, Any]) -> Target:
    """Read a `Target`."""
    return Target(
        tracking_uri=_text(data.get("tracking_uri")),
        experiment=_text(data.get("experiment")),
        run_ids=_texts(data.get("run_ids")),
    )


def between_from_json(data: Mapping[str, Any] | None) -> Between | None:
    """Read a `Between`, or None."""
    if data is None:
        return None
    return Between(
        value=_known(data["value"]),
        low=_known(data["low"]),
        high=_known(data["high"]),
        cpu_s=_known(data.get("cpu_s")),
        quality=_word(data.get("quality"), QUALITIES),
    )


def step_from_json(data: Mapping[str, Any]) -> Step:
    """Read a `Step`."""
    at = datetime.fromisoformat(data["at"])
    return Step(
        step=int(data["step"]), at=at, energy_j=_finite(data["energy_j"]), metrics=_numbers(data.get("metrics"))
    )


def _moment(value: str | float) -> datetime:
    """Read a time: ISO 8601, or in a journal's line seconds since 1970."""
    return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)


def cell_from_json(data: Mapping[str, Any]) -> CellRecord:
    """Read a `CellRecord` of this or an older schema version.

    Raises:
        KeyError, TypeError, ValueError: If it is not a record.
    """
    intensity, target, count = data.get("intensity"), data.get("mlflow"), data.get("execution_count")
    kind = _word(data.get("kind", "cell"), _KINDS)
    if kind is None:
        raise ValueError("not a kind of record that is known")
    return CellRecord(
        record_id=str(data["record_id"]),
        session_id=str(data["session_id"]),
        kind=kind,
        part_of=_text(data.get("part_of")),
        notebook=_text(data.get("notebook")),
        kernel_id=_text(data.get("kernel_id")),
        cell_id=_text(data.get("cell_id")),
        execution_count=None if count is None else int(count),
        code=_text(data.get("code")),
        name=_text(data.get("name")),
        phase=_text(data.get("phase")),
        started_at=_moment(data["started_at"]),
        status=_word(data.get("status"), _STATUSES) or "unknown",
        energy=energy_from_json(data["energy"]),
        intensity=None if intensity is None else intensity_from_json(intensity),
        pue=_finite(data.get("pue", 1.0)),
        co2e_g=_known(data.get("co2e_g")),
        co2e_low_g=_known(data.get("co2e_low_g")),
        co2e_high_g=_known(data.get("co2e_high_g")),
        price_per_kwh=_known(data.get("price_per_kwh")),
        cost=_known(data.get("cost")),
        currency=_text(data.get("currency")),
        metrics=_numbers(data.get("metrics")),
        parameters=_named(data.get("parameters")),
        tags=_named(data.get("tags")),
        mlflow=None if target is None else target_from_json(target),
        between_j=between_from_json(data.get("between_j")),
        steps=tuple(step_from_json(step) for step in data.get("steps") or ()),
        meter_cpu_s=_known(data.get("meter_cpu_s")),
        stays=bool(data.get("stays", False)),
        notes=_texts(data.get("notes")),
    )


def session_from_json(data: Mapping[str, Any]) -> Session:
    """Read a `Session`."""
    started = data.get("pid_started")
    return Session(
        session_id=str(data["session_id"]),
        notebook=_text(data.get("notebook")),
        kernel_id=_text(data.get("kernel_id")),
        name=_text(data.get("name")),
        host=str(data.get("host", "")),
        boot_id=_text(data.get("boot_id")),
        pid=int(data["pid"]),
        pid_started=None if started is None else int(started),
        started_at=datetime.fromisoformat(data["started_at"]),
        cwd=str(data.get("cwd", "")),
        runner=_word(data.get("runner"), _RUNNERS) or "kernel",
        run=_text(data.get("run")),
        inside=_text(data.get("inside")),
        covers=_texts(data.get("covers")),
        method=str(data.get("method", "")),
        parameters=_named(data.get("parameters")),
    )


def end_from_json(data: Mapping[str, Any]) -> End:
    """Read an `End`."""
    return End(
        at=datetime.fromisoformat(data["at"]),
        status=_word(data.get("status"), _STATUSES) or "unknown",
        between_j=between_from_json(data.get("between_j")),
        meter_cpu_s=_known(data.get("meter_cpu_s")),
    )
