"""A synthetic machine: a counter tree and a ``/proc/stat``, driven at a known power by another process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.powercap import Tree

# Writes both files each ms: so many watts all the time, and so many for each busy CPU of the processes whose ids it is
# told. A tick of /proc/stat is 10 ms, as the kernel's.
_WRITER = """
import os, sys, threading, time
counter, stat = (os.open(path, os.O_WRONLY) for path in sys.argv[1:3])
idle_w, busy_w, cpus = (float(text) for text in sys.argv[3:])
used = {}
def attach():
    for line in sys.stdin:
        pid = int(line)
        used[pid] = [0, 0]
        used[pid] = [cpu_ns(pid)] * 2
def cpu_ns(pid):
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return used[pid][1]
threading.Thread(target=attach, daemon=True).start()
began = time.monotonic_ns()
while True:
    tick = (time.monotonic_ns() - began) // 1_000_000
    for pid, (first, _) in list(used.items()):
        used[pid] = [first, cpu_ns(pid)]
    busy_ns = sum(last - first for first, last in used.values())
    os.pwrite(counter, b"%-20d\\n" % int(tick * idle_w * 1e3 + busy_ns * busy_w / 1e3), 0)
    busy = busy_ns // 10_000_000
    idle = max(0, int(tick * cpus) // 10 - busy)
    os.pwrite(stat, b"cpu  %-15d 0 0 %-15d 0 0 0 0 0 0\\n" % (busy, idle), 0)
    rest = began + (tick + 1) * 1_000_000 - time.monotonic_ns()
    if rest > 0:
        time.sleep(rest / 1e9)
"""


class World(NamedTuple):
    """A running synthetic machine.

    Its power is ``idle_w``, and ``busy_w`` more for each CPU that attached processes keep busy.
    """

    root: Path
    stat: Path
    idle_w: float
    busy_w: float
    writer: subprocess.Popen[str]

    def attach(self, pid: int) -> None:
        """Let a process draw power from now on."""
        assert self.writer.stdin is not None
        self.writer.stdin.write(f"{pid}\n")
        self.writer.stdin.flush()


def make_tree(folder: Path) -> Path:
    """Return a synthetic tree of one package and its memory."""
    tree = Tree(folder / "powercap")
    tree.zone("intel-rapl:0", "package-0")
    tree.zone("intel-rapl:0:0", "dram")
    return tree.root


@contextmanager
def world(idle_w: float, busy_w: float = 0.0) -> Iterator[World]:
    """Run a synthetic machine with as many CPUs as this one has."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        root, stat = make_tree(Path(folder)), Path(folder) / "stat"
        stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\n", "ascii")
        counter = str(root / "intel-rapl:0" / "energy_uj")
        command = [sys.executable, "-c", _WRITER, counter, str(stat), str(idle_w), str(busy_w), str(os.cpu_count())]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        try:
            yield World(root, stat, idle_w, busy_w, writer)
        finally:
            writer.kill()
            writer.communicate()
