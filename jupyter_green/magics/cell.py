"""What is kept of a measured cell between its two hooks."""

from __future__ import annotations

import numbers
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_green.records import CellRecord
from jupyter_green.track.window import Stopped

if TYPE_CHECKING:
    from jupyter_green.magics.options import Asked


class Cell:
    """What the end of a cell needs to know of its beginning, and how far its end has come.

    A Ctrl-C may arrive between any two steps of the end: each keeps its result here, so that going on does nothing
    twice.
    """

    __slots__ = (
        "asked",
        "before",
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
    )

    def __init__(self, info: Any, asked: Asked | None, names: frozenset[str], user_ns: Mapping[str, Any]) -> None:
        self.info, self.asked, self.names = info, asked, names
        self.before = {name: _reference(user_ns.get(name)) for name in names}
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


def _reference(value: Any) -> Callable[[], Any]:
    """Return what gives a value back as long as it lives: a loss may hold a network's whole graph."""
    if isinstance(value, numbers.Real):
        return lambda: value
    try:
        return weakref.ref(value)
    except TypeError:
        return _nothing


def _nothing() -> None:
    return None
