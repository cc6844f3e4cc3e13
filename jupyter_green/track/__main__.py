"""``python -m jupyter_green.track``: the processes that deliver, so that mlflow is imported in no kernel.

``courier LOG``       follows one session: standard input is the pipe to its kernel.
``courier LOG wait``  the same, but nothing is there to deliver yet.
``once MARK``         reads jobs as JSON from standard input and prints an outcome for each.
``look MARK``         reads runs as JSON from standard input and prints what MLflow says of them, a line for each store.

A line of an answer begins with the mark.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from jupyter_green.records import Session, target_from_json, to_json
from jupyter_green.settings import read_home
from jupyter_green.track.deliver import Outcome, deliver
from jupyter_green.track.history import is_alive, is_here
from jupyter_green.track.looking import answer
from jupyter_green.track.retention import forget_old
from jupyter_green.track.store import quiet
from jupyter_green.track.tail import Tail

_SETTLE_S = 1.0  # cells of a Run All go together
_IDLE_S = 600.0  # then the courier lets go of mlflow's memory
_LOOK_S = 10.0  # how often to look for the kernel itself: a process forked from it may hold the pipe open
_FIRST_RETRY_S, _LAST_RETRY_S = 5.0, 300.0


def _lower_priority() -> None:
    if hasattr(os, "nice"):
        os.nice(19)


def follow(log: Path, environ: Mapping[str, str], wait: bool = False) -> None:
    """Deliver whenever the kernel says that there is more, until its session has ended; once more when it is gone.

    Args:
        log: The session's journal file.
        environ: The kernel's environment.
        wait: Whether to wait for the kernel's word first.
    """
    _lower_priority()
    home = read_home(environ)
    retry_s = _FIRST_RETRY_S
    timeout: float | None = None if wait else 0.0
    up_to_date: set[str] = set()
    settle_s = _SETTLE_S
    is_open = True
    tail = Tail(log)
    _read(tail)
    while is_open:
        heard = _listen(timeout, tail.session)
        if heard == "more":
            heard = _listen(settle_s, tail.session)
        elif heard == "nothing" and timeout == _IDLE_S:
            # The same process, but as small as a fresh interpreter, until there is more.
            command = [sys.executable, "-P", "-m", "jupyter_green.track", "courier", str(log), "wait"]
            os.execve(sys.executable, command, dict(environ))
        is_open = heard != "gone"
        _read(tail)
        if not is_open:
            _wait_for_end(tail)
        is_first = "mlflow" not in sys.modules
        began = time.process_time()
        outcome = deliver(home, log, None, environ, up_to_date)
        # A long session takes longer to deliver: then less often, so that it stays at a tenth of a CPU at most.
        settle_s = _SETTLE_S if is_first else max(_SETTLE_S, 10 * (time.process_time() - began))
        timeout = _IDLE_S
        if outcome.problem is not None:
            timeout, retry_s = retry_s, min(2 * retry_s, _LAST_RETRY_S)
        elif tail.end is not None:  # read before the delivery, which brought everything up to it
            break
        else:
            retry_s = _FIRST_RETRY_S
    forget_old(home, environ)


def _listen(seconds: float | None, session: Session | None) -> Literal["more", "gone", "nothing"]:
    """Wait for the kernel's word, or its end."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = _LOOK_S if until is None else max(0.0, until - time.monotonic())
        if select.select([0], [], [], min(left, _LOOK_S))[0]:
            return "more" if os.read(0, 4096) else "gone"
        if until is not None and time.monotonic() >= until:
            return "nothing"
        if session is not None and is_here(session) and not is_alive(session):
            return "gone"


def _read(tail: Tail) -> None:
    with suppress(OSError):  # the delivery will say so
        tail.read()


def _wait_for_end(tail: Tail) -> None:
    """Wait until the kernel, which closed the pipe by ending, is really gone: its status tells how the run ended."""
    for _ in range(50):
        if tail.session is None or tail.end is not None or not is_alive(tail.session):
            return
        time.sleep(0.1)
        _read(tail)


def once(environ: Mapping[str, str], mark: str) -> None:
    """Deliver what the jobs on standard input name."""
    _lower_priority()
    home = read_home(environ)
    for job in json.loads(sys.stdin.read()):
        wanted = None if job["wanted"] is None else target_from_json(job["wanted"])
        outcome: Outcome = deliver(home, Path(job["log"]), wanted, environ)
        _say(mark, to_json(outcome))
    forget_old(home, environ)


def look(environ: Mapping[str, str], mark: str) -> None:
    """Ask MLflow for the runs that standard input names."""
    _lower_priority()
    for said in answer(json.loads(sys.stdin.read()), environ):
        _say(mark, said)


def _say(mark: str, answer: Any) -> None:
    """Print an answer in a line of its own, whatever mlflow and its plug-ins print."""
    print(f"\n{mark}{json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    given = dict(os.environ)  # mlflow writes into the environment of its process
    quiet(os.environ)
    if sys.argv[1] == "courier":
        follow(Path(sys.argv[2]), given, wait=sys.argv[3:] == ["wait"])
    elif sys.argv[1] == "look":
        look(given, sys.argv[2])
    else:
        once(given, sys.argv[2])
