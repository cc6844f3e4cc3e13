"""A window while it is open, and until its record is written: what was asked for with it, and what it was given."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from jupyter_green.meter.meter import Measured
from jupyter_green.records import Intensity, Kind, Step, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for with one cell; None: what the session has."""

    name: str | None = None
    phase: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    intensity: Intensity | Literal["unknown"] | None = None  # unknown: what was said could not be understood
    target: Target | None = None
    stays: bool = False


NO_OPTIONS = Options()


class Window:
    """What the record of an open window will need."""

    __slots__ = (
        "cell_id",
        "code",
        "count",
        "gap",
        "kind",
        "notes",
        "options",
        "part_of",
        "record_id",
        "started_at",
        "steps",
    )

    def __init__(
        self, record_id: str, kind: Kind, cell_id: str | None, count: int | None, code: str | None, options: Options
    ) -> None:
        self.record_id, self.kind, self.cell_id, self.count = record_id, kind, cell_id, count
        self.code, self.options = code, options
        self.started_at = time.time()
        self.part_of: str | None = None  # the record around it, once it was closed
        self.gap: Measured | None = None  # what was used between cells before this one, once it was taken
        self.steps: list[Step] = []
        self.notes: list[str] = []


class Stopped(NamedTuple):
    """A closed window whose record is not written yet."""

    key: Hashable
    window: Window
    measured: Measured
    part_of: str | None
