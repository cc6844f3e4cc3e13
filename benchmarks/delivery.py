"""The journal, and delivery to MLflow, beside MLflow's own logging of the same values and codecarbon's file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import peer
from benchmarks.table import Figure, Peer, median
from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.records import Target
from jupyter_green.settings import default_settings
from jupyter_green.track.journal import Journal
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.window import Options

RECORDS = 1000
CHILDREN = 40
ROWS = 1000
LOGGED = 200
TURNS = 3


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


def _append_us() -> float:
    with tempfile.TemporaryDirectory() as folder:
        tracker = _tracker(Path(folder) / "home", Path(folder))
        times = []
        for number in range(ROWS):
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
    return median(times)


# One row for each task's figures, as `tracker.flush()` adds them to emissions.csv.
_CSV = """
import json, os, time
from codecarbon import OfflineEmissionsTracker
from codecarbon.output_methods.file import FileOutput
tracker = OfflineEmissionsTracker(**{settings!r})
tracker.start_task("cell")
row = tracker.stop_task("cell")
file = FileOutput("emissions.csv", os.getcwd())
times = []
for number in range({rows}):
    began = time.thread_time_ns()
    file.out(row, row)
    times.append((time.thread_time_ns() - began) / 1e3)
print(json.dumps(sorted(times)[len(times) // 2]))
"""

_OWN = """
import json, os, sys, time
from jupyter_green.track.store import quiet
quiet(os.environ)
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
values = {"energy_j": 1.0, "energy_low_j": 0.5, "energy_high_j": 2.0, "cpu_s": 0.1, "co2e_mg": 0.1,
          "co2e_low_mg": 0.05, "co2e_high_mg": 0.2, "accuracy": 0.9}
tags = {f"green.{number}": "a tag" for number in range(8)}
two = {"cell_energy_j": 1.0, "cell_co2e_mg": 0.1}
"""

# CPU time of the whole process, so that what is logged in the background counts as well.
_LOG_METRICS = """
with mlflow.start_run():
    mlflow.log_metrics(two, step=0)
    began = time.process_time()
    for number in range(1, {rows} + 1):
        mlflow.log_metrics(two, step=number, synchronous={synchronous})
    if not {synchronous}:
        mlflow.flush_async_logging()
    print(json.dumps((time.process_time() - began) / {rows} * 1e6))
"""

_LOG_BATCH = """
from mlflow import MlflowClient
from mlflow.entities import Metric
began = time.process_time()
client = MlflowClient()
run = client.create_run("0").info.run_id
points = [Metric(key, value, 1, step) for step in range({rows}) for key, value in two.items()]
for start in range(0, len(points), 1000):
    client.log_batch(run, metrics=points[start:start + 1000])
client.set_terminated(run)
print(json.dumps(time.process_time() - began))
"""

_LOG_CELLS = """
began = time.process_time()
with mlflow.start_run():
    for step in range({rows}):
        mlflow.log_metrics(two, step=step)
print(json.dumps(time.process_time() - began))
"""

_NESTED = """
began = time.process_time()
with mlflow.start_run():
    for number in range({rows}):
        with mlflow.start_run(run_name=f"cell {{number}}", nested=True, tags=tags):
            mlflow.log_metrics(values)
print(json.dumps(time.process_time() - began))
"""


def _value(folder: Path, code: str, *arguments: str) -> float:
    """Return the number that code prints last in a fresh process in a folder."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return float(json.loads(done.stdout.splitlines()[-1]))


_DELIVER = """
import json, os, sys, time
from jupyter_green.track.store import quiet
quiet(os.environ)
import mlflow, mlflow.tracking
from pathlib import Path
from jupyter_green.track.deliver import deliver
began = time.process_time()
outcome = deliver(Path(sys.argv[1]), Path(sys.argv[2]), None, os.environ)
used_s = time.process_time() - began
assert outcome.problem is None, outcome.problem
assert outcome.delivered == int(sys.argv[3]), outcome
print(json.dumps(used_s))
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
    return _value(folder, _DELIVER, str(home), str(path), str(named + unnamed))


class _Stores:
    """Folders with an empty SQLite store each."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._built, self._number = folder, folder / "built", 0
        self._built.mkdir()
        code = "from mlflow import MlflowClient; MlflowClient().get_experiment_by_name('Default'); print(0)"
        _value(self._built, code)

    def new(self) -> Path:
        """Return another folder."""
        self._number += 1
        place = self._folder / str(self._number)
        place.mkdir()
        shutil.copyfile(self._built / "mlflow.db", place / "mlflow.db")
        return place


def _append(stores: _Stores) -> Figure:
    row = _CSV.format(settings=peer.settings(), rows=ROWS)
    at_once, later = (_OWN + _LOG_METRICS.format(rows=LOGGED, synchronous=how) for how in (True, False))
    runs = [
        (_append_us(), _value(stores.new(), row), _value(stores.new(), at_once), _value(stores.new(), later))
        for _ in range(TURNS)
    ]
    ours, csv, synchronous, background = (median(some) for some in zip(*runs, strict=True))
    beside = (
        Peer(f"{peer.NAME}, a row of emissions.csv", csv, "what flush() writes"),
        Peer("mlflow.log_metrics", synchronous, "a cell's joules and CO2e, SQLite"),
        Peer("the same, synchronous=False", background, "all threads; not yet on disk when it returns"),
    )
    return Figure(
        "append to the journal", "µs CPU", ours, None, beside, "in a loop, warm: a cell's whole record, on disk"
    )


def _delivery(stores: _Stores) -> list[Figure]:
    used: dict[str, list[float]] = {}
    codes = {
        "batch": _LOG_BATCH.format(rows=RECORDS),
        "cells": _LOG_CELLS.format(rows=RECORDS),
        "nested": _NESTED.format(rows=CHILDREN),
        "nested, one": _NESTED.format(rows=1),
    }
    for _ in range(TURNS):
        used.setdefault("ours", []).append(_deliver_s(stores.new(), 0, RECORDS))
        used.setdefault("child", []).append(_deliver_s(stores.new(), CHILDREN, 0))
        used.setdefault("child, one", []).append(_deliver_s(stores.new(), 1, 0))
        for name, code in codes.items():
            used.setdefault(name, []).append(_value(stores.new(), _OWN + code))
    middle = {name: median(runs) for name, runs in used.items()}

    def each_ms(name: str) -> float:
        return 1e3 * (middle[name] - middle[f"{name}, one"]) / (CHILDREN - 1)

    thousand = (
        Peer("mlflow's log_batch of their 2,000 values", middle["batch"], "no totals, no tags, no table of cells"),
        Peer("mlflow.log_metrics at each cell", middle["cells"]),
    )
    child = Peer("mlflow.start_run(nested=True), log_metrics", each_ms("nested"), "8 metrics and 8 tags, as ours")
    existing, mean = f"existing SQLite store, median of {TURNS}", f"mean of {CHILDREN - 1} more children"
    return [
        Figure(f"delivery of {RECORDS:,} unnamed cells", "CPU-s", middle["ours"], 1.5, thousand, existing),
        Figure("delivery of a child run", "ms CPU", each_ms("child"), 15.0, (child,), mean),
    ]


def run() -> list[Figure]:
    """Measure and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        stores = _Stores(Path(folder))
        return [_append(stores), *_delivery(stores)]
