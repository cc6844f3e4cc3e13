"""One measured run of a notebook: `run_notebook` and what comes of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_green.errors import UsageError
from jupyter_green.records import CellRecord
from jupyter_green.settings import Settings, read_home
from jupyter_green.totals import Total, total
from jupyter_green.track.history import read_session, with_runs
from jupyter_green.track.journal import log_paths
from jupyter_green.track.tracker import new_session_id

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LAST_LINES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The cell that failed: its number among all cells (from 1), its count, and the end of its traceback."""

    cell: int
    execution_count: int | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run gave."""

    status: Literal["ok", "failed"]
    output: str
    cells: tuple[CellRecord, ...]
    total: Total
    mlflow: Mapping[str, Any] | None  # tracking_uri, experiment_id, run_id
    problem: str | None  # of the delivery or the measuring; never the run's
    failure: Failure | None


def run_notebook(
    notebook: str,
    output: str,
    *,
    settings: Settings,
    parameters: Mapping[str, Any] | None = None,
    cwd: str | None = None,
    progress: bool = True,
) -> RunResult:
    """Run a notebook with papermill's engine ``green``.

    Args:
        notebook: Path of the notebook.
        output: Path of the executed copy.
        settings: As read at the door.
        parameters: For the cell tagged ``parameters``.
        cwd: Where it runs; by default the notebook's own folder.
        progress: Show papermill's progress bar (on standard error).

    Raises:
        UsageError: If there is no such notebook, or it cannot be read.
    """
    path = Path(notebook)
    if not path.is_file():
        raise UsageError(f"run: there is no notebook {notebook!r}.")
    import papermill
    from papermill.exceptions import PapermillException, PapermillExecutionError

    from jupyter_green.retrain.measured_engine import Request

    request = Request(settings=settings, session_id=new_session_id())
    failure: Failure | None = None
    try:
        papermill.execute_notebook(
            str(path.absolute()),
            os.path.abspath(output),
            parameters=dict(parameters or {}),
            engine_name="green",
            cwd=str(path.absolute().parent) if cwd is None else cwd,
            progress_bar=progress,
            green=request,
        )
    except PapermillExecutionError as error:
        text = "\n".join(error.traceback)
        failure = Failure(cell=error.cell_index + 1, execution_count=error.exec_count, lines=_last_lines(text))
    except PapermillException as error:
        raise UsageError(f"run: {notebook}: {error}") from error
    except Exception as error:  # a kernel that dies or does not start, as nbclient and jupyter_client raise it
        failure = Failure(
            cell=_reached(output), execution_count=None, lines=_last_lines(f"{type(error).__name__}: {error}")
        )
    return _result(output, request, failure)


def _result(output: str, request: Any, failure: Failure | None) -> RunResult:
    paths = [path for path in log_paths(read_home()) if path.stem.endswith(f"-{request.session_id}")]
    log = read_session(paths[0]) if paths else None
    outcome = request.outcome
    runs = ("tracking_uri", "experiment_id", "run_id")
    return RunResult(
        status="ok" if failure is None else "failed",
        output=output,
        cells=tuple(with_runs(log)) if log is not None else (),
        total=total(log.records if log is not None else (), None if log is None else log.end),
        mlflow={key: outcome[key] for key in runs} if outcome and outcome["run_id"] else None,
        problem=request.problem or (outcome["problem"] if outcome else None),
        failure=failure,
    )


def _last_lines(text: str) -> tuple[str, ...]:
    lines = [line for line in _ANSI.sub("", text).splitlines() if line.strip()]
    return tuple(lines[-_LAST_LINES:])


def _reached(output: str) -> int:
    """Return the number of the last cell that was begun, from the output that papermill saved; 0 if none was."""
    try:
        cells = json.loads(Path(output).read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return 0
    begun = [n for n, cell in enumerate(cells, 1) if cell.get("metadata", {}).get("papermill", {}).get("start_time")]
    return max(begun, default=0)
