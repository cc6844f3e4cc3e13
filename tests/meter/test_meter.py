"""The meter: windows by key, in any order, from several threads, through forks and interrupts, on real clocks."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_green.meter.clocks import BusyClock
from jupyter_green.meter.meter import Keeper, Measured, Meter, choose_source, make_meter
from jupyter_green.meter.power import ATTRIBUTED, FIXED, HIGH, LOW, OWN_S, Flag
from jupyter_green.meter.process_tree import ProcessTree
from jupyter_green.track.figures import energy_of
from tests.meter import stress
from tests.powercap import Counter, Tree

STRESS = Path(stress.__file__)


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * 1e9)


@dataclass
class Bench:
    """A meter on a synthetic package and a scripted clock."""

    package: Counter
    meter: Meter
    clock: Clock
    root: Path = field(default_factory=Path)
    asleep: Clock = field(default_factory=Clock)

    def use(self, joules: float, seconds: float = 0.05) -> None:
        """Let the package use energy while time passes."""
        self.package.use(joules)
        self.clock.go(seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A synthetic package whose counter turns after 400 J, and stands shortly before."""
    yield from make_bench(tmp_path, range_uj=399_999_999, start_uj=399_000_000)


def make_bench(folder: Path, *, range_uj: int, start_uj: int = 0) -> Iterator[Bench]:
    """Make a bench and take it down."""
    tree = Tree(folder / "powercap")
    package = tree.zone("intel-rapl:0", "package-0", range_uj=range_uj, start_uj=start_uj)
    clock, asleep = Clock(), Clock()
    meter = Meter(choose_source(root=tree.root, cpus=2), ProcessTree(), BusyClock(), clock, asleep)
    yield Bench(package, meter, clock, tree.root, asleep)
    meter.close_down()


def _machine_j(measured: Measured | None) -> float:
    assert measured is not None
    return measured.amounts[FIXED]


def test_a_window_has_what_was_used_while_it_was_open(bench: Bench) -> None:
    """Energy and time between open and close are the window's, what lies before and after is between windows."""
    bench.use(3)
    bench.meter.open("a")
    bench.use(7, seconds=0.09)
    measured = bench.meter.close("a")
    bench.use(2)
    bench.meter.tick()
    assert measured is not None
    assert _machine_j(measured) == pytest.approx(7)
    assert measured.closed_ns - measured.opened_ns == 90_000_000
    assert measured.around is None
    assert _machine_j(bench.meter.take_between()) == pytest.approx(5)
    assert _machine_j(bench.meter.take_between()) == 0


def test_close_says_the_same_until_it_is_forgotten(bench: Bench) -> None:
    """A window that is closed twice gives the same figures; after forget, and if it never was open, None."""
    bench.meter.open("a")
    bench.use(7)
    first = bench.meter.close("a")
    bench.use(1)
    assert bench.meter.close("a") == first
    bench.meter.forget("a")
    assert bench.meter.close("a") is None
    bench.meter.forget("a")
    assert bench.meter.close("never") is None


def test_an_equal_key_is_the_same_key(bench: Bench) -> None:
    """Keys are compared as in a dict: an equal one that is another object closes and forgets the same window."""
    bench.meter.open("".join(["ab", "c"]))
    assert bench.meter.close("".join(["a", "bc"])) is not None
    bench.meter.forget("".join(["abc", ""]))
    assert bench.meter.close("abc") is None


def test_open_twice_is_open_once(bench: Bench) -> None:
    """An open that is tried again, because the first try was interrupted, loses nothing of the window."""
    bench.meter.open("a")
    bench.use(4)
    bench.meter.open("a")
    bench.use(3)
    assert _machine_j(bench.meter.close("a")) == pytest.approx(7)


def test_nested_windows_in_any_order(bench: Bench) -> None:
    """An inner window is part of the outer one that is still open when it closes, else it stands alone."""
    bench.meter.open("outer")
    bench.use(1)
    bench.meter.open("inner")
    bench.use(2)
    bench.meter.open("innermost")
    bench.use(4)
    inner = bench.meter.close("inner")
    bench.use(8)
    outer = bench.meter.close("outer")
    innermost = bench.meter.close("innermost")
    assert inner is not None
    assert innermost is not None
    assert inner.around == "outer"
    assert innermost.around is None
    assert _machine_j(inner) == pytest.approx(2)
    assert _machine_j(outer) == pytest.approx(3)
    assert _machine_j(innermost) == pytest.approx(12)
    assert _machine_j(outer) + _machine_j(innermost) == pytest.approx(bench.package.true_uj / 1e6)


def test_peek_reads_and_leaves_the_window_open(bench: Bench) -> None:
    """A peek tells what a window was given so far; a window that is not open has nothing to tell."""
    bench.meter.open("a")
    bench.use(3)
    assert _machine_j(bench.meter.peek("a")) == pytest.approx(3)
    bench.use(4)
    assert _machine_j(bench.meter.close("a")) == pytest.approx(7)
    assert bench.meter.peek("a") is None


def test_the_newest_window_of_a_thread_is_found(bench: Bench) -> None:
    """Each thread has its own innermost window."""
    bench.meter.open("a", thread=1)
    bench.meter.open("b", thread=1)
    bench.meter.open("c", thread=2)
    assert [bench.meter.open_in(thread) for thread in (1, 2, 3)] == [["a", "b"], ["c"], []]


def test_many_turns_inside_one_window(tmp_path: Path) -> None:
    """A counter that turns several times while a window is open is followed, if it is read often enough."""
    (bench,) = [*_once(make_bench(tmp_path, range_uj=65_532_610_987, start_uj=65_000_000_000))]
    bench.meter.open("long")
    for _ in range(40):
        bench.use(10_000, seconds=16)
        bench.meter.tick()
    measured = bench.meter.close("long")
    bench.meter.close_down()
    assert measured is not None
    assert _machine_j(measured) == pytest.approx(400_000)
    assert not measured.flags & (Flag.DELTA_DROPPED | Flag.SENSOR_LOST)


def _once(benches: Iterator[Bench]) -> Iterator[Bench]:
    yield next(benches)


def test_a_turn_that_may_have_been_missed_is_flagged(tmp_path: Path) -> None:
    """If nobody read the counter for so long that it may have turned unseen, the window is modelled and says so."""
    (bench,) = [*_once(make_bench(tmp_path, range_uj=65_532_610_987))]
    bench.meter.open("long")
    bench.use(400_000, seconds=1600)
    measured = bench.meter.close("long")
    bench.meter.close_down()
    assert measured is not None
    assert measured.flags & Flag.DELTA_DROPPED
    assert measured.flags & Flag.MODELLED


def test_a_counter_that_vanishes_is_modelled_meanwhile(bench: Bench) -> None:
    """While a counter does not answer, a window goes on with the model, flagged, and is not given a zero."""
    bench.meter.open("a")
    bench.use(7)
    shown = (bench.package.folder / "energy_uj").read_bytes()
    os.truncate(bench.package.folder / "energy_uj", 0)
    bench.clock.go(0.2)
    _burn(0.02)
    bench.meter.tick()
    (bench.package.folder / "energy_uj").write_bytes(shown)
    bench.clock.go(0.2)
    measured = bench.meter.close("a")
    assert measured is not None
    assert measured.flags & Flag.SENSOR_LOST
    assert measured.flags & Flag.MODELLED
    assert _machine_j(measured) > 0
    assert 0 < measured.amounts[LOW] <= measured.amounts[ATTRIBUTED] <= measured.amounts[HIGH]
    bench.meter.open("b")
    bench.use(5)
    after = bench.meter.close("b")
    assert after is not None
    assert not after.flags & Flag.SENSOR_LOST


def test_a_cell_that_slept_says_so(tmp_path: Path) -> None:
    """What the package used while the computer slept is in no window; the record says so, and the next is counted."""
    (bench,) = [*_once(make_bench(tmp_path, range_uj=262_143_328_850))]
    bench.meter.open("slept")
    _burn(0.02)
    bench.use(75, seconds=15)
    bench.package.use(8 * 3600 * 0.5)
    bench.asleep.go(8 * 3600)
    bench.use(75, seconds=15)
    slept = bench.meter.close("slept")
    bench.meter.open("awake")
    bench.use(5)
    awake = bench.meter.close("awake")
    bench.meter.close_down()
    assert slept is not None
    energy = energy_of(slept, bench.meter.source)
    assert energy.attributed_j == pytest.approx(4 * (energy.cpu_s or 0))
    assert (energy.quality, energy.source, energy.duration_s) == ("modelled", {"package-0": "rapl+model"}, 30)
    assert energy.notes == (
        "the computer slept meanwhile; its sleep is left out, and the time around it modelled from CPU time",
    )
    assert awake is not None
    assert not awake.flags & (Flag.SLEPT | Flag.MODELLED)
    assert _machine_j(awake) == pytest.approx(5)


def test_what_others_used_is_unknown_where_nobody_tells(tmp_path: Path) -> None:
    """Without /proc/stat (macOS, Windows, some containers) a record says that others and the machine are not known."""
    meter = Meter(choose_source(root=tmp_path), ProcessTree(), BusyClock(str(tmp_path / "stat")))
    meter.open("a")
    _burn(0.02)
    measured = meter.close("a")
    meter.close_down()
    assert measured is not None
    energy = energy_of(measured, meter.source)
    assert (energy.others_cpu_s, energy.machine_j, energy.notes) == (None, {"cpu": None}, ())
    assert (energy.attributed_j or 0) >= 4 * 0.02


def test_two_threads_share_by_their_cpu_time(bench: Bench) -> None:
    """Of two windows open at once in two threads, the one that computes is given the energy, and both are flagged."""
    opened, computed = threading.Event(), threading.Event()
    idle: list[Measured | None] = []

    def wait() -> None:
        bench.meter.open("idle")
        opened.set()
        computed.wait()
        idle.append(bench.meter.close("idle"))

    thread = threading.Thread(target=wait)
    thread.start()
    opened.wait()
    bench.meter.open("busy")
    _burn(0.1)
    bench.use(20, seconds=0.1)
    busy = bench.meter.close("busy")
    computed.set()
    thread.join()
    assert busy is not None
    assert idle[0] is not None
    assert busy.flags & idle[0].flags & Flag.SHARED
    assert _machine_j(busy) >= 0.95 * 20
    assert _machine_j(busy) + _machine_j(idle[0]) == pytest.approx(20)


def test_a_window_of_a_thread_that_ended_can_be_closed(bench: Bench) -> None:
    """A window whose thread is gone takes no more than its part, and is closed from another thread."""
    thread = threading.Thread(target=bench.meter.open, args=("orphan",))
    thread.start()
    thread.join()
    bench.meter.open("mine")
    _burn(0.02)
    bench.use(10)
    assert _machine_j(bench.meter.close("mine")) >= 9.5
    assert _machine_j(bench.meter.close("orphan")) <= 0.5


def test_a_signal_handler_may_measure(bench: Bench) -> None:
    """A handler that measures, and interrupts the meter itself, does not wait for itself for ever."""
    handled = 0

    def handler(*_: object) -> None:
        nonlocal handled
        handled += 1
        bench.meter.peek("a")

    old = signal.signal(signal.SIGVTALRM, handler)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)  # of CPU time, so that handlers cannot pile up
    try:
        while handled < 60:
            bench.meter.open("a")
            bench.meter.close("a")
            bench.meter.forget("a")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def _burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(500))


@pytest.mark.parametrize(
    ("range_uj", "period_s"), [(262_143_328_850, 60.0), (65_532_610_987, 16.383), (4_000_000, 1e-3)]
)
def test_the_keeper_comes_four_times_a_turn(tmp_path: Path, range_uj: int, period_s: float) -> None:
    """The keeper reads every minute, or four times in the shortest turn at 1,000 W."""
    (bench,) = [*_once(make_bench(tmp_path, range_uj=range_uj))]
    keeper = Keeper(bench.meter, lambda: None)
    keeper.stop()
    bench.meter.close_down()
    assert keeper.period_s == pytest.approx(period_s, abs=0.001)


def test_the_keeper_keeps_to_a_minute_without_counters(tmp_path: Path) -> None:
    """Where there is no counter to turn the keeper comes once a minute."""
    meter = make_meter(root=tmp_path)
    keeper = Keeper(meter, lambda: None)
    assert keeper.period_s == 60
    keeper.stop()
    meter.close_down()


def test_the_keeper_reads_and_stops(tmp_path: Path) -> None:
    """The keeper's thread settles intervals, calls whoever else asked, and is gone after stop, also a second one."""
    (bench,) = [*_once(make_bench(tmp_path, range_uj=400_000_000))]
    before = threading.active_count()
    called = threading.Event()
    bench.use(5)
    keeper = Keeper(bench.meter, called.set)
    assert called.wait(timeout=30)
    assert _machine_j(bench.meter.take_between()) == pytest.approx(5)
    keeper.stop()
    keeper.stop()
    assert threading.active_count() == before
    bench.meter.close_down()


def test_a_forked_child_is_inert(bench: Bench) -> None:
    """In a forked child every call returns at once and changes nothing, even if the lock was held at the fork."""
    bench.meter.open("a")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with bench.meter._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = _fork_child(bench.meter)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert bench.meter.close("a") is not None


def _fork_child(meter: Meter) -> int:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of what is tested here
        pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)  # ends a child that hangs
        code = 1
        try:
            meter.open("b")
            meter.tick()
            meter.forget("a")
            nothing = [meter.close("a"), meter.peek("a"), meter.open_in(threading.get_native_id()) or None]
            between = meter.take_between()
            code = 0 if nothing == [None] * 3 and not any(between.amounts) and meter.is_inert else 1
        finally:
            os._exit(code)  # a child must never go on as a second test run
    return pid


def test_sixty_forks_racing_with_windows() -> None:
    """Of 60 children forked while another thread opens and closes windows, each ends, whatever it calls."""
    done = subprocess.run([sys.executable, STRESS, "forks"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "60 children ended well"


@pytest.mark.parametrize("seed", [1, 2])
def test_interrupts_at_any_moment(seed: int, tmp_path: Path) -> None:
    """Hundreds of SIGINT at random moments lose no energy, count none twice, and leave no lock held."""
    done = subprocess.run(
        [sys.executable, STRESS, "interrupts", str(seed), str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "conserved"


def test_ten_thousand_windows_take_no_more_descriptors_or_threads() -> None:
    """10,000 windows leave descriptors and threads as they were: the keeper is the only thread."""
    gc.collect()  # what earlier tests left open
    meter = make_meter()
    keeper = Keeper(meter, lambda: None)
    fds, threads = os.listdir("/proc/self/fd"), threading.active_count()
    for number in range(10_000):
        meter.open(number)
        meter.close(number)
        meter.forget(number)
    assert os.listdir("/proc/self/fd") == fds
    assert threading.active_count() == threads
    assert not meter._state.closed
    keeper.stop()
    meter.close_down()
    assert len(os.listdir("/proc/self/fd")) == len(fds) - 1  # /proc/stat


def test_own_cpu_time_of_real_windows_adds_up() -> None:
    """On real clocks the windows' CPU seconds and those between are the process's own, and the model's watts follow."""
    meter = make_meter(busy_w=10.0)
    started = time.process_time()
    cpu_s = joules = 0.0
    for number in range(20):
        meter.open(number)
        _burn(0.01)
        measured = meter.close(number)
        assert measured is not None
        cpu_s += measured.amounts[OWN_S]
        joules += measured.amounts[ATTRIBUTED]
    between = meter.take_between()
    spent = time.process_time() - started
    meter.close_down()
    assert cpu_s >= 0.2
    assert cpu_s + between.amounts[OWN_S] == pytest.approx(spent, abs=0.005)
    assert joules == pytest.approx(10 * cpu_s)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_windows_of_many_threads_conserve_energy(seed: int, bench: Bench) -> None:
    """Threads that open and close windows at once, nested and in any order, lose nothing and count nothing twice."""
    sums: list[float] = []
    counter = threading.Lock()

    def work(number: int) -> None:
        moments = random.Random(seed * 100 + number)
        mine: list[str] = []
        for turn in range(150):
            if not mine or moments.random() < 0.5:
                mine.append(f"{number}-{turn}")
                bench.meter.open(mine[-1])
            else:
                key = mine.pop(moments.randrange(len(mine)))
                measured = bench.meter.close(key)
                assert measured is not None
                if measured.around is None:
                    sums.append(measured.amounts[FIXED])
                bench.meter.forget(key)
            with counter:
                bench.use(moments.random() / 1000, seconds=1e-5)
        for key in reversed(mine):
            measured = bench.meter.close(key)
            assert measured is not None
            if measured.around is None:
                sums.append(measured.amounts[FIXED])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.meter.tick()
    between = _machine_j(bench.meter.take_between())
    assert sum(sums) + between == pytest.approx(bench.package.true_uj / 1e6, rel=1e-9)


def test_another_process_is_measured_from_outside() -> None:
    """A meter for a pid has that tree's CPU time, not its own; once the process is gone it is unknown, not 0."""
    burn = "began = time.process_time()\nwhile time.process_time() < began + 0.2: pass\n"
    code = f"import time\ninput()\n{burn}print(time.process_time() - began, flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=-1, stdout=-1, text=True) as process:
        meter = make_meter(process.pid)
        assert process.stdout is not None
        assert process.stdin is not None
        meter.open("it")
        process.stdin.write("\n")
        process.stdin.flush()
        used = float(process.stdout.readline())
        _burn(0.1)
        measured = meter.close("it")
        meter.open("after its end")
        process.stdin.write("\n")
    gone = meter.close("after its end")
    meter.close_down()
    assert measured is not None
    assert gone is not None
    assert measured.amounts[OWN_S] == pytest.approx(used, abs=0.02)
    assert not measured.flags & Flag.CPU_UNKNOWN
    assert gone.flags & Flag.CPU_UNKNOWN
