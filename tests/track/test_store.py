"""Making MLflow's default store while the user's own code makes it too."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_green.programs import typed
from jupyter_green.track.store import quiet
from tests.track.conftest import Nursery, clean_environ
from tests.track.forge import record, session, write
from tests.track.mlflow_rows import of_session, runs

USER = """
import sys
import mlflow
import mlflow.store.tracking.sqlalchemy_store
print("ready", flush=True)
sys.stdin.readline()
with mlflow.start_run(): mlflow.log_metric("mine", 1.0)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own."""
    return tmp_path / "green-home"


def _user(folder: Path) -> subprocess.Popen[str]:
    """A user's process that is about to start a run in a folder without a store."""
    started = subprocess.Popen(
        [sys.executable, "-c", USER],
        cwd=folder,
        env=clean_environ(folder, MLFLOW_DISABLE_TELEMETRY="true"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def _is_whole(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        check = connection.execute("PRAGMA integrity_check").fetchall()
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return check == [("ok",)] and len(revisions) == 1


@pytest.mark.long
@pytest.mark.timeout(600)
def test_user_and_courier_make_the_store_at_once(tmp_path: Path, home: Path, nursery: Nursery) -> None:
    """Whoever is first by whatever margin, both succeed and the store is whole, with both runs in it."""
    for attempt, head_start_s in enumerate((0.0, 0.0, 0.05, 0.2, 0.5, 1.0, -0.05, -0.5, -1.0)):
        folder = tmp_path / f"work{attempt}"
        folder.mkdir()
        s = f"{attempt:016x}"
        log = write(home, session(s, cwd=str(folder)), [record(1, session_id=s)])
        user = _user(folder)
        assert user.stdin is not None
        if head_start_s < 0:
            nursery.begin(home, log)
            time.sleep(-head_start_s)
            user.stdin.write("go\n")
            user.stdin.flush()
        else:
            user.stdin.write("go\n")
            user.stdin.flush()
            time.sleep(head_start_s)
            nursery.begin(home, log)
        outcomes = nursery.outcomes()
        _, errors = user.communicate(timeout=120)
        assert user.returncode == 0, errors
        assert outcomes is not None
        assert outcomes[0]["problem"] is None
        database = folder / "mlflow.db"
        assert _is_whole(database)
        assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0)]
        assert [run.metrics for run in runs(database) if run.session is None] == [{"mine": [(0, 1.0)]}]
        assert sorted(path.name for path in folder.iterdir() if path.name != "mlruns") == ["mlflow.db"]


@pytest.mark.long
def test_two_couriers_make_the_store_at_once(
    tmp_path: Path, home: Path, nursery: Nursery, second_nursery: Nursery
) -> None:
    """Two kernels' couriers in one folder without a store both succeed, also with homes of their own."""
    folder = tmp_path / "work"
    folder.mkdir()
    homes = (home, tmp_path / "other-home")
    logs = [
        write(where, session(n * 16, cwd=str(folder)), [record(1, session_id=n * 16)])
        for n, where in zip("12", homes, strict=True)
    ]
    nursery.begin(homes[0], logs[0])
    second_nursery.begin(homes[1], logs[1])
    outcomes = [nursery.outcomes(), second_nursery.outcomes()]
    assert [None if one is None else one[0]["problem"] for one in outcomes] == [None, None]
    assert _is_whole(folder / "mlflow.db")
    assert {run.session for run in runs(folder / "mlflow.db")} == {"1" * 16, "2" * 16}
    assert sorted(path.name for path in folder.iterdir() if path.name != "mlruns") == ["mlflow.db"]


def test_new_store_in_an_odd_folder(tmp_path: Path, home: Path, nursery: Nursery) -> None:
    """In a folder with spaces and letters of no ASCII the store is where mlflow itself would have it, and alone."""
    folder = tmp_path / "my prö #1"
    folder.mkdir()
    log = write(home, session(cwd=str(folder)), [record(1)])
    outcome = nursery.deliver(home, log)
    assert outcome["problem"] is None
    assert outcome["tracking_uri"] == f"sqlite:///{folder}/mlflow.db"
    assert of_session(folder / "mlflow.db").metrics["cell_energy_j"] == [(1, 10.0)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["green-home", "my prö #1"]
    done = subprocess.run(
        [sys.executable, "-c", "import mlflow; print(len(mlflow.search_runs(experiment_ids=['0'])))"],
        cwd=folder,
        env=clean_environ(home, MLFLOW_DISABLE_TELEMETRY="true"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"


def test_folder_that_cannot_be_written(tmp_path: Path, home: Path, nursery: Nursery) -> None:
    """Where no store can be made, a sentence says so, and nothing is left behind."""
    log = write(home, session(cwd="/proc/self"), [record(1)])
    problem = nursery.deliver(home, log)["problem"]
    assert problem.startswith("MLflow at ")
    assert problem.endswith(f"The records are kept and will be sent by: {typed('jupyter')} green sync")


def test_file_that_is_no_store(folder: Path, home: Path, nursery: Nursery) -> None:
    """A file in the store's place that is no database is left as it is, and a sentence says so."""
    (folder / "mlflow.db").write_bytes(b"precious " * 1000)
    log = write(home, session(cwd=str(folder)), [record(1)])
    problem = nursery.deliver(home, log)["problem"]
    assert problem.startswith(f"MLflow at sqlite:///{folder}/mlflow.db: file is not a database. The records are kept")
    assert (folder / "mlflow.db").read_bytes() == b"precious " * 1000


def test_quiet_environment() -> None:
    """Our processes repeat no request, log nothing later, and send no telemetry, whatever the user's settings."""
    environ = {
        "MLFLOW_DISABLE_TELEMETRY": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "120",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
        "MLFLOW_ACTIVE_MODEL_ID": "m-1",
    }
    quiet(environ)
    assert json.loads(environ["MLFLOW_DISABLE_TELEMETRY"]) is True
    assert environ["DO_NOT_TRACK"] == "true"
    assert environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
    assert environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "120"  # how patient the user is
    assert environ["MLFLOW_ENABLE_ASYNC_LOGGING"] == "false"
    assert "MLFLOW_ACTIVE_MODEL_ID" not in environ
