"""``jupyter green run`` and ``papermill --engine green``: real notebooks, real kernels, MLflow on SQLite."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.records import cell_from_json
from jupyter_green.totals import total
from jupyter_green.track.history import sessions
from jupyter_green.track.journal import log_paths, read_log
from tests.commands import MAIN, green
from tests.retrain.notebooks import printed, read, write

_WORK = "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.2: pass"
_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT|\d\d:\d\d:\d\d")


def _sum_j(cells: list[dict[str, Any]]) -> float:
    return sum(cell["energy"]["attributed_j"] for cell in cells if cell["part_of"] is None)


def _between_j(cells: list[dict[str, Any]]) -> float:
    return sum(cell["between_j"]["value"] for cell in cells if cell["between_j"] is not None)


def _papermill(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "--engine", "green", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )


def test_run_gives_the_contract(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """``run --json`` gives status, output, cells, total, MLflow's run and plan; parameters reach the notebook."""
    store = make_store(tmp_path)
    write(tmp_path / "nb.ipynb", "# parameters\ntrees = 1\nname = 'a'", "print(trees, name)", _WORK)
    answer = green("run", "nb.ipynb", "out.ipynb", "-p", "trees", "7", "-p", "name", "b", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    values = json.loads(answer.out)
    assert list(values) == ["status", "output", "cells", "total", "mlflow", "plan"]
    assert (values["status"], values["output"], values["plan"]) == ("ok", "out.ipynb", None)
    assert [cell_from_json(cell).kind for cell in values["cells"]] == ["cell"] * 4
    assert [cell["execution_count"] for cell in values["cells"]] == [1, 2, 3, 4]
    assert values["cells"][0]["parameters"] == {"trees": "7", "name": "b"}
    assert set(values["total"]) == {
        "energy", "between_j", "co2e_g", "co2e_low_g", "co2e_high_g", "cost", "currency",
        "intensities", "parts", "without_energy", "without_co2e",
    }  # fmt: skip
    assert values["total"]["energy"]["attributed_j"] >= _sum_j(values["cells"])
    assert values["cells"][3]["energy"]["cpu_s"] >= 0.2
    assert set(values["mlflow"]) == {"tracking_uri", "experiment_id", "run_id"}
    assert values["mlflow"]["tracking_uri"] == store
    assert printed(read(tmp_path / "out.ipynb")["cells"][2]) == "7 b\n"


def test_a_script_in_a_run_is_counted_once(tmp_path: Path, home: Path) -> None:
    """The total of a run is what its engine saw, also where a cell starts a script that measures itself."""
    work = _WORK.replace("\n", "\n    ")
    (tmp_path / "train.py").write_text(f"import jupyter_green\nwith jupyter_green.measure('fit'):\n    {work}\n")
    script = "import subprocess, sys\n_ = subprocess.run([sys.executable, 'train.py'], check=True)"
    for first in ("1", "%load_ext jupyter_green\n%track_energy on"):
        write(tmp_path / "nb.ipynb", first, script)
        answer = green("run", "nb.ipynb", "out.ipynb", "--mlflow", "off", "--json", cwd=tmp_path)
        values = json.loads(answer.out)
        (fit,) = [cell for cell in values["cells"] if cell["name"] == "fit"]
        (around,) = [cell for cell in values["cells"] if cell["record_id"] == fit["part_of"]]
        assert around["energy"]["cpu_s"] > fit["energy"]["cpu_s"] > 0.2
        seen = next(log for log in map(read_log, log_paths(home)) if log is not None and log.session.run is None)
        alone = total(seen.records, seen.end).energy.attributed_j
        # From outside a child that has ended counts in ticks of 10 ms, 0.04 J each; the script used 0.8 J.
        assert values["total"]["energy"]["attributed_j"] == pytest.approx(alone, abs=0.1)
        shutil.rmtree(home)


def test_what_a_kernel_uses_after_its_last_cell_is_known(tmp_path: Path, home: Path) -> None:
    """The session ends while its kernel is there, so that the time after the last cell is measured, too."""
    write(tmp_path / "nb.ipynb", "1 + 1")
    green("run", "nb.ipynb", "out.ipynb", "--mlflow", "off", "--json", cwd=tmp_path)
    (path,) = log_paths(home, str(tmp_path / "nb.ipynb"))
    log = read_log(path)
    assert log is not None
    assert log.end is not None
    assert log.end.between_j is not None
    assert log.end.between_j.value is not None


def test_what_the_output_keeps(tmp_path: Path, home: Path) -> None:
    """The executed copy has each cell's energy in three figures, and no time, host or path of ours; it ran in place."""
    write(tmp_path / "in" / "nb.ipynb", _WORK, "import os\nprint(os.getcwd())", metadata={"note": "kept"})
    assert green("run", "in/nb.ipynb", "out.ipynb", "--mlflow", "off", cwd=tmp_path).err == ""
    notebook = read(tmp_path / "out.ipynb")
    assert notebook["metadata"]["note"] == "kept"
    assert list(notebook["metadata"]["jupyter_green"]) == ["session"]
    assert printed(notebook["cells"][1]) == f"{tmp_path / 'in'}\n"
    for cell in notebook["cells"]:
        kept = cell["metadata"]["jupyter_green"]
        assert kept["cell"] == cell["id"]
        assert kept["quality"] in ("modelled", "apportioned")
        numbers = [value for value in kept.values() if isinstance(value, float)]
        assert numbers
        assert [float(f"{value:.3g}") for value in numbers] == numbers
        text = json.dumps(kept)
        assert not _CLOCK.search(text)
        assert str(tmp_path) not in text
        assert os.uname().nodename not in text


def test_a_failing_cell(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """A failing cell: exit code 1, its number and last lines, its record kept and in MLflow, those after it not run."""
    make_store(tmp_path)
    write(tmp_path / "nb.ipynb", "a = 1", "b = 2\n1 / 0", "c = 3")
    answer = green("run", "nb.ipynb", "out.ipynb", cwd=tmp_path)
    assert (answer.code, answer.err) == (1, "")
    assert "Failed: cell 2 (In [2])" in answer.out
    assert "----> 2 1 / 0" in answer.out
    assert answer.out.rstrip().endswith("ZeroDivisionError: division by zero\nOutput: out.ipynb")
    assert "Traceback (most recent call last):\n  File" not in answer.out
    (log,) = sessions(home)
    assert [record.status for record in log.records] == ["ok", "error"]
    assert log.records[1].notes == ("ZeroDivisionError: division by zero",)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        rows = database.execute("SELECT status FROM runs").fetchall()
        count = database.execute("SELECT COUNT(*) FROM metrics WHERE key = 'cell_energy_j'").fetchone()
    database.close()
    assert (rows, count) == ([("FAILED",)], (2,))


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", pytest.param("os._exit(3)", marks=pytest.mark.long)])
def test_a_kernel_that_dies(end: str, tmp_path: Path, home: Path) -> None:
    """A kernel that dies is one sentence and exit code 1; the records before it are kept."""
    write(tmp_path / "nb.ipynb", _WORK, f"import os\n{end}", "3")
    answer = green("run", "nb.ipynb", "out.ipynb", "--mlflow", "off", cwd=tmp_path)
    assert answer.code == 1
    assert "Failed: cell 2\n    the kernel died (out of memory, or killed); what was measured is kept\n" in answer.out
    assert "Traceback" not in answer.out + answer.err
    (log,) = sessions(home)
    assert [record.status for record in log.records] == ["ok", "error"]
    assert log.records[0].energy.attributed_j is not None
    assert log.end is not None
    assert log.end.status == "error"


def test_another_folder(tmp_path: Path, home: Path) -> None:
    """A notebook runs in its own folder; ``--cwd`` names another."""
    write(tmp_path / "inner" / "nb.ipynb", "import os\nprint(os.getcwd())")
    (tmp_path / "other").mkdir()
    answer = green("run", "inner/nb.ipynb", "out.ipynb", "--mlflow", "off", "--cwd", "other", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert printed(read(tmp_path / "out.ipynb")["cells"][0]) == f"{tmp_path / 'other'}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.ipynb", "out.ipynb"], "run: there is no notebook 'none.ipynb'.\n"),
        (["text.ipynb", "out.ipynb"], "run: text.ipynb is not a notebook (of format 4).\n"),
        (["list.ipynb", "out.ipynb"], "run: list.ipynb is not a notebook (of format 4).\n"),
        (["nb.ipynb", "no/out.ipynb"], "run: no/out.ipynb cannot be written. Name a file in a folder that exists.\n"),
        (["nb.ipynb", "text.ipynb/x"], "run: text.ipynb/x cannot be written. Name a file in a folder that exists.\n"),
        (["nb.ipynb", "."], "run: . cannot be written. Name a file in a folder that exists.\n"),
        (["nb.ipynb", "out.ipynb", "--cwd", "no"], "run: there is no folder 'no' to run in.\n"),
        (
            ["nb.ipynb", "out.ipynb", "--intensity", "Frnace"],
            "run: intensity 'Frnace' is not a zone. Did you mean FRA? "
            "Try FRA, 53g, or jupyter green intensity --list.\n",
        ),
        (
            ["nb.ipynb", "out.ipynb", "--intensity", "53"],
            "run: intensity '53' has no unit. Write 53g for 53 gCO2e/kWh.\n",
        ),
    ],
)
def test_what_cannot_begin(arguments: list[str], said: str, tmp_path: Path, home: Path) -> None:
    """What cannot begin is one sentence on standard error and exit code 2, before any kernel was started."""
    (tmp_path / "text.ipynb").write_text("hello")
    (tmp_path / "list.ipynb").write_text("[]")
    write(tmp_path / "nb.ipynb", "1")
    answer = green("run", *arguments, cwd=tmp_path)
    assert (answer.code, answer.out, answer.err) == (2, "", said)
    assert not home.exists()


def test_an_unknown_kernel(tmp_path: Path, home: Path) -> None:
    """A kernel that is not installed is named, with those that are."""
    write(tmp_path / "nb.ipynb", "1", kernel="no-such-kernel")
    answer = green("run", "nb.ipynb", "out.ipynb", cwd=tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("run: nb.ipynb: there is no kernel 'no-such-kernel' here. Installed: ")
    assert "python3" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.long
def test_a_kernel_that_does_not_start(tmp_path: Path, home: Path) -> None:
    """A kernel that ends before it answers is one sentence."""
    _kernelspec(tmp_path, "broken", [sys.executable, "-c", "raise SystemExit('no module of that name')"])
    write(tmp_path / "nb.ipynb", "1", kernel="broken")
    answer = green("run", "nb.ipynb", "out.ipynb", cwd=tmp_path, env={"JUPYTER_PATH": str(tmp_path / "share")})
    assert answer.code in (1, 2)
    assert "Traceback" not in answer.out + answer.err
    assert answer.err.startswith("run: nb.ipynb: Kernel died before replying")
    assert answer.err.endswith("\nno module of that name\n")


def _kernelspec(folder: Path, name: str, argv: list[str]) -> None:
    place = folder / "share" / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(
        json.dumps(
            {
                "argv": argv,
                "display_name": name,
                "language": "python",
                "metadata": {"supported_encryption": "curve"},
            }
        )
    )


def test_another_kernel_is_measured_from_outside(tmp_path: Path, home: Path) -> None:
    """A kernel that knows nothing of us, started through a shell, is measured with all its processes."""
    start = f'exec "{sys.executable}" -m ipykernel_launcher -f "$0"'
    _kernelspec(tmp_path, "other", ["/bin/sh", "-c", f"{start.replace('exec ', '')}; exit $?", "{connection_file}"])
    write(tmp_path / "nb.ipynb", _WORK, "!python3 -c 'for i in range(2_000_000): pass'", kernel="other")
    answer = green(
        "run", "nb.ipynb", "out.ipynb", "--mlflow", "off", "--json",
        cwd=tmp_path, env={"JUPYTER_PATH": str(tmp_path / "share")},
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    first, second = json.loads(answer.out)["cells"]
    assert first["energy"]["cpu_s"] >= 0.2
    assert second["energy"]["cpu_s"] > 0.01


def test_a_notebook_that_measures_itself_is_counted_once(
    tmp_path: Path, home: Path, make_store: Callable[[Path], str]
) -> None:
    """Cells that the notebook itself measures have its own figures in the run, and the run's sum stays the engine's."""
    make_store(tmp_path)
    write(
        tmp_path / "nb.ipynb",
        "%load_ext jupyter_green",
        f"%%track_energy -n fit -m accuracy=0.5\n{_WORK}",
        "print(_energy.energy.attributed_j)",
        f"import jupyter_green\nwith jupyter_green.measure('block'):\n    {_WORK.replace(chr(10), chr(10) + '    ')}",
        "%track_energy sync",
    )
    answer = green("run", "nb.ipynb", "out.ipynb", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    values = json.loads(answer.out)
    cells = read(tmp_path / "out.ipynb")["cells"]
    (fit,) = [cell for cell in values["cells"] if cell["name"] == "fit" and cell["kind"] == "cell"]
    assert float(printed(cells[2])) == fit["energy"]["attributed_j"]
    assert fit["metrics"] == {"accuracy": 0.5}
    outer = _sum_j(values["cells"])
    engine = sum(cell["metadata"]["jupyter_green"]["energy_j"] for cell in cells)
    assert outer <= engine * 1.01
    assert outer + _between_j(values["cells"]) <= values["total"]["energy"]["attributed_j"] + 1e-9
    assert sum(cell["energy"]["cpu_s"] for cell in values["cells"] if cell["part_of"] is None) < 1.5
    assert "sends everything when it ends" in printed(cells[4])
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        names = database.execute("SELECT value FROM tags WHERE key = 'mlflow.runName' ORDER BY value").fetchall()
        sent = database.execute(
            "SELECT value FROM latest_metrics WHERE key = 'energy_j' AND run_uuid = ?", (values["mlflow"]["run_id"],)
        ).fetchone()
    database.close()
    assert names == [("block",), ("fit",), ("nb",)]
    assert sent[0] == pytest.approx(values["total"]["energy"]["attributed_j"])


def test_plain_papermill_with_the_engine(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """``papermill --engine green`` measures, shows it in its bar, and delivers; a bad setting is one line."""
    make_store(tmp_path)
    write(tmp_path / "nb.ipynb", "# parameters\nx = 1", _WORK)
    env = {"JUPYTER_GREEN_INTENSITY": "Frnace"}
    done = _papermill("nb.ipynb", "out.ipynb", "-p", "x", "5", cwd=tmp_path, env=env)
    assert done.returncode == 0
    assert re.search(r"cell(/s)?, [\d.]+ m?J (modelled|apportioned)\]", done.stderr)
    assert done.stderr.count("intensity 'Frnace' is not a zone.") == 1
    assert "Traceback" not in done.stderr
    (log,) = sessions(home)
    assert len(log.records) == 3
    assert log.records[0].parameters == {"x": "5"}
    assert "mlflow_run" in read(tmp_path / "out.ipynb")["metadata"]["jupyter_green"]


def test_ctrl_c_of_a_run(tmp_path: Path, home: Path) -> None:
    """Ctrl-C ends the run and its kernel: exit code 1, what was measured is kept, and the cell says "interrupted"."""
    write(
        tmp_path / "nb.ipynb",
        _WORK,
        "import os\nopen('begun', 'w').write(str(os.getpid()))\nimport time\ntime.sleep(600)",
    )
    os.mkfifo(tmp_path / "begun")
    # Whoever runs the tests in the background has Ctrl-C ignored, and every process below inherits that.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    process = subprocess.Popen(
        [sys.executable, "-c", heeding + MAIN, "run", "nb.ipynb", "out.ipynb", "--mlflow", "off"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    kernel = int((tmp_path / "begun").read_text())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in out
    assert err == ""
    assert "Failed: cell 2\n    interrupted by Ctrl-C" in out
    (log,) = sessions(home)
    assert [record.status for record in log.records] == ["ok", "interrupted"]
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
