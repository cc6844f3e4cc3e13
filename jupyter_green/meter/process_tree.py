"""CPU time of a process and all it started: its own, its children it has waited for, and those still running.

Three sources make a total that only grows: the process's clock; what it reaped (``getrusage`` for ourselves,
``cutime`` in ``/proc/PID/stat`` for another pid, 10 ms ticks); and the clocks of the live descendants, found by
``/proc/PID/task/*/children``. A descendant that was seen once and left the tree (a daemon) stays ours while it
lives, and what it used is kept when it ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from jupyter_green.meter.clocks import LINUX, process_cpu_ns, read_stat
from jupyter_green.units import NS_PER_S

if LINUX:
    import ctypes
    import resource

    # C's own: `os.waitid` tells of no children, which is most often so, by an exception that costs 15 µs a look. It
    # returns at once, and so may keep the interpreter's lock.
    _waitid = ctypes.PyDLL(None).waitid
    _waitid.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_void_p, ctypes.c_int]

_RETRIES = 3  # a child reaped between two reads would be missed
_MOST_FDS = 128  # descriptors kept open; a tree of more threads than that is read more slowly
_SLACK_NS = 10_000  # getrusage counts in µs


class _Seen(NamedTuple):
    """A descendant: when it started (ticks since boot), its CPU time and that of the children it reaped (ns)."""

    started: int | None
    own_ns: int
    reaped_ns: int
    threads: int  # how many it has; 0 if that is not known


class _State(NamedTuple):
    """What was known after the last complete read; replaced as a whole, so that an interrupt leaves no half."""

    reaped_ns: int  # by the root
    seen: Mapping[int, _Seen]  # descendants that run, in the tree or not
    kept_ns: int  # of descendants that ended and that nobody of the tree reaped


class ProcessTree:
    """The CPU time of a process tree as a running total.

    Args:
        pid: Root of the tree; this process if None.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._own = pid is None
        self._pid = os.getpid() if pid is None else pid
        self._last_ns = 0
        self._state = _State(0, {}, 0)
        self._fds: dict[bytes, int] = {}
        self._tick_ns = NS_PER_S // os.sysconf("SC_CLK_TCK") if LINUX else 0

    def cpu_ns(self) -> int | None:
        """Return the CPU time of the tree in ns; it never falls. None if the root has ended."""
        if not LINUX:
            return self._cpu_by_psutil()
        total = 0
        for attempt in range(_RETRIES):
            state = self._state
            reaped = self._reaped_ns()
            root = time.process_time_ns() if self._own else process_cpu_ns(self._pid)
            if root is None or reaped is None:
                return None
            if self._own and not state.seen and not _has_children():
                if self._fds:
                    self.close()  # descriptors of threads that may end unseen
                total = root + reaped + state.kept_ns
                break
            seen = self._look(state.seen)
            lost = self._lost_ns(state, reaped, seen)
            total = root + reaped + state.kept_ns + sum([own + theirs for _, own, theirs, _ in seen.values()])
            if self._reaped_ns() == reaped and (not lost or attempt == _RETRIES - 1):
                self._state = _State(reaped, seen, state.kept_ns + lost)
                total += lost
                break
        self._last_ns = max(self._last_ns, total)
        return self._last_ns

    def _reaped_ns(self) -> int | None:
        if self._own:
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return int((usage.ru_utime + usage.ru_stime) * NS_PER_S)
        stat = read_stat(self._pid)
        return None if stat is None else self._reaped_in(stat)

    def _reaped_in(self, stat: list[bytes]) -> int:
        return (int(stat[13]) + int(stat[14])) * self._tick_ns

    def _lost_ns(self, before: _State, reaped_ns: int, now: Mapping[int, _Seen]) -> int:
        """Return the CPU time of those who ended since without being reaped in the tree.

        So end daemons, and the children of a process that ignores SIGCHLD.
        """
        stayed = [(old, now[pid]) for pid, old in before.seen.items() if pid in now and _is_same(old, now[pid])]
        gone = [old for pid, old in before.seen.items() if pid not in now or not _is_same(old, now[pid])]
        if not gone:
            return 0
        reaped = reaped_ns - before.reaped_ns + sum([new.reaped_ns - old.reaped_ns for old, new in stayed])
        lost = sum([old.own_ns + old.reaped_ns for old in gone]) - reaped
        in_ticks = len(stayed) + (not self._own)
        return lost if lost > 2 * self._tick_ns * in_ticks + _SLACK_NS else 0

    def _look(self, before: Mapping[int, _Seen]) -> dict[int, _Seen]:
        """Return all descendants that run: those in the tree, and those known from before that left it."""
        found: dict[int, _Seen] = {}
        used: set[bytes] = set()
        self._walk(self._pid, 0, before, found, used)
        for pid, old in before.items():
            if pid not in found:
                still = self._see(pid, old, used)
                if still is not None and _is_same(old, still):
                    found[pid] = still
                    self._walk(pid, still.threads, before, found, used)
        if len(used) < len(self._fds):
            for path in [path for path in self._fds if path not in used]:
                os.close(self._fds.pop(path))
        return found

    def _walk(
        self, root: int, threads: int, before: Mapping[int, _Seen], found: dict[int, _Seen], used: set[bytes]
    ) -> None:
        """Add all below a process, parents first: who ends meanwhile is then missed, not counted twice."""
        waiting = [(root, threads)]
        while waiting:
            pid, threads = waiting.pop()
            for child in self._children(pid, threads, used):
                if child not in found:
                    seen = self._see(child, before.get(child), used)
                    if seen is not None:
                        found[child] = seen
                        waiting.append((child, seen.threads))

    def _see(self, pid: int, old: _Seen | None, used: set[bytes]) -> _Seen | None:
        """Read a process; None if it is gone. Where descriptors have run out, the clock alone tells."""
        text = self._read(b"/proc/%d/stat" % pid, used)
        cpu = process_cpu_ns(pid)
        if cpu is None:
            return None
        if not text:
            return _Seen(None, cpu, 0, 0) if old is None else old._replace(own_ns=max(cpu, old.own_ns))
        stat = text[text.rindex(b")") + 2 :].split(None, 20)
        return _Seen(int(stat[19]), cpu, self._reaped_in(stat), int(stat[17]))

    def _children(self, pid: int, threads: int, used: set[bytes]) -> list[int]:
        """Return the children of a process; the kernel lists them by the thread that made them."""
        if threads == 1:
            return [int(child) for child in self._read(b"/proc/%d/task/%d/children" % (pid, pid), used).split()]
        try:
            names = os.listdir(b"/proc/%d/task" % pid)
        except OSError:
            return []
        texts = [self._read(b"/proc/%d/task/%s/children" % (pid, name), used) for name in names]
        return [int(child) for text in texts for child in text.split()]

    def _read(self, path: bytes, used: set[bytes]) -> bytes:
        """Return a file of a process or thread, by a descriptor that is kept; nothing if it has ended."""
        fd = self._fds.get(path)
        try:
            if fd is None:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                if len(self._fds) >= _MOST_FDS:
                    try:
                        return _all_of(fd)
                    finally:
                        os.close(fd)
                self._fds[path] = fd
            text = _all_of(fd)
        except OSError:  # it has ended, or no descriptor is to be had
            return b""
        used.add(path)
        return text

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
        while self._fds:
            os.close(self._fds.popitem()[1])


def _has_children() -> bool:
    """Tell whether this process has children, running or not yet waited for; none is waited for here."""
    failed: int = _waitid(os.P_ALL, 0, None, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return not failed


def _all_of(fd: int) -> bytes:
    text = part = os.pread(fd, 65536, 0)
    while len(part) > 2048:  # the kernel gives a page at a time
        part = os.pread(fd, 65536, len(text))
        text += part
    return text


def _is_same(old: _Seen, new: _Seen) -> bool:
    """Tell whether a pid still stands for the same process."""
    return old.started is None or old.started == new.started
