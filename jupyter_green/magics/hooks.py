"""The hooks: a window around each cell that is to be measured.

``pre_run_cell`` and ``post_run_cell`` come as a pair for every cell but silent ones, with the same ``ExecutionInfo``:
it is the window's key, so that nested cells and cells in subshells cannot take each other's. Nothing that goes wrong
here reaches the cell: a hook that fails leaves a note on the next record.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from jupyter_green.errors import GreenError, UsageError
from jupyter_green.intensity import resolve
from jupyter_green.magics.notebook import kernel_id, lab_draws, notebook_path
from jupyter_green.magics.options import Asked, parse
from jupyter_green.magics.transform import options_in
from jupyter_green.meter.power import OWN_S
from jupyter_green.records import CellRecord, Status
from jupyter_green.settings import Settings
from jupyter_green.track import current
from jupyter_green.track.accuracy import as_metrics, assigned, mentioned
from jupyter_green.track.secrets import mask
from jupyter_green.track.target import is_named, target
from jupyter_green.track.tracker import NO_OPTIONS, Options, Stopped, Tracker
from jupyter_green.units import NS_PER_S
from jupyter_green.views.line import html_line, text_line

_TRIES = 5  # a Ctrl-C during the end of a cell is followed by another try; nobody presses it five times in 1 ms

RESULT = "_energy"  # the one name that enters the user's namespace


class _Cell:
    """What the end of a cell needs to know of its beginning, and how far its end has come.

    A Ctrl-C may arrive between any two steps of the end: each keeps its result here, so that going on does nothing
    twice.
    """

    __slots__ = ("asked", "metrics", "names", "notes", "record", "scoring", "stopped", "values")

    def __init__(self, asked: Asked | None, names: frozenset[str], values: dict[str, Any]) -> None:
        self.asked, self.names, self.values = asked, names, values
        self.notes: list[str] = []
        self.stopped: Stopped | None = None
        self.metrics: dict[str, float | None] | None = None
        self.scoring: Stopped | None = None
        self.record: CellRecord | None = None


class Hooks:
    """The two hooks of one shell.

    Args:
        shell: IPython's shell.
        settings: The session's settings.
        environ: The process's environment, live: mlflow writes its tracking URI into it.
        problem: Why the user's settings could not be used, if so.
    """

    def __init__(self, shell: Any, settings: Settings, environ: Any, problem: str | None) -> None:
        self.shell, self.settings, self.environ, self.problem = shell, settings, environ, problem
        self.is_on = False
        self.is_delivering = settings.mlflow == "on"
        self._cells: dict[int, _Cell] = {}
        self._pending: list[str] = []  # notes of hooks that failed, for the next record

    def tracker(self) -> Tracker:
        """Return this kernel's tracker; the first call makes it."""
        tracker = current.current()
        if tracker is None:
            tracker = current.start(
                self.settings, runner="kernel", notebook=notebook_path(self.shell), kernel_id=kernel_id(self.shell)
            )
        return tracker

    def pre_run_cell(self, info: Any) -> None:
        """Open a window if this cell is to be measured."""
        try:
            try:
                self._begin(info)
            except KeyboardInterrupt:
                self._interrupt_later()
                self._begin(info)
        except (Exception, KeyboardInterrupt) as error:  # a failing measurement never fails the cell
            self._pending.append(f"measuring could not begin ({type(error).__name__}: {error})")

    def _begin(self, info: Any) -> None:
        began = time.thread_time_ns()
        raw = info.raw_cell
        if not isinstance(raw, str):
            return
        found = options_in(raw)
        if found is None and not self.is_on:
            return
        tracker = self.tracker()
        if tracker.is_inert:
            return
        cell, options = self._understand(raw, found)
        self._cells[id(info)] = cell
        tracker.meter_cpu_s += (time.thread_time_ns() - began) / NS_PER_S
        tracker.open(info, cell_id=info.cell_id, execution_count=self.shell.execution_count, options=options)

    def _understand(self, raw: str, found: tuple[str, str | None] | None) -> tuple[_Cell, Options]:
        names = mentioned(raw)
        values = {name: self.shell.user_ns.get(name) for name in names} if names else {}
        if found is None:
            cell = _Cell(None, names, values)
            return cell, Options(target=self._target(None)) if self._is_wanted(None) else NO_OPTIONS
        asked = parse(found[0])
        cell = _Cell(asked, names, values)
        if found[1] is not None:
            cell.notes.append(f"{found[1]} ran around the measured lines")
        intensity = None
        if asked.intensity is not None:
            try:
                intensity = resolve(asked.intensity)
            except GreenError as error:
                asked.errors.append(f"{error} Energy is recorded, CO2e as if it had not been given.")
        for problem in asked.errors:
            print(f"track_energy: {problem}", file=sys.stderr)
        cell.notes.extend(f"track_energy: {problem}" for problem in asked.errors)
        wanted = self._target(asked.experiment) if self._is_wanted(asked) else None
        return cell, Options(name=asked.name, tags=mask(asked.tags), intensity=intensity, target=wanted)

    def _is_wanted(self, asked: Asked | None) -> bool:
        """Tell whether a record is to be delivered without being asked again."""
        choice = self.settings.mlflow if asked is None or asked.mlflow is None else asked.mlflow
        if choice != "auto":
            return choice == "on"
        named = asked is not None and (asked.name is not None or asked.experiment is not None)
        return named or self.is_delivering or "mlflow" in sys.modules or is_named(self.environ)

    def _target(self, experiment: str | None) -> Any:
        tracker = self.tracker()
        return target(self.environ, tracker.session.cwd, experiment or self.settings.experiment)

    def post_run_cell(self, result: Any) -> None:
        """Close the window, score, write the record, and show it where a line was asked for."""
        try:
            tracker = current.current()
            if tracker is None:
                return
            key = getattr(result, "info", None)
            if id(key) not in self._cells:
                key = tracker.newest_open()  # an error outside the user's code gives another info, or none
            for _ in range(_TRIES):
                try:
                    self._end(tracker, key, result)
                    break
                except KeyboardInterrupt:  # it came too late for the cell
                    continue
        except (Exception, KeyboardInterrupt) as error:  # a failing measurement never fails the cell
            self._pending.append(f"measuring could not end ({type(error).__name__}: {error})")

    def _end(self, tracker: Tracker, key: Any, result: Any) -> None:
        cell = self._cells.get(id(key))
        if cell is None:
            return
        if cell.stopped is None:
            cell.stopped = tracker.stop(key)
            if cell.stopped is None:
                del self._cells[id(key)]
                return
        began = time.thread_time_ns()
        status = _status(result)
        if cell.metrics is None:
            self._score(tracker, key, cell, status)
        if cell.record is None:
            if self.problem is not None:
                cell.notes.append(self.problem)
            cell.notes.extend(self._pending)
            self._pending = []
            cell.record = tracker.record(cell.stopped, status, cell.metrics, cell.notes)
        record = cell.record = tracker.write(cell.stopped, cell.record)
        if cell.scoring is not None:
            tracker.write(cell.scoring, tracker.record(cell.scoring))
        self.shell.user_ns[RESULT] = record
        del self._cells[id(key)]
        tracker.meter_cpu_s += (time.thread_time_ns() - began) / NS_PER_S
        if cell.scoring is not None:
            tracker.meter_cpu_s -= cell.scoring.measured.amounts[OWN_S]
        if cell.asked is not None and not cell.asked.quiet and not lab_draws(self.shell, self.environ):
            self._show(record)

    def _score(self, tracker: Tracker, key: Any, cell: _Cell, status: Status) -> None:
        """Give the cell its metrics: those asked for, evaluated in a window of their own, or well-known names."""
        asked = {} if cell.asked is None else cell.asked.metrics
        if not asked:
            values = self._assigned(key, cell) if cell.names and status == "ok" else {}
            cell.metrics, problems = as_metrics(values)
            cell.notes.extend(problems)
            return
        if status != "ok":
            cell.notes.append("not scored, because the cell did not end well")
            cell.metrics = dict.fromkeys(asked)
            return
        assert cell.stopped is not None
        window = object()
        found: dict[str, Any] = {}
        tracker.open(window, kind="scoring", cell_id=cell.stopped.window.cell_id, options=cell.stopped.window.options)
        try:
            self._evaluate(asked, found, cell.notes)
        except KeyboardInterrupt:
            cell.notes.append("scoring was interrupted")
        cell.scoring = tracker.stop(window)
        numbers, problems = as_metrics(found)
        cell.notes.extend(problems)
        cell.metrics = {name: numbers.get(name) for name in asked}

    def _evaluate(self, expressions: Mapping[str, str], found: dict[str, Any], notes: list[str]) -> None:
        for name, expression in expressions.items():
            try:
                code = compile(expression, f"<-m {name}>", "eval")
                found[name] = eval(code, self.shell.user_global_ns, self.shell.user_ns)
            except Exception as error:  # the expression is the user's own
                notes.append(f"metric {name}: {type(error).__name__}: {error}")

    def _assigned(self, info: Any, cell: _Cell) -> dict[str, Any]:
        """Return the well-known names that this cell gave a number."""
        code = getattr(info, "transformed_cell", None) or info.raw_cell
        found = {}
        for name, is_certain in assigned(code, cell.names).items():
            value = self.shell.user_ns.get(name)
            if value is not None and (is_certain or value is not cell.values.get(name)):
                found[name] = value
        return found

    def _show(self, record: CellRecord) -> None:
        data = {"text/plain": text_line(record), "text/html": html_line(record)}
        self.shell.display_pub.publish(data)

    def _interrupt_later(self) -> None:
        """Hand a Ctrl-C that came while a hook ran on to the cell it was meant for."""
        import _thread

        timer = threading.Timer(0.01, _thread.interrupt_main)
        timer.daemon = True
        timer.start()


def _status(result: Any) -> Status:
    if result is None:
        return "unknown"
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return "ok" if result.success else "error"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "error"


def make_settings(environ: Any) -> tuple[Settings, str | None]:
    """Return the user's settings, or the defaults and what is wrong with the user's."""
    from jupyter_green.settings import default_settings, read_settings

    try:
        settings = read_settings(environ=environ)
        resolve(settings.intensity)
        return settings, None
    except UsageError as error:
        return default_settings(), f"{error} The defaults are used."
