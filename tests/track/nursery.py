"""A process that has imported mlflow once and forks a deliverer for each request.

It stands for ``python -m jupyter_green.track once``, 3 CPU-seconds of import the cheaper. Requests come as lines on
standard input; the fork's pid and then the outcome (null if it was killed) go to standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

_HEAVY = (
    "mlflow.tracking",
    "mlflow.store.artifact.local_artifact_repo",
    "mlflow.store.tracking.rest_store",
    "mlflow.store.tracking.sqlalchemy_store",
)


def _deliver(request: dict[str, Any], answer: int) -> None:
    from jupyter_green.records import target_from_json, to_json
    from jupyter_green.track.deliver import deliver
    from jupyter_green.track.store import quiet

    environ = request["environ"]
    os.environ.clear()
    os.environ.update(environ)
    quiet(os.environ)
    outcomes = []
    for log in request["logs"]:
        wanted = None if request["wanted"] is None else target_from_json(request["wanted"])
        outcomes.append(to_json(deliver(Path(request["home"]), Path(log), wanted, environ)))
    os.write(answer, json.dumps(outcomes).encode())


def main() -> None:
    """Serve until standard input ends."""
    from jupyter_green.track.store import quiet

    quiet(os.environ)
    for module in _HEAVY:
        importlib.import_module(module)
    print(json.dumps("ready"), flush=True)
    last = None
    for line in sys.stdin:
        if last is not None:
            os.waitpid(last, 0)  # not before: until then its number is no other's, and a kill hits it or nobody
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            try:
                _deliver(json.loads(line), write_end)
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(write_end)
        print(json.dumps(pid), flush=True)
        with os.fdopen(read_end, "rb") as file:
            said = file.read()
        last = pid
        print(said.decode() or "null", flush=True)


if __name__ == "__main__":
    main()
