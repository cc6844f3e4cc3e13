"""A cell's metrics: those asked for with ``-m``, evaluated in a window of their own, or well-known names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_green.magics.cell import Cell
from jupyter_green.records import Status
from jupyter_green.track.accuracy import as_metrics, assigned, is_number
from jupyter_green.track.tracker import Tracker

_MOST_TEXT = 200  # characters of a user's error in a note


def score(shell: Any, tracker: Tracker, cell: Cell, status: Status) -> None:
    """Give the cell its metrics: those asked for, evaluated in a window of their own, or well-known names."""
    asked = {} if cell.asked is None else cell.asked.metrics
    if not asked:
        values = _assigned(shell, cell) if cell.names and status == "ok" else {}
        cell.metrics, problems = as_metrics(values)
        cell.notes.extend(problems)
        return
    if status != "ok":
        cell.notes.append("not scored, because the cell did not end well")
        cell.metrics = dict.fromkeys(asked)
        return
    assert cell.stopped is not None
    if cell.found is None:
        tracker.open(cell, kind="scoring", cell_id=cell.stopped.window.cell_id, options=cell.stopped.window.options)
        cell.found = {}
        cell.is_scoring = True
        try:
            _evaluate(shell, asked, cell.found, cell.notes)
        except KeyboardInterrupt:
            cell.notes.append("scoring was interrupted")
        finally:
            cell.is_scoring = False
    cell.scoring = tracker.stop(cell)
    numbers, problems = as_metrics(cell.found)
    cell.notes.extend(problems)
    cell.metrics = {name: numbers.get(name) for name in asked}


def _evaluate(shell: Any, expressions: Mapping[str, str], found: dict[str, Any], notes: list[str]) -> None:
    for name, expression in expressions.items():
        try:
            code = compile(expression, f"<-m {name}>", "eval")
            found[name] = eval(code, shell.user_global_ns, shell.user_ns)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the expression is the user's own: it may even be sys.exit()
            notes.append(f"metric {name}: {said(error)}")


def _assigned(shell: Any, cell: Cell) -> dict[str, Any]:
    """Return the well-known names that this cell gave a number."""
    code = getattr(cell.info, "transformed_cell", None) or cell.info.raw_cell
    found = {}
    for name, is_certain in assigned(code, cell.names).items():
        value = shell.user_ns.get(name)
        if is_number(value) and (is_certain or cell.before[name]() is not value):
            found[name] = value
    return found


def said(error: BaseException) -> str:
    """Return an error in one short line, whatever the user's own class does."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # the class is the user's own
        text = ""
    return f"{type(error).__name__}: {text[:_MOST_TEXT]}" if text else type(error).__name__
