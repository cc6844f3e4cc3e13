"""``sync``: everything that waits is sent, and credentials only to the address that the user named."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_green.errors import UsageError
from jupyter_green.records import Target
from jupyter_green.track.journal import Journal
from jupyter_green.track.sync import run_jobs, sentence, sync_all, sync_session
from tests.kernels import Kernel
from tests.track.conftest import clean_environ
from tests.track.forge import DEFAULT, OK, add, dead, record, session, write
from tests.track.mlflow_rows import of_session, runs
from tests.track.servers import recorder

PASSWORD = "tops3cret"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own."""
    return tmp_path / "green-home"


def test_everything_that_waits(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """Sessions of dead processes, and records that named no place, arrive; another host's session stays RUNNING."""
    make_store(folder)
    database = folder / "mlflow.db"
    cwd = str(folder)
    write(home, dead(session_id="1" * 16, cwd=cwd), [record(1, session_id="1" * 16, mlflow=None)])
    write(home, session("2" * 16, cwd=cwd), [record(1, session_id="2" * 16)], OK)
    write(home, session("3" * 16, cwd=cwd, host="elsewhere"), [record(1, session_id="3" * 16)])
    results = sync_all(clean_environ(home))
    assert [(log.session.session_id, outcome["problem"]) for log, outcome in results] == [(n * 16, None) for n in "123"]
    assert {run.session: run.status for run in runs(database)} == {
        "1" * 16: "KILLED",
        "2" * 16: "FINISHED",
        "3" * 16: "RUNNING",
    }
    assert sync_all(clean_environ(home)) == []


def test_records_without_a_place_go_where_mlflow_is_now(
    home: Path, folder: Path, tmp_path: Path, make_store: Callable[[Path], str]
) -> None:
    """What named no place goes where the environment of ``sync`` says; what named the default goes there."""
    uri = make_store(tmp_path / "named")
    make_store(folder)
    write(home, dead(session_id="1" * 16, cwd=str(folder)), [record(1, session_id="1" * 16, mlflow=None)])
    write(home, dead(session_id="2" * 16, cwd=str(folder)), [record(1, session_id="2" * 16, mlflow=DEFAULT)])
    sync_all(clean_environ(home, MLFLOW_TRACKING_URI=uri))
    assert of_session(tmp_path / "named" / "mlflow.db").session == "1" * 16
    assert of_session(folder / "mlflow.db").session == "2" * 16


def test_credentials_go_to_no_address_that_only_a_journal_names(home: Path, tmp_path: Path) -> None:
    """A server that only a journal names gets none of the credentials there are; the user's own server gets them."""
    user = tmp_path / "user"
    (user / ".mlflow").mkdir(parents=True)
    (user / ".mlflow" / "credentials").write_text(
        f"[mlflow]\nmlflow_tracking_username=ann\nmlflow_tracking_password={PASSWORD}\n"
    )
    (user / ".netrc").write_text(
        f"default login ann password {PASSWORD}\nmachine 127.0.0.1 login ann password {PASSWORD}\n"
    )
    (user / ".netrc").chmod(0o600)
    with recorder(500) as own, recorder(500) as foreign:
        for name, uri in (("1", own.uri), ("2", foreign.uri)):
            target = Target(tracking_uri=uri, experiment=None)
            about = dead(session_id=name * 16, cwd=str(tmp_path))
            write(home, about, [record(1, session_id=name * 16, mlflow=target)])
        environ = clean_environ(
            home,
            HOME=str(user),
            MLFLOW_TRACKING_URI=own.uri.replace("//", f"//ann:{PASSWORD}@"),
            MLFLOW_TRACKING_USERNAME="ann",
            MLFLOW_TRACKING_PASSWORD=PASSWORD,
            MLFLOW_TRACKING_TOKEN=PASSWORD,
            AWS_SECRET_ACCESS_KEY=PASSWORD,
            DATABRICKS_TOKEN=PASSWORD,
        )
        results = sync_all(environ)
        assert [outcome["problem"] is not None for _, outcome in results] == [True, True]
        assert own.headers
        assert all("Authorization" in headers for headers in own.headers)
        assert foreign.headers
        assert not any("Authorization" in headers for headers in foreign.headers)
        assert PASSWORD not in str(foreign.headers)
        assert PASSWORD not in str(results)


@pytest.mark.parametrize("kind", ["netrc", "file", "token"])
def test_each_kind_of_credentials_is_kept_back(home: Path, tmp_path: Path, kind: str) -> None:
    """Each kind alone, too: ``~/.netrc``, ``~/.mlflow/credentials`` and a token stay here without a named address."""
    user = tmp_path / "user"
    (user / ".mlflow").mkdir(parents=True)
    environ = clean_environ(home, HOME=str(user))
    if kind == "netrc":
        (user / ".netrc").write_text(f"machine 127.0.0.1 login ann password {PASSWORD}\n")
        (user / ".netrc").chmod(0o600)
        environ["NETRC"] = str(user / ".netrc")
    elif kind == "file":
        text = f"[mlflow]\nmlflow_tracking_username=ann\nmlflow_tracking_password={PASSWORD}\n"
        (user / ".mlflow" / "credentials").write_text(text)
    else:
        environ["MLFLOW_TRACKING_TOKEN"] = PASSWORD
    with recorder(500) as foreign:
        target = Target(tracking_uri=foreign.uri, experiment=None)
        write(home, dead(cwd=str(tmp_path)), [record(1, mlflow=target)])
        sync_all(environ)
        assert len(foreign.headers) == 1
        assert "Authorization" not in foreign.headers[0]


def test_an_address_that_only_looks_like_the_users_is_not_trusted(home: Path, folder: Path) -> None:
    """A password with a slash does not pass for the user's own host: what MLflow would go to is what counts."""
    code = "import os; os.write(2, os.environ.get('PGPASSWORD', 'none').encode()); os._exit(3)"
    (folder / "sitecustomize.py").write_text(code)
    environ = clean_environ(
        home, PYTHONPATH=str(folder), MLFLOW_TRACKING_URI="postgresql://ann:a/b@db:5432/m", PGPASSWORD=PASSWORD
    )
    for name, uri in (("1", "postgresql://db:5432/m"), ("2", "postgresql://db:5432/x@evil/m")):
        about = dead(session_id=name * 16, cwd=str(folder))
        goal = Target(tracking_uri=uri, experiment=None)
        write(home, about, [record(1, session_id=name * 16, mlflow=goal)])
    results = {log.session.session_id[0]: outcome["problem"] for log, outcome in sync_all(environ)}
    assert results == {"1": f"delivery to MLflow failed: {PASSWORD}", "2": "delivery to MLflow failed: none"}


def test_an_invalid_setting_sends_nothing(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """With a setting that cannot be understood nothing goes to an experiment that was perhaps not meant."""
    make_store(folder)
    write(home, dead(cwd=str(folder)), [record(1, mlflow=None)])
    with pytest.raises(UsageError, match="pue = 'abc' in environment"):
        sync_all(clean_environ(home, JUPYTER_GREEN_EXPERIMENT="mine", JUPYTER_GREEN_PUE="abc"))
    assert runs(folder / "mlflow.db") == []


def test_what_is_to_stay_here_does_not_wait(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """A record of ``--mlflow off`` is not what a session is sent for, neither with others nor alone."""
    make_store(folder)
    for name, kept in (("1", [True, False]), ("2", [True, True])):
        records = [record(n, session_id=name * 16, mlflow=None, stays=stays) for n, stays in enumerate(kept, start=1)]
        write(home, dead(session_id=name * 16, cwd=str(folder)), records)
    results = sync_all(clean_environ(home))
    assert [(log.session.session_id[0], outcome["delivered"]) for log, outcome in results] == [("1", 1)]
    assert sync_all(clean_environ(home)) == []


def test_a_place_that_was_away_at_the_end_gets_the_last_word(
    home: Path, folder: Path, tmp_path: Path, make_store: Callable[[Path], str]
) -> None:
    """A session of which one place has the end and another has not waits for a sync, which closes the other run."""
    make_store(folder)
    other = Target(tracking_uri=make_store(tmp_path / "other"), experiment=None)
    store, aside = tmp_path / "other" / "mlflow.db", tmp_path / "aside"
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1), record(2, mlflow=other)])
    run_jobs([(journal.path, None)], clean_environ(home))
    add(journal, [], OK)
    store.rename(aside)
    store.mkdir()  # where its file was, so that none is made
    (outcome,) = run_jobs([(journal.path, None)], clean_environ(home))
    assert outcome["problem"] is not None
    store.rmdir()
    aside.rename(store)
    assert (of_session(folder / "mlflow.db").status, of_session(store).status) == ("FINISHED", "RUNNING")
    ((_, outcome),) = sync_all(clean_environ(home))
    assert outcome["problem"] is None
    run = of_session(store)
    assert (run.status, run.latest["energy_j"]) == ("FINISHED", 13.0)
    assert sync_all(clean_environ(home)) == []


def test_session_of_this_process(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """One session is sent on request, and a sentence says what came of it."""
    uri = make_store(folder)
    log = write(home, session(cwd=str(folder)), [record(1, mlflow=None), record(2, mlflow=None)])
    said = sync_session(log, DEFAULT, clean_environ(home))
    run = of_session(folder / "mlflow.db")
    assert said == f"Sent 2 records to MLflow at {uri}, run {run.run_id}."
    assert sync_session(log, DEFAULT, clean_environ(home)) == "MLflow has everything already."


_READER = """
import threading, time
from jupyter_green.track import current
meter, seen, stop = current.current().meter, set(), threading.Event()
def read():
    while not stop.wait(0.001):
        meter.tick()
        seen.update(meter._tree._state.seen)
reader = threading.Thread(target=read)
reader.start()
"""


def test_delivery_of_a_kernel_is_in_no_cell(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """However often the process tree is read during ``%track_energy sync``, the process that delivers is not in it."""
    uri = make_store(folder)
    with Kernel(folder, green_home=home) as kernel:
        kernel.run("%load_ext jupyter_green\n%track_energy on")
        kernel.run("1")
        kernel.run(_READER)
        said = kernel.run("%track_energy sync")
        kernel.run("stop.set(); reader.join()")
        assert kernel.value("sorted(seen)") == []
    assert f"MLflow at {uri}, run " in said.stream("stdout")
    assert of_session(folder / "mlflow.db").metrics["cell_energy_j"]


def test_delivery_of_a_kernel_that_cannot_start(home: Path, folder: Path) -> None:
    """If the process that delivers fails in a kernel, its sentence has the reason."""
    noise = folder / "noise"
    noise.mkdir()
    with Kernel(folder, green_home=home) as kernel:
        kernel.run("%load_ext jupyter_green\n%track_energy on")
        kernel.run(f"import os; os.environ['PYTHONPATH'] = {str(noise)!r}")
        (noise / "sitecustomize.py").write_text("import os; os.write(2, b'no memory\\n'); os._exit(3)")
        said = kernel.run("%track_energy sync")
        assert said.stream("stdout") == "delivery to MLflow failed: no memory\n"
        (noise / "sitecustomize.py").write_text("import os; os._exit(3)")
        said = kernel.run("%track_energy sync")
        assert said.stream("stdout") == "delivery to MLflow failed: it ended without an answer\n"


def test_deliveries_have_the_lowest_priority(home: Path, folder: Path) -> None:
    """A process that delivers on request leaves the CPUs to others."""
    log = write(home, session(cwd=str(folder)), [])
    noise = folder / "noise"
    noise.mkdir()
    code = f"import atexit, os\natexit.register(lambda: open({str(noise / 'nice')!r}, 'w').write(str(os.nice(0))))"
    (noise / "sitecustomize.py").write_text(code)
    run_jobs([(log, None)], clean_environ(home, PYTHONPATH=str(noise)))
    assert (noise / "nice").read_text() == "19"


def test_process_that_cannot_start(home: Path, folder: Path) -> None:
    """If the delivering process itself fails, each session has a sentence with the reason."""
    log = write(home, session(cwd=str(folder)), [record(1)])
    (folder / "sitecustomize.py").write_text("import os; os.write(2, b'no memory\\n'); os._exit(3)")
    outcomes = run_jobs([(log, None), (log, None)], clean_environ(home, PYTHONPATH=str(folder)))
    assert [sentence(outcome) for outcome in outcomes] == ["delivery to MLflow failed: no memory"] * 2
    assert run_jobs([], {}) == []


def test_what_others_print_is_no_answer(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """Lines of whatever is imported beside mlflow are passed over, and secrets in an error's line are masked."""
    make_store(folder)
    log = write(home, session(cwd=str(folder)), [record(1)])
    noise = folder / "noise"
    noise.mkdir()
    loud = noise / "sitecustomize.py"
    loud.write_text("import atexit\nprint('{}\\n{', end='')\natexit.register(print, '{\"problem\": 1}')")
    (outcome,) = run_jobs([(log, None)], clean_environ(home, PYTHONPATH=str(noise)))
    assert (outcome["problem"], outcome["delivered"]) == (None, 1)
    loud.write_text(f"import os; os.write(2, b'no http://ann:{PASSWORD}@host'); os._exit(3)")
    (outcome,) = run_jobs([(log, None)], clean_environ(home, PYTHONPATH=str(noise)))
    assert outcome["problem"].startswith("delivery to MLflow failed: no http://")
    assert PASSWORD not in outcome["problem"]


def test_a_delivery_that_takes_too_long_is_ended(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """Whoever waits for a delivery is told what arrived and that the rest waits; a later one sends it."""
    make_store(folder)
    first = write(home, session(cwd=str(folder)), [record(1)])
    environ = clean_environ(home, MLFLOW_HTTP_REQUEST_TIMEOUT="1000")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = Target(tracking_uri=f"http://127.0.0.1:{silent.getsockname()[1]}", experiment=None)
        second = write(home, session("1" * 16), [record(1, session_id="1" * 16, mlflow=slow)])
        outcomes = run_jobs([(first, None), (second, None)], environ, patience_s=12.0)
    assert [outcome["delivered"] for outcome in outcomes] == [1, 0]
    assert outcomes[1]["problem"] == "delivery to MLflow failed: it did not come to an end within 12 s"


def test_sentences() -> None:
    """A sentence for each outcome."""
    done = {"problem": None, "run_id": "r", "tracking_uri": "http://h", "delivered": 1}
    assert sentence(done) == "Sent 1 record to MLflow at http://h, run r."
    assert sentence({**done, "problem": "away"}) == "away"
    assert sentence({**done, "run_id": None}) == "MLflow has everything already."


def test_sync_without_a_journal(tmp_path: Path) -> None:
    """Without a journal nothing is sent and no process is started."""
    assert sync_all({**os.environ, "JUPYTER_GREEN_HOME": str(tmp_path / "none")}) == []
