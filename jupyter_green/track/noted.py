"""A record that is made when somebody looks at it: most cells' never are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from jupyter_green.records import CellRecord


@final
class Noted:
    """Stands for a `CellRecord` that is in the journal already; its attributes are the record's.

    Args:
        read: Makes the record from its line.
    """

    __slots__ = ("_read", "_record")

    def __init__(self, read: Callable[[], CellRecord]) -> None:
        self._read = read
        self._record: CellRecord | None = None

    @property
    def record(self) -> CellRecord:
        """The record itself."""
        if self._record is None:
            self._record = self._read()
        return self._record

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copying and pickling ask for methods before there is anything to ask
            raise AttributeError(name)
        return getattr(self.record, name)

    @property  # type: ignore[misc]  # what mypy cannot see: for isinstance it is the record that it stands for
    def __class__(self) -> type:
        return CellRecord

    def __repr__(self) -> str:
        return repr(self.record)

    def __eq__(self, other: object) -> bool:
        return self.record == (other.record if type(other) is Noted else other)

    def __hash__(self) -> int:
        return hash(self.record.record_id)

    def __reduce__(self) -> tuple[Callable[[CellRecord], CellRecord], tuple[CellRecord]]:
        return _itself, (self.record,)


def _itself(record: CellRecord) -> CellRecord:
    return record
