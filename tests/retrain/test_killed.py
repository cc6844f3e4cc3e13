"""``kill -9`` of papermill at any moment: what was appended is in MLflow exactly once after a sync."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from jupyter_green.track.history import sessions
from tests.commands import green
from tests.retrain.notebooks import write

# A warm parent forks a papermill for each line it reads, and tells its process id and when it is gone.
_NURSERY = """
import os, sys
import papermill
import jupyter_green.retrain.measured_engine
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        os.setsid()
        papermill.execute_notebook("nb.ipynb", line.strip(), engine_name="green", progress_bar=False, log_output=False)
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_a_hundred_moments(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """At 100 seeded moments of a run, delivery included, nothing that was appended is lost or doubled."""
    seed = int(os.environ.get("GREEN_SEED", "7"))
    print(f"seed {seed}")
    moments = random.Random(seed)
    make_store(tmp_path)
    write(tmp_path / "nb.ipynb", "1", "%load_ext jupyter_green", "%%track_energy -n fit --quiet -m a=1\n2", *["3"] * 5)
    with subprocess.Popen(
        [sys.executable, "-c", _NURSERY], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as nursery:  # fmt: skip
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for number in range(100):
            nursery.stdin.write(f"out{number}.ipynb\n")
            nursery.stdin.flush()
            child = int(nursery.stdout.readline())
            _wait(moments.uniform(0.3, 6))
            _kill(child)
            assert nursery.stdout.readline() == "gone\n"
        nursery.stdin.close()
    answer = green("sync", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    logs = [log for log in sessions(home) if log.records]
    assert len(logs) > 30
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        runs = Counter(
            session
            for (session,) in database.execute(
                "SELECT s.value FROM tags s JOIN tags k ON s.run_uuid = k.run_uuid "
                "WHERE s.key = 'green.session' AND k.key = 'green.kind' AND k.value = 'session'"
            )
        )
        steps = database.execute(
            "SELECT s.value, COUNT(*), COUNT(DISTINCT m.step) FROM metrics m JOIN tags s ON s.run_uuid = m.run_uuid "
            "WHERE m.key = 'cell_energy_j' AND s.key = 'green.session' GROUP BY s.value"
        ).fetchall()
        children = Counter(
            record for (record,) in database.execute("SELECT value FROM tags WHERE key = 'green.record'")
        )
    assert set(runs.values()) == {1}
    assert runs.keys() == {log.session.session_id for log in logs}
    known = {log.session.session_id: [r for r in log.records if r.energy.attributed_j is not None] for log in logs}
    assert {session: count for session, count, _ in steps} == {
        s: len(records) for s, records in known.items() if records
    }
    assert all(count == distinct for _, count, distinct in steps)
    named = [r.record_id for log in logs for r in log.records if r.name is not None and r.kind == "cell"]
    assert children == Counter(named)


def _wait(seconds: float) -> None:
    """Let a moment of the run pass: the moments are the test."""
    threading.Event().wait(seconds)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it had ended before
        os.kill(pid, signal.SIGKILL)
