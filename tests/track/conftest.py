"""What the tests of track/ share: a process that delivers, and patience."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.records import Target, to_json

PATIENCE_S = 90.0
ROOT = Path(__file__).parents[2]


def wait_until(happened: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Poll until something is true and return it; fail if it does not come."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = happened()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience_s:g} s: {what}")


def clean_environ(home: Path, **more: str) -> dict[str, str]:
    """An environment for a process of a user who set nothing of MLflow."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return {**environ, "JUPYTER_GREEN_HOME": str(home), "PYTHONPATH": str(ROOT), **more}


class Nursery:
    """Delivers in a forked process of its own, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environ(Path("/nowhere")),
        )
        self._is_ready = False

    def begin(
        self, home: Path, *logs: Path, wanted: Target | None = None, environ: Mapping[str, str] | None = None
    ) -> int:
        """Start a delivery and return its pid; `outcomes` waits for it."""
        assert self._process.stdin is not None
        if not self._is_ready:
            assert self._read() == "ready"
            self._is_ready = True
        request = {
            "home": str(home),
            "logs": [str(log) for log in logs],
            "wanted": None if wanted is None else to_json(wanted),
            "environ": clean_environ(home) if environ is None else dict(environ),
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def outcomes(self) -> list[dict[str, Any]] | None:
        """What came of the delivery; None if it was killed."""
        said: list[dict[str, Any]] | None = self._read()
        return said

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def deliver(self, home: Path, log: Path, **options: Any) -> dict[str, Any]:
        """Deliver one session and return the outcome."""
        self.begin(home, log, **options)
        outcomes = self.outcomes()
        assert outcomes is not None, "the delivery crashed; its traceback is on stderr"
        return outcomes[0]

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_S)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A process that delivers."""
    made = Nursery()
    yield made
    made.end()


@pytest.fixture
def second_nursery() -> Iterator[Nursery]:
    """Another one, to deliver at the same time."""
    made = Nursery()
    yield made
    made.end()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A notebook's folder."""
    made = tmp_path / "work"
    made.mkdir()
    return made
