"""Where MLflow would put a run, without asking it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_green.records import Target
from jupyter_green.track.target import absolute_uri, is_named, target
from tests.track.conftest import clean_environ


@pytest.mark.parametrize(
    ("uri", "absolute"),
    [
        ("sqlite:///mlflow.db", "sqlite:////home/ann/mlflow.db"),
        ("sqlite:///../x/mlflow.db", "sqlite:////home/x/mlflow.db"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("sqlite+pysqlite:///m.db", "sqlite+pysqlite:////home/ann/m.db"),
        ("sqlite:///m.db?timeout=60", "sqlite:////home/ann/m.db?timeout=60"),
        ("mlruns", "/home/ann/mlruns"),
        ("./mlruns", "/home/ann/mlruns"),
        ("my runs/ü", "/home/ann/my runs/ü"),
        ("/data/mlruns", "/data/mlruns"),
        ("/data/a@b/mlruns", "/data/a@b/mlruns"),
        ("file:mlruns", "file:///home/ann/mlruns"),
        ("file:./mlruns", "file:///home/ann/mlruns"),
        ("file:///data/a@b/mlruns", "file:///data/a@b/mlruns"),
        ("http://host:5000", "http://host:5000"),
        ("http://ann:pw@host:5000/mlflow", "http://host:5000/mlflow"),
        ("https://ann:p@ss@host", "https://host"),
        ("https://:token@host", "https://host"),
        ("http://host/x?token=abc&a=1", "http://host/x?a=1"),
        ("postgresql://ann:pw@db/mlflow", "postgresql://db/mlflow"),
        ("postgresql://db/mlflow?password=pw", "postgresql://db/mlflow"),
        ("postgresql://ann:pa/ss@db:5432/mlflow", "postgresql://db:5432/mlflow"),
        ("postgresql+psycopg://ann:p?a#s@s@db:5432/mlflow?a=1&sig=S", "postgresql+psycopg://db:5432/mlflow?a=1"),
        ("mysql+my_driver://ann:pw@db/mlflow", "mysql+my_driver://db/mlflow"),
        ("http://host/path@x", "http://host/path@x"),
        ("http://host:5000/user/ann@corp/mlflow", "http://host:5000/user/ann@corp/mlflow"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
        ("databricks-uc", "databricks-uc"),
    ],
)
def test_absolute_uri(uri: str, absolute: str) -> None:
    """A tracking URI becomes one that means the same from every folder and holds no credentials; once is enough."""
    assert absolute_uri(uri, "/home/ann") == absolute
    assert absolute_uri(absolute, "/elsewhere") == absolute


def test_drive_letter_is_no_scheme() -> None:
    """A path with a Windows drive letter is a path."""
    assert absolute_uri("C:\\runs", "/home/ann").endswith("C:\\runs")


def test_what_the_environment_names() -> None:
    """The environment names address and experiment, an id before a name; what was given with a magic wins."""
    environ = {"MLFLOW_TRACKING_URI": "sqlite:///m.db", "MLFLOW_EXPERIMENT_NAME": "a"}
    assert target(environ, "/w", None) == Target(tracking_uri="sqlite:////w/m.db", experiment="a")
    environ["MLFLOW_EXPERIMENT_ID"] = "3"
    assert target(environ, "/w", None).experiment == "id:3"
    assert target(environ, "/w", "mine").experiment == "mine"
    assert target({"MLFLOW_TRACKING_URI": ""}, "/w", None) == Target(tracking_uri=None, experiment=None)
    assert is_named(environ)
    assert not is_named({"MLFLOW_TRACKING_URI": "", "OTHER": "1"})


def test_what_mlflow_sets_is_in_the_environment(tmp_path: Path) -> None:
    """After mlflow.set_tracking_uri and set_experiment in a process, its environment tells what mlflow would use."""
    code = (
        "import os, mlflow\n"
        "from jupyter_green.track.target import target\n"
        "mlflow.set_tracking_uri('sqlite:///other.db')\n"
        "made = mlflow.set_experiment('mine').experiment_id\n"
        "found = target(os.environ, os.getcwd(), None)\n"
        "assert found.experiment == f'id:{made}', found\n"
        "print(found.tracking_uri)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environ(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"sqlite:///{tmp_path}/other.db"
