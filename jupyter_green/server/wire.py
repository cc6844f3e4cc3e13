"""What the server tells the browser. ``labextension/src/wire.ts`` is made from these records.

Unknown is ``None``; a quantity ends in its unit; times called ``at_s`` are seconds of the server's monotonic clock and
mean something only beside ``now_s`` of the same answer, so that the browser's clock does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_green.meter.watch import Sample
from jupyter_green.records import Intensity, Quality
from jupyter_green.totals import Total
from jupyter_green.track.cells import CellState
from jupyter_green.track.known_runs import Runs
from jupyter_green.track.looking import Found

__all__ = [  # what crosses the wire, also what is made elsewhere
    "DoctorState", "Found", "LiveState", "NotebookState", "Runs", "SettingsState", "Zone",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookState:
    """What is recorded of a notebook; of the cells only those that changed since the browser's revision."""

    epoch: str  # another one: all cells are told anew
    revision: int
    cells: tuple[CellState, ...]
    total: Total | None  # of all sessions of this notebook; None if there is no record
    session: Total | None  # of the running kernel
    sessions: int
    session_id: str | None  # of the newest
    method: str | None  # how that one was measured, in a sentence
    covers: tuple[str, ...]
    unreadable: int  # lines of the journal that were passed over
    problem: str | None  # which files could not be read, in a sentence
    journal_bytes: int  # grows with every record
    logical_cpus: int  # of the server's computer


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What a kernel draws now."""

    now_s: float
    samples: tuple[Sample, ...]
    quality: Quality | None
    method: str | None
    problem: str | None  # why there are none, in a sentence
    journal_bytes: int | None  # as in `NotebookState`; another number: there are new records


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingState:
    """A setting, where its value came from, and whether an admin locked it."""

    name: str
    value: str | float | bool | None
    source: str
    is_locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsState:
    """The settings of kernels that this server starts."""

    settings: tuple[SettingState, ...]
    intensity: Intensity | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A grid that can be chosen."""

    code: str
    name: str
    g_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorState:
    """A source of energy figures, whether it can be used here, and what to do if not."""

    name: str
    domains: tuple[str, ...]
    quality: Quality
    available: bool
    reason: str | None
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCost:
    """CPU time that measuring a cell takes, ms."""

    cell_cpu_ms: float | None
    after_pause_cpu_ms: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """Where the records are."""

    folder: str
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorState:
    """What ``jupyter green doctor --json`` says."""

    quality: Literal["measured", "apportioned", "modelled"]
    sensors: tuple[SensorState, ...]
    intensity: Intensity
    own_cost: OwnCost
    journal: JournalState
