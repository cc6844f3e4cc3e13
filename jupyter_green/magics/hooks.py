"""The hooks: a window around each cell that is to be measured.

``pre_run_cell`` and ``post_run_cell`` come as a pair for every cell but silent ones, with the same ``ExecutionInfo``:
it is the window's key, so that nested cells and cells in subshells cannot take each other's. Nothing that goes wrong
here reaches the cell: a hook that fails leaves a note on the next record.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from jupyter_green.errors import GreenError
from jupyter_green.intensity import resolve
from jupyter_green.magics.cell import Cell
from jupyter_green.magics.lab import is_from_lab, lab_draws
from jupyter_green.magics.scoring import said, score
from jupyter_green.magics.transform import options_in, without_options
from jupyter_green.records import CellRecord, Intensity, Status, to_json
from jupyter_green.settings import Settings
from jupyter_green.track import current
from jupyter_green.track.accuracy import mentioned
from jupyter_green.track.notebook import code_of, kernel_id, notebook_path
from jupyter_green.track.target import target
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.wanted import is_wanted
from jupyter_green.track.window import NO_OPTIONS, Options
from jupyter_green.units import NS_PER_S

if TYPE_CHECKING:
    from jupyter_green.magics.options import Asked

_TRIES = 5  # a Ctrl-C during a hook is followed by another try; nobody presses it five times in 1 ms
_LATER_S = 0.01  # after which a Ctrl-C that came during the first hook reaches the cell it was meant for
_TIMED = 8  # every eighth plain cell's hooks are timed: four looks at a thread's CPU clock take 3 to 8 µs
_UNSEEN = "its end was not seen, so it reaches to the begin of the next cell"

MIME = "application/vnd.jupyter-green.v1+json"
RESULT = "_energy"  # the one name that enters the user's namespace


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
        self.carries = False  # records go out with the cells' outputs: JupyterLab asked, and cannot read the journal
        self.is_delivering = settings.mlflow == "on"
        self._cells: dict[int, Cell] = {}
        self._plain = 0  # measured cells that asked for nothing
        self._pending: list[str] = []  # notes of hooks that failed, for the next record
        self._told: set[str] = set()  # what is not said again
        self._is_clearing = False  # the session ends with the cells that run now

    def tracker(self) -> Tracker | None:
        """Return this kernel's tracker; the first call makes it. None in a forked child, which its parent counts."""
        tracker = current.current()
        if tracker is None and current.is_free():
            tracker = current.start(
                self.settings, runner="kernel", notebook=notebook_path(self.shell), kernel_id=kernel_id(self.shell)
            )
        return tracker

    def clear(self) -> None:
        """End the session and forget its last record; where a cell is being measured, after that cell."""
        self._is_clearing = bool(self._cells) and current.current() is not None
        if not self._is_clearing:
            current.stop()
            self._told.clear()
            self.shell.user_ns.pop(RESULT, None)

    def pre_run_cell(self, info: Any) -> None:
        """Open a window if this cell is to be measured."""
        tries = 0
        while True:
            try:
                self._begin(info)
                if tries:
                    self._interrupt_later(info)
                return
            except KeyboardInterrupt as error:
                tries += 1
                if tries == _TRIES:
                    self._give_up(info, "measuring could not begin", error)
                    return
            except Exception as error:  # a failing measurement never fails the cell
                self._give_up(info, "measuring could not begin", error)
                return

    def _begin(self, info: Any) -> None:
        is_timed = self._plain % _TIMED == 1  # not the first, which makes the tracker
        began = time.thread_time_ns() if is_timed else 0
        raw = info.raw_cell
        if not isinstance(raw, str):
            return
        found = options_in(raw)
        if self._cells and self._is_inside(info, found):
            return
        if found is None and not self.is_on:
            return
        tracker = self.tracker()
        if tracker is None:
            return
        cell, options = self._understand(tracker, info, found)
        self._cells[id(info)] = cell
        if cell.asked is None:
            self._plain += 1
        code = code_of(raw if found is None else without_options(raw))
        tracker.open(info, cell_id=info.cell_id, code=code, options=options)
        if cell.asked is None and is_timed:
            cell.spent_ns = time.thread_time_ns() - began

    def _is_inside(self, info: Any, found: tuple[str, str | None] | None) -> bool:
        """Tell whether a cell is part of another one that is measured, and end what should have ended before it.

        A magic may run its body as a cell (``%%capture`` does): our line in it was understood already, and without
        one it is the outer cell's work.
        """
        thread = threading.get_ident()
        others = [cell for cell in self._cells.values() if cell.thread == thread and cell.info is not info]
        running = _running(self.shell) if others else ()
        around = [cell for cell in others if cell.is_scoring or id(cell.info) in running]
        for cell in others:
            if cell not in around:  # a Ctrl-C between cell and hook: IPython never told its end
                self._end_unseen(cell)
        return any(cell.inner == found[0] if found is not None else not info.store_history for cell in around)

    def _end_unseen(self, cell: Cell) -> None:
        tracker = current.current()
        if tracker is None:
            self._cells.pop(id(cell.info), None)
            return
        cell.notes = [_UNSEEN]
        try:
            self._end(tracker, cell, "interrupted")
        except Exception as error:  # a failing measurement never fails the cell
            self._give_up(cell.info, "measuring could not end", error)

    def _give_up(self, info: Any, what: str, error: BaseException) -> None:
        """Let go of a cell that cannot be measured; the next record says so."""
        note = f"{what} ({said(error)})"
        self._pending.append(note)
        tracker = current.current()
        if tracker is None and note not in self._told:  # there will be no record to say it
            self._told.add(note)
            self._tell(f"jupyter_green: {note}.")
        if self._cells.pop(id(info), None) is not None and tracker is not None:
            with suppress(Exception):  # so that what it used is not lost, if that much is possible
                stopped = tracker.stop(info)
                if stopped is not None:
                    tracker.write(stopped, tracker.record(stopped, "unknown", notes=self._pending))
                    self._pending = []

    def _understand(self, tracker: Tracker, info: Any, found: tuple[str, str | None] | None) -> tuple[Cell, Options]:
        raw = info.raw_cell
        names = mentioned(raw)
        if found is None:
            cell = Cell(info, None, names, self.shell.user_ns)
            return cell, Options(target=self._target(tracker, None)) if self._is_wanted(None) else NO_OPTIONS
        from jupyter_green.magics.options import leave_locked, parse  # only for cells that ask for something
        from jupyter_green.track.secrets import mask, mask_text

        asked = parse(found[0])
        leave_locked(asked, self.settings)
        cell = Cell(info, asked, names, self.shell.user_ns)
        if found[1] is not None:
            cell.inner = found[0]
            cell.notes.append(f"{found[1]} ran around the measured lines")
        intensity: Intensity | Literal["unknown"] | None = None
        if asked.intensity is not None:
            try:
                intensity = resolve(asked.intensity)
            except GreenError as error:
                asked.errors.append(f"{error} Energy is recorded, CO2e is not.")
                intensity = "unknown"
        for problem in asked.errors:
            self._tell(f"track_energy: {problem}")
        cell.notes.extend(f"track_energy: {problem}" for problem in asked.errors)
        wanted = self._target(tracker, asked.experiment) if self._is_wanted(asked) else None
        stays = asked.mlflow == "off"
        name = None if asked.name is None else mask_text(asked.name)
        return cell, Options(name=name, tags=mask(asked.tags), intensity=intensity, target=wanted, stays=stays)

    def _tell(self, problem: str) -> None:
        with suppress(OSError, ValueError, AttributeError):  # closed by the user: the record's note says it too
            print(problem, file=sys.stderr)

    def _is_wanted(self, asked: Asked | None) -> bool:
        """Tell whether a record is to be delivered without being asked again."""
        choice = self.settings.mlflow if asked is None or asked.mlflow is None else asked.mlflow
        named = asked is not None and (asked.name is not None or asked.experiment is not None)
        return is_wanted(choice, named=named or self.is_delivering, environ=self.environ)

    def _target(self, tracker: Tracker, experiment: str | None) -> Any:
        return target(self.environ, tracker.session.cwd, experiment or self.settings.experiment)

    def post_run_cell(self, result: Any) -> None:
        """Close the window, score, write the record, and show it where a line was asked for."""
        cell, tries = None, 0
        while True:
            try:
                tracker = current.current()
                if tracker is not None:
                    cell = self._cell_of(tracker, result)
                    if cell is not None:
                        cell.count = self._count_of(result, cell)
                        self._end(tracker, cell, _status(result))
                if self._is_clearing and not self._cells:
                    self.clear()
                return
            except KeyboardInterrupt as error:  # it came too late for the cell
                tries += 1
                if tries == _TRIES:
                    self._give_up(None if cell is None else cell.info, "measuring could not end", error)
                    return
            except Exception as error:  # a failing measurement never fails the cell
                self._give_up(None if cell is None else cell.info, "measuring could not end", error)
                return

    def _cell_of(self, tracker: Tracker, result: Any) -> Cell | None:
        """Return the measured cell that a result belongs to.

        After an error outside the user's code IPython gives a new info with the same cell in it, or no result.
        """
        info = getattr(result, "info", None)
        cell = self._cells.get(id(info))
        if cell is not None or not self._cells:
            return cell
        cell = self._cells.get(id(tracker.newest_open()))
        return cell if cell is not None and (info is None or info.raw_cell is cell.info.raw_cell) else None

    def _count_of(self, result: Any, cell: Cell) -> int | None:
        """Return the cell's ``In[n]``; IPython 9 counts on before the first hook, earlier ones after the cell."""
        if not cell.info.store_history:
            return None
        count = getattr(result, "execution_count", None)
        return count if isinstance(count, int) else self.shell.execution_count - 1

    def _end(self, tracker: Tracker, cell: Cell, status: Status) -> None:
        info = cell.info
        began = 0 if cell.spent_ns is None else time.thread_time_ns()
        if cell.stopped is None:
            cell.stopped = tracker.stop(info)
            if cell.stopped is None:
                self._cells.pop(id(info), None)
                return
        cell.stopped.window.count = cell.count
        if cell.metrics is None:
            score(self.shell, tracker, cell, status)
        if cell.record is None:
            if self.problem is not None and self.problem not in self._told:  # one record of a session says it
                self._told.add(self.problem)
                cell.notes.append(self.problem)
            cell.notes.extend(self._pending)
            self._pending = []
            if cell.asked is None and not cell.metrics and not cell.notes:
                noted = tracker.note(cell.stopped, status)  # the hot path: nothing but numbers to say
                if noted is not None:
                    self.shell.user_ns[RESULT] = noted
                    self._cells.pop(id(info), None)
                    self._note_cost(tracker, cell, began)
                    if self._is_to_show(cell):
                        self._show(noted.record)
                    return
            cell.record = tracker.record(cell.stopped, status, cell.metrics, cell.notes)
        record = cell.record = tracker.write(cell.stopped, cell.record)
        if cell.scoring is not None:
            if cell.scored is None:
                cell.scored = tracker.record(cell.scoring)
            tracker.write(cell.scoring, cell.scored)
        self.shell.user_ns[RESULT] = record
        self._cells.pop(id(info), None)
        self._note_cost(tracker, cell, began)
        if self._is_to_show(cell):
            self._show(record)

    def _is_to_show(self, cell: Cell) -> bool:
        if cell.asked is None:
            return self.carries and is_from_lab(self.shell)
        return not cell.asked.quiet and not lab_draws(self.shell, self.environ)

    def _note_cost(self, tracker: Tracker, cell: Cell, began: int) -> None:
        """Let the next record say what measuring this cell took."""
        if cell.spent_ns is not None:
            tracker.meter_cpu_s = (cell.spent_ns + time.thread_time_ns() - began) / NS_PER_S

    def _show(self, record: CellRecord) -> None:
        from jupyter_green.views.line import html_line, text_line

        data: dict[str, Any] = {"text/plain": text_line(record), "text/html": html_line(record)}
        if is_from_lab(self.shell):
            data[MIME] = to_json(record)  # JupyterLab's own drawing, where the server cannot read the journal
        self.shell.display_pub.publish(data)

    def _interrupt_later(self, info: Any) -> None:
        """Hand a Ctrl-C that came while a hook ran on to the cell it was meant for, if that still runs."""
        import _thread

        def interrupt() -> None:
            cell = self._cells.get(id(info))
            if cell is not None and cell.stopped is None:
                _thread.interrupt_main()

        timer = threading.Timer(_LATER_S, interrupt)
        timer.daemon = True
        timer.start()


def _running(shell: Any) -> set[int]:
    """Return the ids of the infos of all cells that run inside each other in this thread."""
    code = type(shell).run_cell_async.__code__
    found = set()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is code:
            found.add(id(frame.f_locals.get("info")))
        frame = frame.f_back
    return found


def _status(result: Any) -> Status:
    if result is None:
        return "unknown"
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return "ok" if result.success else "error"
    # ipykernel turns a Ctrl-C into a CancelledError where a cell awaits.
    is_cancelled = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
    return "interrupted" if is_cancelled else "error"
