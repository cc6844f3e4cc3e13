"""The courier: a process of its own that brings a kernel's journal to MLflow.

The kernel starts it at its first record to deliver, detached (a grandchild, so that its CPU time is nobody's cell),
in the kernel's Python, environment and folder. A pipe holds the two together: a byte says "there is more", its end
says that there will be no more; a write that fails says that the courier is gone, and the next record starts a new one.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from jupyter_green.records import CellRecord
from jupyter_green.track.apart import Quiet, start_apart


class Courier:
    """The kernel's end of the courier.

    Args:
        home: The folder of everything that is kept.
        log: The session's journal file.
        environ: The kernel's environment.
        quiet: Of the meter that reads the kernel's process tree.
    """

    def __init__(self, home: Path, log: Path, environ: Mapping[str, str], quiet: Quiet) -> None:
        self._home, self._log, self._environ, self._quiet = home, log, environ, quiet
        self._pipe: int | None = None
        self._lock = threading.RLock()  # threads may end blocks at the same time
        self.problem: str | None = None

    def consider(self, record: CellRecord) -> None:
        """Wake the courier if a record is to be delivered."""
        if record.mlflow is not None:
            self.wake()

    def wake(self) -> None:
        """Tell the courier that there is more; start one if none is there."""
        with self._lock:
            if self._pipe is not None and self._write(self._pipe):
                return
            self.problem = None
            try:
                self._start()
            except Exception as error:  # no interpreter, no processes left, a system without these calls
                self.problem = f"the courier to MLflow could not be started ({type(error).__name__}: {error})"

    def close(self) -> None:
        """Have the courier bring the end of the session, if there is one that brings records, and let it go."""
        with self._lock:
            if self._pipe is not None:
                self.wake()  # its byte arrives also where a forked process keeps the pipe open
                self._hang_up()

    def _write(self, pipe: int) -> bool:
        try:
            ask = select.poll()
            ask.register(pipe, select.POLLOUT)
            told = ask.poll(0)
            if not told:
                return True  # it has not read what it was told before: it will find everything
            if not told[0][1] & select.POLLERR:  # a write would raise SIGPIPE, and the user may have let that kill
                os.write(pipe, b".")
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._hang_up()
        return False

    def _hang_up(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)

    def _start(self) -> None:
        import subprocess  # only where something is delivered

        read_end, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        # -P: no module of the notebook's folder takes the place of one of Python's.
        arguments = [sys.executable, "-P", "-m", "jupyter_green.track", "courier", str(self._log)]
        environ = {**self._environ, "JUPYTER_GREEN_HOME": str(self._home)}
        try:
            start_apart(
                arguments,
                environ,
                self._quiet,
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except BaseException:
            self._hang_up()
            raise
        finally:
            os.close(read_end)
