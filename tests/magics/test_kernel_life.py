"""What people do to their kernels: the extension stays out of the way, and every cell keeps its own record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_green.records import CellRecord
from tests.kernels import Kernel

HEAVY = (
    "mlflow", "torch", "sklearn", "pandas", "matplotlib", "codecarbon", "nbformat", "papermill", "psutil", "httpx",
    "jupyter_server",
)  # fmt: skip


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of the test's own, with the extension."""
    with Kernel(tmp_path, green_home=tmp_path / "green-home") as started:
        started.run("%load_ext jupyter_green")
        yield started


def _new(kernel: Kernel, *codes: str) -> list[CellRecord]:
    before = len(kernel.records())
    for code in codes:
        reply = kernel.run(code)
        assert (reply.status, reply.stream("stderr")) == ("ok", "")
    return kernel.records()[before:]


def test_first_cell_imports_and_opens_nothing(tmp_path: Path) -> None:
    """After the first measured cell no heavy library is loaded, and no socket was opened by us."""
    watch = (
        "import sys, threading\nopened = []\n"
        "def _watch(event, args):\n"
        "    if event.startswith('socket.') and threading.current_thread() is threading.main_thread():\n"
        "        opened.append(event)\n"
        "sys.addaudithook(_watch)"
    )
    with Kernel(tmp_path, green_home=tmp_path / "home", env={"JUPYTER_GREEN_INTENSITY": "FRA"}) as kernel:
        kernel.run(watch)
        kernel.run(
            "opened.clear()\nold = set(sys.modules)\n%load_ext jupyter_green\n%track_energy on\nloading = list(opened)"
        )
        kernel.run("%%track_energy -m x=1\naccuracy = 0.5")
        kernel.run("%track_energy last\nopened.clear()")
        kernel.run("%%track_energy --quiet\nin_cell = list(opened)")
        # ipykernel itself loads psutil.
        assert kernel.value("[n for n in set(sys.modules) - old if n.split('.')[0] in " + repr(HEAVY) + "]") == []
        assert kernel.value("[n for n in sys.modules if n in " + repr(HEAVY) + "]") in ([], ["psutil"])
        assert kernel.value("loading") == []
        assert kernel.value("in_cell") == []
        assert len(kernel.records()) >= 2


def test_nested_cells_keep_their_own_records(kernel: Kernel) -> None:
    """A measured cell that runs others ends at its own end; a measured one inside is part of it."""
    code = (
        "%%track_energy --quiet -n outer\nimport time\n"
        "get_ipython().run_cell('1 + 1')\nget_ipython().run_cell('%%track_energy --quiet -n inner\\nx = 1')\n"
        "t = time.thread_time()\nwhile time.thread_time() < t + 0.05: pass"
    )
    inner, outer = _new(kernel, code)
    assert (inner.name, outer.name) == ("inner", "outer")
    assert (inner.part_of, outer.part_of) == (outer.record_id, None)
    assert outer.energy.cpu_s is not None
    assert outer.energy.cpu_s >= 0.05


def test_automatic_tracking_makes_one_record_of_a_magic_that_runs_its_body(fresh: Kernel) -> None:
    """``%%capture`` runs its body as a cell; under ``%track_energy on`` that is one record, not two."""
    fresh.run("%track_energy on")
    (record,) = _new(fresh, "%%capture out\nprint(1)")
    assert (record.part_of, record.execution_count) == (None, 3)


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n1 -r1"])
def test_a_magic_outside_is_named_and_counted_once(magic: str, kernel: Kernel) -> None:
    """With ``%%time`` or ``%%capture`` above our line the cell is measured once, and a note names the magic."""
    (record,) = _new(kernel, f"{magic}\n%%track_energy --quiet -n once\nx = 1")
    assert (record.name, record.part_of) == ("once", None)
    assert record.notes == (f"{magic.split()[0]} ran around the measured lines",)


def test_our_line_twice_counts_once(kernel: Kernel) -> None:
    """A line pasted twice measures once, with the first line's options."""
    (record,) = _new(kernel, "%%track_energy --quiet -n first\n%%track_energy -n second\nx = 1")
    assert record.name == "first"
    (record,) = _new(kernel, "%%track_energy --quiet -n first\n\n%%time\n%%track_energy -n second\nx = 1")
    assert record.name == "first"


@pytest.mark.parametrize(
    ("before", "is_measured"),
    [("", True), ("\n\n", True), ("   \n", True), ("    ", True), ("\t", True), ("# why\n", False), ("x = 1\n", False)],
)
def test_what_may_stand_before_the_line(before: str, is_measured: bool, kernel: Kernel) -> None:
    """Blank lines and indentation may stand before the line; below other code it is no cell magic, like any other."""
    count = len(kernel.records())
    reply = kernel.run(f"{before}%%track_energy --quiet\n{before if before.strip() == '' else ''}y = 2")
    assert (reply.status == "ok") is is_measured
    assert len(kernel.records()) - count == is_measured
    if not is_measured:
        assert "%%track_energy" in (reply.traceback or "") + reply.stream("stderr")


def test_two_subshells_at_once(fresh: Kernel) -> None:
    """A session's first cells, at once in two subshells, share it; each has a record that tells of shared energy."""
    if "kernel subshells" not in fresh.ask("kernel_info_request").get("supported_features", []):
        pytest.skip("ipykernel before 7 has no subshells")
    fresh.run(
        "import threading, time\nmeet = threading.Barrier(2, timeout=60)\n"
        "def work():\n    t = time.thread_time()\n    while time.thread_time() < t + 0.05: pass"
    )
    # No value at the end: ipykernel 7 keeps the result it is about to send in one place for all subshells, and two
    # cells that end together can send the same message twice.
    work = "meet.wait()\nwork()\nplace = meet.wait()"
    shells = [fresh.subshell(), fresh.subshell()]
    sent = [
        fresh.send(f"%%track_energy --quiet -n {name}\n{work}", subshell=shell)
        for name, shell in zip(("left", "right"), shells, strict=True)
    ]
    assert [fresh.collect(one).status for one in sent] == ["ok", "ok"]
    records = fresh.records()
    assert len(list((fresh.home / "journal").iterdir())) == 1
    assert {record.name for record in records} == {"left", "right"}
    for record in records:
        assert record.part_of is None
        assert record.energy.cpu_s is not None
        assert record.energy.cpu_s >= 0.04
        assert any("shared" in note for note in record.energy.notes)


def test_a_thread_that_outlives_its_cell_is_counted_where_it_runs(fresh: Kernel) -> None:
    """A thread left behind by a cell works on without harm; its CPU time goes to whichever cell is open."""
    first, second = _new(
        fresh,
        "%%track_energy --quiet\nimport threading, time\nstop = threading.Event()\n"
        "def spin():\n    while not stop.is_set(): pass\nworker = threading.Thread(target=spin)\nworker.start()",
        "%%track_energy --quiet\nt = time.process_time()\nwhile time.process_time() < t + 0.2: time.sleep(0.005)\n"
        "stop.set()\nworker.join()",
    )
    assert first.energy.cpu_s is not None
    assert second.energy.cpu_s is not None
    assert second.energy.cpu_s >= 0.2


def test_a_forked_child_writes_nothing(fresh: Kernel) -> None:
    """A child that a cell forked measures nothing and writes nothing, whatever it runs; its parent counts it."""
    code = (
        "%%track_energy --quiet -n parent\nimport os, time\nimport jupyter_green\npid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        with jupyter_green.measure('in the child'): pass\n"
        "        get_ipython().run_cell('%%track_energy --quiet -n cell in the child\\n1')\n"
        "        jupyter_green.step(x=1)\n"
        "        t = time.process_time()\n        while time.process_time() < t + 0.1: pass\n"
        "    finally:\n        os._exit(0)\n"
        "os.waitpid(pid, 0)[1]"
    )
    (record,) = _new(fresh, code)
    assert record.name == "parent"
    assert record.energy.cpu_s is not None
    assert record.energy.cpu_s >= 0.1
    assert len(list((fresh.home / "journal").iterdir())) == 1


def test_a_block_left_in_a_forked_child_is_written_once(fresh: Kernel) -> None:
    """A fork inside ``measure()`` ends the block in both processes, and only the parent writes it."""
    code = (
        "import os, sys\nimport jupyter_green\nwith jupyter_green.measure('block') as block:\n    pid = os.fork()\n"
        "if pid == 0:\n    os._exit(0 if block.record is None else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0\nassert block.record is not None"
    )
    assert [record.name for record in _new(fresh, code)] == ["block"]


def test_a_fork_pool_is_part_of_its_cell(kernel: Kernel) -> None:
    """A multiprocessing pool works in a measured cell, and its workers' CPU time is the cell's."""
    (record,) = _new(
        kernel,
        "%%track_energy --quiet\nimport multiprocessing, time\n"
        "def work(n):\n    t = time.process_time()\n    while time.process_time() < t + 0.05: pass\n    return n\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    assert len(pool.map(work, range(4))) == 4",
    )
    assert record.energy.cpu_s is not None
    assert record.energy.cpu_s >= 0.15


def test_reset_and_deleting_the_result(kernel: Kernel) -> None:
    """``del _energy`` and ``%reset -f`` take nothing away that measuring needs."""
    first, second, third = _new(
        kernel,
        "%%track_energy --quiet -n a\ndel _energy" if kernel.value("'_energy' in globals()") else "%%track_energy\n1",
        "%%track_energy --quiet -n b\nget_ipython().run_line_magic('reset', '-f')",
        "%%track_energy --quiet -n c\n1",
    )
    assert (second.name, third.name) == ("b", "c")
    assert first.status == "ok"
    assert kernel.value("_energy.name") == "c"


def test_load_reload_unload(tmp_path: Path) -> None:
    """Loading twice is harmless, reloading begins a new session, unloading takes everything away."""
    with Kernel(tmp_path, green_home=tmp_path / "home") as kernel:
        assert kernel.run("%load_ext jupyter_green").stream("stdout").count("\n") == 1
        assert "already loaded" in kernel.run("%load_ext jupyter_green").stream("stdout")
        kernel.run("%%track_energy --quiet\n1")
        kernel.run("%%track_energy --quiet\n%reload_ext jupyter_green")
        kernel.run("%%track_energy --quiet\n2")
        hooks = "[len(get_ipython().events.callbacks[e]) for e in ('pre_run_cell', 'post_run_cell')]"
        assert kernel.value(hooks) == [1, 1]
        assert len({record.session_id for record in kernel.records()}) == 2
        count = len(kernel.records())
        kernel.run("%unload_ext jupyter_green")
        assert kernel.value(hooks) == [0, 0]
        reply = kernel.run("%%track_energy\n1")
        assert "not found" in reply.stream("stderr") + (reply.traceback or "")
        assert len(kernel.records()) == count
        kernel.run("%load_ext jupyter_green")
        kernel.run("%%track_energy --quiet\n3")
        assert len(kernel.records()) == count + 1


def test_a_user_s_own_failing_hook_stays_the_user_s(fresh: Kernel) -> None:
    """A hook of the user's that fails is reported by IPython as ever, and the cell is measured."""
    fresh.run("def broken(info): raise RuntimeError('mine')\nget_ipython().events.register('pre_run_cell', broken)")
    reply = fresh.run("%%track_energy --quiet\n'value'")
    assert reply.result == "'value'"
    assert "broken" in reply.stream("stdout")
    assert fresh.records()[-1].status == "ok"
    fresh.run("get_ipython().events.unregister('pre_run_cell', broken)")


def test_another_folder_changes_nothing(fresh: Kernel, tmp_path: Path) -> None:
    """After ``os.chdir`` records go on into the same journal, and to the place in MLflow they went to before."""
    fresh.run("%%track_energy --quiet -n before --mlflow off\n1")
    (tmp_path / "elsewhere").mkdir()
    fresh.run("%%track_energy --quiet -n during --mlflow off\nimport os\nos.chdir('elsewhere')")
    fresh.run("%%track_energy --quiet -n after --mlflow off\n1")
    assert [record.name for record in fresh.records()] == ["before", "during", "after"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {record.notebook for record in fresh.records()} == {None}


@pytest.mark.parametrize(
    "name", ["größe ⚡ 模型", "n" * 5000, "<script>alert(1)</script>", "a/b\\c", "-n", "\u202eabc"]
)
def test_any_name_is_kept_as_typed(name: str, kernel: Kernel) -> None:
    """Names may hold any characters and be very long."""
    quoted = "'" + name.replace("\\", "\\\\") + "'"
    (record,) = _new(kernel, f"%%track_energy --quiet --mlflow off -n {quoted}\n1")
    assert record.name == name


def test_closed_streams_do_not_keep_a_cell_from_being_measured(fresh: Kernel) -> None:
    """Where a cell closed standard output and error, the next has its record all the same, even with a wrong option."""
    fresh.run(
        "import sys\nclass Closed:\n    def write(self, text): raise ValueError('closed')\n    def flush(self): pass\n"
        "kept = sys.stdout, sys.stderr"
    )
    assert fresh.run("%%track_energy\nsys.stdout = sys.stderr = Closed()\n'v'").displays[-1].startswith("⚡")
    fresh.run("%%track_energy --wrong\n1")
    fresh.run("%%track_energy --quiet\nsys.stdout, sys.stderr = kept")
    assert [record.status for record in fresh.records()] == ["ok", "ok", "ok"]
    assert fresh.records()[1].notes == ("track_energy: unknown option --wrong.",)


def test_exit_in_a_cell_ends_the_session(tmp_path: Path) -> None:
    """A kernel that ends itself writes its last line."""
    with Kernel(tmp_path, green_home=tmp_path / "home") as kernel:
        kernel.run("%load_ext jupyter_green")
        kernel.run("%%track_energy --quiet\n1")
        kernel.run("exit")
    (path,) = (tmp_path / "home" / "journal").iterdir()
    assert json.loads(path.read_text().splitlines()[-1])["type"] == "end"


def test_python_2_style_prompts_and_copied_prompts(kernel: Kernel) -> None:
    """Lines copied with their ``>>>`` prompts run below our line as they do without it."""
    (record,) = _new(kernel, "%%track_energy --quiet\n>>> z = 40\n>>> z += 2")
    assert record.status == "ok"
    assert kernel.value("z") == 42


def test_cell_id_of_the_frontend(kernel: Kernel) -> None:
    """A record names the cell by the id that the frontend sent."""
    kernel.run("%%track_energy --quiet\n1", cell_id="abc-123")
    assert kernel.records()[-1].cell_id == "abc-123"
