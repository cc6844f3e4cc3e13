"""A child process that talks to MLflow, so that no other imports mlflow: jobs go in as JSON, answers come by lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_green.track.apart import Quiet, start_apart
from jupyter_green.track.secrets import mask_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a child said until it ended."""

    answers: list[Any]
    reason: str  # why there are no more of them, without secrets
    is_late: bool  # it was ended, because it took too long


def ask_child(word: Literal["once", "look"], jobs: Any, environ: Mapping[str, str], patience_s: float | None) -> Said:
    """Run ``python -m jupyter_green.track`` and return its answers.

    Args:
        word: What the child is to do.
        jobs: JSON values for it.
        environ: Its environment.
        patience_s: How long it may take; None: as long as it takes.
    """
    command, mark = _command(word)
    try:
        done = subprocess.run(
            command,
            input=json.dumps(jobs).encode(),
            capture_output=True,
            env=dict(environ),
            timeout=patience_s,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        reason = f"it did not come to an end within {patience_s:g} s"
        return Said(answers=_answers(late.stdout or b"", mark), reason=reason, is_late=True)
    return _said(done.stdout, done.stderr, mark, f"exit code {done.returncode}")


def ask_apart(word: Literal["once"], jobs: Any, environ: Mapping[str, str], quiet: Quiet) -> Said:
    """Do as `ask_child`, by a process whose CPU time is not this one's; whoever stops listening does not end it.

    Args:
        word: As there.
        jobs: As there.
        environ: As there.
        quiet: Of the meter that reads this process's tree.
    """
    command, mark = _command(word)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    try:
        with start_apart(command, environ, quiet, **pipes) as process:
            stdout, stderr = process.communicate(json.dumps(jobs).encode())
    except OSError as error:
        return Said(answers=[], reason=str(error), is_late=False)
    return _said(stdout, stderr, mark, "it ended without an answer")


def _command(word: str) -> tuple[list[str], bytes]:
    mark = os.urandom(8).hex()  # other lines are not the child's: mlflow and its plug-ins may print, too
    # -P: no module of the current folder takes the place of one of Python's.
    return [sys.executable, "-P", "-m", "jupyter_green.track", word, mark], mark.encode()


def _said(stdout: bytes, stderr: bytes, mark: bytes, otherwise: str) -> Said:
    said = stderr.decode("utf-8", "replace").strip().splitlines() or [otherwise]
    return Said(answers=_answers(stdout, mark), reason=mask_text(said[-1]), is_late=False)


def _answers(text: bytes, mark: bytes) -> list[Any]:
    """Read the answers; the last one is none if the child was ended in it."""
    answers = []
    for line in text.split(b"\n"):
        if line.startswith(mark):
            with suppress(ValueError):
                answers.append(json.loads(line.removeprefix(mark)))
    return answers
