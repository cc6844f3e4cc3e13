"""CPU clocks of threads and processes, and how busy the whole machine was, in ns.

A clock is a running total. On Linux a clock id is made from a pid or tid (``clock_gettime(2)``, as glibc's
``clock_getcpuclockid`` does): 0.8 µs, and an error instead of a crash when the thread is gone.
"""

from __future__ import annotations

import os
import sys
import time

from jupyter_green.units import NS_PER_S

LINUX = sys.platform == "linux"

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)  # as the monotonic clock, but it goes on while the machine sleeps
_TRIES, _TOGETHER_NS = 3, 1_000_000  # how often, and how near to each other, two clocks are read

_PROCESS_CLOCK, _THREAD_CLOCK = 2, 6  # CPUCLOCK_SCHED, and the same with the per-thread bit; linux/posix-timers.h


def thread_cpu_ns(native_id: int) -> int | None:
    """Return the CPU time of a thread of this process in ns, or None if it is gone or cannot be known."""
    if not LINUX:
        return None
    try:
        return time.clock_gettime_ns((~native_id << 3) | _THREAD_CLOCK)
    except OSError:
        return None


def process_cpu_ns(pid: int) -> int | None:
    """Return the CPU time of all threads of a process in ns, or None if it is gone. Linux only."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _PROCESS_CLOCK)
    except OSError:
        return None


def asleep_ns() -> int | None:
    """Return how long the machine has slept since boot in ns, to a ms; None where that is not told (not Linux)."""
    if _BOOTTIME is None:
        return None
    ns = 0
    for _ in range(_TRIES):
        began = time.monotonic_ns()
        ns = time.clock_gettime_ns(_BOOTTIME) - began
        if time.monotonic_ns() - began < _TOGETHER_NS:
            break  # else this thread was held up between the clocks, which would look like sleep
    return ns


class BusyClock:
    """CPU time of everything that ran on this machine, from ``/proc/stat`` (a tick is 10 ms)."""

    def __init__(self, path: str = "/proc/stat") -> None:
        self._ns_per_tick = NS_PER_S // os.sysconf("SC_CLK_TCK") if LINUX else 0
        try:
            self._fd: int | None = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = None

    def read_ns(self) -> int | None:
        """Return the busy CPU time since boot in ns, or None where the kernel does not tell."""
        if self._fd is None:
            return None
        try:
            head = os.pread(self._fd, 256, 0)
            user, nice, system, idle, _iowait, irq, softirq = (int(n) for n in head[4:].split(None, 7)[:7])
        except (OSError, ValueError):
            return None
        busy = user + nice + system + irq + softirq
        return busy * self._ns_per_tick if busy or idle else None  # gVisor writes zeros

    def close(self) -> None:
        """Give the descriptor back."""
        fd, self._fd = self._fd, None  # in this order: closed twice it could be somebody else's
        if fd is not None:
            os.close(fd)


def process_started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot, or None if it is gone; with the pid its identity."""
    stat = read_stat(pid)
    return None if stat is None else int(stat[19])


def read_stat(pid: int) -> list[bytes] | None:
    """Return the fields of ``/proc/PID/stat`` from the third (state) on, or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def process_exists(pid: int) -> bool:
    """Tell whether a process of this number runs, where its start cannot be known (not Linux)."""
    import psutil

    return bool(psutil.pid_exists(pid))


def boot_id() -> str | None:
    """Return the id of this boot of the machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None
