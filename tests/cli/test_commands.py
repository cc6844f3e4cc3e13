"""Every command: what it prints, as JSON too, its exit code, and an empty standard error when all is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_green.records import intensity_from_json
from tests.commands import MAIN, green
from tests.kernels import Kernel
from tests.retrain import notebooks
from tests.track import forge


def test_doctor_gives_the_contract(tmp_path: Path, home: Path) -> None:
    """``doctor --json`` gives quality, sensors with their reasons, intensity and what measuring itself costs."""
    answer = green("doctor", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    seen = json.loads(answer.out)
    assert {"quality", "sensors", "intensity", "own_cost"} <= set(seen)
    assert seen["quality"] in ("measured", "apportioned", "modelled")
    assert {"rapl", "model"} <= {sensor["name"] for sensor in seen["sensors"]}
    for sensor in seen["sensors"]:
        assert set(sensor) == {"name", "domains", "quality", "available", "reason", "hint"}
        assert sensor["available"] or sensor["reason"]
    assert intensity_from_json(seen["intensity"]).zone == "world"
    assert 0 < seen["own_cost"]["cell_cpu_ms"] < 100


def test_doctor_in_words(tmp_path: Path, home: Path) -> None:
    """``doctor`` names the method, why there is no counter, the grid with its range, and where records are."""
    answer = green("doctor", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Energy is ")
    assert "475 (20 to 900) gCO₂e/kWh, grid not set, world average; average, direct." in answer.out
    assert f"Records are in {home} (0 sessions)." in answer.out
    assert not home.exists()
    forge.write(home, forge.dead(), [forge.record(1)])
    assert f"Records are in {home} (1 session)." in green("doctor", cwd=tmp_path).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["docter"], "Error: there is no command 'docter'. Did you mean doctor?"),
        (["xyz"], "Error: there is no command 'xyz'."),
        (["run"], "Error: Missing argument 'NOTEBOOK'."),
        (["doctor", "--jsn"], "Error: No such option '--jsn'. Did you mean '--json'?"),
        (["report", "none.ipynb"], "report: the journal holds no records of none.ipynb."),
        (["report"], "report: the journal holds no records."),
        (["report", "-o", "pdf"], "Error: Invalid value for '-o' / '--output': 'pdf' is not one of 'md', 'json'."),
        (["intensity", "Frnace"], "intensity 'Frnace' is not a zone. Did you mean FRA?"),
        (["intensity", "53"], "intensity '53' has no unit. Write 53g for 53 gCO2e/kWh."),
        (["strip", "none.ipynb"], "strip: none.ipynb: No such file or directory."),
        (["strip", "."], "strip: .: Is a directory."),
        (["demo", "file/demo"], "demo: file/demo cannot be written (Not a directory)."),
        (["demo", "file"], "demo: file cannot be written (File exists)."),
    ],
)
def test_usage_errors(arguments: list[str], said: str, tmp_path: Path, home: Path) -> None:
    """A usage error is exit code 2 and one sentence that says what to write, never a traceback."""
    (tmp_path / "file").write_text("")
    answer = green(*arguments, cwd=tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.rstrip().splitlines()[-1].startswith(said)
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"JUPYTER_GREEN_PUE": "abc"}, "jupyter_green: pue = 'abc' in environment: a number is expected."),
        ({"JUPYTER_GREEN_INTENSTY": "FRA"}, "Did you mean JUPYTER_GREEN_INTENSITY?"),
        ({"JUPYTER_GREEN_INTENSITY": "Frnace"}, "intensity 'Frnace' is not a zone."),
        ({"JUPYTER_GREEN_HOME": "~nosuch/x"}, "JUPYTER_GREEN_HOME = '~nosuch/x'"),
    ],
)
def test_bad_settings(env: dict[str, str], said: str, tmp_path: Path, home: Path) -> None:
    """A bad setting is one line that names it, exit code 2."""
    answer = green("doctor", cwd=tmp_path, env=env)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_sync_with_a_bad_setting(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """``sync`` with a setting that cannot be understood is exit code 2, and nothing is sent; then it is."""
    make_store(tmp_path)
    forge.write(home, forge.dead(cwd=str(tmp_path)), [forge.record(1, mlflow=None)])
    refused = green("sync", cwd=tmp_path, env={"JUPYTER_GREEN_PUE": "abc", "JUPYTER_GREEN_EXPERIMENT": "mine"})
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "jupyter_green: pue = 'abc' in environment: a number is expected.\n"
    assert "Sent 1 record to MLflow" in green("sync", cwd=tmp_path).out


def test_sync_where_an_admin_keeps_mlflow_off(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """``sync`` sends nothing where an admin locked MLflow off, and names the file; without the lock it is a wish."""
    make_store(tmp_path)
    forge.write(home, forge.dead(cwd=str(tmp_path)), [forge.record(1)])
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    etc.parent.mkdir()
    etc.write_text('c.JupyterGreen.mlflow = "off"\nc.JupyterGreen.locked = ["mlflow"]\n')
    env = {"JUPYTER_CONFIG_PATH": str(etc.parent)}
    refused = green("sync", cwd=tmp_path, env=env)
    said = f"mlflow is locked to off by the administrator ({etc}, locked), so nothing is sent.\n"
    assert (refused.code, refused.out, refused.err) == (2, "", said)
    etc.write_text('c.JupyterGreen.mlflow = "off"\n')
    assert "Sent 1 record to MLflow" in green("sync", cwd=tmp_path, env=env).out


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_terminal_that_cannot_show_everything(encoding: str, tmp_path: Path, home: Path) -> None:
    """What standard output or error has no character for is a question mark there, never a traceback."""
    forge.write(home, forge.dead(notebook=str(tmp_path / "größe λ.ipynb")), [forge.record(1)])
    for arguments, code in ((["report"], 0), (["report", "λ"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        said = done.stderr if code else done.stdout
        assert b"the journal holds no records of" in said if code else b"Energy of gr" in said


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    """Where the journal's folder cannot be, commands say what they can, without a traceback."""
    (tmp_path / "file").write_text("")
    env = {"JUPYTER_GREEN_HOME": str(tmp_path / "file")}
    for arguments, code in ((["doctor"], 0), (["report"], 2), (["sync"], 0)):
        answer = green(*arguments, cwd=tmp_path, env=env)
        assert answer.code == code, arguments
        assert "Traceback" not in answer.err


def test_config(tmp_path: Path, home: Path) -> None:
    """``config`` shows each setting with its value and where it came from."""
    (tmp_path / "pyproject.toml").write_text("[tool.jupyter_green]\nprice_per_kwh = 0.3\n")
    env = {"JUPYTER_GREEN_INTENSITY": "FRA"}
    answer = green("config", "--show", cwd=tmp_path, env=env)
    assert (answer.code, answer.err) == (0, "")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in answer.out.splitlines()}
    assert rows["setting"] == "value from"
    assert rows["intensity"] == "FRA environment"
    assert rows["price_per_kwh"] == f"0.3 {tmp_path / 'pyproject.toml'}"
    assert rows["pue"] == "1.0 default"
    assert rows["experiment"] == "not set default"
    values = json.loads(green("config", "--json", cwd=tmp_path, env=env).out)
    assert values["intensity"] == {"value": "FRA", "source": "environment"}


def test_intensity(tmp_path: Path, home: Path) -> None:
    """``intensity`` shows a zone's or a number's intensity with range and source, and lists all zones."""
    answer = green("intensity", "FRA", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("FRA: ")
    assert "gCO₂e/kWh, France, yearly mean" in answer.out
    assert green("intensity", "53g", cwd=tmp_path).out == "user: 53 gCO₂e/kWh, set by you; average\n"
    assert json.loads(green("intensity", "--json", cwd=tmp_path).out)["zone"] == "world"
    listed = green("intensity", "--list", cwd=tmp_path)
    assert (listed.code, listed.err) == (0, "")
    assert any(line.startswith("FRA ") and line.endswith("France") for line in listed.out.splitlines())
    zones = json.loads(green("intensity", "--list", "--json", cwd=tmp_path).out)
    assert len(zones) == len(listed.out.splitlines()) - 1


def test_help_and_version(tmp_path: Path, home: Path) -> None:
    """``--help`` lists every command with a sentence; ``--version`` is the package's."""
    answer = green("--help", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    for name in ("config", "demo", "doctor", "intensity", "report", "run", "strip", "sync"):
        assert f"  {name} " in answer.out
        assert green(name, "--help", cwd=tmp_path).code == 0
    assert green("--version", cwd=tmp_path).out.startswith("jupyter green, version ")


def test_a_closed_pipe_is_no_traceback(tmp_path: Path, home: Path) -> None:
    """Output into a pipe that nobody reads (``| head -1``) ends without a traceback."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "intensity", "--list"],
        cwd=tmp_path,
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert b"Traceback" not in done.stderr


def test_report_and_sync_of_a_notebook(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """``report`` finds a session by notebook, id and MLflow run; ``sync`` sends what waits, and then nothing more."""
    make_store(tmp_path)
    notebook = tmp_path / "größe.ipynb"
    with Kernel(tmp_path, green_home=home, env={"JPY_SESSION_NAME": str(notebook)}) as kernel:
        kernel.run("%load_ext jupyter_green\n%track_energy on")
        kernel.run("%%track_energy -n fit --mlflow off -m accuracy=0.5\n1")
        kernel.run("1 / 0")
    asked = green("report", "größe.ipynb", cwd=tmp_path)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out.startswith("# Energy of größe.ipynb, ")
    assert "| \\[2\\] fit |" in asked.out
    assert "accuracy 0.5" in asked.out
    assert "| failed |" in asked.out
    data = json.loads(green("report", "größe.ipynb", "-o", "json", cwd=tmp_path).out)
    assert list(data) == ["session", "cells", "total"]
    session = data["session"]["session_id"]
    assert green("report", session, cwd=tmp_path).out == asked.out
    assert green("report", cwd=tmp_path).out == asked.out
    first = green("sync", cwd=tmp_path)
    assert (first.code, first.err) == (0, "")
    # --mlflow off keeps its cell here, and that cell's scoring
    assert f"Sent 1 record to MLflow at sqlite:///{tmp_path / 'mlflow.db'}, run " in first.out
    run = first.out.split("run ")[-1].strip(" .\n")
    assert green("report", run, cwd=tmp_path).out == asked.out
    second = green("sync", cwd=tmp_path)
    assert (second.code, second.out, second.err) == (0, "MLflow has everything that was recorded.\n", "")
    assert json.loads(green("sync", "--json", cwd=tmp_path).out) == []


def test_report_of_an_executed_copy(tmp_path: Path, home: Path) -> None:
    """An executed copy is reported as its own run, also where it was moved; a copy of another tool has no run."""
    notebooks.write(tmp_path / "nb.ipynb", "x = 1", "x + 1")
    ran = green("run", "nb.ipynb", "out.ipynb", "--json", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    (tmp_path / "out.ipynb").rename(tmp_path / "moved.ipynb")
    asked = green("report", "moved.ipynb", "-o", "json", cwd=tmp_path)
    assert (asked.code, asked.err) == (0, "")
    assert json.loads(asked.out)["total"]["energy"] == json.loads(ran.out)["total"]["energy"]
    foreign = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"jupyter_green": {"session": 5}}, "cells": []}
    (tmp_path / "foreign.ipynb").write_text(json.dumps(foreign))
    assert green("report", "foreign.ipynb", cwd=tmp_path).code == 2


@pytest.mark.long
def test_demo(tmp_path: Path, home: Path) -> None:
    """``demo DIR`` trains two models, prints what each cell cost, and may be called again."""
    for _ in range(2):
        answer = green("demo", "my demo", cwd=tmp_path)
        assert (answer.code, answer.err) == (0, "")
        assert "forest" in answer.out
        assert "network" in answer.out
        assert "accuracy 0." in answer.out
        assert "MLflow: run " in answer.out
        assert "lab 'my demo/quickstart.ipynb'" in answer.out
        assert "Traceback" not in answer.out
    values = json.loads(green("demo", "my demo", "--json", cwd=tmp_path).out)
    assert values["status"] == "ok"
