"""papermill's engine, the printed line, and ``doctor``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import peer
from benchmarks.fresh import compiled
from benchmarks.table import Figure, Peer, median
from tests.kernels import Kernel

CELLS = 200
ROUNDS = 9
LINES = 30
STARTS = 5

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
    beside = Peer("plain papermill, all of it", 1e3 * plain / CELLS, "ours comes on top")
    note = f"CPU of the papermill process over {CELLS} cells, median of {ROUNDS} pairs"
    return Figure("engine, a cell", "ms CPU", 1e3 * more / CELLS, 2.0, (beside,), note)


def _sent_s(message: dict[str, Any]) -> float:
    date = message["header"]["date"]
    date = datetime.fromisoformat(date) if isinstance(date, str) else date
    return float(date.astimezone(UTC).timestamp())


def _line() -> Figure:
    """Time from the end of a cell's own code to its line, beside the lines of ``%%time``."""
    waits: dict[str, list[float]] = {"%%track_energy": [], "%%time": []}
    with tempfile.TemporaryDirectory() as folder, Kernel(Path(folder), green_home=Path(folder) / "home") as kernel:
        kernel.run("%load_ext jupyter_green")
        for _ in range(LINES):
            for magic, found in waits.items():
                reply = kernel.run(f"{magic}\nimport time\nprint(time.time())")
                ended = float(reply.stream("stdout").splitlines()[0])
                shown = reply.of("display_data" if magic == "%%track_energy" else "stream")[-1]
                found.append(_sent_s(shown) - ended)
    beside = Peer("IPython's %%time", median(waits["%%time"]))
    name, note = "line after the cell's end", f"wall, median of {LINES}"
    return Figure(name, "s", median(waits["%%track_energy"]), 0.1, (beside,), note)


def _wall_s(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, capture_output=True, check=True, env=compiled())
    return time.monotonic() - began


def _doctor() -> Figure:
    programs = Path(sys.executable).parent
    doctor, detect = [str(programs / "jupyter-green"), "doctor"], [str(programs / "codecarbon"), "detect"]
    _, *runs = [(_wall_s(doctor), _wall_s(detect)) for _ in range(1 + STARTS)]  # the first compiles
    beside = Peer(f"{peer.NAME}, codecarbon detect", median([theirs for _, theirs in runs]), "the hardware it will use")
    return Figure(
        "jupyter green doctor", "s", median([ours for ours, _ in runs]), 1.0, (beside,), f"wall, median of {STARTS}"
    )


def run() -> list[Figure]:
    """Measure and return the figures."""
    return [_engine(), _line(), _doctor()]
