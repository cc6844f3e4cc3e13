"""What is shown under a cell, what the line magic says, and that nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_green.magics.hooks import MIME
from jupyter_green.magics.status import delivery_text
from jupyter_green.records import Target, cell_from_json
from jupyter_green.track.notebook import drawing_mark
from jupyter_green.track.receipts import Delivered, write_problem, write_receipt
from tests.kernels import Kernel
from tests.track import forge

SWITCH = "__import__('jupyter_green.magics.switch', fromlist=['switch']).switch"

_LINE = re.compile(
    r"⚡ (?P<name>.*: )?"
    r"(?P<energy>[\d.]+ m?J \([\d.]+ to [\d.]+\)|under [\d.]+ mJ, below resolution)"
    r" · (?:[\d.]+ [µm]g CO₂e \([\d.]+ to [\d.]+, (?P<grid>[^)]+)\)|CO₂e below resolution)"
    r"(?P<metrics>(?: · \w+ [\w. ]+)*)"
    r" · [\d.]+ CPU-s · (?:modelled|apportioned)"
)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of the test's own, with the extension."""
    with Kernel(tmp_path, green_home=tmp_path / "green-home") as started:
        started.run("%load_ext jupyter_green")
        yield started


def test_the_line(kernel: Kernel) -> None:
    """The line has energy and CO₂e with units and range, the grid, metrics, CPU time and the method."""
    reply = kernel.run("%%track_energy --mlflow off -n fit -m accuracy=0.5\nsum(range(1_000_000))")
    (shown,) = reply.displays
    found = _LINE.fullmatch(shown)
    assert found, shown
    assert (found["name"], found["grid"], found["metrics"]) == ("fit: ", "grid not set", " · accuracy 0.5")
    assert _LINE.fullmatch(kernel.run("%%track_energy\npass").displays[0])
    assert reply.stream("stdout") + reply.stream("stderr") == ""


def test_notes_stand_below_the_line(kernel: Kernel) -> None:
    """What is to be said beside the numbers stands below them, a line each."""
    (shown,) = kernel.run("%%track_energy -m a=no_such\npass").displays
    assert shown.split("\n")[1:] == ["  metric a: NameError: name 'no_such' is not defined"]


def test_html_escapes_what_people_type(kernel: Kernel) -> None:
    """Names and errors are text in the HTML too, never elements."""
    name = "<script>alert(1)</script>&\"'"
    reply = kernel.run(f"%%track_energy --mlflow off -n {name!r} -m a=f('<b>')\npass".replace("\\'", "'"))
    (message,) = reply.of("display_data")
    html = message["content"]["data"]["text/html"]
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert set(message["content"]["data"]) == {"text/plain", "text/html"}


def test_quiet_and_automatic_tracking_show_nothing(fresh: Kernel) -> None:
    """``--quiet`` shows no line, and ``%track_energy on`` none at all."""
    assert fresh.run("%%track_energy --quiet\n1").displays == []
    fresh.run("%track_energy on")
    reply = fresh.run("1")
    assert (reply.displays, reply.stream("stdout"), reply.stream("stderr")) == ([], "", "")
    assert len(fresh.run("%%track_energy\n1").displays) == 1


def test_the_frontend_that_draws_itself(tmp_path: Path) -> None:
    """With our server extension and JupyterLab the kernel shows nothing; a console beside it gets the line."""
    home = tmp_path / "home"
    with Kernel(tmp_path, green_home=home, env={"JUPYTER_GREEN_UI": drawing_mark(home)}) as kernel:
        kernel.run("%load_ext jupyter_green")
        assert kernel.run("%%track_energy\n1", metadata={"deletedCells": []}).displays == []
        assert len(kernel.run("%%track_energy\n1").displays) == 1
        assert len(kernel.records()) == 2


def test_a_journal_that_the_server_cannot_read(tmp_path: Path) -> None:
    """Where the server reads another journal, each cell carries its record in its output, once JupyterLab asked."""
    mark = drawing_mark(tmp_path / "elsewhere")
    with Kernel(tmp_path, green_home=tmp_path / "home", env={"JUPYTER_GREEN_UI": mark}) as kernel:
        assert json.loads(kernel.value(SWITCH + "(True)")) == {"on": True, "carries": True, "problem": None}
        (message,) = kernel.run("1 + 1;", metadata={"deletedCells": []}).of("display_data")
        record = cell_from_json(message["content"]["data"][MIME])
        assert [record] == kernel.records()
        assert kernel.run("1").displays == []  # a console beside it
        (message,) = kernel.run("%%track_energy\n1;", metadata={"deletedCells": []}).of("display_data")
        assert MIME in message["content"]["data"]


def test_the_button_of_jupyterlab(tmp_path: Path) -> None:
    """The button's silent expression turns tracking on and off; no line, no name, and ``In[1]`` stays ``[1]``."""
    home = tmp_path / "home"
    with Kernel(tmp_path, green_home=home, env={"JUPYTER_GREEN_UI": drawing_mark(home)}) as kernel:
        names = kernel.value("sorted(globals())")
        assert json.loads(kernel.value(SWITCH + "()")) == {"on": False, "carries": False, "problem": None}
        assert not home.exists()
        assert json.loads(kernel.value(SWITCH + "(True)")) == {"on": True, "carries": False, "problem": None}
        assert kernel.value("sorted(globals())") == names
        first = kernel.run("1", metadata={"deletedCells": []})
        assert (first.execution_count, first.displays, first.stream("stdout")) == (1, [], "")
        assert kernel.run("%load_ext jupyter_green").stream("stdout").startswith("jupyter_green: ")
        kernel.run("2")
        assert len(kernel.records()) == 3
        assert json.loads(kernel.value(SWITCH + "(False)"))["on"] is False
        kernel.run("3")
        assert len(kernel.records()) == 3


def test_another_grid_from_the_next_cell_on(fresh: Kernel) -> None:
    """A grid that is chosen in JupyterLab holds from the next cell on, and a wrong one changes nothing."""
    choose = SWITCH.removesuffix("switch") + "choose_intensity"
    fresh.run("%track_energy on\n1")
    fresh.run("1")
    fresh.value(choose + "('FRA')")
    fresh.run("2")
    with pytest.raises(AssertionError, match="nowhere"):
        fresh.value(choose + "('nowhere')")
    fresh.run("3")
    zones = [record.intensity.zone for record in fresh.records() if record.intensity is not None]
    assert zones == ["world", "FRA", "FRA"]


def test_what_the_line_magic_says(fresh: Kernel) -> None:
    """Each command of ``%track_energy`` answers on standard output in plain sentences."""

    def said(line: str) -> str:
        reply = fresh.run(f"%track_energy {line}")
        assert (reply.status, reply.stream("stderr")) == ("ok", "")
        return reply.stream("stdout")

    assert said("last") == "No cell was measured yet.\n"
    assert said("sync") == "No cell was measured yet, so there is nothing to send.\n"
    assert said("") == "Tracking cells that begin with %%track_energy.\nNothing was measured yet.\n"
    assert said("on").startswith("Tracking the energy of every cell.")
    fresh.run("%%track_energy --quiet --mlflow off -n fit\n1")
    assert said("last").startswith("⚡ fit: ")
    status = said("status")
    assert status.startswith("Tracking every cell.\nMethod: ")
    assert "Carbon intensity: 475 (20 to 900) gCO₂e/kWh, grid not set, world average; average, direct.\n" in status
    assert re.search(r"This session: [\d.]+ m?J \([\d.]+ to [\d.]+\) in \d+ records?, \w+\.\n", status)
    assert "What measuring takes was not timed yet in this session.\n" in status
    for _ in range(3):
        fresh.run("1")
    told = r"Measuring took [\d.]+ ms CPU time a cell in this session: all that the hooks do in this kernel, mean of \d"
    assert re.search(told, said("status"))
    assert status.endswith("MLflow: 1 record for %track_energy sync to send, 1 kept here (--mlflow off).\n")
    assert said("off").startswith("Tracking is off.")
    count = len(fresh.records())
    fresh.run("1")
    assert len(fresh.records()) == count
    assert said("clear").startswith("The next measured cell begins a new session.")
    assert said("last") == "No cell was measured yet.\n"
    assert fresh.value("'_energy' in globals()") is False


_HERE = Target(tracking_uri=None, experiment=None)


@pytest.mark.parametrize(
    ("goals", "sent", "problem", "said"),
    [
        ([_HERE, _HERE, _HERE], 0, None, "3 records on the way"),
        ([_HERE], 0, None, "1 record on the way"),
        ([_HERE, _HERE, None], 2, None, "2 of 3 records delivered to http://host, 1 on the way"),
        ([_HERE, _HERE, "stays"], 2, None, "2 of 3 records delivered to http://host, 1 kept here (--mlflow off)"),
        ([_HERE, "stays"], 0, None, "1 record on the way, 1 kept here (--mlflow off)"),
        ([None, None], 0, None, "2 records for %track_energy sync to send"),
        (["stays"], 0, None, "1 record kept here (--mlflow off)"),
        ([_HERE, _HERE], 0, "it is away", "0 of 2 records delivered; it is away"),
        ([_HERE, _HERE], 1, "it is away", "1 of 2 records delivered; it is away"),
    ],
)
def test_what_becomes_of_records(
    goals: list[Target | str | None], sent: int, problem: str | None, said: str, tmp_path: Path
) -> None:
    """The status names what MLflow has, what is on its way, waits or stays, and what failed only where that did."""
    records = [
        forge.record(number, mlflow=None if goal == "stays" else goal, stays=goal == "stays")
        for number, goal in enumerate(goals, 1)
    ]
    log = forge.write(tmp_path, forge.session(), records)
    if sent:
        ids = tuple(record.record_id for record in records[:sent])
        one = Delivered(
            goal=_HERE, tracking_uri="http://host", experiment_id="0", run_id="r", record_ids=ids, children={},
            is_final=False,
        )  # fmt: skip
        write_receipt(log, one, 0.0)
    if problem is not None:
        write_problem(log, problem, 0.0)
    assert delivery_text(log, records, is_stuck=False) == said


def test_records_that_cannot_leave_are_not_on_the_way(tmp_path: Path) -> None:
    """Where the process that delivers could not be started, no record is said to be on the way."""
    records = [forge.record(1)]
    log = forge.write(tmp_path, forge.session(), records)
    assert delivery_text(log, records, is_stuck=True) == "0 of 1 records delivered"


def test_clear_inside_a_measured_cell(fresh: Kernel) -> None:
    """A cell that clears the session is its last record, and the next cell is the first of another."""
    fresh.run("%track_energy on")
    before = fresh.run("%track_energy clear").stream("stdout")
    assert before == "The next measured cell begins a new session. What was recorded stays in the journal.\n"
    kept = fresh.run("'_energy' in globals()")
    assert kept.result == "False"
    records = fresh.records()
    assert sorted(record.execution_count or 0 for record in records) == [3, 4]
    assert records[0].session_id != records[1].session_id


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("stauts", "track_energy: unknown command 'stauts'. Did you mean status?\n"),
        ("x", "track_energy: unknown command 'x'. Write one of on, off, status, clear, last, sync.\n"),
    ],
)
def test_an_unknown_command(word: str, said: str, kernel: Kernel) -> None:
    """An unknown command is one line on standard error that says what was meant or what there is."""
    reply = kernel.run(f"%track_energy {word}")
    assert (reply.status, reply.stream("stderr"), reply.stream("stdout")) == ("ok", said, "")


def test_sync_sends_the_session(tmp_path: Path, make_store) -> None:  # type: ignore[no-untyped-def]
    """``%track_energy sync`` sends what was recorded, and says where to."""
    store = make_store(tmp_path)
    with Kernel(tmp_path, green_home=tmp_path / "home") as kernel:
        kernel.run("%load_ext jupyter_green")
        kernel.run("%%track_energy --quiet\n1")
        reply = kernel.run("%track_energy sync")
        assert re.fullmatch(rf"Sent 1 record to MLflow at {re.escape(store)}, run \w+\.\n", reply.stream("stdout"))
        assert reply.stream("stderr") == ""


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("JUPYTER_GREEN_PUE", "abc", "jupyter_green: pue = 'abc' in environment: a number is expected."),
        ("JUPYTER_GREEN_INTENSITY", "Frnace", "intensity 'Frnace' is not a zone. Did you mean FRA?"),
        ("JUPYTER_GREEN_FOO", "1", "jupyter_green: unknown variable JUPYTER_GREEN_FOO in the environment."),
    ],
)
def test_a_bad_setting(variable: str, value: str, said: str, tmp_path: Path) -> None:
    """A bad setting is one line when the extension loads, and its cells are measured by the good ones and say so."""
    with Kernel(
        tmp_path, green_home=tmp_path / "home", env={variable: value, "JUPYTER_GREEN_CPU_BUSY_W": "7"}
    ) as kernel:
        reply = kernel.run("%load_ext jupyter_green")
        assert reply.stream("stderr").count("\n") == 1
        assert reply.stream("stderr").startswith(said)
        assert reply.stream("stderr").endswith("It counts as not set.\n")
        reply = kernel.run("%%track_energy --quiet\n'value'")
        assert (reply.result, reply.stream("stderr")) == ("'value'", "")
        (record,) = kernel.records()
        assert record.energy.attributed_j is not None
        assert any(said in note for note in record.notes)
        assert record.energy.attributed_j == pytest.approx(7 * record.energy.cpu_s)
        assert said in kernel.run("%track_energy status").stream("stdout")


def test_a_home_that_is_none(tmp_path: Path) -> None:
    """Where no journal can be kept, ``on`` and a measured cell are one line on standard error; the cell runs."""
    with Kernel(tmp_path, green_home=None, env={"JUPYTER_GREEN_HOME": "~nobody_of_this_name/x"}) as kernel:
        kernel.run("%load_ext jupyter_green")
        reply = kernel.run("%track_energy on")
        said = reply.stream("stderr")
        assert (reply.status, reply.stream("stdout"), said.count("\n")) == ("ok", "", 1)
        assert said.startswith("track_energy: nothing can be measured here (jupyter_green: JUPYTER_GREEN_HOME = ")
        first, second = kernel.run("%%track_energy\n'value'"), kernel.run("%%track_energy\n'value'")
        assert (first.result, first.stream("stderr").count("\n")) == ("'value'", 1)
        assert first.stream("stderr").startswith("jupyter_green: measuring could not begin (UsageError: ")
        assert (second.result, second.stream("stderr")) == ("'value'", "")


def test_a_cell_whose_measuring_fails_keeps_what_it_used(fresh: Kernel) -> None:
    """Where the end of a cell fails in us, its energy is recorded all the same, with the reason."""
    fresh.run(
        "import jupyter_green.magics.hooks as hooks\nscore = hooks.score\n"
        "def fail(*given): raise ValueError('anything')\nhooks.score = fail"
    )
    reply = fresh.run("%%track_energy\nimport time\nt = time.process_time()\nwhile time.process_time() < t + 0.2: pass")
    assert (reply.status, reply.stream("stderr")) == ("ok", "")
    fresh.run("hooks.score = score")
    fresh.run("%%track_energy --quiet\n1")
    failed, last = fresh.records()
    assert (failed.status, (failed.energy.cpu_s or 0) > 0.2) == ("unknown", True)
    assert failed.notes == ("measuring could not end (ValueError: anything)",)
    assert (last.status, last.notes) == ("ok", ())
