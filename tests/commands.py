"""The command line as a user meets it: a process of its own, its output, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MAIN = "import sys; from jupyter_green.cli import main; main()"


@dataclass
class Answer:
    """What a command gave."""

    code: int
    out: str
    err: str


def green(*arguments: str, cwd: Path, env: dict[str, str] | None = None, stdin: bytes = b"") -> Answer:
    """Run ``jupyter green`` with these arguments."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
