"""MLflow away, slow, ill and back again: the records are kept, one sentence says so, then they arrive once."""

from __future__ import annotations

import contextlib
import math
import os
import random
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_green.programs import typed
from jupyter_green.records import Target
from jupyter_green.track.journal import Journal
from jupyter_green.track.receipts import read_receipts, receipts_path
from tests.track.conftest import Nursery, clean_environ
from tests.track.forge import OK, add, record, session, write
from tests.track.mlflow_rows import children, of_session, runs
from tests.track.servers import MlflowServer, free_port, recorder

SEED = 20260303
KEPT = f"The records are kept and will be sent by: {typed('jupyter')} green sync"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own."""
    return tmp_path / "green-home"


def _log(home: Path, uri: str, session_id: str = "0" * 16, count: int = 3) -> Path:
    target = Target(tracking_uri=uri, experiment="served")
    records = [
        record(n, session_id=session_id, mlflow=target, name="fit" if n == 2 else None) for n in range(1, count + 1)
    ]
    return write(home, session(session_id, cwd=str(home.parent)), records, OK)


def test_refused(home: Path, nursery: Nursery) -> None:
    """A server that is not there is a sentence that names it and says what becomes of the records."""
    uri = f"http://127.0.0.1:{free_port()}"
    log = _log(home, uri)
    assert nursery.deliver(home, log)["problem"] == f"MLflow at {uri}: it did not answer (2 s). {KEPT}"
    assert read_receipts(log).problem == f"MLflow at {uri}: it did not answer (2 s). {KEPT}"


def test_packets_that_are_dropped(home: Path, nursery: Nursery) -> None:
    """Where nobody says no, because packets are dropped on the way, the server is given up after 2 s."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        waiting = [stack.enter_context(socket.socket()) for _ in range(4)]
        for one in waiting:  # the kernel drops whom a full queue has no room for
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        uri = f"http://127.0.0.1:{full.getsockname()[1]}"
        began = time.monotonic()
        problem = nursery.deliver(home, _log(home, uri))["problem"]
        waited_s = time.monotonic() - began
    assert problem == f"MLflow at {uri}: it did not answer (2 s). {KEPT}"
    assert waited_s >= 2  # so it was not refused


def test_name_that_nobody_has(home: Path, nursery: Nursery) -> None:
    """A host that does not exist is the same."""
    problem = nursery.deliver(home, _log(home, "http://no-such-host.invalid:5000"))["problem"]
    assert problem == f"MLflow at http://no-such-host.invalid:5000: it did not answer (2 s). {KEPT}"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:port", "http://[::1", "nonsense://host", "http://"])
def test_addresses_that_are_none(home: Path, nursery: Nursery, uri: str) -> None:
    """An address that cannot be understood is a sentence, no crash."""
    outcome = nursery.deliver(home, _log(home, uri))
    assert outcome["delivered"] == 0
    assert outcome["problem"].startswith("MLflow at ")
    assert outcome["problem"].endswith(KEPT)


def test_accepts_and_never_answers(home: Path, nursery: Nursery) -> None:
    """A server that accepts and says nothing is given up after the request's time, without a repetition."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ = clean_environ(home, MLFLOW_HTTP_REQUEST_TIMEOUT="1")
        problem = nursery.deliver(home, _log(home, uri), environ=environ)["problem"]
        silent.setblocking(False)
        accepted = []
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted.append(silent.accept()[0])
        assert len(accepted) == 2  # its knock and one request
        for connection in accepted:
            connection.close()
    assert problem.startswith(f"MLflow at {uri}: ")
    assert problem.endswith(KEPT)


def test_answers_500(home: Path, nursery: Nursery) -> None:
    """A server that answers 500 is asked once, and the sentence has what it said; no file has the credentials."""
    with recorder(500) as ill:
        environ = clean_environ(home, MLFLOW_TRACKING_URI=ill.uri.replace("//", "//ann:tops3cret@"))
        outcome = nursery.deliver(home, _log(home, ill.uri), environ=environ)
    assert outcome["problem"].startswith(f"MLflow at {ill.uri}: ")
    assert outcome["problem"].endswith(KEPT)
    assert "tops3cret" not in str(outcome)
    assert len(ill.headers) == 1
    assert ill.headers[0]["Authorization"].startswith("Basic ")
    for path in home.rglob("*"):
        assert path.is_dir() or b"tops3cret" not in path.read_bytes()


def test_breaks_off(home: Path, nursery: Nursery) -> None:
    """A connection that breaks off in the middle gives no credentials away in its sentence."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as rude:
        uri = f"http://127.0.0.1:{rude.getsockname()[1]}"

        def hang_up() -> None:
            for _ in range(2):
                rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        environ = clean_environ(home, MLFLOW_TRACKING_URI=uri.replace("//", "//ann:tops3cret@"))
        log = _log(home, uri)
        problem = nursery.deliver(home, log, environ=environ)["problem"]
        thread.join()
    assert "tops3cret" not in problem
    assert "tops3cret" not in (read_receipts(log).problem or "")
    assert problem.endswith(KEPT)


def test_proxy_is_not_gone_round(home: Path, nursery: Nursery) -> None:
    """Where a proxy is set, the server itself need not be reachable."""
    with recorder(500) as proxy:
        environ = clean_environ(home, http_proxy=proxy.uri)
        nursery.deliver(home, _log(home, "http://no-such-host.invalid:5000"), environ=environ)
        assert proxy.headers[0]["path"].startswith("http://no-such-host.invalid:5000/")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, _built_store: Path) -> Iterator[MlflowServer]:
    """A real tracking server, not started yet: that takes 10 s."""
    import shutil

    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(_built_store, folder / "mlflow.db")
    made = MlflowServer(folder)
    yield made
    made.stop()


def _of(server: MlflowServer, session_id: str) -> list[tuple[str | None, str]]:
    return [(run.record, run.status) for run in runs(server.database) if run.session == session_id]


def test_real_server_away_and_there(home: Path, nursery: Nursery, server: MlflowServer) -> None:
    """A real server gets a session with its child and parameters; away at first, it has each record once."""
    s = "1" * 16
    log = _log(home, server.uri, s)
    assert "it did not answer" in nursery.deliver(home, log)["problem"]
    server.start()
    outcome = nursery.deliver(home, log)
    assert (outcome["problem"], outcome["delivered"]) == (None, 3)
    assert nursery.deliver(home, log)["delivered"] == 0
    assert set(_of(server, s)) == {(None, "FINISHED"), (f"{s}-2", "FINISHED")}
    assert len(_of(server, s)) == 2
    (run,) = [run for run in runs(server.database) if run.session == s and run.record is None]
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (3, 10.0)]
    (table,) = server.folder.glob(f"artifacts/*/{run.run_id}/artifacts/cells.json")
    assert '"columns"' in table.read_text()


def test_real_server_takes_long_texts(home: Path, nursery: Nursery, server: MlflowServer) -> None:
    """300 long parameters of no ASCII are not too much for a server's requests."""
    server.start()
    s = "2" * 16
    parameters = {f"größe {n}": "日" * 4000 for n in range(300)}
    target = Target(tracking_uri=server.uri, experiment=None)
    about = session(s, cwd=str(home.parent), parameters=parameters)
    log = write(home, about, [record(1, session_id=s, mlflow=target, notes=("é" * 9000,))], OK)
    assert nursery.deliver(home, log)["problem"] is None
    (run,) = [run for run in runs(server.database) if run.session == s]
    assert run.params == parameters


def test_real_server_shows_no_total_that_is_unknown(home: Path, nursery: Nursery, server: MlflowServer) -> None:
    """A total that becomes unknown is NaN at a real server, too, however often it is delivered."""
    server.start()
    s = "3" * 16
    target = Target(tracking_uri=server.uri, experiment="served")
    journal = Journal(home, session(s, cwd=str(home.parent)))
    known = record(1, session_id=s, mlflow=target)
    add(journal, [known])
    nursery.deliver(home, journal.path)
    add(journal, [replace(known, record_id=f"{s}-2", co2e_g=None, co2e_low_g=None, co2e_high_g=None, intensity=None)])
    for _ in range(2):
        assert nursery.deliver(home, journal.path)["problem"] is None
        receipts_path(journal.path).unlink()
    (run,) = [run for run in runs(server.database) if run.session == s]
    assert [math.isnan(value) for _, value in run.metrics["co2e_mg"]] == [False, True]
    assert math.isnan(run.latest["co2e_mg"])


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_on_the_way_to_a_server(home: Path, nursery: Nursery, server: MlflowServer) -> None:
    """Killed at 40 seeded moments on the way to a real server, a delivery ends with each record once."""
    server.start()
    print("seed", SEED)
    draw = random.Random(SEED)
    took_s = []
    for n in range(3):
        log = _log(home, server.uri, f"{n + 0x100:016x}", 20)
        began = time.monotonic()
        nursery.deliver(home, log)
        took_s.append(time.monotonic() - began)
    whole_s = statistics.median(took_s)
    print(f"undisturbed {whole_s:.3f} s")
    hit, n = 0, 0
    while hit < 40:
        s = f"{n + 0x200:016x}"
        n += 1
        assert n < 200, "hardly any kill hit the work"
        log = _log(home, server.uri, s, 20)
        for _ in range(2):
            pid = nursery.begin(home, log)
            time.sleep(draw.uniform(0.0, whole_s))
            os.kill(pid, signal.SIGKILL)
            hit += nursery.outcomes() is None
        assert nursery.deliver(home, log)["problem"] is None
        found = [run for run in runs(server.database) if run.session == s]
        assert sorted((run.record is None, run.status) for run in found) == [(False, "FINISHED"), (True, "FINISHED")]
        for run in found:
            assert run.params == {}
            if run.record is None:
                assert run.metrics["cell_energy_j"] == [(m, 10.0) for m in range(1, 21)]
            else:
                assert run.metrics["energy_j"] == [(0, 10.0)]
    print(f"{hit} kills in {n} sessions")


def test_store_of_the_tests_is_sound(tmp_path: Path, make_store: Callable[[Path], str]) -> None:
    """The store that a test begins with holds no run."""
    make_store(tmp_path / "x")
    assert runs(tmp_path / "x" / "mlflow.db") == []
    assert children(tmp_path / "x" / "mlflow.db") == {}
    with pytest.raises(ValueError, match="not enough"):
        of_session(tmp_path / "x" / "mlflow.db")
