"""The engine's inside: papermill's client with a window around each cell, measured at the kernel's process tree."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from jupyter_green.errors import GreenError, UsageError
from jupyter_green.meter.meter import make_meter
from jupyter_green.records import QUALITIES, CellRecord, Quality, Status, Target
from jupyter_green.retrain.handed_down import door, environment, home_from, notebook_name
from jupyter_green.settings import Settings
from jupyter_green.track.current import resolve_or_none, usable_settings
from jupyter_green.track.journal import Journal
from jupyter_green.track.notebook import code_of
from jupyter_green.track.receipts import read_receipts
from jupyter_green.track.secrets import mask
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.sync import run_jobs
from jupyter_green.track.target import target
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.window import Options
from jupyter_green.units import energy_text, three_figures

_PATIENCE_S = 600.0  # how long MLflow may keep a run from ending; what it does not have by then waits for a sync
METADATA = "jupyter_green"  # the key of our metadata in cells and notebooks


@dataclass(slots=True, kw_only=True)
class Request:
    """What a caller of the engine may hand down, and what it gets back."""

    settings: Settings
    session_id: str
    home: Path | None  # of the journal, absolute: papermill changes folders; None: nothing can be kept
    noise: Any = None  # file for what the kernel's process itself writes to its outputs; None: ours
    reached: int = 0  # number of the last cell that was begun, from 1
    outcome: dict[str, Any] | None = None  # of the delivery to MLflow
    problem: str | None = None  # why the kernel could not be measured


class MeasuredEngine(NBClientEngine):  # type: ignore[misc]  # papermill publishes no types
    """papermill's engine with our client in place of its own."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        green: Request | None = None,
        **options: Any,
    ) -> Any:
        """Run a notebook's cells; see papermill for the arguments.

        Args:
            green: Handed down by ``jupyter green run``; by default everything is as the settings say.
        """
        request = green or _request()
        input_path = options.pop("input_path", None)
        options.pop("timeout", None)
        options.pop("startup_timeout", None)
        client = MeasuredClient(
            nb_man,
            request,
            notebook_name(input_path, door()),
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            **options,
        )
        try:
            return client.execute(env=client.environment(), **_outputs(request))
        finally:
            client.finish()


def _request() -> Request:
    settings, problem = usable_settings(os.environ)
    home: Path | None = None
    try:
        home = home_from(door(), os.environ)
    except UsageError as error:
        problem = " ".join([*([problem] if problem else []), f"{error} Nothing is measured."])
    if problem is not None:
        print(problem, file=sys.stderr)
    return Request(settings=settings, session_id=new_session_id(), home=home, problem=problem)


def _outputs(request: Request) -> dict[str, Any]:
    """Return where a kernel's process writes what is no cell's: C's ``printf``, the system's and ipykernel's words."""
    return {} if request.noise is None else {"stdout": request.noise, "stderr": request.noise}


class MeasuredClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill publishes no types
    """Opens a window before a cell is sent and closes it at the kernel's reply."""

    def __init__(self, nb_man: Any, request: Request, notebook: str | None, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._request, self._notebook_path = request, notebook
        self._tracker: Tracker | None = None
        self._ended: Tracker | None = None  # the same, once its session has ended
        self._status: Status = "ok"
        self._goal: Target | None = None
        self._used_j: float | None = None
        self._quality: Quality = QUALITIES[0]
        # papermill writes the whole notebook twice a cell: what every cell holds costs time with every other cell, so
        # it is put in at the end.
        self._noted: list[tuple[Any, dict[str, Any]]] = []
        self._cwd = os.getcwd()

    def environment(self) -> dict[str, str]:
        """Return the kernel's environment."""
        request = self._request
        return environment(request.settings, request.session_id, request.home, self._notebook_path, os.environ)

    def create_kernel_manager(self) -> Any:
        """Return a manager that encrypts the way to the kernel where both can; ipykernel 7.4 warns otherwise."""
        manager = super().create_kernel_manager()
        if manager.has_trait("transport_encryption"):
            manager.transport_encryption = "auto"
        return manager

    def start_new_kernel(self, **options: Any) -> None:
        """Start the kernel, and measure it from its first moment."""
        super().start_new_kernel(**options)
        home = self._request.home
        if home is None:
            return
        pid = getattr(getattr(self.km, "provisioner", None), "pid", None)
        if not isinstance(pid, int):
            self._request.problem = "the kernel runs on another machine, so its energy was not measured"
            return
        try:
            self._tracker = self._make_tracker(pid, home)
        except (GreenError, OSError) as error:  # a failing measurement never fails the run
            self._request.problem = f"its energy was not measured ({error})"

    def _make_tracker(self, pid: int, home: Path) -> Tracker:
        settings = self._request.settings
        meter = make_meter(pid, busy_w=settings.cpu_busy_w, idle_w=settings.cpu_idle_w)
        given = self.nb.metadata.get("papermill", {}).get("parameters", {})
        session = new_session(
            meter=meter,
            runner="papermill",
            session_id=self._request.session_id,
            notebook=self._notebook_path,
            kernel_id=self.km.kernel_id,
            parameters=mask(given),
        )
        return Tracker(session, settings, meter, Journal(home, session), resolve_or_none(settings))

    def papermill_execute_cells(self) -> None:
        """Run all cells, and end the session while the kernel is there: what it used since can only then be read."""
        try:
            super().papermill_execute_cells()
        finally:
            self._end()

    def execute_cell(self, cell: Any, cell_index: int, *args: Any, **options: Any) -> Any:
        """Run one cell in a window of its own."""
        tracker = self._tracker
        self._request.reached = cell_index + 1
        if tracker is None or cell.cell_type != "code" or not cell.source.strip():
            return super().execute_cell(cell, cell_index, *args, **options)
        wanted = self._request.settings.mlflow != "off"
        self._goal = target(os.environ, self._cwd, self._request.settings.experiment) if wanted else None
        code = code_of(cell.source)
        tracker.open(cell_index, cell_id=cell.get("id"), code=code, options=Options(target=self._goal))
        status: Status = "ok"
        notes: tuple[str, ...] = ()
        try:
            return super().execute_cell(cell, cell_index, *args, **options)
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        except Exception as error:  # nbclient's, about the cell or its kernel
            status, notes = "error", _failure(cell, error)
            raise
        finally:
            if status != "ok":
                self._status = status
            self._close(tracker, cell, cell_index, status, notes)

    def _close(self, tracker: Tracker, cell: Any, cell_index: int, status: Status, notes: tuple[str, ...]) -> None:
        stopped = tracker.stop(cell_index)
        if stopped is None:
            return
        stopped.window.count = cell.get("execution_count")
        record = tracker.write(stopped, tracker.record(stopped, status, notes=notes))
        self._noted.append((cell, compact(record)))
        self._show(record)

    def _show(self, record: CellRecord) -> None:
        """Add a cell to the sum in papermill's bar, which is as good as its worst part."""
        energy = record.energy
        if energy.attributed_j is not None and energy.quality is not None:
            self._used_j = (self._used_j or 0.0) + energy.attributed_j
            self._quality = max(self._quality, energy.quality, key=QUALITIES.index)
        bar = getattr(self.nb_man, "pbar", None)
        if bar is not None:
            quality = "" if self._used_j is None else f" {self._quality}"
            bar.set_postfix_str(energy_text(self._used_j) + quality, refresh=False)

    def _end(self) -> None:
        if self._tracker is not None:
            self._ended, self._tracker = self._tracker, None
            self._ended.end(self._status)

    def finish(self) -> None:
        """End the session, if it has not come to its end, and deliver it; MLflow away is no failure of the run."""
        self._end()
        tracker = self._ended
        if tracker is None:
            return
        for cell, note in self._noted:
            cell.metadata[METADATA] = note
        kept: dict[str, Any] = {"session": tracker.session.session_id}
        if self._request.settings.mlflow != "off" and tracker.last is not None:
            environ = {**os.environ, "JUPYTER_GREEN_HOME": str(self._request.home)}
            outcome = run_jobs([(tracker.journal.path, None)], environ, _PATIENCE_S)[0]
            self._request.outcome = {**outcome, **_main_run(tracker.journal.path, self._goal)}
            if self._request.outcome["run_id"]:
                kept["mlflow_run"] = self._request.outcome["run_id"]
        self.nb.metadata[METADATA] = kept


def _main_run(log: Path, goal: Target | None) -> Mapping[str, str]:
    """Return the run that the engine's own records went to: a cell may have asked for another experiment."""
    for one in reversed(read_receipts(log).delivered):
        if one.goal == goal:
            return {"tracking_uri": one.tracking_uri, "experiment_id": one.experiment_id, "run_id": one.run_id}
    return {}


def _failure(cell: Any, error: Exception) -> tuple[str, ...]:
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            return (f"{output.ename}: {output.evalue}"[:500],)
    if isinstance(error, DeadKernelError):
        return ("the kernel died",)
    return (f"{type(error).__name__}: {error}".strip().splitlines()[0][:500],)


def compact(record: CellRecord) -> dict[str, Any]:
    """Return what the output notebook keeps of a record: its cell, three figures, no times, hosts or paths."""
    energy = record.energy
    kept = {"energy_j": energy.attributed_j, "low_j": energy.low_j, "high_j": energy.high_j}
    rounded = {key: None if value is None else float(three_figures(value)) for key, value in kept.items()}
    return {"cell": record.cell_id, **rounded, "quality": energy.quality}
