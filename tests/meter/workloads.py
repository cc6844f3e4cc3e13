"""Work of many kinds, with the truth of its CPU time: each worker reads its own clock and reports it.

Run as a script with the name of a workload. It measures its own tree from inside; whoever started it can measure it
from outside at every line "look", which it answers with a newline. The last line is ``{"inside_s", "truth_s"}``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jupyter_green.meter.process_tree import ProcessTree

_BURN = "import time\nwhile time.process_time() < {0}: sum(range(500))\nprint(time.process_time(), flush=True)\n"


def look(tree: ProcessTree) -> float:
    """Let the outside look, and look from inside."""
    seen = tree.cpu_ns()
    assert seen is not None
    print("look", flush=True)
    sys.stdin.readline()
    return seen / 1e9


def burn(seconds: float) -> float:
    """Use this much CPU time in this thread and return what this process used in its life."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(500))
    return time.process_time()


@contextmanager
def read_all_the_time(tree: ProcessTree) -> Iterator[None]:
    """Read the tree about every millisecond."""
    stop = threading.Event()
    falls: list[int] = []

    def read() -> None:
        last = 0
        while not stop.wait(0.001):
            now = tree.cpu_ns() or 0
            falls.extend([last - now] * (now < last))
            last = now

    thread = threading.Thread(target=read)
    thread.start()
    yield
    stop.set()
    thread.join()
    assert not falls


class Child:
    """A forked child that does ``work`` and reports a number; it lives until it is told to end."""

    def __init__(self, work: Callable[[], float]) -> None:
        report, self._report = os.pipe()
        self._end, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(report)
            os.close(end)
            used = work()
            os.write(self._report, json.dumps(used).encode())
            os.close(self._report)
            os.read(self._end, 1)
            os._exit(0)
        os.close(self._report)
        os.close(self._end)
        self._report, self._end = report, end

    def report(self) -> float:
        """Wait for the number."""
        return float(json.loads(os.read(self._report, 100)))

    def end(self) -> float:
        """Let it end, wait until it is gone, and return what the kernel says it used, its own children left out."""
        os.write(self._end, b".")
        os.close(self._end)
        os.close(self._report)
        try:
            usage = os.wait4(self.pid, 0)[2]
        except ChildProcessError:  # SIGCHLD is ignored
            while os.path.exists(f"/proc/{self.pid}"):
                time.sleep(0.001)
            return 0.0
        return usage.ru_utime + usage.ru_stime


def own(tree: ProcessTree) -> float:
    """A loop in the main thread."""
    burn(0.3)
    return 0.0


def threads(tree: ProcessTree) -> float:
    """Four threads, all ended."""
    started = [threading.Thread(target=burn, args=(0.08,)) for _ in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return 0.0


def subprocesses(tree: ProcessTree) -> float:
    """Two interpreters, one after the other."""
    code = [sys.executable, "-I", "-S", "-c", _BURN.format(0.2)]
    return sum(float(subprocess.run(code, capture_output=True, check=True).stdout) for _ in range(2))


def pool(tree: ProcessTree) -> float:
    """A forked pool, read while it lives and after its end."""
    with multiprocessing.get_context("fork").Pool(3) as workers:
        used = workers.map(_burn_and_name, [0.05] * 9, chunksize=1)
        look(tree)
        workers.close()
        workers.join()
    return _per_worker(used)


def _burn_and_name(seconds: float) -> tuple[int, float]:
    used = burn(seconds)
    return os.getpid(), used


def _per_worker(used: list[tuple[int, float]]) -> float:
    most: dict[int, float] = {}
    for pid, seconds in used:
        most[pid] = max(most.get(pid, 0.0), seconds)
    return sum(most.values())


def grandchildren(tree: ProcessTree) -> float:
    """A child that starts a child, both still alive."""
    inner: list[float] = []

    def outer() -> float:
        child = Child(lambda: burn(0.2))
        inner.append(child.report())
        used = burn(0.2) + inner[0]
        child.end()
        return used

    child = Child(outer)
    used = child.report()
    look(tree)
    child.end()
    return used


def loky(tree: ProcessTree) -> float:
    """joblib's default backend; its workers are started beforehand and stay."""
    before = _per_worker(_on_loky())
    tree.cpu_ns()
    look(tree)
    _marks["loky"] = tree.cpu_ns() or 0, time.process_time()
    return _per_worker(_on_loky()) - before


def _on_loky() -> list[tuple[int, float]]:
    from joblib import Parallel, delayed

    return list(Parallel(n_jobs=2)(delayed(_burn_and_name)(0.05) for _ in range(8)))


def dataloader(tree: ProcessTree) -> float:
    """Two workers of a torch DataLoader, which it ends itself."""
    import torch.utils.data

    class Burning(torch.utils.data.Dataset[tuple[int, float]]):
        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> tuple[int, float]:
            return _burn_and_name(0.06)

    _marks["dataloader"] = tree.cpu_ns() or 0, time.process_time()
    loader = torch.utils.data.DataLoader(Burning(), batch_size=None, num_workers=2)
    used = [(int(pid), float(seconds)) for pid, seconds in loader]
    return _per_worker(used)


def daemon(tree: ProcessTree) -> float:
    """A daemon: its parent ends at once, and it ends much later."""
    to_us, report = os.pipe()
    wait, go = os.pipe()
    middle = Child(lambda: _fork_daemon(report, wait))
    middle.report()
    look(tree)  # seen while it is still in the tree
    middle.end()
    look(tree)  # seen outside it
    os.write(go, b".")
    os.close(report)
    used = float(os.read(to_us, 100).decode())
    assert os.read(to_us, 1) == b""  # it has ended
    return used


def _fork_daemon(report: int, wait: int) -> float:
    if os.fork() == 0:
        burn(0.1)
        os.read(wait, 1)
        os.write(report, str(burn(0.2)).encode())
        os._exit(0)
    return 0.0


def daemon_with_child(tree: ProcessTree) -> float:
    """A daemon whose child ends after the daemon left the tree, and is reaped by the daemon."""
    to_us, report = os.pipe()
    wait, go = os.pipe()

    def middle() -> float:
        if os.fork() == 0:
            child = Child(lambda: burn(0.2))
            inner = child.report()
            os.write(report, b".")
            os.read(wait, 1)
            child.end()
            os.write(report, b".")
            os.read(wait, 1)
            os.write(report, str(burn(0.1) + inner).encode())
            os._exit(0)
        return 0.0

    parent = Child(middle)
    parent.report()
    os.close(report)
    os.read(to_us, 1)
    look(tree)
    parent.end()
    look(tree)
    os.write(go, b".")
    os.read(to_us, 1)
    look(tree)
    os.write(go, b".")
    used = float(os.read(to_us, 100).decode())
    assert os.read(to_us, 1) == b""
    return used


def unreaped(tree: ProcessTree) -> float:
    """Children of a process that ignores SIGCHLD: nobody is told what they used."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child = Child(lambda: burn(0.2))
    used = child.report()
    look(tree)
    child.end()
    burn(0.3)  # more than the child used, so that the total does not fall at its end
    return used


def short_lived(tree: ProcessTree) -> float:
    """Many children that live for milliseconds, with readings all the time."""
    used = 0.0
    with read_all_the_time(tree):
        for _ in range(100):
            child = Child(lambda: burn(0.003))
            child.report()
            used += child.end()
    return used


def short_lived_below(tree: ProcessTree) -> float:
    """The same one level further down, where the kernel tells in ticks of 10 ms what was reaped."""

    def middle() -> float:
        used = 0.0
        for _ in range(40):
            child = Child(lambda: burn(0.012))
            child.report()
            used += child.end()
        return used + time.process_time()

    with read_all_the_time(tree):
        child = Child(middle)
        used = child.report()
    look(tree)
    child.end()
    return used


def several_threads(tree: ProcessTree) -> float:
    """Children started by several threads, each ended by its own, with readings all the time."""
    used: list[float] = []

    def start_some() -> None:
        for _ in range(10):
            child = Child(lambda: burn(0.02))
            child.report()
            used.append(child.end())

    with read_all_the_time(tree):
        started = [threading.Thread(target=start_some) for _ in range(3)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    return sum(used)


ALL = {
    work.__name__: work
    for work in (
        own,
        threads,
        subprocesses,
        pool,
        grandchildren,
        loky,
        dataloader,
        daemon,
        daemon_with_child,
        unreaped,
        short_lived,
        short_lived_below,
        several_threads,
    )
}
_marks: dict[str, tuple[int, float]] = {}  # where a workload begins later, after its imports


def main(name: str) -> None:
    """Do the work and print the figures."""
    tree = ProcessTree()
    look(tree)
    before_ns, own_before = tree.cpu_ns(), time.process_time()
    used = ALL[name](tree)
    after_ns, own_after = tree.cpu_ns(), time.process_time()
    before_ns, own_before = _marks.get(name, (before_ns, own_before))
    assert before_ns is not None
    assert after_ns is not None
    figures = {"inside_s": (after_ns - before_ns) / 1e9, "truth_s": own_after - own_before + used}
    look(tree)
    print(json.dumps(figures), flush=True)
    tree.close()


if __name__ == "__main__":
    main(sys.argv[1])
