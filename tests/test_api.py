"""`measure`, `step`, `last` and `history`, in scripts and in kernels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_green.track.history import COLUMNS, sessions
from tests.kernels import Kernel

_SPIN = "import time\ndef spin(s):\n    t = time.process_time()\n    while time.process_time() < t + s: pass\n"


def _script(code: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    (cwd / "script.py").write_text(f"import jupyter_green\n{_SPIN}{code}\n")
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_does_nothing(tmp_path: Path, home: Path) -> None:
    """``import jupyter_green`` alone loads nothing heavy, makes no folder and starts no thread."""
    done = _script(
        "import sys, threading\n"
        "print([n for n in ('jupyter_green.track', 'IPython', 'mlflow', 'pandas', 'json') if n in sys.modules])\n"
        "print(threading.active_count())",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("[]\n1\n", "")
    assert not home.exists()


def test_blocks_in_a_script(tmp_path: Path, home: Path) -> None:
    """A script's blocks are records with metrics; a block inside another is part of it; the session ends with it."""
    done = _script(
        "import json\n"
        "assert jupyter_green.last() is None\nassert jupyter_green.step(loss=1) is None\n"
        "with jupyter_green.measure() as outer:\n"
        "    spin(0.05)\n"
        "    with jupyter_green.measure() as inner:\n        spin(0.1)\n        inner.log(loss=3, accuracy='x')\n"
        "        inner.log(loss=2)\n"
        "assert jupyter_green.last() is outer.record\n"
        "print(json.dumps([outer.record.energy.cpu_s, inner.record.energy.cpu_s, dict(inner.record.metrics)]))",
        tmp_path,
    )
    assert done.stderr == ""
    outer_s, inner_s, metrics = json.loads(done.stdout)
    assert outer_s >= 0.15 > inner_s >= 0.1
    assert metrics == {"loss": 2.0, "accuracy": None}
    (log,) = sessions(home)
    inner, outer = log.records
    assert (inner.kind, inner.part_of, outer.part_of) == ("block", outer.record_id, None)
    assert log.session.runner == "script"
    assert log.end is not None


def test_steps(tmp_path: Path, home: Path) -> None:
    """``step`` numbers epochs, returns the energy so far, which never falls, and leaves it on the record."""
    done = _script(
        "with jupyter_green.measure() as block:\n"
        "    seen = []\n    for epoch in range(3):\n        spin(0.02)\n"
        "        seen.append(jupyter_green.step(loss=1 / (epoch + 1)))\n"
        "    jupyter_green.step(10, loss=float('nan'))\n    jupyter_green.step()\n"
        "assert seen == sorted(seen) and seen[0] > 0\n"
        "assert [s.energy_j for s in block.record.steps][:3] == seen\n"
        "print([(s.step, s.metrics.get('loss', 'none')) for s in block.record.steps])",
        tmp_path,
    )
    assert done.stderr == ""
    assert done.stdout == "[(0, 1.0), (1, 0.5), (2, 0.3333333333333333), (10, None), (11, 'none')]\n"


@pytest.mark.parametrize(
    ("error", "status"), [("ValueError(1)", "error"), ("KeyboardInterrupt", "interrupted"), ("SystemExit(0)", "error")]
)
def test_an_error_in_a_block_goes_on(error: str, status: str, tmp_path: Path, home: Path) -> None:
    """An error in a block reaches the script as it was; the record keeps its metrics and says how it ended."""
    done = _script(
        "try:\n    with jupyter_green.measure() as block:\n        block.log(loss=1)\n"
        f"        raise {error}\nexcept BaseException as error:\n    print(type(error).__name__, block.record.status)",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == (f"{error.partition('(')[0]} {status}\n", "")
    (log,) = sessions(home)
    assert [(record.status, dict(record.metrics)) for record in log.records] == [(status, {"loss": 1.0})]


def test_a_bad_setting_never_stops_a_script(tmp_path: Path, home: Path) -> None:
    """A bad setting is one line on standard error, and the block is measured."""
    done = _script(
        "with jupyter_green.measure() as block: pass\nprint(block.record.status)",
        tmp_path,
        {"JUPYTER_GREEN_PUE": "abc"},
    )
    assert (done.returncode, done.stdout) == (0, "ok\n")
    assert done.stderr == "jupyter_green: pue = 'abc' in environment: a number is expected. It counts as not set.\n"


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Where the journal cannot be written a block is measured all the same, and its record says so."""
    (tmp_path / "file").write_text("")
    done = _script(
        "with jupyter_green.measure() as block: pass\nprint(block.record.status, *block.record.notes)",
        tmp_path,
        {"JUPYTER_GREEN_HOME": str(tmp_path / "file" / "home")},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok the journal could not be written (")


def test_threads_measure_their_own_blocks(tmp_path: Path, home: Path) -> None:
    """Blocks in several threads at once have a record each, none is part of another's."""
    done = _script(
        "import threading\nmeet = threading.Barrier(3)\n"
        "def work(n):\n"
        "    with jupyter_green.measure() as block:\n"
        "        meet.wait()\n        block.log(loss=n)\n        meet.wait()\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]",
        tmp_path,
    )
    assert done.stderr == ""
    (log,) = sessions(home)
    assert sorted(record.metrics["loss"] or 0 for record in log.records) == [0, 1, 2]
    assert {record.part_of for record in log.records} == {None}


def test_blocks_and_steps_in_a_cell(kernel: Kernel) -> None:
    """In a measured cell a block is part of the cell, and a step outside the block is the cell's."""
    before = len(kernel.records())
    reply = kernel.run(
        "%%track_energy --quiet\nimport jupyter_green\njupyter_green.step(loss=2)\n"
        "with jupyter_green.measure() as block:\n    jupyter_green.step(loss=1)\n"
        "jupyter_green.last() is block.record"
    )
    assert (reply.result, reply.stream("stderr")) == ("True", "")
    block, cell = kernel.records()[before:]
    assert (block.kind, cell.kind, block.part_of) == ("block", "cell", cell.record_id)
    assert [[dict(step.metrics) for step in record.steps] for record in (block, cell)] == [[{"loss": 1}], [{"loss": 2}]]


def test_a_block_over_several_cells(kernel: Kernel) -> None:
    """A block that is open where a measured cell begins ends there, and says so: cells are no parts of blocks."""
    before = len(kernel.records())
    kernel.run("import jupyter_green\nopened = jupyter_green.measure()\nblock = opened.__enter__()")
    kernel.run("%%track_energy --quiet\n1")
    kernel.run("_ = opened.__exit__(None, None, None)")
    cell, block = kernel.records()[before:]
    assert (cell.kind, cell.part_of, block.kind, block.part_of) == ("cell", None, "block", None)
    assert block.started_at.timestamp() + block.energy.duration_s < cell.started_at.timestamp() + 0.05
    assert block.notes == ("went on after its cell, or into another one: it is measured to there",)
    kernel.run("%%track_energy --quiet\n1")
    assert kernel.records()[-1].part_of is None


SPIN = "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.2: pass"
HELD = (
    "%%track_energy --quiet\nimport jupyter_green\n"
    "def held():\n    with jupyter_green.measure('held'):\n        yield\n        yield\n"
    "blocks = held()\nnext(blocks)"
)


def test_a_block_that_outlives_its_cell(kernel: Kernel) -> None:
    """A block that a generator holds open is part of its cell and ends with it; later cells are cells as ever."""
    before = len(kernel.records())
    kernel.run(HELD)
    kernel.run(f"%%track_energy --quiet\n{SPIN}")
    kernel.run(SPIN)
    kernel.run("%%track_energy --quiet\n1")
    kernel.run("blocks.close()")
    holds, spins, last, block = kernel.records()[before:]
    assert [one.part_of for one in (holds, spins, last, block)] == [None, None, None, holds.record_id]
    assert (last.between_j is not None, block.name) == (True, "held")
    assert last.between_j is not None
    assert last.between_j.value is not None
    assert last.between_j.value > 0.5  # 0.2 CPU-s or more at 4 W
    assert (block.energy.attributed_j or 0) < 0.5


def test_a_block_that_never_ends(tmp_path: Path, home: Path) -> None:
    """What is still open when a session ends is recorded, with what it used, as a block whose end was not seen."""
    done = _script("opened = jupyter_green.measure('held')\nopened.__enter__()\nspin(0.3)", tmp_path)
    assert done.stderr == ""
    (log,) = sessions(home)
    (block,) = log.records
    assert (block.name, block.status) == ("held", "unknown")
    assert (block.energy.cpu_s or 0) >= 0.3
    assert block.notes == ("its end was not seen, so it reaches to the session's end",)
    assert log.end is not None


def test_blocks_in_a_cell_that_stays_stay(kernel: Kernel, tmp_path: Path) -> None:
    """What is measured inside a cell that says ``--mlflow off`` goes nowhere either, also a block inside a block."""
    before = len(kernel.records())
    kernel.run(
        "%%track_energy --quiet --mlflow off\nimport jupyter_green\n"
        "with jupyter_green.measure('outer'), jupyter_green.measure('inner'): pass"
    )
    kernel.run("with jupyter_green.measure('later'): pass")
    records = kernel.records()[before:]
    assert [(one.name, one.stays, one.mlflow is None) for one in records] == [
        ("inner", True, True), ("outer", True, True), (None, True, True), ("later", False, False),
    ]  # fmt: skip


def test_a_script_that_a_cell_starts_is_in_the_cell(tmp_path: Path, home: Path) -> None:
    """A script that measures itself in a measured kernel has a session of its own, which the notebook leaves out."""
    notebook = tmp_path / "a.ipynb"
    (tmp_path / "train.py").write_text(f"import jupyter_green\n{_SPIN}with jupyter_green.measure('fit'): spin(0.3)\n")
    run = f"import subprocess, sys\n_ = subprocess.run([sys.executable, 'train.py'], cwd={str(tmp_path)!r}, check=True)"
    with Kernel(tmp_path, green_home=home, env={"JPY_SESSION_NAME": str(notebook)}) as kernel:
        kernel.run(run)  # nobody counts it
        kernel.run("%load_ext jupyter_green")
        kernel.run(f"%%track_energy --quiet\n{run}")
        (cell,) = (one for one in kernel.records() if one.kind == "cell")
    assert (cell.energy.cpu_s or 0) > 0.3
    scripts = [log for log in sessions(home) if log.session.runner == "script"]
    assert [(log.session.notebook, log.session.inside) for log in scripts] == [
        (str(notebook), None), (None, cell.session_id),
    ]  # fmt: skip
    assert [log.records[0].name for log in scripts] == ["fit", "fit"]


def test_a_daemon_is_in_nobodys_figures(tmp_path: Path, home: Path) -> None:
    """Of a measured process that is no ancestor nothing is taken for granted, nor of what is no mark."""
    for mark in ("0123456789abcdef:999999999", "x", "a:b", f"0123456789abcdef:{os.getpid()}"):
        _script("with jupyter_green.measure(): pass", tmp_path, {"JUPYTER_GREEN_INSIDE": mark})
    found = [log.session.inside for log in sessions(home)]
    assert sorted(found, key=str) == ["0123456789abcdef", None, None, None]


def test_a_fork_while_another_thread_begins_to_measure(tmp_path: Path) -> None:
    """A child that is forked while the parent's session is being made can measure, and comes to its end."""
    code = """
import os, threading
from jupyter_green.track import current
make, begun, go = current._make, threading.Event(), threading.Event()
def slow(*given):
    if threading.current_thread() is not threading.main_thread():
        begun.set()
        go.wait()
    return make(*given)
current._make = slow
def work():
    with jupyter_green.measure(): pass
thread = threading.Thread(target=work)
thread.start()
begun.wait()
child = os.fork()
if child == 0:
    work()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go.set()
thread.join()
"""
    done = _script(code, tmp_path)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_name_keeps_no_secret(kernel: Kernel) -> None:
    """A token in the name of a block or a cell is masked, as it is in a tag."""
    before = len(kernel.records())
    token = "ghp_" + "a1B2" * 9
    kernel.run(f"%%track_energy --quiet -n 'load {token}'\nwith jupyter_green.measure('load {token}'): pass")
    assert [one.name for one in kernel.records()[before:]] == ["load ***"] * 2


def test_history_as_a_table(tmp_path: Path, home: Path) -> None:
    """``history`` is a table with a row a record, units in its columns; of one notebook if asked."""
    notebook = tmp_path / "a.ipynb"
    with Kernel(tmp_path, green_home=home, env={"JPY_SESSION_NAME": str(notebook)}) as kernel:
        kernel.run("%load_ext jupyter_green")
        kernel.run("%%track_energy --quiet --mlflow off -n fit -m accuracy=0.5\n1")
        kernel.run("import jupyter_green\ntable = jupyter_green.history()")
        assert kernel.value("list(table['kind'])") == ["cell", "scoring"]
        assert kernel.value("str(table.loc[0, 'name']), float(table.loc[0, 'metric.accuracy'])") == ("fit", 0.5)
        assert kernel.value("int(table.loc[0, 'execution_count'])") == 2
        assert kernel.value("list(table.columns)") == [*COLUMNS, "metric.accuracy"]
        assert kernel.value("len(jupyter_green.history('a.ipynb'))") == 2
        assert kernel.value("len(jupyter_green.history('b.ipynb'))") == 0


def test_history_of_nothing(tmp_path: Path, home: Path) -> None:
    """Where nothing was measured the table is empty, and has its columns all the same."""
    done = _script("table = jupyter_green.history()\nprint(len(table), table['energy_j'].sum())", tmp_path)
    assert (done.stdout, done.stderr) == ("0 0\n", "")


def test_overlapping_blocks_hold_the_truth_in_their_ranges(tmp_path: Path) -> None:
    """Two coroutines that are measured side by side cannot be told apart: their ranges and notes say so."""
    code = """
import asyncio
async def heavy():
    with jupyter_green.measure() as block:
        await asyncio.sleep(0)
        spin(0.4)
    return block.record
async def light():
    with jupyter_green.measure() as block:
        await asyncio.sleep(0.6)
    return block.record
async def main():
    return await asyncio.gather(heavy(), light())
for record in asyncio.run(main()):
    print(record.energy.low_j, record.energy.high_j, *record.energy.notes)
"""
    done = _script(code, tmp_path)
    assert done.stderr == ""
    heavy, light = (line.split(None, 2) for line in done.stdout.splitlines())
    assert float(heavy[0]) <= 0.4 * 4 <= float(heavy[1])
    assert float(light[0]) <= 0.01
    assert heavy[2].startswith("overlapped another block of its thread")
    assert light[2] == heavy[2]


def test_a_named_block_stays_here_where_mlflow_is_off(tmp_path: Path, home: Path) -> None:
    """With ``mlflow = off`` a name sends nothing: no store is made, and the record names no place."""
    done = _script("with jupyter_green.measure('fit') as block: pass\nprint(block.record.mlflow)", tmp_path, OFF)
    assert (done.stdout, done.stderr) == ("None\n", "")
    assert not (tmp_path / "mlflow.db").exists()


OFF = {"JUPYTER_GREEN_MLFLOW": "off"}


@pytest.mark.parametrize("broken", ["sys.executable = None", "sys.executable = '/nope'"])
def test_a_courier_that_cannot_start_fails_nothing(tmp_path: Path, home: Path, broken: str) -> None:
    """Where no process can be started the block is recorded all the same, and ``sync`` has it later."""
    code = f"import sys\n{broken}\nwith jupyter_green.measure('fit') as block: pass\nprint(block.record.name)"
    done = _script(code, tmp_path)
    assert (done.stdout, done.stderr) == ("fit\n", "")
    assert [record.name for log in sessions(home) for record in log.records] == ["fit"]


def test_what_cannot_be_measured_is_said_once(tmp_path: Path) -> None:
    """A home that cannot be is one sentence on standard error, and the block runs."""
    code = "for n in range(3):\n    with jupyter_green.measure() as block: print(n)\nprint(block.record)"
    done = _script(code, tmp_path, {"JUPYTER_GREEN_HOME": "~nobody-of-this-name/x"})
    assert done.stdout == "0\n1\n2\nNone\n"
    assert done.stderr.startswith("jupyter_green: this could not be measured (")
    assert done.stderr.count("\n") == 1


def test_a_step_number_that_no_database_holds(tmp_path: Path, home: Path) -> None:
    """A step of an impossible number counts on from the one before."""
    code = "with jupyter_green.measure() as block:\n    jupyter_green.step(10**30)\nprint(block.record.steps[0].step)"
    assert _script(code, tmp_path).stdout == "0\n"


def test_a_block_before_the_extension_belongs_to_the_notebook(tmp_path: Path, home: Path) -> None:
    """In a kernel a block's session is the notebook's, also where the extension is loaded later or never."""
    notebook = tmp_path / "a.ipynb"
    with Kernel(tmp_path, green_home=home, env={"JPY_SESSION_NAME": str(notebook)}) as kernel:
        kernel.run("import jupyter_green\nwith jupyter_green.measure() as block: pass")
        kernel.run("%load_ext jupyter_green\n%track_energy on")
        kernel.run("1")
        records = kernel.records()
        assert [record.notebook for record in records] == [str(notebook)] * 2
        assert {record.session_id for record in records} == {records[0].session_id}


def test_the_last_record_is_a_record(kernel: Kernel) -> None:
    """What stands for the last plain cell's record passes for one, also when it is written as JSON."""
    kernel.run("%track_energy on")
    kernel.run("1")
    kernel.run("1")
    kernel.run("from jupyter_green.records import CellRecord, cell_from_json, to_json\nlast = _energy")
    assert kernel.value("isinstance(last, CellRecord), cell_from_json(to_json(last)) == last") == (True, True)
    kernel.run("%track_energy off")
