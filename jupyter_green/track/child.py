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
    mark = os.urandom(8).hex()  # other lines are not the child's: mlflow and its plug-ins may print, too
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "jupyter_green.track", word, mark],  # no module of the current folder
            input=json.dumps(jobs).encode(),
            capture_output=True,
            env=dict(environ),
            timeout=patience_s,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        reason = f"it did not come to an end within {patience_s:g} s"
        return Said(answers=_answers(late.stdout or b"", mark.encode()), reason=reason, is_late=True)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
    return Said(answers=_answers(done.stdout, mark.encode()), reason=mask_text(said[-1]), is_late=False)


def _answers(text: bytes, mark: bytes) -> list[Any]:
    """Read the answers; the last one is none if the child was ended in it."""
    answers = []
    for line in text.split(b"\n"):
        if line.startswith(mark):
            with suppress(ValueError):
                answers.append(json.loads(line.removeprefix(mark)))
    return answers
