"""The meter: snapshots in, measured windows out.

One `Meter` measures one process tree: this process's (in a kernel or a script) or another's (an engine beside a
kernel). All state is one immutable value that is replaced by a single assignment under a lock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_green.meter import ledger
from jupyter_green.meter.clocks import BusyClock, asleep_ns, thread_cpu_ns
from jupyter_green.meter.cpu_power import cpu_power, logical_cpus
from jupyter_green.meter.ledger import Amounts, Ledger
from jupyter_green.meter.power import FIXED, Calm, Counted, Flag, Modelled, Snapshot, needs_busy
from jupyter_green.meter.process_tree import ProcessTree
from jupyter_green.meter.rapl import POWERCAP, Counters, find_zones
from jupyter_green.meter.sharing import among_threads, untangle

if TYPE_CHECKING:  # a Protocol takes 1 ms to make
    from jupyter_green.meter.source import Source


_forks = 0  # how many forks lie between this process and the one that imported this


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class Measured(NamedTuple):
    """What a window (or the time between windows) was given."""

    opened_ns: int
    closed_ns: int
    amounts: Amounts
    flags: int
    around: Hashable | None = None


class _State(NamedTuple):
    last: Snapshot
    threads: Mapping[int, int]  # CPU clock (ns) of each thread with a window, kept while there are several
    ledger: Ledger
    calm: Calm
    closed: Mapping[Hashable, Measured]  # not yet forgotten, so that an interrupted `close` can be called again


class Meter:
    """Measures windows of one process tree.

    Args:
        source: Where joules come from.
        tree: Whose CPU time is attributed.
        busy: How busy the whole machine is.
        clock: Monotonic time, ns; it stands still while the machine sleeps.
        asleep: How long the machine slept, ns.
    """

    def __init__(
        self,
        source: Source,
        tree: ProcessTree,
        busy: BusyClock,
        clock: Callable[[], int] = time.monotonic_ns,
        asleep: Callable[[], int | None] = asleep_ns,
    ) -> None:
        self.source = source
        self._tree, self._busy, self._clock, self._asleep = tree, busy, clock, asleep
        self._forks = _forks
        # Can be taken again: a signal handler or finalizer that measures may run inside any of the steps below.
        self._lock = threading.RLock()
        first = self._snapshot()
        nothing = ledger.empty(FIXED + len(source.domains))
        self._state = _State(first, {}, nothing, Calm(first, None, None, None), {})

    def _snapshot(self, calm: Calm | None = None, last_ns: int = 0) -> Snapshot:
        at_ns = self._clock()
        busy_ns = self._busy.read_ns() if calm is None or needs_busy(calm, last_ns, at_ns) else None
        return Snapshot(at_ns, self._tree.cpu_ns(), busy_ns, self.source.read_uj(), self._asleep())

    @property
    def is_inert(self) -> bool:
        """True in a forked child: the parent counts it, and a lock that was held at the fork stays so for ever."""
        return self._forks != _forks

    def open(self, key: Hashable, thread: int | None = None) -> None:
        """Open a window; everything that this thread uses goes to it until it closes or another opens inside it.

        Called again, because the first call was interrupted, it changes nothing.
        """
        if self._forks != _forks:
            return
        thread = threading.get_native_id() if thread is None else thread
        with self._lock:
            if key in self._state.ledger.windows:
                return
            last, threads, account, calm, closed = self._settled()
            account = ledger.open_window(account, key, thread, last.at_ns)
            if len(account.windows) > 1 and len(account.threads) > 1:
                threads = {thread: thread_cpu_ns(thread) or 0 for thread in account.threads}
            self._state = _State(last, threads, account, calm, closed)

    def close(self, key: Hashable) -> Measured | None:
        """Close a window, in any order, and return what it was given; None if it is not open.

        Called again, it returns the same until `forget`.
        """
        if self._forks != _forks:
            return None
        with self._lock:
            if key not in self._state.ledger.windows:
                return self._state.closed.get(key)
            last, threads, account, calm, closed = self._settled()
            outer = ledger.around(account, key)
            if len(account.windows) > 1:
                window, account = untangle(account, key)
            else:
                window = account.windows[key]
            measured = Measured(window.opened_ns, last.at_ns, window.amounts, window.flags, outer)
            account = ledger.close_window(account, key)
            self._state = _State(last, threads, account, calm, {**closed, key: measured})
            return measured

    def forget(self, key: Hashable) -> None:
        """Let go of a closed window."""
        if self._forks != _forks:
            return
        with self._lock:
            last, threads, account, calm, closed = self._state
            if key in closed:
                kept = {other: measured for other, measured in closed.items() if other != key}
                self._state = _State(last, threads, account, calm, kept)

    def peek(self, key: Hashable) -> Measured | None:
        """Return what an open window was given so far."""
        if self._forks != _forks:
            return None
        with self._lock:
            state = self._state = self._settled()
            window = state.ledger.windows.get(key)
            if window is None:
                return None
            return Measured(window.opened_ns, state.last.at_ns, window.amounts, window.flags)

    def take_between(self) -> Measured:
        """Return what was used outside windows since the last call, and start that account anew.

        It is exact as of the last event: nothing is read.
        """
        if self._forks != _forks:
            nothing = ledger.take_between(self._state.ledger)
            return Measured(self._state.last.at_ns, self._state.last.at_ns, nothing.between, 0)
        with self._lock:
            last, threads, account, calm, closed = self._state
            self._state = _State(last, threads, ledger.take_between(account), calm, closed)
            return Measured(last.at_ns, last.at_ns, account.between, account.between_flags)

    def tick(self) -> None:
        """Take a reading, so that no counter turns unseen."""
        if self._forks != _forks:
            return
        with self._lock:
            self._state = self._settled()

    def open_in(self, thread: int) -> list[Hashable]:
        """Return the open windows of a thread, the innermost last."""
        if self._forks != _forks:
            return []
        return [key for key, window in self._state.ledger.windows.items() if window.thread == thread]

    def _settled(self) -> _State:
        """Close the interval since the last event."""
        last, threads, account, calm, closed = self._state
        now = self._snapshot(calm, last.at_ns)
        used = self.source.used(last, now, calm)
        spent: dict[int, int] = {}
        if threads:
            clocks = {thread: thread_cpu_ns(thread) for thread in account.threads}
            later = {t: threads.get(t, 0) if ns is None else ns for t, ns in clocks.items()}
            spent = {t: max(0, ns - threads.get(t, ns)) for t, ns in later.items()}
            threads = later if len(later) > 1 else {}
        account = ledger.settle(account, used.amounts, used.flags, spent, Flag.SHARED, among_threads)
        return _State(now, threads, account, used.calm, closed)

    def quiet(self) -> AbstractContextManager[object]:
        """Let no reading be taken meanwhile, so that a process that is not part of the work can leave the tree."""
        return self._lock

    def close_down(self) -> None:
        """Give all descriptors back."""
        self._tree.close()
        self._busy.close()
        self.source.close()


def choose_source(
    busy_w: float | None = None, idle_w: float | None = None, root: Path = POWERCAP, cpus: int | None = None
) -> Source:
    """Return the best source this computer allows: its counters if all can be read, else the model."""
    model = Modelled(cpu_power(busy_w, idle_w), logical_cpus() if cpus is None else cpus)
    zones = find_zones(root).zones
    return Counted(Counters(zones), model) if zones else model


def make_meter(
    pid: int | None = None, busy_w: float | None = None, idle_w: float | None = None, root: Path = POWERCAP
) -> Meter:
    """Return a meter for a process tree: this process's, or that of ``pid``."""
    return Meter(choose_source(busy_w, idle_w, root), ProcessTree(pid), BusyClock())


class Keeper:
    """One daemon thread that wakes the meter (and whoever else asks) often enough.

    Args:
        meter: Read at least every ``longest_wait_s`` of its source, every 60 s at most.
        also: Called after each reading; it must not raise.
    """

    def __init__(self, meter: Meter, also: Callable[[], None]) -> None:
        wait_s = meter.source.longest_wait_s
        self.period_s = 60.0 if wait_s is None else min(60.0, wait_s)
        self._meter, self._also = meter, also
        self._stop = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="jupyter_green keeper", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self.period_s):
            self._meter.tick()
            self._also()

    def stop(self) -> None:
        """End the thread; in a forked child there is none, and the event's lock may be held for ever."""
        if os.getpid() == self._pid:
            self._stop.set()
            self._thread.join(timeout=5)
