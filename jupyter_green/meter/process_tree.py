"""CPU time of a process and all it started: its own, its children it has waited for, and those still running.

Three sources make a total that only grows: the process's clock; what it reaped (``getrusage`` for ourselves,
``cutime`` in ``/proc/PID/stat`` for another pid, 10 ms ticks); and the clocks of the live descendants, found by
``/proc/PID/task/*/children``. A descendant that was seen once and left the tree (a daemon) stays ours while it
lives, and what it used is kept when it ends.
"""

from __future__ import annotations

import os
import time
from typing import Any

from jupyter_green.meter.clocks import LINUX, process_cpu_ns, process_started, read_stat
from jupyter_green.units import NS_PER_S

if LINUX:
    import resource

_RETRIES = 3  # a child reaped between two reads would be counted twice


class ProcessTree:
    """The CPU time of a process tree as a running total.

    Args:
        pid: Root of the tree; this process if None.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._own = pid is None
        self._pid = os.getpid() if pid is None else pid
        self._last_ns = 0
        self._kept_ns = 0  # of descendants that ended outside the tree
        self._live: dict[int, tuple[int | None, int]] = {}  # pid: (its start, its CPU so far)
        self._detached: dict[int, tuple[int | None, int]] = {}
        self._children_fds: dict[tuple[int, bytes], int] = {}
        self._tick_ns = NS_PER_S // os.sysconf("SC_CLK_TCK") if LINUX else 0

    def cpu_ns(self) -> int | None:
        """Return the CPU time of the tree in ns; it never falls. None if the root has ended."""
        if not LINUX:
            return self._cpu_by_psutil()
        total = 0
        for _ in range(_RETRIES):
            reaped = self._reaped_ns()
            root = time.process_time_ns() if self._own else process_cpu_ns(self._pid)
            if root is None or reaped is None:
                return None
            total = root + reaped + self._live_ns() + self._kept_ns
            if self._reaped_ns() == reaped:
                break
        if total < self._last_ns:  # a descendant ended and nobody was told its CPU time (SIGCHLD is ignored)
            self._kept_ns += self._last_ns - total
            total = self._last_ns
        self._last_ns = total
        return total

    def _reaped_ns(self) -> int | None:
        if self._own:
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return int((usage.ru_utime + usage.ru_stime) * NS_PER_S)
        return self._reaped_by(self._pid)

    def _reaped_by(self, pid: int) -> int | None:
        stat = read_stat(pid)
        return None if stat is None else (int(stat[13]) + int(stat[14])) * self._tick_ns

    def _live_ns(self) -> int:
        if self._own and not self._live and not self._detached and not _has_children():
            return 0
        found = self._descendants()
        total = 0
        for pid in found:
            cpu = process_cpu_ns(pid)
            if cpu is None:
                continue
            started = self._live[pid][0] if pid in self._live else process_started(pid)
            cpu += self._reaped_by(pid) or 0
            self._detached.pop(pid, None)
            self._live[pid] = (started, cpu)
            total += cpu
        for pid in [pid for pid in self._live if pid not in found]:
            started, cpu = self._live.pop(pid)
            if process_started(pid) == started:  # it left the tree and runs on
                self._detached[pid] = (started, cpu)
        return total + self._detached_ns()

    def _detached_ns(self) -> int:
        total = 0
        for pid, (started, cpu) in list(self._detached.items()):
            now = process_cpu_ns(pid) if process_started(pid) == started else None
            if now is None:
                self._kept_ns += cpu
                del self._detached[pid]
            else:
                cpu = now + (self._reaped_by(pid) or 0)
                self._detached[pid] = (started, cpu)
                total += cpu
        return total

    def _descendants(self) -> set[int]:
        found: set[int] = set()
        waiting = [self._pid]
        used: set[tuple[int, bytes]] = set()
        while waiting:
            pid = waiting.pop()
            try:
                threads = os.listdir(b"/proc/%d/task" % pid)
            except OSError:
                continue
            for thread in threads:
                for child in self._children(pid, thread, used):
                    if child not in found:
                        found.add(child)
                        waiting.append(child)
        for key in [key for key in self._children_fds if key not in used]:
            os.close(self._children_fds.pop(key))
        return found

    def _children(self, pid: int, thread: bytes, used: set[tuple[int, bytes]]) -> list[int]:
        key = (pid, thread)
        fd = self._children_fds.get(key)
        try:
            if fd is None:
                fd = os.open(b"/proc/%d/task/%s/children" % key, os.O_RDONLY | os.O_CLOEXEC)
                self._children_fds[key] = fd
            used.add(key)
            text = os.pread(fd, 65536, 0)
        except OSError:  # the thread has ended; a new one of the same number gets a new descriptor
            stale = self._children_fds.pop(key, None)
            if stale is not None:
                os.close(stale)
            return []
        return [int(child) for child in text.split()]

    def _cpu_by_psutil(self) -> int | None:
        import psutil

        try:
            root = psutil.Process(self._pid)
            processes: list[Any] = [root, *root.children(recursive=True)]
        except psutil.Error:
            return None
        seconds = 0.0
        for process in processes:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            seconds += times.user + times.system
        self._last_ns = max(self._last_ns, int(seconds * NS_PER_S))
        return self._last_ns

    def close(self) -> None:
        """Give the descriptors back."""
        while self._children_fds:
            os.close(self._children_fds.popitem()[1])


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
