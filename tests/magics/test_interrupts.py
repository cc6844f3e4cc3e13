"""Ctrl-C in a cell, in scoring and in the hooks: the cell ends as without us, and no record is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from jupyter_green.track.journal import read_log
from tests.kernels import Kernel, Reply
from tests.magics.test_same_as_plain import seen

_SYNC = "print('begun', flush=True)\nimport time\nwhile True:\n    time.sleep(0.01)"
_AWAIT = "print('begun', flush=True)\nimport asyncio\nawait asyncio.sleep(1000)"


def _interrupted(kernel: Kernel, code: str) -> Reply:
    message_id = kernel.send(code)
    before = kernel.wait_for_text(message_id, "begun")
    kernel.interrupt()
    kernel.client.kernel_info()  # an idle loop of ipykernel 7 sees the signal with its next message
    reply = kernel.collect(message_id)
    reply.messages[:0] = before
    return reply


def _ends_of(reply: Reply) -> list[object]:
    """Return what is seen but the frames inside libraries, which depend on the moment."""
    return [(kind, value[:2] if kind == "error" else value) for kind, value in seen(reply)]  # type: ignore[index]


@pytest.mark.parametrize("code", [_SYNC, _AWAIT], ids=["sync", "await"])
def test_ctrl_c_ends_a_cell_as_without_us(code: str, kernel: Kernel, plain_kernel: Kernel) -> None:
    """Ctrl-C in a measured cell gives what it gives in a plain kernel, and a record that says "interrupted"."""
    before = len(kernel.records())
    measured = _interrupted(kernel, "%%track_energy --quiet -m x=1\n" + code)
    assert _ends_of(measured) == _ends_of(_interrupted(plain_kernel, code))
    (record,) = kernel.records()[before:]
    assert (record.status, record.metrics) == ("interrupted", {"x": None})
    assert record.notes == ("not scored, because the cell did not end well",)
    assert kernel.run("1 + 1").result == "2"


def test_ctrl_c_in_scoring_leaves_the_cell_well(kernel: Kernel) -> None:
    """Ctrl-C while ``-m`` is evaluated ends the scoring: the cell is a success without a metric, and says so."""
    before = len(kernel.records())
    kernel.run("import time\ndef slow():\n    print('begun', flush=True)\n    while True:\n        time.sleep(0.01)")
    reply = _interrupted(kernel, "%%track_energy -m accuracy=slow() other=1\n'value'")
    assert (reply.status, reply.result) == ("ok", "'value'")
    assert reply.of("error") == []
    assert "Error in callback" not in reply.stream("stdout") + reply.stream("stderr")
    cell, scoring = kernel.records()[before:]
    assert (cell.status, dict(cell.metrics)) == ("ok", {"accuracy": None, "other": None})
    assert "scoring was interrupted" in cell.notes
    assert scoring.kind == "scoring"
    assert "scoring was interrupted" in reply.displays[-1]


_STORM = r"""
import io, json, signal, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(True))
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_cell("%load_ext jupyter_green")
shell.run_cell("%%track_energy --quiet -n first --mlflow off\npass")
ran = shell.user_ns["ran"] = []
texts, number, real = [], 0, sys.stdout
print("ready", flush=True)
sys.stdout = sys.stderr = out = io.StringIO()
while not stop:
    try:
        while not stop:
            number += 1
            shell.run_cell(f"%%track_energy --quiet --mlflow off -n {number} -m m=ran[-1]\nran.append({number})")
    except KeyboardInterrupt:  # IPython was hit between two cells; it leaves its patched streams behind
        texts.append(out.getvalue())
        sys.stdout = sys.stderr = out = io.StringIO()
signal.signal(signal.SIGINT, signal.SIG_IGN)
shell.run_cell("%%track_energy --quiet -n last --mlflow off\npass")
from jupyter_green.track import current
tracker = current.current()
text = "".join(texts) + out.getvalue()
print(json.dumps({"ran": ran, "text": text, "log": str(tracker.journal.path)}), file=real, flush=True)
"""


@pytest.mark.parametrize(
    ("seed", "presses"), [(1, 120), *[pytest.param(seed, 700, marks=pytest.mark.long) for seed in range(2, 6)]]
)
def test_ctrl_c_at_random_moments_loses_nothing(seed: int, presses: int, home: Path) -> None:
    """Ctrl-C at seeded moments around short cells: each that ran has one record, none is part of another.

    One moment is IPython's own: on its way into or out of a hook it reports the interrupt itself, before a line of the
    hook ran. Such a cell is not measured.
    """
    print(f"seed {seed}")
    moments = random.Random(seed)
    with subprocess.Popen([sys.executable, "-c", _STORM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass

        for _ in range(presses):
            time.sleep(moments.uniform(0.01, 0.025))
            os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGUSR1)
        answer = process.stdout.readline()
    assert process.returncode == 0
    seen_inside = json.loads(answer)
    log = read_log(Path(seen_inside["log"]))
    assert log is not None
    recorded = Counter(record.name for record in log.records if record.kind == "cell")
    reported = re.findall(r"Error in callback <bound method Hooks\.(\w+) of", seen_inside["text"])
    lost = [number for number in seen_inside["ran"] if not recorded[str(number)]]
    assert len(lost) <= reported.count("pre_run_cell"), f"{presses} interrupts, lost {lost}"
    assert max(recorded.values()) == 1
    assert recorded["last"] == 1
    assert [record for record in log.records if record.part_of is not None] == []
    assert log.unreadable == 0
    # What IPython reports came from no line inside a hook, only from the way into it.
    inside = re.findall(r"magics/hooks\.py:\d+, in (?!Hooks\.(?:pre|post)_run_cell)", seen_inside["text"])
    assert inside == []
