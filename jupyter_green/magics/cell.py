"""What is kept of a measured cell between its two hooks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from jupyter_green.records import CellRecord
from jupyter_green.track.tracker import Stopped

if TYPE_CHECKING:
    from jupyter_green.magics.options import Asked


class Cell:
    """What the end of a cell needs to know of its beginning, and how far its end has come.

    A Ctrl-C may arrive between any two steps of the end: each keeps its result here, so that going on does nothing
    twice.
    """

    __slots__ = (
        "asked",
        "count",
        "found",
        "info",
        "inner",
        "is_scoring",
        "metrics",
        "names",
        "notes",
        "record",
        "scored",
        "scoring",
        "spent_ns",
        "stopped",
        "thread",
        "values",
    )

    def __init__(self, info: Any, asked: Asked | None, names: frozenset[str], values: dict[str, Any]) -> None:
        self.info, self.asked, self.names, self.values = info, asked, names, values
        self.thread = threading.get_ident()
        self.count: int | None = None
        self.spent_ns: int | None = None  # by the first hook; None where the hooks' own CPU time is not measured
        self.inner: str | None = None  # our words behind another magic, which may run them as a cell of their own
        self.notes: list[str] = []
        self.stopped: Stopped | None = None
        self.found: dict[str, Any] | None = None  # what the expressions of -m gave so far
        self.is_scoring = False
        self.metrics: dict[str, float | None] | None = None
        self.scoring: Stopped | None = None
        self.record: CellRecord | None = None
        self.scored: CellRecord | None = None
