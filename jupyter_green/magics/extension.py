"""Loading and unloading, and the line magic ``%track_energy``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from jupyter_green.errors import GreenError, UsageError
from jupyter_green.magics.hooks import Hooks
from jupyter_green.magics.status import loaded_line, status_text
from jupyter_green.magics.transform import MARK, transform
from jupyter_green.settings import did_you_mean
from jupyter_green.track import current
from jupyter_green.track.target import target

_ATTRIBUTE = "_jupyter_green_hooks"
_COMMANDS = ("on", "off", "status", "clear", "last", "sync")


def hooks_of(shell: Any) -> Hooks | None:
    """Return the hooks of a shell, or None where the extension is not loaded."""
    hooks = getattr(shell, _ATTRIBUTE, None)
    return hooks if isinstance(hooks, Hooks) else None


def load_ipython_extension(shell: Any) -> None:
    """Register hooks, transformer and magics, and print one line."""
    hooks = hooks_of(shell) or install(shell)  # JupyterLab's button may have been faster
    if hooks.problem is not None:
        print(hooks.problem, file=sys.stderr)
    print(loaded_line(hooks.settings))


def install(shell: Any) -> Hooks:
    """Register hooks, transformer and magics."""
    settings, problem = current.usable_settings(os.environ)
    hooks = Hooks(shell, settings, os.environ, problem)
    setattr(shell, _ATTRIBUTE, hooks)
    shell.events.register("pre_run_cell", hooks.pre_run_cell)
    shell.events.register("post_run_cell", hooks.post_run_cell)
    shell.input_transformers_cleanup.append(transform)
    shell.register_magic_function(_line_magic(hooks), "line", "track_energy")
    shell.register_magic_function(_cell_magic(shell), "cell", "track_energy")
    return hooks


def unload_ipython_extension(shell: Any) -> None:
    """Take everything away again and end the session."""
    hooks = hooks_of(shell)
    if hooks is None:
        return
    delattr(shell, _ATTRIBUTE)
    for event, hook in (("pre_run_cell", hooks.pre_run_cell), ("post_run_cell", hooks.post_run_cell)):
        if hook in shell.events.callbacks[event]:
            shell.events.unregister(event, hook)
    if transform in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(transform)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("track_energy", None)
    current.stop()


def _line_magic(hooks: Hooks) -> Callable[[str], None]:
    def track_energy(line: str) -> None:
        """Measure cells: ``%track_energy on|off|status|clear|last|sync``.

        on      measure every cell from now on
        off     measure only cells that begin with ``%%track_energy``
        status  how it is measured, what this session used, what waits for MLflow
        clear   forget the last record and begin a new session
        last    show the last record
        sync    send this session to MLflow
        """
        word = line.strip() or "status"
        if word not in _COMMANDS:
            near = did_you_mean(word, _COMMANDS) or f" Write one of {', '.join(_COMMANDS)}."
            print(f"track_energy: unknown command {word!r}.{near}", file=sys.stderr)
            return
        _run(hooks, word)

    return track_energy


def _run(hooks: Hooks, word: str) -> None:
    if word == "on":
        try:
            hooks.tracker()
        except (GreenError, OSError) as error:
            print(f"track_energy: nothing can be measured here ({error}).", file=sys.stderr)
            return
        hooks.is_on = True
        print("Tracking the energy of every cell. %track_energy off ends it, %track_energy status tells how.")
    elif word == "off":
        hooks.is_on = False
        print("Tracking is off. Cells that begin with %%track_energy are still measured.")
    elif word == "clear":
        hooks.clear()
        print("The next measured cell begins a new session. What was recorded stays in the journal.")
    elif word == "last":
        from jupyter_green.views.line import text_line

        record = current.last()
        print("No cell was measured yet." if record is None else text_line(record))
    elif word == "sync":
        _sync(hooks)
    else:
        print(status_text(hooks))


def _sync(hooks: Hooks) -> None:
    tracker = current.current()
    if tracker is None or tracker.last is None:
        print("No cell was measured yet, so there is nothing to send.")
        return
    if tracker.session.run is not None:
        print("This notebook runs in a measured run, which sends everything when it ends.")
        return
    from jupyter_green.track.sync import refuse_if_locked, sync_session

    try:
        refuse_if_locked(hooks.settings)
    except UsageError as error:
        print(f"track_energy: {error}", file=sys.stderr)
        return
    hooks.is_delivering = True  # the user said so once
    wanted = target(os.environ, tracker.session.cwd, hooks.settings.experiment)
    print(sync_session(tracker.journal.path, wanted, os.environ))


def _cell_magic(shell: Any) -> Callable[[str, str], None]:
    def track_energy(line: str, cell: str) -> None:
        """Measure this cell: ``%%track_energy [-n NAME] [-m METRIC=EXPR ...] [OPTIONS]``.

        -n NAME               name the cell; a named cell becomes a run of its own in MLflow
        -m METRIC=EXPR ...    evaluated after the cell, measured apart: -m accuracy=clf.score(X_test, y_test)
        --mlflow auto|on|off  send to MLflow
        --experiment NAME     MLflow's experiment
        --tag K=V             a tag on the run
        --intensity ZONE|53g  carbon intensity of this cell's electricity
        --quiet               show no line
        """
        # Reached only where another magic's body is run without IPython's transformers; then the cell is run here.
        shell.run_cell(f"{MARK} {line}\n{cell}")

    return track_energy
