"""A process tree watched from outside."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from jupyter_green.meter.meter import make_meter
from jupyter_green.meter.watch import Sample, Watch

_SPIN = (
    "import time\nprint('on', flush=True)\nt = time.process_time()\nwhile time.process_time() < t + 0.5: pass\ninput()"
)
_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_SPIN!r}])"


def _watched(code: str) -> Watch:
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        watch = Watch(make_meter(process.pid, busy_w=4.0, idle_w=1.0))
        watch.sample()
        assert process.stdout.readline() == "on\n"
        while watch.since(0.0)[-1].energy_j < 0.9 * 0.5 * 4.0:
            time.sleep(0.06)
            watch.sample()
        process.communicate("\n")
    return watch


def test_power_of_a_process() -> None:
    """Half a second of one busy CPU is 2 J at 4 W, and no sample has more power than the process can draw."""
    watch = _watched(_SPIN)
    samples = watch.since(0.0)
    assert samples[0].power_w is None
    assert 1.8 <= samples[-1].energy_j <= 2.4
    assert samples[-1].low_j < samples[-1].energy_j < samples[-1].high_j
    powers = [sample.power_w for sample in samples if sample.power_w is not None]
    assert all(0 <= power <= 4.0 * 2 for power in powers)
    assert watch.quality in ("modelled", "apportioned")


def test_children_are_part_of_it() -> None:
    """What a child draws is seen while it runs, not only when it has ended."""
    assert _watched(_CHILD).since(0.0)[-1].energy_j >= 1.8


def test_a_process_that_ended() -> None:
    """A watch of a process that is gone says so and keeps what it saw."""
    watch = _watched(_SPIN)
    seen = watch.since(0.0)
    while not watch.has_ended:
        watch.sample()
        time.sleep(0.06)
    assert watch.since(0.0)[: len(seen)] == seen
    watch.close()
    watch.sample()


def test_samples_after_a_moment() -> None:
    """Asked from a moment on, only later samples are told."""
    watch = _watched(_SPIN)
    samples = watch.since(0.0)
    assert watch.since(samples[1].at_s) == samples[2:]
    watch.close()


def test_two_pages_may_look_at_once() -> None:
    """While one thread takes samples, others are told what there is, whole and in order."""
    watch = Watch(make_meter(busy_w=4.0, idle_w=1.0))
    is_over = threading.Event()
    told: dict[tuple[Sample, ...], None] = {}
    problems: list[RuntimeError] = []

    def look() -> None:
        while not is_over.is_set():
            try:
                told[watch.since(0.0)] = None
            except RuntimeError as error:
                problems.append(error)
                return

    pages = [threading.Thread(target=look) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for page in pages:
            page.start()
        while len(watch.since(0.0)) < 20 and not problems:
            watch.sample()
    finally:
        is_over.set()
        sys.setswitchinterval(interval)
        for page in pages:
            page.join()
        watch.close()
    assert not problems
    whole = watch.since(0.0)
    assert all(seen == whole[: len(seen)] for seen in told)
