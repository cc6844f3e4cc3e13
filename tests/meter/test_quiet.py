"""Measuring is not noticed: no signal handler, no socket, no thread but the keeper, and few imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_METERED = """
import json, os, signal, sys, threading

def handlers():
    return {s.name: repr(signal.getsignal(s)) for s in signal.Signals}

before, wakeup = handlers(), signal.set_wakeup_fd(-1)
events = []
heard = ("socket.", "subprocess.", "os.")
sys.addaudithook(lambda event, args: events.append(event) if event.startswith(heard) else None)
modules = set(sys.modules)
import jupyter_green
from pathlib import Path
from jupyter_green.meter.meter import Keeper, make_meter
from jupyter_green.records import CellRecord
meter = make_meter(root=Path(sys.argv[1]))
keeper = Keeper(meter, lambda: None)
for number in range(50):
    meter.open(number)
    meter.peek(number)
    meter.close(number)
    meter.forget(number)
threads = sorted(thread.name for thread in threading.enumerate())
keeper.stop()
meter.close_down()
print(json.dumps({
    "handlers changed": [name for name, text in handlers().items() if before[name] != text],
    "wakeup": [wakeup, signal.set_wakeup_fd(-1)],
    "events": sorted(set(events)),
    "threads": threads,
    "modules": sorted(set(sys.modules) - modules),
}))
"""

_RECORDED = """
import json, signal, sys
before = {s.name: repr(signal.getsignal(s)) for s in signal.Signals}
events = []
sys.addaudithook(lambda event, args: events.append(event) if event.startswith("socket.") else None)
import jupyter_green
with jupyter_green.measure("train") as measured:
    sum(range(1_000_000))
print(json.dumps({
    "joules": measured.record.energy.attributed_j,
    "events": events,
    "handlers changed": [s.name for s in signal.Signals if before[s.name] != repr(signal.getsignal(s))],
    "modules": sorted(sys.modules),
}))
"""

HEAVY = {
    *("mlflow", "torch", "sklearn", "pandas", "numpy", "matplotlib", "codecarbon", "nbformat", "papermill", "psutil"),
    *("httpx", "jupyter_server", "socket", "asyncio", "multiprocessing", "concurrent.futures"),
}


def _run(code: str, *arguments: object, **environ: str) -> dict[str, Any]:
    import os

    command = [sys.executable, "-c", code, *map(str, arguments)]
    env = {**os.environ, **environ}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=60)
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What 50 windows did to a fresh process."""
    return _run(_METERED, tmp_path_factory.mktemp("powercap"))


def test_signal_handlers_stay(metered: dict[str, Any]) -> None:
    """After import and use every signal has the handler it had, and no wake-up descriptor is set."""
    assert metered["handlers changed"] == []
    assert metered["wakeup"] == [-1, -1]


def test_no_socket_and_no_process(metered: dict[str, Any]) -> None:
    """Metering makes no socket, starts no process and forks nothing."""
    assert [event for event in metered["events"] if event not in {"os.listdir", "os.scandir"}] == []


def test_the_keeper_is_the_only_thread(metered: dict[str, Any]) -> None:
    """Metering starts one thread, the keeper, and it says whose it is."""
    assert metered["threads"] == ["MainThread", "jupyter_green keeper"]


def test_nothing_heavy_is_imported(metered: dict[str, Any]) -> None:
    """Metering imports none of the heavy libraries, nor sockets."""
    assert HEAVY & set(metered["modules"]) == set()


def test_a_record_is_written_without_a_socket(tmp_path: Path) -> None:
    """A measured block is recorded in the journal, and no socket was made, no handler changed, on the way."""
    done = _run(_RECORDED, JUPYTER_GREEN_HOME=str(tmp_path / "home"), JUPYTER_GREEN_MLFLOW="off")
    assert done["joules"] > 0
    assert done["events"] == []
    assert done["handlers changed"] == []
    assert HEAVY & set(done["modules"]) - {"socket"} == set()
    assert len(list((tmp_path / "home" / "journal").glob("*.jsonl"))) == 1
