"""The public functions: `measure`, `step`, `last`, `history`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from jupyter_green.records import CellRecord, Status
from jupyter_green.track import current
from jupyter_green.track.accuracy import as_metrics
from jupyter_green.track.notebook import kernel_id, notebook_path
from jupyter_green.track.target import target
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.wanted import is_wanted
from jupyter_green.track.window import Options

if TYPE_CHECKING:
    import pandas as pd

last = current.last

_Part = TypeVar("_Part")
_MOST_STEP = 2**63  # what databases hold
_told: set[str] = set()


class Block:
    """A measured block of code: `log` its metrics inside, read `record` after it."""

    def __init__(self) -> None:
        self.record: CellRecord | None = None
        self._metrics: dict[str, Any] = {}

    def log(self, **metrics: Any) -> None:
        """Note the block's metrics, as in ``block.log(accuracy=0.96)``; the last value of a name counts."""
        self._metrics.update(metrics)


@contextmanager
def measure(name: str | None = None) -> Iterator[Block]:
    """Measure a block of code, in a notebook or a plain script.

    Args:
        name: A named block becomes a run of its own in MLflow, unless the settings say ``mlflow = off``.

    Yields:
        A `Block`. Its record stays None in a process forked from the measured one (its parent counts it), and where
        measuring is not possible, which is said once on standard error.

    >>> with measure() as block:
    ...     block.log(accuracy=0.96)
    """
    block, key = Block(), object()
    tracker = _trying(lambda: _open(key, name))
    status: Status = "ok"
    try:
        yield block
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
        raise
    finally:
        if tracker is not None and not tracker.is_inert:  # else a fork inside the block: the parent ends it
            block.record = _trying(lambda: _close(tracker, key, status, block._metrics))


def _open(key: object, name: str | None) -> Tracker | None:
    tracker = _tracker()
    if tracker is None or tracker.is_inert:
        return None
    settings = tracker.settings
    wanted = is_wanted(settings.mlflow, named=name is not None, environ=os.environ)
    goes_to = target(os.environ, tracker.session.cwd, settings.experiment) if wanted else None
    tracker.open(key, kind="block", options=Options(name=None if name is None else _named(name), target=goes_to))
    return tracker


def _named(name: object) -> str:
    from jupyter_green.track.secrets import mask_text  # only for blocks with a name

    return mask_text(str(name))


def _close(tracker: Tracker, key: object, status: Status, values: dict[str, Any]) -> CellRecord | None:
    stopped = tracker.stop(key)
    if stopped is None:
        return None
    metrics, notes = as_metrics(values)
    return tracker.write(stopped, tracker.record(stopped, status, metrics, notes))


def _trying(measuring: Callable[[], _Part]) -> _Part | None:
    """Do a part of measuring; what goes wrong there never fails the user's code, and is said once."""
    try:
        return measuring()
    except Exception as error:
        problem = f"jupyter_green: this could not be measured ({type(error).__name__}: {error})."
        if problem not in _told:
            _told.add(problem)
            print(problem, file=sys.stderr)
        return None


def step(step: int | None = None, **metrics: Any) -> float | None:
    """Note that a step (an epoch, say) of the running cell or block is done.

    Args:
        step: Its number; by default one more than the last.
        metrics: Numbers of this step, as in ``step(accuracy=0.9)``.

    Returns:
        Energy of the cell or block so far, J (attributed); None if nothing is being measured.
    """
    tracker = current.current()
    if tracker is None:
        return None
    noted = tracker.step(_number(step), as_metrics(metrics)[0])
    return None if noted is None else noted.energy_j


def _number(step: Any) -> int | None:
    """Return a step's number as an int (numpy's are none), or None where it is no number."""
    try:
        number = None if step is None else int(step)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < _MOST_STEP else None


def history(notebook: str | None = None) -> pd.DataFrame:
    """Return the records in the journal as a table, the oldest first.

    Args:
        notebook: Only of this notebook (its path).

    Returns:
        A row a record. Columns end in their unit; unknown is NaN or None. Parts of other records
        (``part_of``) are in the others' figures already.
    """
    import pandas as pd

    from jupyter_green.settings import read_home
    from jupyter_green.track.history import COLUMNS, read_rows

    path = None if notebook is None else os.path.abspath(notebook)
    rows = read_rows(read_home(os.environ), path)
    return pd.DataFrame(rows, columns=None if rows else list(COLUMNS))


def _tracker() -> Tracker | None:
    tracker = current.current()
    if tracker is not None or not current.is_free():
        return tracker
    settings, problem = current.usable_settings(os.environ)
    shell = _shell()
    runner: Literal["script", "kernel"] = "script" if getattr(shell, "kernel", None) is None else "kernel"
    tracker = current.start(settings, runner=runner, notebook=notebook_path(shell), kernel_id=kernel_id(shell))
    if problem is not None and tracker.settings is settings:
        print(problem, file=sys.stderr)
    return tracker


def _shell() -> Any:
    """Return IPython's shell, if this runs in one: the blocks of a notebook belong to the notebook."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
