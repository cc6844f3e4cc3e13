"""What a run hands down to its notebook's kernel, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.retrain.handed_down import notebook_name
from jupyter_green.track.history import sessions
from tests.commands import green
from tests.retrain.notebooks import printed, read, write

_SELF_MEASURED = ("%load_ext jupyter_green", "%%track_energy -n fit\nsum(range(200_000))", "1")


def _runs(database: Path) -> list[tuple[str, str, str]]:
    """Return each run's experiment, kind and id."""
    with closing(sqlite3.connect(database)) as store:
        return store.execute(
            "SELECT e.name, k.value, r.run_uuid FROM runs r JOIN experiments e USING (experiment_id) "
            "JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'green.kind' ORDER BY k.value DESC, e.name"
        ).fetchall()


def test_options_reach_cells_that_measure_themselves(
    tmp_path: Path, home: Path, make_store: Callable[[Path], str]
) -> None:
    """Options, and settings of the folder a run was called in, count for all its cells, which are one run in MLflow."""
    make_store(tmp_path / "sub")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "pyproject.toml").write_text("[tool.jupyter_green]\npue = 1.5\nallow_network = true\n")
    write(tmp_path / "sub" / "nb.ipynb", *_SELF_MEASURED)
    answer = green(
        "run", "../sub/nb.ipynb", "out.ipynb", "--experiment", "churn", "--intensity", "FRA", "--json",
        cwd=tmp_path / "here",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    values = json.loads(answer.out)
    assert [cell["name"] for cell in values["cells"]] == [None, "fit", None]
    assert {(cell["intensity"]["zone"], cell["pue"]) for cell in values["cells"]} == {("FRA", 1.5)}
    assert {cell["mlflow"]["experiment"] for cell in values["cells"]} == {"churn"}
    cells = read(tmp_path / "here" / "out.ipynb")["cells"]
    assert "grid: FRA" in printed(cells[0])
    assert "FRA" in json.dumps(cells[1]["outputs"])
    main, fit = _runs(tmp_path / "sub" / "mlflow.db")
    assert main == ("churn", "session", values["mlflow"]["run_id"])
    assert fit[:2] == ("churn", "cell")


def test_mlflow_off_reaches_cells_that_measure_themselves(tmp_path: Path, home: Path) -> None:
    """With ``--mlflow off`` a named cell of the notebook waits for no delivery either."""
    write(tmp_path / "nb.ipynb", *_SELF_MEASURED)
    answer = green("run", "nb.ipynb", "out.ipynb", "--mlflow", "off", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert [cell["mlflow"] for cell in json.loads(answer.out)["cells"]] == [None] * 3


def test_a_cell_that_names_another_experiment(tmp_path: Path, home: Path, make_store: Callable[[Path], str]) -> None:
    """A cell's own ``--experiment`` is honoured, and the run that is told is the one of all the other cells."""
    make_store(tmp_path)
    own = "%%track_energy -n fit --experiment other\nsum(range(200_000))"
    write(tmp_path / "nb.ipynb", "%load_ext jupyter_green", "1", own)
    answer = green("run", "nb.ipynb", "out.ipynb", "--experiment", "churn", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    values = json.loads(answer.out)
    first, second, fit = _runs(tmp_path / "mlflow.db")
    assert first == ("churn", "session", values["mlflow"]["run_id"])
    assert second[:2] == ("other", "session")
    assert fit[:2] == ("other", "cell")
    kept = read(tmp_path / "out.ipynb")["metadata"]["jupyter_green"]
    assert kept["mlflow_run"] == values["mlflow"]["run_id"]
    told = green("run", "nb.ipynb", "out.ipynb", "--experiment", "churn", cwd=tmp_path)
    runs = [run for run in _runs(tmp_path / "mlflow.db") if run[:2] == ("churn", "session")]
    assert any(f"MLflow: run {run_id} in " in told.out for _, _, run_id in runs)


def test_what_c_prints_is_no_output_of_the_run(tmp_path: Path, home: Path) -> None:
    """What C's ``printf`` and child processes of a kernel write is not between the lines of ``run --json``."""
    code = 'import ctypes, os\nctypes.CDLL(None).printf(b"from C\\n")\nos.system("echo from a shell")\nprint("seen")'
    write(tmp_path / "nb.ipynb", code)
    answer = green("run", "nb.ipynb", "out.ipynb", "--mlflow", "off", "--json", cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["status"] == "ok"
    assert "seen\n" in printed(read(tmp_path / "out.ipynb")["cells"][0])


def test_a_relative_home(tmp_path: Path, make_store: Callable[[Path], str]) -> None:
    """A relative ``JUPYTER_GREEN_HOME`` begins where the run was called, for the engine, its kernel and the report."""
    make_store(tmp_path / "sub")
    env = {"JUPYTER_GREEN_HOME": "energy"}
    write(tmp_path / "sub" / "nb.ipynb", *_SELF_MEASURED)
    answer = green("run", "sub/nb.ipynb", "out.ipynb", "--json", cwd=tmp_path, env=env)
    assert (answer.code, answer.err) == (0, "")
    values = json.loads(answer.out)
    assert [cell["name"] for cell in values["cells"]] == [None, "fit", None]
    assert values["mlflow"] is not None
    assert not (tmp_path / "sub" / "energy").exists()
    asked = green("report", "out.ipynb", "-o", "json", cwd=tmp_path, env=env)
    assert json.loads(asked.out)["total"] == values["total"]
    assert green("sync", cwd=tmp_path, env=env).out == "MLflow has everything that was recorded.\n"


def test_plain_papermill_in_another_folder(tmp_path: Path, make_store: Callable[[Path], str]) -> None:
    """With ``papermill --cwd`` a relative home and a relative notebook begin where papermill was called, too."""
    make_store(tmp_path / "sub")
    write(tmp_path / "nb.ipynb", *_SELF_MEASURED)
    done = _papermill("--cwd", "sub", "nb.ipynb", "out.ipynb", cwd=tmp_path, JUPYTER_GREEN_HOME="energy")
    assert done.returncode == 0, done.stderr
    (log,) = sessions(tmp_path / "energy")
    assert [record.name for record in log.records] == [None, "fit", None]
    assert {log.session.notebook, *(record.notebook for record in log.records)} == {str(tmp_path / "nb.ipynb")}
    assert not (tmp_path / "sub" / "energy").exists()
    assert len(_runs(tmp_path / "sub" / "mlflow.db")) == 2


def test_a_home_of_nobody(tmp_path: Path) -> None:
    """A home that cannot be is a usage error of ``run``; papermill runs on unmeasured, and says so in one line."""
    write(tmp_path / "nb.ipynb", "print(1 + 1)")
    env = {"JUPYTER_GREEN_HOME": "~nosuch/x"}
    answer = green("run", "nb.ipynb", "out.ipynb", cwd=tmp_path, env=env)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("jupyter_green: JUPYTER_GREEN_HOME = '~nosuch/x'")
    done = _papermill("nb.ipynb", "out.ipynb", cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("JUPYTER_GREEN_HOME") == 1
    assert "Nothing is measured." in done.stderr
    assert printed(read(tmp_path / "out.ipynb")["cells"][0]) == "2\n"


def _papermill(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "--engine", "green", "--no-progress-bar", *arguments]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing on standard error."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A server of the files in ``web``, as host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(tmp_path / "web"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_notebooks_address_holds_no_secret(
    tmp_path: Path, home: Path, make_store: Callable[[Path], str], served: str
) -> None:
    """A password or signature in a notebook's address is neither in the journal nor in MLflow."""
    make_store(tmp_path)
    write(tmp_path / "web" / "nb.ipynb", *_SELF_MEASURED)
    address = f"http://ann:PASSWORD@{served}/nb.ipynb?sv=2024&sig=SECRET"
    done = _papermill(address, "out.ipynb", cwd=tmp_path, JPY_SESSION_NAME="/home/ann/another.ipynb")
    assert done.returncode == 0, done.stderr
    (log,) = sessions(home)
    assert [record.name for record in log.records] == [None, "fit", None]
    names = {log.session.notebook, *(record.notebook for record in log.records)}
    assert names == {f"http://{served}/nb.ipynb"}
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "out.ipynb"]  # papermill's own
    assert {path.name for path in kept} >= {"mlflow.db", log.path.name}
    for path in kept:
        data = path.read_bytes()
        assert b"SECRET" not in data, path
        assert b"PASSWORD" not in data, path
    assert len(_runs(tmp_path / "mlflow.db")) == 2


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("abs://account.blob.core.windows.net/box/nb.ipynb?sv=1&sig=S", "abs://account.blob.core.windows.net/box/nb.ipynb"),
        ("s3://key:word@bucket/nb.ipynb", "s3://bucket/nb.ipynb"),
        ("gs://bucket/nb.ipynb#token=S", "gs://bucket/nb.ipynb"),
        ("https://a:b@c@host/nb.ipynb", "https://host/nb.ipynb"),
    ],
)  # fmt: skip
def test_addresses_without_secrets(address: str, name: str) -> None:
    """Of an address, scheme, host and path are kept."""
    assert notebook_name(address, "/home/ann") == name


def test_names_of_notebooks(tmp_path: Path) -> None:
    """A path is told from the caller's folder, and a notebook that is no file has no name."""
    assert notebook_name("sub/../nb.ipynb", "/home/ann") == "/home/ann/nb.ipynb"
    assert notebook_name(tmp_path / "nb.ipynb", "/home/ann") == str(tmp_path / "nb.ipynb")
    assert notebook_name("-", "/home/ann") == "-"
    assert notebook_name(' {"cells": []}', "/home/ann") is None
    assert notebook_name({"cells": []}, "/home/ann") is None
    assert notebook_name(None, "/home/ann") is None
