"""A notebook's runs: what the receipts know of them, what MLflow itself says, and who gets credentials for it."""

from __future__ import annotations

import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.errors import DeliveryError, UsageError
from jupyter_green.programs import typed
from jupyter_green.records import Target
from jupyter_green.track import looking
from jupyter_green.track.journal import Journal
from jupyter_green.track.known_runs import KnownRuns, Run, Runs
from jupyter_green.track.looking import Found, ask
from jupyter_green.track.receipts import Delivered, receipts_path, write_problem, write_receipt
from tests.track.conftest import Nursery, clean_environ
from tests.track.forge import DEFAULT, OK, add, dead, energy, record, session, write
from tests.track.mlflow_rows import children, of_session, runs
from tests.track.servers import free_port, recorder

NOTEBOOK = "/home/ann/churn.ipynb"
PASSWORD = "tops3cret"
S = "0" * 16
RUN = "a" * 16


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own."""
    return tmp_path / "green-home"


def _of(home: Path, notebook: str | None = NOTEBOOK, kernel_id: str | None = None) -> Runs:
    return KnownRuns(home).of(notebook, kernel_id)


def _delivered(log: Path, *record_ids: str, run_id: str = "r1", **changes: Any) -> None:
    one = Delivered(
        goal=DEFAULT,
        tracking_uri="sqlite:////x.db",
        experiment_id="0",
        run_id=run_id,
        record_ids=record_ids,
        children={},
        is_final=False,
    )
    write_receipt(log, replace(one, **changes), 0.0)


def test_the_runs_are_those_of_mlflow(
    home: Path, folder: Path, make_store: Callable[[Path], str], nursery: Nursery
) -> None:
    """A session's run and the one of its named cell are told with the totals that MLflow has, and how to look."""
    uri = make_store(folder)
    records = [
        record(1),
        record(2, name="train", metrics={"accuracy": 0.9, "auc": None}, kind="cell"),
        record(3, kind="block", part_of=f"{S}-4"),
        record(4),
        record(5, kind="scoring", part_of=None),
    ]
    log = write(home, dead(cwd=str(folder)), records, OK)
    assert _of(home).waiting == 5
    assert nursery.deliver(home, log)["problem"] is None
    known = _of(home)
    assert (known.waiting, known.problem) == (0, None)
    child, own = known.runs  # the newest first
    stored = of_session(folder / "mlflow.db")
    (stored_child,) = children(folder / "mlflow.db").values()
    assert (own.run_id, own.parent_run_id, own.name, own.cells) == (stored.run_id, None, stored.name, 3)
    assert (child.run_id, child.parent_run_id) == (stored_child.run_id, stored.run_id)
    assert (child.name, child.cells, child.metrics) == ("train", 1, {"accuracy": 0.9, "auc": None})
    for run, row in ((own, stored), (child, stored_child)):
        figure = run.total
        assert figure.energy.attributed_j == pytest.approx(row.latest["energy_j"])
        assert figure.energy.low_j == pytest.approx(row.latest["energy_low_j"])
        assert figure.co2e_g is not None
        assert figure.co2e_g * 1e3 == pytest.approx(row.latest["co2e_mg"])
        assert (run.session_id, run.tracking_uri, run.experiment_id, run.link) == (S, uri, "0", None)
        assert run.command == f"{typed('mlflow')} ui --backend-store-uri {uri}"
    assert own.metrics == {}
    assert own.started_at == "2026-03-01T12:00:00+00:00"
    assert child.started_at == "2026-03-01T12:02:00+00:00"


def test_a_part_that_went_elsewhere(home: Path) -> None:
    """A block in another experiment than the cell around it counts in that cell's run, and in its own one only."""
    log = write(home, session(), [record(1, kind="block", name="part", part_of=f"{S}-2", joules=4.0), record(2)])
    _delivered(log, f"{S}-1", run_id="there", experiment_id="7", children={f"{S}-1": "own"})
    _delivered(log, f"{S}-2", run_id="here")
    told = {run.run_id: (run.cells, run.total.energy.attributed_j) for run in _of(home).runs}
    assert told == {"there": (0, None), "own": (1, 4.0), "here": (1, 11.0)}


def test_what_waits(home: Path) -> None:
    """What is not delivered waits; what was to stay here, and what is a part of that, does not."""
    records = [
        record(1),
        record(2, mlflow=None),
        record(3, mlflow=None, stays=True),
        record(4, mlflow=None, part_of=f"{S}-3"),
    ]
    log = write(home, session(), records)
    assert _of(home) == Runs(runs=(), waiting=2, problem=None)
    _delivered(log, f"{S}-1")
    assert _of(home).waiting == 1


def test_the_problem_is_the_last_trys(home: Path) -> None:
    """Why the last try failed is told until one goes well."""
    log = write(home, session(), [record(1)])
    write_problem(log, "MLflow is away.", 0.0)
    assert _of(home).problem == "MLflow is away."
    _delivered(log, f"{S}-1")
    assert _of(home).problem is None


def test_sessions_are_found_by_notebook_and_by_kernel(home: Path) -> None:
    """All sessions of a notebook count, the newest first, and those of its kernel under an older name; no others."""
    for name, about in (
        ("1", session("1" * 16)),
        ("2", session("2" * 16, started_at=OK.at)),
        ("3", session("3" * 16, notebook="/home/ann/old-name.ipynb", kernel_id="k")),
        ("4", session("4" * 16, notebook="/home/ann/another.ipynb", kernel_id="k2")),
    ):
        log = write(home, about, [record(1, session_id=name * 16)])
        _delivered(log, f"{name * 16}-1", run_id=f"r{name}")
    assert [run.run_id for run in _of(home).runs] == ["r2", "r1"]
    assert [run.run_id for run in _of(home, NOTEBOOK, "k").runs] == ["r2", "r1", "r3"]
    assert [run.run_id for run in _of(home, None, "k2").runs] == ["r4"]
    assert _of(home, "/nowhere.ipynb", "k3") == Runs(runs=(), waiting=0, problem=None)


def test_an_engines_run_is_one_session(home: Path) -> None:
    """What the kernel inside an engine's run recorded belongs to the engine's run, however it is asked for."""
    engine = write(home, session(RUN, runner="papermill"), [record(1, session_id=RUN, energy=energy(30.0))])
    inner = session(f"{RUN}.1", run=RUN, kernel_id="k")
    write(home, inner, [record(1, session_id=f"{RUN}.1", name="train", energy=energy(20.0))])
    _delivered(engine, f"{RUN}.1-1", run_id="r", children={f"{RUN}.1-1": "child"})
    known = _of(home, NOTEBOOK, "k")
    assert [(run.run_id, run.session_id) for run in known.runs] == [("child", RUN), ("r", RUN)]
    assert [run.total.energy.attributed_j for run in known.runs] == [20.0, 31.0]
    assert _of(home, None, "k") == known


def test_what_came_last_is_in_one_run(home: Path) -> None:
    """With two experiments, what was used after the last record is in the total of the run that holds it."""
    there = Target(tracking_uri=None, experiment="there")
    log = write(home, dead(), [record(1), record(2, mlflow=there)], OK)
    _delivered(log, f"{S}-2", run_id="second", goal=there)
    _delivered(log, f"{S}-1", run_id="first")
    joules = {run.run_id: run.total.energy.attributed_j for run in _of(home).runs}
    assert joules == {"first": 11.0, "second": 13.0}


def test_only_what_changed_is_read_again(home: Path) -> None:
    """A session that grew or was delivered is read again, one that did not is not."""
    known = KnownRuns(home)
    old = write(home, dead(session_id="1" * 16), [record(1, session_id="1" * 16)], OK)
    _delivered(old, f"{'1' * 16}-1", run_id="old")
    journal = Journal(home, session(started_at=OK.at))
    add(journal, [record(1)])
    _delivered(journal.path, f"{S}-1", run_id="new")
    before = {run.run_id: run for run in known.of(NOTEBOOK, None).runs}
    add(journal, [record(2)])
    after = known.of(NOTEBOOK, None)
    assert after.waiting == 1
    assert {run.run_id: run for run in after.runs}["old"] is before["old"]
    _delivered(journal.path, f"{S}-1", f"{S}-2", run_id="new")
    grown = known.of(NOTEBOOK, None)
    assert (grown.waiting, grown.runs[0].run_id, grown.runs[0].total.energy.attributed_j) == (0, "new", 22.0)
    journal.path.unlink()
    assert [run.run_id for run in known.of(NOTEBOOK, None).runs] == ["old"]


@pytest.mark.parametrize(
    ("uri", "link", "command"),
    [
        ("http://host:5000", "http://host:5000/#/experiments/3/runs/r1", None),
        ("https://host/mlflow/", "https://host/mlflow/#/experiments/3/runs/r1", None),
        ("http://ann:tops3cret@host:5000", "http://host:5000/#/experiments/3/runs/r1", None),
        ("http://host:5000?token=tops3cret", "http://host:5000/#/experiments/3/runs/r1", None),
        ("http://host:5000?page=1", None, None),
        ("http://host:notaport", None, None),
        ("http://[bad", None, None),
        ("http:///nohost", None, None),
        ("databricks", None, None),
        ("databricks://profile", None, None),
        ("sqlite:////x/my data.db", None, "ui --backend-store-uri 'sqlite:////x/my data.db'"),
        ("/x/mlruns", None, "ui --backend-store-uri /x/mlruns"),
        ("/x; rm -rf '~'", None, f"ui --backend-store-uri {shlex.quote(chr(47) + 'x; rm -rf ' + repr('~'))}"),
        ("postgresql://ann:tops3cret@db/m", None, "ui --backend-store-uri postgresql://db/m"),
        ("javascript:alert(1)//", None, "ui --backend-store-uri 'javascript:alert(1)//'"),
    ],
)
def test_how_a_run_is_looked_at(home: Path, uri: str, link: str | None, command: str | None) -> None:
    """A server's run has a link, a store's the command that shows it, quoted; neither has credentials."""
    log = write(home, session(), [record(1)])
    _delivered(log, f"{S}-1", tracking_uri=uri, experiment_id="3")
    (run,) = _of(home).runs
    assert (run.link, run.command) == (link, None if command is None else f"{typed('mlflow')} {command}")
    assert PASSWORD not in repr(run)


def test_ids_stay_inside_their_link(home: Path) -> None:
    """An id with a slash or a quote is no way to another page."""
    log = write(home, session(), [record(1)])
    _delivered(log, f"{S}-1", tracking_uri="http://host", experiment_id='1/../"', run_id="a?b#c")
    assert _of(home).runs[0].link == "http://host/#/experiments/1%2F..%2F%22/runs/a%3Fb%23c"


def test_lines_that_cannot_be_read(home: Path) -> None:
    """A torn receipt or journal, or a run of records that are gone, leaves what is known."""
    log = write(home, session(), [record(1)])
    with log.open("ab") as file:
        file.write(b'{"type":"cell","record_id"')
    _delivered(log, f"{S}-1", f"{S}-9", children={f"{S}-9": "gone"})
    with receipts_path(log).open("ab") as file:
        file.write(b'\n{"type":"delivered"')
    known = _of(home)
    assert [(run.run_id, run.cells) for run in known.runs] == [("r1", 1)]
    assert known.waiting == 0
    log.write_bytes(b"")
    assert _of(home).runs == ()


def test_no_journal(tmp_path: Path) -> None:
    """Where nothing was recorded there is nothing, and no folder is made."""
    assert _of(tmp_path / "none", NOTEBOOK, "k") == Runs(runs=(), waiting=0, problem=None)
    assert not (tmp_path / "none").exists()


@pytest.fixture
def stored(home: Path, folder: Path, make_store: Callable[[Path], str], nursery: Nursery) -> tuple[Run, Run]:
    """A session's run in a store, and the one of its named cell."""
    make_store(folder)
    named = record(1, name="train", metrics={"accuracy": 0.9}, parameters={"lr": "0.1"})
    log = write(home, session(cwd=str(folder)), [named])
    assert nursery.deliver(home, log)["problem"] is None
    child, own = _of(home).runs
    return own, child


def test_mlflow_is_asked_itself(home: Path, folder: Path, stored: tuple[Run, Run]) -> None:
    """Status, metrics and parameters are MLflow's own; what is no number is left out, and what is gone is None."""
    own, child = stored
    database = folder / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        for key, value, is_nan in (("loss", 0.0, True), ("worst", sys.float_info.max, False), ("later", 2.5, False)):
            row = (key, value, 1, 0, is_nan, child.run_id)
            connection.execute("INSERT INTO latest_metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    addresses = {run.run_id: run.tracking_uri for run in (own, child)} | {"f" * 32: own.tracking_uri}
    found = ask(addresses, home, clean_environ(home))
    (row,) = children(database).values()
    assert found[child.run_id] == Found(
        status="FINISHED",
        metrics={key: value for key, value in row.latest.items() if key not in ("loss", "worst")},
        parameters={"lr": "0.1"},
    )
    assert row.latest["later"] == 2.5
    one = found[own.run_id]
    assert one is not None
    assert (one.status, one.metrics["energy_j"]) == ("RUNNING", 11.0)
    assert found["f" * 32] is None


def test_a_deleted_run_is_gone(home: Path, folder: Path, stored: tuple[Run, Run]) -> None:
    """A run in MLflow's bin is one that it does not have any more."""
    own, _ = stored
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
    assert ask({own.run_id: own.tracking_uri}, home, clean_environ(home)) == {own.run_id: None}


@pytest.mark.parametrize("kind", ["sqlite:///{}/new/mlflow.db", "{}/mlruns", "file://{}/mlruns"])
def test_a_store_that_is_gone_is_not_made_anew(home: Path, folder: Path, kind: str) -> None:
    """To look into a store that is not there is an error with its name, and leaves nothing behind."""
    uri = kind.format(folder)
    with pytest.raises(DeliveryError) as caught:
        ask({"r": uri}, home, clean_environ(home))
    assert str(caught.value).startswith(f"MLflow at {uri}: it is not there any more. ")
    assert list(folder.iterdir()) == []


def test_mlflow_away(home: Path) -> None:
    """A server that nobody runs is an error with its address."""
    uri = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DeliveryError, match=f"MLflow at {uri}: it did not answer"):
        ask({"r": uri}, home, clean_environ(home))


def test_a_server_that_never_answers_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds the process that waits for an answer is killed, and nothing of it is left."""
    monkeypatch.setattr(looking, "PATIENCE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(DeliveryError, match=f"MLflow at {uri}: it did not answer \\(1 s\\)"):
            ask({"r": uri}, home, clean_environ(home))
    assert time.monotonic() - began < 20
    children_of = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pids in children_of for pid in pids]
    assert not any(b"look" in command for command in commands)


def test_a_process_that_cannot_start(home: Path, folder: Path) -> None:
    """If the process that asks fails itself, the sentence has the reason, without secrets."""
    (folder / "sitecustomize.py").write_text("import os; os.write(2, b'http://ann:tops3cret@h \\xff\\n'); os._exit(3)")
    with pytest.raises(DeliveryError, match="MLflow at /x/mlruns: ") as caught:
        ask({"r": "/x/mlruns"}, home, clean_environ(home, PYTHONPATH=str(folder)))
    assert PASSWORD not in str(caught.value)


def _user(tmp_path: Path) -> dict[str, str]:
    """Every kind of credentials that a user may have."""
    user = tmp_path / "user"
    (user / ".mlflow").mkdir(parents=True)
    (user / ".mlflow" / "credentials").write_text(
        f"[mlflow]\nmlflow_tracking_username=ann\nmlflow_tracking_password={PASSWORD}\n"
    )
    (user / ".netrc").write_text(f"machine 127.0.0.1 login ann password {PASSWORD}\n")
    (user / ".netrc").chmod(0o600)
    return {
        "HOME": str(user),
        "MLFLOW_TRACKING_USERNAME": "ann",
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
    }


def test_credentials_go_to_no_address_that_only_a_receipt_names(home: Path, tmp_path: Path) -> None:
    """A server that the environment does not name gets none of the credentials there are; the named one gets them."""
    with recorder(500) as own, recorder(500) as foreign:
        named = own.uri.replace("//", f"//ann:{PASSWORD}@")
        environ = clean_environ(home, **_user(tmp_path), MLFLOW_TRACKING_URI=named)
        for uri in (own.uri, foreign.uri):
            with pytest.raises(DeliveryError, match=f"MLflow at {uri}: ") as caught:
                ask({"r": uri}, home, environ)
            assert PASSWORD not in str(caught.value)
        assert own.headers
        assert all("Authorization" in headers for headers in own.headers)
        assert foreign.headers
        assert PASSWORD not in str(foreign.headers)
        assert not any("Authorization" in headers for headers in foreign.headers)


def test_sending_keeps_credentials_too(home: Path, tmp_path: Path) -> None:
    """What waits for a server that only the journal names goes there without credentials; why it failed is told."""
    with recorder(500) as foreign:
        goal = Target(tracking_uri=foreign.uri, experiment=None)
        write(home, dead(cwd=str(tmp_path)), [record(1, mlflow=goal)])
        problem = KnownRuns(home).send(NOTEBOOK, None, clean_environ(home, **_user(tmp_path)), tmp_path)
        assert problem is not None
        assert problem.startswith(f"MLflow at {foreign.uri}: ")
        assert foreign.headers
        assert not any("Authorization" in headers for headers in foreign.headers)
    assert _of(home).problem == problem


def test_only_this_notebooks_records_are_sent(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """Sending brings what waits of all sessions of a notebook, and of its kernel, to MLflow; others' stays."""
    make_store(folder)
    cwd = str(folder)
    write(home, dead(session_id="1" * 16, cwd=cwd), [record(1, session_id="1" * 16, mlflow=None)])
    write(home, session("2" * 16, cwd=cwd, notebook=None, kernel_id="k"), [record(1, session_id="2" * 16)])
    write(home, session("3" * 16, cwd=cwd, notebook="/other.ipynb"), [record(1, session_id="3" * 16)])
    # a kernel whose engine has not written yet: that will send what this one recorded
    inner = session(f"{RUN}.1", run=RUN, cwd=cwd)
    write(home, inner, [record(1, session_id=f"{RUN}.1")])
    known = KnownRuns(home)
    assert known.of(NOTEBOOK, "k").waiting == 3
    assert known.send(NOTEBOOK, "k", clean_environ(home), Path.cwd()) is None
    assert {run.session for run in runs(folder / "mlflow.db")} == {"1" * 16, "2" * 16}
    assert known.of(NOTEBOOK, "k").waiting == 1


def test_an_invalid_setting_sends_nothing(home: Path, folder: Path, make_store: Callable[[Path], str]) -> None:
    """With a setting that cannot be understood nothing goes to an experiment that was perhaps not meant."""
    make_store(folder)
    write(home, dead(cwd=str(folder)), [record(1, mlflow=None)])
    with pytest.raises(UsageError, match="pue = 'abc' in environment"):
        KnownRuns(home).send(NOTEBOOK, None, clean_environ(home, JUPYTER_GREEN_PUE="abc"), Path.cwd())
    assert runs(folder / "mlflow.db") == []


def test_nobody_imports_mlflow_to_show_runs(home: Path, stored: tuple[Run, Run]) -> None:
    """Reading the receipts and asking MLflow leave mlflow out of the process that does it."""
    own, _ = stored
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom jupyter_green.track.known_runs import KnownRuns\n"
        "from jupyter_green.track.looking import ask\n"
        f"known = KnownRuns(Path({str(home)!r}))\n"
        f"runs = known.of({NOTEBOOK!r}, None).runs\n"
        f"found = ask({{run.run_id: run.tracking_uri for run in runs}}, Path({str(home)!r}), os.environ)\n"
        f"assert found[{own.run_id!r}].status == 'RUNNING'\n"
        "print(sorted({'mlflow', 'sqlalchemy', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environ(home), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
