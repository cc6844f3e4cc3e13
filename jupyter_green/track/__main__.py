"""``python -m jupyter_green.track``: the processes that deliver, so that mlflow is imported in no kernel.

``courier LOG``  follows one session: standard input is the pipe to its kernel.
``once``         reads jobs as JSON from standard input and prints an outcome for each.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path

from jupyter_green.records import target_from_json, to_json
from jupyter_green.settings import read_home
from jupyter_green.track.deliver import Outcome, deliver
from jupyter_green.track.journal import read_log
from jupyter_green.track.retention import forget_old
from jupyter_green.track.store import quiet

_SETTLE_S = 1.0  # cells of a Run All go together
_IDLE_S = 600.0  # then the courier ends; the next record starts another
_FIRST_RETRY_S, _LAST_RETRY_S = 5.0, 300.0


def _lower_priority() -> None:
    if hasattr(os, "nice"):
        os.nice(19)


def follow(log: Path) -> None:
    """Deliver whenever the kernel says that there is more, and once more when it is gone."""
    _lower_priority()
    home = read_home(os.environ)
    retry_s = _FIRST_RETRY_S
    timeout: float = 0.0  # the first record is there already
    is_open = True
    up_to_date: set[str] = set()
    settle_s = _SETTLE_S
    while is_open:
        ready, _, _ = select.select([0], [], [], timeout)
        if ready:
            is_open = bool(os.read(0, 4096))
            if is_open and select.select([0], [], [], settle_s)[0]:
                is_open = bool(os.read(0, 4096))
        elif timeout == _IDLE_S:
            return
        if not is_open:
            _wait_for_end(log)
        began = time.process_time()
        outcome = deliver(home, log, None, os.environ, up_to_date)
        # A long session takes longer to deliver: then less often, so that it stays at a tenth of a CPU at most.
        settle_s = max(_SETTLE_S, 10 * (time.process_time() - began))
        timeout = _IDLE_S
        if outcome.problem is not None:
            timeout, retry_s = retry_s, min(2 * retry_s, _LAST_RETRY_S)
        else:
            retry_s = _FIRST_RETRY_S
    forget_old(home, os.environ)


def _wait_for_end(log: Path) -> None:
    """Wait until the kernel, which closed the pipe by ending, is really gone: its status tells how the run ended."""
    from jupyter_green.track.history import is_alive

    for _ in range(50):
        session = read_log(log)
        if session is None or session.end is not None or not is_alive(session.session):
            return
        select.select([], [], [], 0.1)


def once() -> None:
    """Deliver what the jobs on standard input name."""
    home = read_home(os.environ)
    for job in json.loads(sys.stdin.read()):
        wanted = None if job["wanted"] is None else target_from_json(job["wanted"])
        outcome: Outcome = deliver(home, Path(job["log"]), wanted, os.environ)
        print(json.dumps(to_json(outcome)), flush=True)
    forget_old(home, os.environ)


if __name__ == "__main__":
    quiet(os.environ)
    if sys.argv[1] == "courier":
        follow(Path(sys.argv[2]))
    else:
        once()
