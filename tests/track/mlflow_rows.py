"""What stands in an MLflow store, read from its SQLite file by hand: nothing of MLflow's or ours is between."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One run."""

    run_id: str
    name: str
    status: str
    experiment: str
    is_deleted: bool
    artifacts: Path
    start_ms: int
    end_ms: int | None
    metrics: dict[str, list[tuple[int, float]]]  # step and value, in the order of steps; an unknown value is math.nan
    latest: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]

    @property
    def session(self) -> str | None:
        return self.tags.get("green.session")

    @property
    def record(self) -> str | None:
        return self.tags.get("green.record")

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The table of cells, a dictionary a row."""
        table = json.loads((self.artifacts / "cells.json").read_text("utf-8"))
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def runs(database: Path) -> list[StoredRun]:
    """Return all runs, the oldest first."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        experiments = dict(connection.execute("SELECT experiment_id, name FROM experiments"))
        found = connection.execute(
            "SELECT run_uuid, name, status, experiment_id, lifecycle_stage, artifact_uri, start_time, end_time"
            " FROM runs ORDER BY start_time, run_uuid"
        ).fetchall()
        made = []
        for run_id, name, status, experiment_id, stage, artifacts, start_ms, end_ms in found:
            metrics: dict[str, list[tuple[int, float]]] = {}
            for key, step, value, is_nan in connection.execute(
                "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY key, step, timestamp",
                (run_id,),
            ):
                metrics.setdefault(key, []).append((step, math.nan if is_nan else value))
            made.append(
                StoredRun(
                    run_id=run_id,
                    name=name,
                    status=status,
                    experiment=experiments[experiment_id],
                    is_deleted=stage == "deleted",
                    artifacts=Path(unquote(urlsplit(artifacts).path)),
                    start_ms=start_ms,
                    end_ms=end_ms,
                    metrics=metrics,
                    latest={
                        key: math.nan if is_nan else value
                        for key, value, is_nan in connection.execute(
                            "SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?", (run_id,)
                        )
                    },
                    params=dict(connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,))),
                    tags=dict(connection.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,))),
                )
            )
        return made


def of_session(database: Path) -> StoredRun:
    """Return the one run of a session that the store has."""
    (found,) = [run for run in runs(database) if run.session is not None and run.record is None]
    return found


def children(database: Path) -> dict[str, StoredRun]:
    """Return the runs of named records, by record; there is one of each."""
    found = [run for run in runs(database) if run.record is not None]
    by_record = {str(run.record): run for run in found}
    assert len(by_record) == len(found), "a record became two runs"
    return by_record
