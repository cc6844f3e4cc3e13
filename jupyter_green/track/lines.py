"""The lines of a journal file, short and fast: what all cells of a session share stands once, in its first line.

A cell's line leaves out what equals the session's ``shared`` values and what is empty. Most cells have nothing but
numbers to say: their line is one format operation, because this runs in the user's kernel after each cell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from jupyter_green.records import SCHEMA_VERSION, CellRecord, End, Session, cell_from_json, to_json

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# What the first record of a session has, the others mostly have too.
_SHARED = (
    "session_id", "notebook", "kernel_id", "intensity", "pue", "price_per_kwh", "currency", "parameters", "mlflow",
)  # fmt: skip
_SHARED_ENERGY = ("source", "covers", "quality")

_PLAIN = (
    '{"v":%d,"type":"cell","record_id":"%s","cell_id":%s,"execution_count":%s,"code":%s,"started_at":%.6f,"status":"%s",'
    '"energy":{"machine_j":{%s},"attributed_j":%.12g,"low_j":%.12g,"high_j":%.12g,"duration_s":%.12g,"cpu_s":%.12g,'
    '"others_cpu_s":%.12g%s},"co2e_g":%.12g,"co2e_low_g":%.12g,"co2e_high_g":%.12g,'
    '"between_j":{"value":%.12g,"low":%.12g,"high":%.12g,"cpu_s":%.12g},"meter_cpu_s":%s}\n'
)


class Lines:
    """Writes the lines of one session.

    Args:
        session: What the first line is about.
        first: The session's first record: what it has, the first line says for all.
    """

    def __init__(self, session: Session, first: CellRecord) -> None:
        self.first = first
        values = to_json(first)
        self._shared = {name: values[name] for name in _SHARED}
        self._shared_energy = {name: values["energy"][name] for name in _SHARED_ENERGY}
        self._domains = ",".join(f"{encode_basestring(domain)}:%.12g" for domain in first.energy.machine_j)
        data = {**to_json(session), "shared": {**self._shared, "energy": self._shared_energy}}
        self.head = other_line("session", data)

    def plain(
        self,
        record_id: str,
        cell_id: str | None,
        execution_count: int | None,
        code: str | None,
        started_at: float,
        status: str,
        machine_j: tuple[float, ...],
        energy: tuple[float, float, float, float, float, float],
        notes: tuple[str, ...],
        co2e_g: float,
        co2e_low_g: float,
        co2e_high_g: float,
        between_j: tuple[float, float, float, float],
        meter_cpu_s: float | None,
    ) -> bytes:
        """Return the line of a cell that differs from the first record in its numbers alone.

        Args:
            started_at: Seconds since 1970.
            machine_j: Of each domain of the first record.
            energy: Attributed, low and high (J), duration, own and others' CPU time (s).
            notes: Of the energy.
        """
        text = _PLAIN % (
            SCHEMA_VERSION,
            record_id,
            "null" if cell_id is None else encode_basestring(cell_id),
            "null" if execution_count is None else execution_count,
            "null" if code is None else encode_basestring(code),
            started_at,
            status,
            self._domains % machine_j,
            *energy,
            f',"notes":{_ENCODER.encode(notes)}' if notes else "",
            co2e_g,
            co2e_low_g,
            co2e_high_g,
            *between_j,
            "null" if meter_cpu_s is None else f"{meter_cpu_s:.9g}",
        )
        return text.encode("utf-8", "backslashreplace")

    def read(self, line: bytes) -> CellRecord:
        """Return the record of a line that was written here."""
        return cell_from_line(json.loads(line), {**self._shared, "energy": self._shared_energy})

    def cell(self, record: CellRecord) -> bytes:
        """Return a record's line."""
        values = to_json(record)
        energy = {k: v for k, v in values.pop("energy").items() if self._shared_energy.get(k, _NOTHING) != v}
        told = {k: v for k, v in values.items() if self._shared.get(k, _NOTHING) != v and not _is_empty(k, v)}
        return other_line("cell", {**told, "started_at": record.started_at.timestamp(), "energy": energy})


_NOTHING = object()


def _is_empty(name: str, value: Any) -> bool:
    """Tell whether a value is what a reader takes for granted."""
    return name not in _SHARED and (value is None or value is False or value == [] or value == {})


def other_line(kind: str, values: Mapping[str, Any]) -> bytes:
    """Return a line of any kind from JSON values.

    Raises:
        ValueError: If a number is not finite.
    """
    text = _ENCODER.encode({"v": SCHEMA_VERSION, "type": kind, **values})
    return text.encode("utf-8", "backslashreplace") + b"\n"


def end_line(end: End) -> bytes:
    """Return the line of a session's end."""
    return other_line("end", to_json(end))


def cell_from_line(values: Mapping[str, Any], shared: Mapping[str, Any]) -> CellRecord:
    """Read a record; what its line leaves out is as the session's first line says.

    Raises:
        KeyError, TypeError, ValueError: If it is not a record.
    """
    energy = {**(shared.get("energy") or {}), **values["energy"]}
    between = values.get("between_j")
    if between is not None:
        between = {"quality": energy.get("quality"), **between}
    return cell_from_json({**shared, **values, "energy": energy, "between_j": between})
