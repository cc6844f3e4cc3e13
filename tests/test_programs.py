"""How a program is called in a terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_green.programs import typed


def _program(folder: Path, name: str = "mlflow") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\necho here\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs of an environment that is not active, in a folder whose name needs quotes."""
    folder = tmp_path / "it's mine" / "bin"
    monkeypatch.setattr(sys, "executable", str(_program(folder, "python")))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    _program(folder)
    return folder


def test_an_environment_that_is_active(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell finds by its name is called by it, also through a link."""
    monkeypatch.setenv("PATH", str(environment))
    assert typed("mlflow") == "mlflow"
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "mlflow").symlink_to(environment / "mlflow")
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    assert typed("mlflow") == "mlflow"


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_an_environment_that_is_not(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool
) -> None:
    """What a shell does not find, or finds in another environment, is called by its path, which a shell understands."""
    if is_elsewhere:
        monkeypatch.setenv("PATH", str(_program(tmp_path / "other").parent) + ":/usr/bin:/bin")
    assert shlex.split(typed("mlflow")) == [str(environment / "mlflow")]
    assert subprocess.run(["/bin/sh", "-c", typed("mlflow")], capture_output=True, check=True).stdout == b"here\n"


def test_a_program_that_is_not_beside(environment: Path) -> None:
    """What is not in Python's folder (``pip install --user``) is called by its name."""
    assert typed("jupyter") == "jupyter"
