"""kill -9 of whoever delivers, at any moment: each record is in MLflow exactly once in the end."""

from __future__ import annotations

import math
import os
import random
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_green.records import CellRecord, Target
from jupyter_green.track.journal import Journal
from jupyter_green.track.receipts import read_receipts
from tests.track.conftest import Nursery
from tests.track.forge import OK, add, record, session
from tests.track.mlflow_rows import children, of_session

SEED = 20260302
KILLS = 120
PARAMETERS = {f"p{n}": str(n) for n in range(150)}
LOST = 25  # from this record on the total of CO2e is unknown
NAMED = {4, 9, 13, 22, 27}
GOALS = [Target(tracking_uri=None, experiment=name) for name in (None, "id:0", "Default")]  # one experiment's names


def _records(session_id: str) -> list[CellRecord]:
    made = [
        record(n, session_id=session_id, metrics={"accuracy": n / 100}, parameters=PARAMETERS, mlflow=GOALS[n % 3])
        for n in range(1, 31)
    ]
    made[LOST - 1] = replace(made[LOST - 1], intensity=None, co2e_g=None, co2e_low_g=None, co2e_high_g=None)
    return [replace(one, name=f"fit {one.execution_count}") if one.execution_count in NAMED else one for one in made]


def _check(database: Path, home: Path, journal: Journal) -> None:
    """Compare what MLflow has with what was recorded."""
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(n, 10.0) for n in range(1, 31)]
    assert run.metrics["accuracy"] == [(n, n / 100) for n in range(1, 31)]
    assert run.latest["energy_j"] == 30 * 11 + 2
    co2e_mg = [value for _, value in run.metrics.get("co2e_mg", [])]  # none where all came at once
    assert [math.isnan(value) for value in co2e_mg] == [False] * (len(co2e_mg) - 1) + [True] * bool(co2e_mg)
    assert all(math.isnan(value) for key, value in run.latest.items() if key == "co2e_mg")
    assert run.params == PARAMETERS
    assert run.status == "FINISHED"
    assert [row["cell"] for row in run.cells] == list(range(1, 31))
    found = children(database)
    assert {child.name for child in found.values()} == {f"fit {n}" for n in NAMED}
    for child in found.values():
        assert child.status == "FINISHED"
        assert child.tags["mlflow.parentRunId"] == run.run_id
        assert child.params == PARAMETERS
        assert {key: len(points) for key, points in child.metrics.items()} == dict.fromkeys(child.latest, 1)
        assert child.latest["energy_j"] == 10.0
    receipts = read_receipts(journal.path)
    assert len(receipts.record_ids) == 30
    assert {one.run_id for one in receipts.delivered} == {run.run_id}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_deliverer(tmp_path: Path, make_store: Callable[[Path], str], nursery: Nursery) -> None:
    """Killed twice at seeded moments of its work, while the session grows, a delivery ends with each record once."""
    print("seed", SEED)
    draw = random.Random(SEED)
    home = tmp_path / "home"

    def start(number: int) -> tuple[Path, Journal]:
        folder = tmp_path / f"work{number}"
        make_store(folder)
        return folder / "mlflow.db", Journal(home, session(f"{number:016x}", cwd=str(folder), parameters=PARAMETERS))

    took_s = []
    for number in range(5):
        database, journal = start(number)
        add(journal, _records(journal.session.session_id), OK)
        began = time.monotonic()
        nursery.deliver(home, journal.path)
        took_s.append(time.monotonic() - began)
        if number == 0:
            _check(database, home, journal)
    whole_s = statistics.median(took_s)
    print(f"undisturbed {whole_s:.3f} s")

    hit = 0
    number = 5
    while hit < KILLS:
        database, journal = start(number)
        number += 1
        records = _records(journal.session.session_id)
        for part, end in ((records[:20], None), (records[20:], OK)):
            add(journal, part, end)
            pid = nursery.begin(home, journal.path)
            time.sleep(draw.uniform(0.0, whole_s))
            os.kill(pid, signal.SIGKILL)
            hit += nursery.outcomes() is None
        outcome = nursery.deliver(home, journal.path)
        assert outcome["problem"] is None
        _check(database, home, journal)
        assert nursery.deliver(home, journal.path)["delivered"] == 0
        assert number < 5 + 2 * KILLS, "hardly any kill hit the work"
    print(f"{hit} kills in {number - 5} sessions")
