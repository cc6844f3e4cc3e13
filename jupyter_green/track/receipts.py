"""Receipts: what MLflow has, written beside the journal by whoever delivers, under the session's lock.

A file is ``receipts/<name of the journal's file>``. A receipt is a shortcut: without it, delivery looks into MLflow.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_green.records import Target, target_from_json, to_json
from jupyter_green.track.journal import make_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A session run in MLflow and the records it holds."""

    goal: Target | None  # as the records or the caller named it
    tracking_uri: str
    experiment_id: str
    run_id: str
    record_ids: tuple[str, ...]
    children: Mapping[str, str]  # run of a named record
    is_final: bool  # the session had ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """All receipts of a session."""

    delivered: tuple[Delivered, ...]
    problem: str | None  # of the last try, None if it went well

    @property
    def record_ids(self) -> frozenset[str]:
        """The records that MLflow has."""
        return frozenset(record_id for one in self.delivered for record_id in one.record_ids)

    def newest_with(self, record_id: str) -> Delivered | None:
        """Return the run that got a record last; None if MLflow does not have it."""
        return next((one for one in reversed(self.delivered) if record_id in one.record_ids), None)

    @property
    def where(self) -> str:
        """`` to URI``, or why not, or nothing."""
        if self.problem is not None:
            return f"; {self.problem}"
        return f" to {self.delivered[-1].tracking_uri}" if self.delivered else ""

    def runs(self) -> dict[str, tuple[str, ...]]:
        """Return for each record the runs that hold it: its own first, then the sessions'."""
        own: dict[str, list[str]] = {}
        shared: dict[str, list[str]] = {}
        for one in self.delivered:
            for record_id in one.record_ids:
                if record_id in one.children:
                    own.setdefault(record_id, []).append(one.children[record_id])
                shared.setdefault(record_id, []).append(one.run_id)
        return {key: tuple(dict.fromkeys([*own.get(key, ()), *run_ids])) for key, run_ids in shared.items()}


def receipts_path(log: Path) -> Path:
    """Return where the receipts of a journal file are."""
    return log.parent.parent / "receipts" / log.name


def read_receipts(log: Path) -> Receipts:
    """Read the receipts of a journal file; a line that cannot be read does not count."""
    delivered: dict[str, Delivered] = {}
    held: dict[str, dict[str, None]] = {}  # a line has what it added: the records of each run, in their order
    problem: str | None = None
    try:
        text = receipts_path(log).read_bytes()
    except OSError:
        text = b""
    for line in text.split(b"\n"):
        try:
            data = json.loads(line)
            if data["type"] == "problem":
                problem = str(data["text"])
                continue
            run_id = data["run_id"]
            before = delivered.get(run_id)
            one = Delivered(
                goal=None if data.get("goal") is None else target_from_json(data["goal"]),
                tracking_uri=data["tracking_uri"],
                experiment_id=data["experiment_id"],
                run_id=run_id,
                record_ids=tuple(data["record_ids"]),
                children={**(before.children if before else {}), **data["children"]},
                is_final=bool(data["is_final"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        problem = None
        delivered.pop(run_id, None)
        delivered[run_id] = one  # the newest stands last
        held.setdefault(run_id, {}).update(dict.fromkeys(one.record_ids))
    runs = tuple(replace(one, record_ids=tuple(held[run_id])) for run_id, one in delivered.items())
    return Receipts(delivered=runs, problem=problem)


def write_receipt(log: Path, one: Delivered, cpu_s: float) -> None:
    """Append a receipt.

    Args:
        log: The session's journal file.
        one: What MLflow has now.
        cpu_s: CPU time that delivering took, s, kept for whoever asks what it costs.

    Raises:
        OSError: If it cannot be written; MLflow has the records all the same.
    """
    before = next((other for other in read_receipts(log).delivered if other.run_id == one.run_id), None)
    known = frozenset(before.record_ids) if before is not None else frozenset[str]()
    added = tuple(record_id for record_id in one.record_ids if record_id not in known)
    children = {record_id: run_id for record_id, run_id in one.children.items() if record_id not in known}
    data = to_json(replace(one, record_ids=added, children=children))
    _append(log, {"type": "delivered", **data, "cpu_s": cpu_s})


def write_problem(log: Path, text: str, cpu_s: float) -> None:
    """Note why a try failed; only if it differs from the last one."""
    if read_receipts(log).problem != text:
        _append(log, {"type": "problem", "text": text, "cpu_s": cpu_s})


def _append(log: Path, data: Mapping[str, object]) -> None:
    path = receipts_path(log)
    make_private(path.parent)
    # A receipt that a crash tore apart must not swallow the next one, so a line also begins with an end of line.
    line = b"\n" + json.dumps(data, separators=(",", ":"), default=list).encode() + b"\n"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)
