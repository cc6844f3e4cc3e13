"""What a source of joules has to be able to do; the model and the counters are two."""

from __future__ import annotations

from typing import Protocol

from jupyter_green.meter.power import Calm, Snapshot, Used


class Source(Protocol):
    """Where joules come from: counters, or the model."""

    domains: tuple[str, ...]
    covers: tuple[str, ...]

    @property
    def method(self) -> str:
        """How its figures come about, in a sentence."""

    @property
    def longest_wait_s(self) -> float | None:
        """How long it may stay unread, s; None for ever."""

    def read_uj(self) -> tuple[int | None, ...]:
        """Return the raw counters."""

    def used(self, before: Snapshot, after: Snapshot, calm: Calm) -> Used:
        """Return what an interval used."""

    def close(self) -> None:
        """Give descriptors back."""
