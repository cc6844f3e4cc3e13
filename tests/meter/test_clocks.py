"""CPU clocks: of threads and processes that live, that ended, and of the whole machine."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from jupyter_green.meter.clocks import BusyClock, asleep_ns, boot_id, process_cpu_ns, process_started, thread_cpu_ns


def test_the_clock_of_a_thread_is_its_own() -> None:
    """This thread's clock, read by its number, is what the thread reads itself."""
    seen = thread_cpu_ns(threading.get_native_id())
    assert seen is not None
    assert seen == pytest.approx(time.thread_time_ns(), abs=5e6)


def test_a_thread_that_ended_has_no_clock() -> None:
    """Reading the clock of a thread that is gone is unknown, not a crash."""
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(threading.get_native_id()))
    thread.start()
    thread.join()
    while os.path.exists(f"/proc/self/task/{numbers[0]}"):  # the kernel takes a moment longer than join
        pass
    assert thread_cpu_ns(numbers[0]) is None


def test_a_process_that_ended_has_no_clock_and_no_start() -> None:
    """A live process has a clock and a start that stays; one that is gone has neither."""
    with subprocess.Popen(["sleep", "600"]) as process:
        started = process_started(process.pid)
        assert started is not None
        assert process_cpu_ns(process.pid) is not None
        assert process_started(process.pid) == started
        process.kill()
    assert process_cpu_ns(process.pid) is None
    assert process_started(process.pid) is None


def test_a_process_of_any_name_has_a_start(tmp_path: Path) -> None:
    """A process whose name holds brackets and spaces is read like any other."""
    program = tmp_path / "a) b (c"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "600"]) as process:
        started = process_started(process.pid)
        process.kill()
    assert started is not None
    assert started >= (process_started(os.getpid()) or 0)


def test_the_machine_is_at_least_as_busy_as_this_process() -> None:
    """What this process computes shows in the machine's busy time, within ticks."""
    clock = BusyClock()
    before = clock.read_ns()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    after = clock.read_ns()
    clock.close()
    clock.close()
    assert before is not None
    assert after is not None
    assert after - before >= 0.15e9
    assert clock.read_ns() is None


def test_idle_time_is_not_busy(tmp_path: Path) -> None:
    """Of the fields of /proc/stat user, nice, system and interrupts count; idle, waiting and stolen time do not."""
    path = tmp_path / "stat"
    path.write_text("cpu  1 20 300 4000 50000 600000 7000000 80000000 9 9\ncpu0 1 2 3\n", "ascii")
    clock = BusyClock(str(path))
    assert clock.read_ns() == (1 + 20 + 300 + 600000 + 7000000) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    clock.close()


@pytest.mark.parametrize(
    "text", ["", "cpu", "cpu  a b c d e f g\n", "intr 5 5\n", "cpu 1 2 3\n", "cpu  0 0 0 0 0 0 0 0 0 0\n"]
)
def test_a_strange_proc_stat_is_unknown(tmp_path: Path, text: str) -> None:
    """Where /proc/stat is not what Linux writes (gVisor's is all 0), how busy the machine is stays unknown."""
    path = tmp_path / "stat"
    path.write_text(text, "ascii")
    clock = BusyClock(str(path))
    assert clock.read_ns() is None
    clock.close()
    assert BusyClock(str(tmp_path / "nowhere")).read_ns() is None


def test_a_computer_that_stays_awake_does_not_seem_to_sleep() -> None:
    """While this process runs, the time asleep stays what it was, to less than what counts as sleep."""
    seen = [asleep_ns() for _ in range(10_000)]
    known = [ns for ns in seen if ns is not None]
    assert len(known) == len(seen)
    assert max(known) - min(known) < 5_000_000


def test_a_boot_has_an_id() -> None:
    """The boot's id is there and stays."""
    assert boot_id()
    assert boot_id() == boot_id()
