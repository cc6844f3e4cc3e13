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
    '{"v":%d,"type":"cell","record_id":%s,"cell_id":%s,"execution_count":%s,"started_at":"%s","status":"%s",'
    '"energy":{"machine_j":{%s},"attributed_j":%.12g,"low_j":%.12g,"high_j":%.12g,"duration_s":%.12g,"cpu_s":%.12g,'
    '"others_cpu_s":%.12g},"co2e_g":%.12g,"co2e_low_g":%.12g,"co2e_high_g":%.12g,'
    '"between_j":{"value":%.12g,"low":%.12g,"high":%.12g},"meter_cpu_s":%.12g}\n'
)


class Lines:
    """Writes the lines of one session.

    Args:
        session: What the first line is about.
        first: The session's first record: what it has, the first line says for all.
    """

    def __init__(self, session: Session, first: CellRecord) -> None:
        self._first = first
        values = to_json(first)
        self._shared = {name: values[name] for name in _SHARED}
        self._shared_energy = {name: values["energy"][name] for name in _SHARED_ENERGY}
        data = {**to_json(session), "shared": {**self._shared, "energy": self._shared_energy}}
        self.head = other_line("session", data)

    def cell(self, record: CellRecord) -> bytes:
        """Return a record's line."""
        first, energy, between = self._first, record.energy, record.between_j
        like_first = (
            record.intensity is first.intensity
            and record.mlflow == first.mlflow
            and record.parameters is first.parameters
            and energy.quality == first.energy.quality
            and record.kind == "cell"
            and record.name is None
            and record.part_of is None
            and not (record.metrics or record.tags or record.steps or record.notes or energy.notes or record.phase)
        )
        if like_first and between is not None and record.price_per_kwh is None and energy.covers == first.energy.covers:
            try:
                return (
                    _PLAIN
                    % (
                        SCHEMA_VERSION,
                        encode_basestring(record.record_id),
                        "null" if record.cell_id is None else encode_basestring(record.cell_id),
                        "null" if record.execution_count is None else int(record.execution_count),
                        record.started_at.isoformat(),
                        record.status,
                        ",".join([f'"{domain}":{joules:.12g}' for domain, joules in energy.machine_j.items()]),
                        energy.attributed_j,
                        energy.low_j,
                        energy.high_j,
                        energy.duration_s,
                        energy.cpu_s,
                        energy.others_cpu_s,
                        record.co2e_g,
                        record.co2e_low_g,
                        record.co2e_high_g,
                        between.value,
                        between.low,
                        between.high,
                        record.meter_cpu_s,
                    )
                ).encode("utf-8", "backslashreplace")
            except TypeError:  # a number is unknown
                pass
        return self._any_cell(record)

    def _any_cell(self, record: CellRecord) -> bytes:
        values = to_json(record)
        energy = {k: v for k, v in values.pop("energy").items() if self._shared_energy.get(k, _NOTHING) != v}
        told = {k: v for k, v in values.items() if self._shared.get(k, _NOTHING) != v and not _is_empty(k, v)}
        return other_line("cell", {**told, "energy": energy})


_NOTHING = object()


def _is_empty(name: str, value: Any) -> bool:
    """Tell whether a value is what a reader takes for granted."""
    return name not in _SHARED and (value is None or value == [] or value == {})


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
    return cell_from_json({**shared, **values, "energy": energy})
