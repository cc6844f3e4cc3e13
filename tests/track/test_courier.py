"""The courier: real processes that measure, and the one that brings their records to MLflow."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_green.meter.clocks import read_stat
from jupyter_green.track.journal import log_paths, read_log
from jupyter_green.track.receipts import read_receipts
from tests.track.conftest import clean_environ, wait_until
from tests.track.mlflow_rows import StoredRun, children, runs

CI = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "BUILD_NUMBER")

# A process that does what it is told, line by line, as a kernel does.
SHELL = """
import sys
import jupyter_green
print("ready", flush=True)
for line in sys.stdin:
    exec(line.replace(chr(31), chr(10)), globals())
    print("done", flush=True)
"""


class Shell:
    """A process that measures blocks."""

    def __init__(self, folder: Path, home: Path, **environ: str) -> None:
        given = {name: value for name, value in clean_environ(home, **environ).items() if name not in CI}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHELL],
            cwd=folder,
            env=given,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.home, self.pid = home, self.process.pid
        self._expect("ready")

    def _expect(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == word + "\n"

    def run(self, code: str) -> None:
        """Run code and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.write(code.replace("\n", chr(31)) + "\n")
        self.process.stdin.flush()
        self._expect("done")

    def block(self, name: str) -> None:
        """Measure a named block."""
        self.run(f"with jupyter_green.measure({name!r}): sum(range(1000))")

    @property
    def log(self) -> Path:
        (path,) = log_paths(self.home)
        return path

    def couriers(self) -> list[int]:
        """The pids of this session's couriers, from their command lines."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    arguments = (entry / "cmdline").read_bytes().split(b"\0")
                    if b"courier" in arguments and str(self.log).encode() in arguments:
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End normally."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own."""
    return tmp_path / "green-home"


@pytest.fixture
def database(folder: Path, make_store: Callable[[Path], str]) -> Path:
    """The default store of the folder."""
    make_store(folder)
    return folder / "mlflow.db"


@pytest.fixture
def shell(folder: Path, home: Path, database: Path) -> Iterator[Shell]:
    """A process that measures, and whose couriers are gone with it."""
    made = Shell(folder, home)
    yield made
    made.close()
    if log_paths(home):
        wait_until(lambda: not made.couriers(), "the couriers' end")


def _session(database: Path) -> StoredRun | None:
    found = [run for run in runs(database) if run.record is None]
    assert len(found) <= 1
    return found[0] if found else None


def _ended(database: Path) -> str | None:
    run = _session(database)
    return None if run is None or run.status == "RUNNING" else run.status


def test_life_of_a_courier(shell: Shell, database: Path) -> None:
    """It starts with the first record, detached and at the lowest priority, delivers, and ends with the kernel."""
    assert log_paths(shell.home) == []
    shell.block("first")
    (courier,) = wait_until(shell.couriers, "a courier")
    stat = read_stat(courier)
    assert stat is not None
    assert int(stat[1]) != shell.pid  # its parent
    assert int(stat[3]) != os.getsid(shell.pid)  # its session: no Ctrl-C of a terminal reaches it
    wait_until(lambda: (read_stat(courier) or stat)[16] == b"19", "the lowest priority")
    wait_until(lambda: len(children(database)) == 1, "the first record in MLflow")
    assert _session(database).status == "RUNNING"
    shell.block("second")
    wait_until(lambda: len(children(database)) == 2, "the second record in MLflow")
    assert shell.couriers() == [courier]
    assert not Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
    shell.close()
    assert wait_until(lambda: _ended(database), "the run's status") == "FINISHED"
    wait_until(lambda: not shell.couriers(), "the courier's end")
    assert read_receipts(shell.log).problem is None


def test_telemetry_is_off(shell: Shell) -> None:
    """In the courier's environment as it is after CI's variables were taken away, MLflow's telemetry is off."""
    code = (
        "import os\n"
        "from jupyter_green.track.store import quiet\n"
        "quiet(os.environ)\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "import mlflow.telemetry.client as client\n"
        "assert is_telemetry_disabled()\n"
        "assert client.get_telemetry_client() is None\n"
    )
    given = {name: value for name, value in clean_environ(shell.home).items() if name not in CI}
    subprocess.run([sys.executable, "-c", code], env=given, check=True)
    shell.block("first")
    (courier,) = wait_until(shell.couriers, "a courier")
    wait_until(lambda: read_receipts(shell.log).delivered, "a delivery")
    for entry in Path(f"/proc/{courier}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            assert "socket" not in entry.readlink().name


def test_killed_kernel(shell: Shell, database: Path) -> None:
    """After kill -9 of the kernel, a zombie now, what was appended is delivered and the run says KILLED."""
    shell.block("first")
    shell.run("with jupyter_green.measure(): pass")
    shell.process.kill()  # and nobody waits for it
    assert wait_until(lambda: _ended(database), "the run's status") == "KILLED"
    log = read_log(shell.log)
    assert log is not None
    assert [record.name for record in log.records] == ["first", None]
    run = _session(database)
    assert run is not None
    assert [step for step, _ in run.metrics["cell_energy_j"]] == [1, 2]
    shell.process.wait(timeout=60)


def _pipes(shell: Shell) -> int:
    """How many ends of pipes the process holds; it waits for its next line meanwhile."""
    return sum("pipe" in os.readlink(entry) for entry in Path(f"/proc/{shell.pid}/fd").iterdir())


@pytest.mark.parametrize("is_delivered", [True, False], ids=["what it brought before", "at once"])
def test_session_that_ends_before_its_process(shell: Shell, database: Path, tmp_path: Path, is_delivered: bool) -> None:
    """A session that is ended while its kernel lives is finished in MLflow; its courier and their pipe go with it."""
    before = _pipes(shell)
    shell.block("first")
    wait_until(shell.couriers, "a courier")
    if is_delivered:
        wait_until(lambda: children(database), "the record in MLflow")
    shell.run("from jupyter_green.track import current; current.stop()")
    assert _pipes(shell) == before
    wait_until(lambda: not shell.couriers(), "the courier's end")
    assert _ended(database) == "FINISHED"
    assert shell.process.poll() is None
    assert len(children(database)) == 1


def test_session_that_ends_while_a_fork_lives(shell: Shell, database: Path, tmp_path: Path) -> None:
    """A process that the kernel forked holds the courier's pipe open; the end of the session is heard all the same."""
    shell.block("first")
    wait_until(lambda: children(database), "the record in MLflow")
    pid_file = tmp_path / "pid"
    shell.run(
        f"import os, time\nif (pid := os.fork()) == 0: time.sleep(600)\nopen({str(pid_file)!r}, 'w').write(str(pid))"
    )
    fork = int(pid_file.read_text())
    try:
        shell.run("from jupyter_green.track import current; current.stop()")
        wait_until(lambda: not shell.couriers(), "the courier's end")
        assert _ended(database) == "FINISHED"
    finally:
        os.kill(fork, signal.SIGKILL)


def test_courier_that_was_killed_before_the_end(shell: Shell, database: Path) -> None:
    """A session that ends without its courier, which somebody killed, is finished by another one."""
    shell.block("first")
    (courier,) = wait_until(shell.couriers, "a courier")
    os.kill(courier, signal.SIGKILL)
    wait_until(lambda: not shell.couriers(), "the courier's end")
    shell.run("from jupyter_green.track import current; current.stop()")
    assert wait_until(lambda: _ended(database), "the run's status") == "FINISHED"
    wait_until(lambda: not shell.couriers(), "the other courier's end")


@pytest.mark.long  # it looks every 10 s
def test_killed_kernel_whose_fork_lives(shell: Shell, database: Path, tmp_path: Path) -> None:
    """A process that the kernel forked holds the courier's pipe open; the kernel's end is noticed all the same."""
    shell.block("first")
    wait_until(lambda: read_receipts(shell.log).delivered, "a delivery")
    pid_file = tmp_path / "pid"
    shell.run(
        f"import os, time\nif (pid := os.fork()) == 0: time.sleep(600)\nopen({str(pid_file)!r}, 'w').write(str(pid))"
    )
    fork = int(pid_file.read_text())
    shell.process.kill()
    shell.process.wait(timeout=60)
    try:
        assert wait_until(lambda: _ended(database), "the run's status") == "KILLED"
    finally:
        os.kill(fork, signal.SIGKILL)


def test_killed_courier(shell: Shell, database: Path) -> None:
    """A courier that was killed is started again by the next record, also where the kernel lets SIGPIPE kill."""
    shell.run("import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)")
    shell.block("first")
    (courier,) = wait_until(shell.couriers, "a courier")
    os.kill(courier, signal.SIGKILL)
    wait_until(lambda: not shell.couriers(), "the courier's end")
    shell.block("second")
    (other,) = wait_until(shell.couriers, "another courier")
    assert other != courier
    wait_until(lambda: len(children(database)) == 2, "both records in MLflow")
    shell.close()
    assert wait_until(lambda: _ended(database), "the run's status") == "FINISHED"
    run = _session(database)
    assert run is not None
    assert [step for step, _ in run.metrics["cell_energy_j"]] == [1, 2]


def test_threads_share_a_courier(shell: Shell, database: Path) -> None:
    """Blocks that end in many threads at once start one courier, and all records arrive."""
    shell.run(
        "import threading\n"
        "gate = threading.Barrier(8)\n"
        "def work(n):\n"
        "    with jupyter_green.measure(f'block {n}'): gate.wait()\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]"
    )
    assert len(wait_until(shell.couriers, "a courier")) == 1
    wait_until(lambda: len(children(database)) == 8, "all records in MLflow")


def test_end_is_not_delayed(folder: Path, home: Path) -> None:
    """A kernel ends while its courier still waits for a server that never answers, and the courier outlives it."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shell = Shell(folder, home, MLFLOW_TRACKING_URI=address, MLFLOW_HTTP_REQUEST_TIMEOUT="600")
        shell.block("first")
        (courier,) = wait_until(shell.couriers, "a courier")
        silent.accept()[0].close()  # its knock
        connection, _ = silent.accept()  # its first request
        shell.close()
        assert shell.couriers() == [courier]
        os.kill(courier, signal.SIGKILL)
        connection.close()
    wait_until(lambda: not shell.couriers(), "the courier's end")


@pytest.mark.long  # mlflow is imported twice
def test_idle_courier_is_small_and_comes_back(folder: Path, home: Path, database: Path) -> None:
    """After a while without news the courier lets go of mlflow, and goes on with the next record."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "import jupyter_green.track.__main__ as main\n"
        "main._IDLE_S = 0.5\n"
        "main.follow(Path(sys.argv[1]), dict(os.environ))\n"
    )
    from jupyter_green.track.journal import Journal
    from tests.track.forge import OK, add, record, session

    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1)])
    # It has the lowest priority: beside two busy CPUs it takes minutes to begin.
    courier = subprocess.Popen(
        [sys.executable, "-c", code, str(journal.path)], stdin=subprocess.PIPE, env=clean_environ(home), cwd=folder
    )
    assert courier.stdin is not None
    arguments = Path(f"/proc/{courier.pid}/cmdline")
    wait_until(lambda: arguments.read_bytes().endswith(b"\0wait\0"), "the small courier", 140)
    assert _session(database) is not None
    maps = Path(f"/proc/{courier.pid}/maps")
    assert b"sqlite3" not in maps.read_bytes()
    add(journal, [record(2)], OK)
    courier.stdin.write(b".")
    courier.stdin.flush()
    assert wait_until(lambda: _ended(database), "the run's status", 140) == "FINISHED"
    courier.stdin.close()
    assert courier.wait(timeout=60) == 0
    run = _session(database)
    assert run is not None
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0)]


def test_folder_with_modules_of_its_own(folder: Path, home: Path, database: Path) -> None:
    """Modules beside the notebook that are called like Python's own do not stop the courier."""
    for name in ("random", "queue", "sqlite3", "secrets"):
        (folder / f"{name}.py").write_text("raise SystemExit('not this one')")
    shell = Shell(folder, home, PYTHONSAFEPATH="1")
    shell.run("import os; os.environ.pop('PYTHONSAFEPATH')")
    shell.block("first")
    wait_until(lambda: len(children(database)) == 1, "the record in MLflow")
    shell.close()
    wait_until(lambda: not shell.couriers(), "the courier's end")


def test_kernels_own_address_and_experiment(
    folder: Path, home: Path, tmp_path: Path, make_store: Callable[[Path], str]
) -> None:
    """The records go where mlflow in that kernel would write: its tracking URI and its experiment."""
    uri = make_store(tmp_path / "elsewhere")
    shell = Shell(folder, home)
    shell.run(f"import mlflow; mlflow.set_tracking_uri({uri!r}); mlflow.set_experiment('mine')")
    shell.run("with jupyter_green.measure(): pass")
    elsewhere = tmp_path / "elsewhere" / "mlflow.db"
    wait_until(lambda: _session(elsewhere), "the record in MLflow")
    assert _session(elsewhere).experiment == "mine"
    shell.close()
    wait_until(lambda: not shell.couriers(), "the courier's end")
    assert not (folder / "mlflow.db").exists()


def test_its_cpu_time_is_nobodys(shell: Shell, database: Path) -> None:
    """However often the process tree is read while a courier starts, it is never seen there, nor its CPU time."""
    shell.run(
        "import threading, time\n"
        "from jupyter_green.track import current\n"
        "with jupyter_green.measure(): meter = current.current().meter\n"
        "stop = threading.Event()\n"
        "def read():\n"
        "    while not stop.is_set(): meter.tick()\n"
        "reader = threading.Thread(target=read)\n"
        "reader.start()"
    )
    for number in range(12):
        shell.block(f"block {number}")
        (courier,) = wait_until(shell.couriers, "a courier")
        shell.run("meter.tick(); seen = dict(meter._tree._state.seen)")
        os.kill(courier, signal.SIGKILL)
        wait_until(lambda: not shell.couriers(), "the courier's end")
        shell.run("assert not seen, seen")
    shell.run("stop.set(); reader.join()")
