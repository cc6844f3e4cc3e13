"""One measured run of a notebook: `run_notebook` and what comes of it."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from jupyter_green.errors import UsageError
from jupyter_green.records import CellRecord
from jupyter_green.retrain.handed_down import home_from
from jupyter_green.settings import Settings
from jupyter_green.totals import Total, total
from jupyter_green.track.current import resolve_or_none
from jupyter_green.track.history import read_session, with_runs
from jupyter_green.track.journal import log_paths
from jupyter_green.track.session import new_session_id

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
        UsageError: If notebook, output, folder, kernel or a setting is not what can be worked with.
    """
    path = Path(notebook)
    _check(path, Path(output), cwd, settings)
    # ipykernel logs an interrupt that comes with its orderly end: shown only if the kernel dies.
    with tempfile.TemporaryFile() as noise:
        return _run(path, output, settings, dict(parameters or {}), cwd, progress, noise)


def _run(
    path: Path, output: str, settings: Settings, parameters: dict[str, Any], cwd: str | None, progress: bool, noise: Any
) -> RunResult:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillException, PapermillExecutionError

    from jupyter_green.retrain.measured_engine import Request

    home = home_from(os.getcwd(), os.environ)
    request = Request(settings=settings, session_id=new_session_id(), home=home, noise=noise)
    failure: Failure | None = None
    try:
        papermill.execute_notebook(
            str(path.absolute()),
            os.path.abspath(output),
            parameters=parameters,
            engine_name="green",
            cwd=str(path.absolute().parent) if cwd is None else cwd,
            progress_bar=progress,
            green=request,
        )
    except PapermillExecutionError as error:
        text = "\n".join(error.traceback)
        failure = Failure(cell=error.cell_index + 1, execution_count=error.exec_count, lines=_last_lines(text))
    except PapermillException as error:
        raise UsageError(f"run: {path}: {error}") from error
    except KeyboardInterrupt:
        failure = _failure(request, "interrupted by Ctrl-C")
    except DeadKernelError:
        died = "the kernel died (out of memory, or killed); what was measured is kept"
        failure = _failure(request, "\n".join([*_said(noise), died]))
    except Exception as error:  # whatever nbformat, nbclient and jupyter_client raise
        if not request.reached:
            raise UsageError("\n".join([f"run: {path}: {_sentence(error)}", *_said(noise)])) from error
        failure = _failure(request, f"{type(error).__name__}: {error}")
    return _result(output, request, failure)


def _check(notebook: Path, output: Path, cwd: str | None, settings: Settings) -> None:
    """Find out before the kernel starts what would stop the run."""
    if not notebook.is_file():
        raise UsageError(f"run: there is no notebook {str(notebook)!r}.")
    try:
        is_notebook = isinstance(json.loads(notebook.read_bytes())["cells"], list)
    except OSError as error:
        raise UsageError(f"run: {notebook} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError):
        is_notebook = False
    if not is_notebook:
        raise UsageError(f"run: {notebook} is not a notebook (of format 4).")
    folder = output.absolute().parent
    if not folder.is_dir() or output.is_dir() or not os.access(output if output.exists() else folder, os.W_OK):
        raise UsageError(f"run: {output} cannot be written. Name a file in a folder that exists.")
    if cwd is not None and not Path(cwd).is_dir():
        raise UsageError(f"run: there is no folder {cwd!r} to run in.")
    try:
        resolve_or_none(settings)
    except UsageError as error:
        raise UsageError(f"run: {error}") from error


def _said(noise: IO[bytes]) -> list[str]:
    """Return the last lines that the kernel's process wrote."""
    noise.seek(0)
    return noise.read().decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES + 1 :]


def _sentence(error: Exception) -> str:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    if isinstance(error, NoSuchKernel):
        known = ", ".join(sorted(KernelSpecManager().find_kernel_specs()))
        return f"there is no kernel {error.name!r} here. Installed: {known or 'none'}."
    return f"{error or type(error).__name__}".strip().splitlines()[0]


def _failure(request: Any, text: str) -> Failure:
    return Failure(cell=request.reached, execution_count=None, lines=_last_lines(text))


def _result(output: str, request: Any, failure: Failure | None) -> RunResult:
    paths = [path for path in log_paths(request.home) if path.stem.endswith(f"-{request.session_id}")]
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
