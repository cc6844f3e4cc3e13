"""CPU time of process trees against what the workers themselves report."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_green.meter.process_tree import ProcessTree
from tests.meter import workloads

SCRIPT = Path(workloads.__file__)
INSIDE_ONLY = {"loky", "dataloader"}  # their imports come between two looks


def _open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"])


@pytest.mark.parametrize("name", sorted(workloads.ALL))
def test_every_kind_of_work_is_counted(name: str) -> None:
    """The CPU time of a workload, from inside and by pid from outside, is what its workers say, within 5 % + 10 ms."""
    process = subprocess.Popen([sys.executable, SCRIPT, name], stdin=-1, stdout=-1, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    tree = ProcessTree(process.pid)
    seen = []
    figures = {}
    with process:
        for line in process.stdout:
            if line == "look\n":
                seen.append(tree.cpu_ns())
                process.stdin.write("\n")
                process.stdin.flush()
            else:
                figures = json.loads(line)
    tree.close()
    assert process.returncode == 0
    truth = figures["truth_s"]
    assert figures["inside_s"] == pytest.approx(truth, abs=0.05 * truth + 0.01)
    assert None not in seen
    assert seen == sorted(seen)
    if name not in INSIDE_ONLY:
        outside = (seen[-1] - seen[0]) / 1e9
        # Of another process the kernel tells what it reaped in ticks of 10 ms, once for user and once for system.
        assert outside == pytest.approx(truth, abs=0.05 * truth + 0.03)


def test_a_root_that_ended_is_unknown() -> None:
    """The tree of a process that is gone has no CPU time, not one of 0."""
    process = subprocess.Popen(["true"])
    tree = ProcessTree(process.pid)
    process.wait()
    assert tree.cpu_ns() is None


def test_a_zombie_keeps_its_cpu_time() -> None:
    """A child that ended and was not waited for is counted as it was, and the same after the wait."""
    tree = ProcessTree()
    before = tree.cpu_ns()
    pid = os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c", "sum(range(3_000_000))"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    own = time.process_time_ns()
    as_zombie = tree.cpu_ns()
    usage = os.wait4(pid, 0)[2]
    after = tree.cpu_ns()
    tree.close()
    assert before is not None
    assert as_zombie is not None
    assert after is not None
    used = (usage.ru_utime + usage.ru_stime) * 1e9
    assert as_zombie - before >= used - 10_000
    assert after - as_zombie == pytest.approx(time.process_time_ns() - own, abs=5e6)


def test_descriptors_do_not_leak() -> None:
    """Over 2,000 readings with children that come and go, descriptors stay bounded, and close() gives all back."""
    gc.collect()  # what earlier tests left open
    tree = ProcessTree()
    at_first = _open_fds()
    most = 0
    children: list[subprocess.Popen[bytes]] = []
    for number in range(2000):
        if number % 20 == 0:
            children.append(_sleeper())
        if len(children) == 4:
            child = children.pop(0)
            child.kill()
            child.wait()
        tree.cpu_ns()
        most = max(most, _open_fds())
    assert most <= at_first + 2 * 4 + threading.active_count() + 1  # two files a child, one a thread of ours
    for child in children:
        child.kill()
        child.wait()
    tree.close()
    assert _open_fds() == at_first


def test_descriptors_are_few_however_many_threads_a_tree_has() -> None:
    """A tree of hundreds of threads takes no more than 128 of the descriptors that the user's own code needs."""
    gc.collect()  # what earlier tests left open
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(300)]
    child = _sleeper()
    tree = ProcessTree()
    at_first = _open_fds()
    for thread in threads:
        thread.start()
    try:
        tree.cpu_ns()
        assert _open_fds() <= at_first + 128
        tree.close()
        assert _open_fds() == at_first
    finally:
        stop.set()
        child.kill()
        child.wait()
        for thread in threads:
            thread.join()


def test_no_descriptor_to_be_had_is_no_lost_cpu_time() -> None:
    """While the process may open nothing more, live children keep what they used, and it is not counted twice later."""
    used_s = 0.2
    code = f"import time\nwhile time.process_time() < {used_s}: pass\nprint(flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=-1) as child:
        assert child.stdout is not None
        child.stdout.readline()
        tree = ProcessTree()
        first, own = tree.cpu_ns(), time.process_time_ns()
        tree.close()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            meanwhile = tree.cpu_ns()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        later, own = tree.cpu_ns(), time.process_time_ns() - own
        child.kill()
    tree.close()
    assert first is not None
    assert meanwhile is not None
    assert later is not None
    assert first <= meanwhile <= later
    assert later - first <= own + 0.05e9


def test_more_children_than_fit_on_a_page_are_all_seen() -> None:
    """The kernel lists the children of a thread a page (4 kB) at a time; each page is read."""
    tree = ProcessTree()
    children = [_sleeper() for _ in range(900)]
    try:
        tree.cpu_ns()
        assert {child.pid for child in children} <= set(tree._state.seen)
    finally:
        for child in children:
            child.send_signal(signal.SIGKILL)
        for child in children:
            child.wait()
        tree.close()
