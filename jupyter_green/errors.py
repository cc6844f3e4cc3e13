"""The errors of jupyter_green.

::

    GreenError
    ├── UsageError      an option, a setting or a value given by the user; exit code 2
    ├── SensorError     a sensor could not be read; never the cell's fault
    ├── JournalError    the journal could not be read
    └── DeliveryError   MLflow could not be reached, or refused

A message says who, what was seen, and what to do. Arguments survive pickling.
"""

from __future__ import annotations


class GreenError(Exception):
    """Any error that jupyter_green raises on purpose."""


class UsageError(GreenError):
    """Something the user typed or set cannot be understood."""


class SensorError(GreenError):
    """A sensor could not be read; the cell itself is not at fault."""

    def __init__(self, sensor: str, reason: str, hint: str) -> None:
        super().__init__(sensor, reason, hint)
        self.sensor, self.reason, self.hint = sensor, reason, hint

    def __str__(self) -> str:
        return f"{self.sensor}: {self.reason}. {self.hint}"


class JournalError(GreenError):
    """The journal could not be read."""


class DeliveryError(GreenError):
    """MLflow did not take the records; they stay in the journal."""

    def __init__(self, store: str, reason: str, hint: str) -> None:
        super().__init__(store, reason, hint)
        self.store, self.reason, self.hint = store, reason, hint

    def __str__(self) -> str:
        return f"MLflow at {self.store}: {self.reason}. {self.hint}"
