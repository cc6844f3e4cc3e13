"""papermill's engine, the journal, delivery to MLflow, the printed line, and ``doctor``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import Figure, median
from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.records import Target
from jupyter_green.settings import default_settings
from jupyter_green.track.journal import Journal
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Options, Tracker
from tests.kernels import Kernel

CELLS = 200
RECORDS = 1000
CHILDREN = 40
ROUNDS = 9

_PAPERMILL = """
import json, sys, time
import papermill
began = time.process_time()
papermill.execute_notebook(sys.argv[1], sys.argv[2], engine_name={engine!r}, progress_bar=False)
print(json.dumps(time.process_time() - began))
"""


def _notebook(path: Path, cells: int) -> None:
    import nbformat

    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1") for _ in range(cells)])
    new.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new, path)


def _engine() -> Figure:
    """Compare the CPU time of the papermill process by engine, in pairs of runs one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.ipynb"
        _notebook(path, CELLS)
        environ = {**os.environ, "JUPYTER_GREEN_HOME": f"{folder}/home", "JUPYTER_GREEN_MLFLOW": "off"}
        used: dict[str | None, list[float]] = {None: [], "green": []}
        for _ in range(ROUNDS):
            for engine, runs in used.items():
                code = _PAPERMILL.format(engine=engine)
                command = [sys.executable, "-c", code, str(path), f"{folder}/out.ipynb"]
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
                runs.append(json.loads(done.stdout.splitlines()[-1]))
    plain = median(used[None])
    more = median([green - plain for plain, green in zip(used[None], used["green"], strict=True)])
    less = f"less plain papermill's ({1e3 * plain / CELLS:.1f} a cell)"
    note = f"CPU of the papermill process over {CELLS} cells, {less}; median of {ROUNDS} pairs"
    return Figure("engine, a cell", "ms CPU", 1e3 * more / CELLS, 2.0, "", None, note)


def _tracker(home: Path, cwd: Path) -> Tracker:
    os.chdir(cwd)
    settings = default_settings()
    meter = make_meter()
    session = new_session(
        meter=meter,
        runner="kernel",
        session_id=new_session_id(),
        notebook=str(cwd / "bench.ipynb"),
        kernel_id=None,
    )
    return Tracker(session, settings, meter, Journal(home, session), resolve(None))


def _append() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        tracker = _tracker(Path(folder) / "home", Path(folder))
        times = []
        for number in range(1000):
            tracker.open(number)
            stopped = tracker.stop(number)
            assert stopped is not None
            record = tracker.record(stopped)
            began = time.thread_time_ns()
            tracker.journal.append(record)
            times.append((time.thread_time_ns() - began) / 1e3)
            tracker.write(stopped, record)
        os.chdir("/")
        tracker.end()
    return Figure("append to the journal", "µs CPU", median(times), None, "", None, "in a loop, warm")


_DELIVER = """
import json, os, sys, time
from jupyter_green.track.store import quiet
quiet(os.environ)
import mlflow, mlflow.tracking
from pathlib import Path
from jupyter_green.track.deliver import deliver
began = time.process_time()
outcome = deliver(Path(sys.argv[1]), Path(sys.argv[2]), None, os.environ)
assert outcome.problem is None, outcome.problem
print(json.dumps([time.process_time() - began, outcome.delivered]))
"""


def _deliver_s(folder: Path, named: int, unnamed: int) -> float:
    """Return the CPU time of delivering a session into an existing store, s, beyond importing mlflow."""
    home = folder / "home"
    tracker = _tracker(home, folder)
    goal = Target(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment=None)
    for number in range(named + unnamed):
        name = f"cell {number}" if number < named else None
        tracker.open(number, execution_count=number + 1, options=Options(name=name, target=goal))
        stopped = tracker.stop(number)
        assert stopped is not None
        tracker.write(stopped, tracker.record(stopped, metrics={"accuracy": 0.9} if name else {}))
    path = tracker.journal.path
    os.chdir("/")
    tracker.end()
    command = [sys.executable, "-c", _DELIVER, str(home), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, delivered = json.loads(done.stdout.splitlines()[-1])
    assert delivered == named + unnamed
    return float(seconds)


def _delivery() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "built"
        built.mkdir()
        code = "from mlflow import MlflowClient; MlflowClient().get_experiment_by_name('Default')"
        subprocess.run([sys.executable, "-c", code], cwd=built, check=True, capture_output=True)
        used: dict[tuple[int, int], list[float]] = {(0, RECORDS): [], (CHILDREN, 0): [], (1, 0): []}
        for turn in range(3):
            for key, runs in used.items():
                place = Path(folder) / f"{turn}-{key[0]}-{key[1]}"
                place.mkdir()
                shutil.copyfile(built / "mlflow.db", place / "mlflow.db")
                runs.append(_deliver_s(place, *key))
    thousand = median(used[0, RECORDS])
    child = 1e3 * (median(used[CHILDREN, 0]) - median(used[1, 0])) / (CHILDREN - 1)
    return [
        Figure(f"delivery of {RECORDS:,} unnamed cells", "CPU-s", thousand, 1.5, "", None, "existing SQLite store"),
        Figure("delivery of a child run", "ms CPU", child, 15.0, "", None, f"mean of {CHILDREN - 1} more children"),
    ]


def _line() -> Figure:
    """Time from the end of a cell's own code to the arrival of its line."""
    waits = []
    with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
        kernel.run("%load_ext jupyter_green")
        for _ in range(30):
            reply = kernel.run("%%track_energy\nimport time\nprint(time.time())")
            ended = float(reply.stream("stdout"))
            shown = reply.of("display_data")[0]["header"]["date"]
            shown = datetime.fromisoformat(shown) if isinstance(shown, str) else shown
            waits.append(shown.astimezone(UTC).timestamp() - ended)
    return Figure("line after the cell's end", "s", median(waits), 0.1, "", None, "wall, median of 30")


def _doctor() -> Figure:
    command = [str(Path(sys.executable).parent / "jupyter-green"), "doctor"]
    times = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.monotonic() - began)
    return Figure("jupyter green doctor", "s", median(times), 1.0, "", None, "wall, median of 5")


def run() -> list[Figure]:
    """Measure and return the figures."""
    return [_engine(), _append(), *_delivery(), _line(), _doctor()]
