"""A notebook's runs as the browser sees them: what is known, what MLflow says, and sending what waits."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.programs import typed
from jupyter_green.records import Target
from jupyter_green.settings import default_settings
from jupyter_green.track import looking
from jupyter_green.track.journal import Journal
from jupyter_green.track.receipts import Delivered, write_receipt
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Tracker
from jupyter_green.track.window import Options
from tests.server.conftest import STRANGER, Ask, xsrf
from tests.track.forge import DEFAULT, dead, record, session, write
from tests.track.mlflow_rows import children, of_session
from tests.track.servers import free_port

NAME = "churn.ipynb"
S = "0" * 16


def _deliver(log: Path, *record_ids: str, uri: str = "http://host", run_id: str = "r1", **children: str) -> None:
    """Leave the receipt that a delivery would have left."""
    one = Delivered(
        goal=DEFAULT,
        tracking_uri=uri,
        experiment_id="0",
        run_id=run_id,
        record_ids=record_ids,
        children=children,
        is_final=False,
    )
    write_receipt(log, one, 0.0)


def _track(home: Path, notebook: Path, uri: str) -> str:
    """Measure two cells, one of them named, as a kernel does; return the session."""
    meter = make_meter(root=home / "no-counters")
    about = new_session(
        meter=meter, runner="kernel", session_id=new_session_id(), notebook=str(notebook), kernel_id="kernel-1"
    )
    tracker = Tracker(about, default_settings(), meter, Journal(home, about), resolve(None))
    goal = Target(tracking_uri=uri, experiment=None)
    for key, options in (("a", Options(target=goal)), ("b", Options(target=goal, name="train"))):
        tracker.open(key, cell_id=key, options=options)
        sum(n * n for n in range(100_000))
        stopped = tracker.stop(key)
        assert stopped is not None
        tracker.write(stopped, tracker.record(stopped))
    tracker.end()
    return about.session_id


async def test_from_the_cell_to_mlflow_and_back(
    ask: Ask, home: Path, notebook: Path, tmp_path: Path, make_store: Callable[[Path], str]
) -> None:
    """What waits is sent with one request, is told as runs, and MLflow itself says the same of them."""
    uri = make_store(tmp_path / "store")
    session_id = _track(home, notebook, uri)
    status, before = await ask("runs", path=NAME)
    assert (status, before) == (200, {"runs": [], "waiting": 2, "problem": None})
    status, sent = await ask("runs/send", "POST", {"path": NAME, "kernel": "kernel-1"})
    assert (status, sent["waiting"], sent["problem"]) == (200, 0, None)
    child, own = sent["runs"]
    stored = of_session(tmp_path / "store" / "mlflow.db")
    (stored_child,) = children(tmp_path / "store" / "mlflow.db").values()
    assert (own["run_id"], own["name"], own["parent_run_id"]) == (stored.run_id, "churn", None)
    assert (child["run_id"], child["name"], child["parent_run_id"]) == (stored_child.run_id, "train", stored.run_id)
    assert {run["session_id"] for run in sent["runs"]} == {session_id}
    assert (own["link"], own["command"]) == (None, f"{typed('mlflow')} ui --backend-store-uri {uri}")
    for query in ({"path": NAME}, {"kernel": "kernel-1"}, {"path": f"RTC:{NAME}", "kernel": "another"}):
        assert await ask("runs", **query) == (200, sent)
    wanted = {"path": NAME, "run_ids": [own["run_id"], child["run_id"]]}
    status, found = await ask("runs/look", "POST", wanted)
    assert status == 200
    for run in (own, child):
        said = found[run["run_id"]]
        assert (said["status"], said["parameters"]) == ("FINISHED", {})
        assert math.isclose(said["metrics"]["energy_j"], run["total"]["energy"]["attributed_j"])
        assert math.isclose(said["metrics"]["co2e_mg"], run["total"]["co2e_g"] * 1e3)


async def test_a_send_that_fails_tells_why(ask: Ask, home: Path, notebook: Path) -> None:
    """If MLflow is away the records still wait, and the problem has its sentence."""
    uri = f"http://127.0.0.1:{free_port()}"
    goal = Target(tracking_uri=uri, experiment=None)
    write(home, dead(notebook=str(notebook), cwd=str(notebook.parent)), [record(1, mlflow=goal)])
    status, state = await ask("runs/send", "POST", {"path": NAME})
    assert (status, state["runs"], state["waiting"]) == (200, [], 1)
    assert state["problem"].startswith(f"MLflow at {uri}: it did not answer (2 s). ")
    assert (await ask("runs", path=NAME))[1] == state


async def test_a_setting_that_is_wrong_sends_nothing(
    ask: Ask, home: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that cannot be understood is 400 with the sentence of the command line."""
    write(home, dead(notebook=str(notebook)), [record(1)])
    monkeypatch.setenv("JUPYTER_GREEN_PUE", "abc")
    status, said = await ask("runs/send", "POST", {"path": NAME})
    assert (status, said["message"]) == (400, "jupyter_green: pue = 'abc' in environment: a number is expected.")


async def test_mlflow_away_is_a_sentence(ask: Ask, home: Path, notebook: Path) -> None:
    """Asking for a run of a server that is away is 502 with the reason."""
    uri = f"http://127.0.0.1:{free_port()}"
    log = write(home, session(notebook=str(notebook)), [record(1)])
    _deliver(log, f"{S}-1", uri=uri)
    status, said = await ask("runs/look", "POST", {"path": NAME, "run_ids": ["r1"]})
    assert status == 502
    assert said["message"].startswith(f"MLflow at {uri}: it did not answer (2 s). ")


async def test_only_runs_of_this_notebook_are_asked_for(ask: Ask, home: Path, notebook: Path) -> None:
    """A run that only another notebook's receipts name, or nobody's, is 400; nothing asked for is nothing found."""
    log = write(home, session(notebook=str(notebook)), [record(1)])
    _deliver(log, f"{S}-1")
    other = write(home, session("1" * 16, notebook="/other.ipynb"), [record(1, session_id="1" * 16)])
    _deliver(other, f"{'1' * 16}-1", run_id="r2")
    for run_ids in (["r2"], ["r1", "r3"], [""]):
        status, said = await ask("runs/look", "POST", {"path": NAME, "run_ids": run_ids})
        assert (status, said["message"]) == (400, "MLflow is asked only for runs of this notebook.")
    assert await ask("runs/look", "POST", {"path": NAME, "run_ids": []}) == (200, {})


async def test_one_child_at_a_time(ask: Ask, home: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While MLflow is asked, another request for it is 409, and what needs no MLflow is answered."""
    monkeypatch.setattr(looking, "PATIENCE_S", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        log = write(home, session(notebook=str(notebook)), [record(1)])
        _deliver(log, f"{S}-1", uri=f"http://127.0.0.1:{silent.getsockname()[1]}")
        first = asyncio.ensure_future(ask("runs/look", "POST", {"path": NAME, "run_ids": ["r1"]}))
        await asyncio.sleep(0.5)
        for path, body in (("runs/look", {"path": NAME, "run_ids": ["r1"]}), ("runs/send", {"path": NAME})):
            status, said = await ask(path, "POST", body)
            assert (status, said["message"]) == (409, "This server is already asking MLflow. Try again in a moment.")
        assert (await ask("runs", path=NAME))[0] == 200
        assert not first.done()
        assert (await first)[0] == 502
    assert (await ask("runs/send", "POST", {"path": "nothing.ipynb"}))[0] == 200


@pytest.mark.parametrize(
    "name", ["x'; DROP.ipynb", "größe %s %2e ü.ipynb", 'a"<b>&amp;.ipynb', "...ipynb", "a b.ipynb"]
)
async def test_hostile_names(ask: Ask, home: Path, jp_root_dir: Path, name: str) -> None:
    """A notebook, cell, metric or run may have any name: it comes back as it is."""
    named = record(1, name=f"</script>{name}", metrics={f"<{name}>": 1.0, "nan": None})
    log = write(home, session(notebook=str(jp_root_dir / name)), [named])
    _deliver(log, f"{S}-1", **{f"{S}-1": "child"})
    status, state = await ask("runs", path=name)
    assert (status, len(state["runs"])) == (200, 2)
    assert state["runs"][0]["name"] == f"</script>{name}"
    assert state["runs"][0]["metrics"] == {f"<{name}>": 1.0, "nan": None}
    assert (await ask("runs/look", "POST", {"path": name, "run_ids": []})) == (200, {})


async def test_half_a_character_is_answered(ask: Ask, home: Path, notebook: Path) -> None:
    """A name that no UTF-8 can say does not keep the rest from being told."""
    log = write(home, session(notebook=str(notebook), name="\udcff"), [record(1)])
    _deliver(log, f"{S}-1")
    status, state = await ask("runs", path=NAME)
    assert (status, len(state["runs"])) == (200, 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 400),
        ({"path": "../churn.ipynb"}, 404),
        ({"path": "a/../../../etc/passwd"}, 404),
        ({"path": ""}, 404),
        ({"path": "a\0b.ipynb"}, 404),
        ({"kernel": "../x"}, 400),
        ({"kernel": ""}, 400),
        ({"kernel": "k" * 65}, 400),
        ({"path": NAME, "kernel": "*"}, 400),
    ],
)
async def test_what_is_no_notebook(ask: Ask, query: dict[str, str], expected: int) -> None:
    """A path outside the root is 404, an id that is none is 400: in the address and in the body alike."""
    assert (await ask("runs", **query))[0] == expected
    assert (await ask("runs/look", "POST", {**query, "run_ids": []}))[0] == expected
    assert (await ask("runs/send", "POST", query))[0] == expected


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        [],
        "x",
        {"path": 1, "run_ids": []},
        {"path": ["churn.ipynb"], "run_ids": []},
        {"path": "\ud800", "run_ids": []},
        {"path": NAME, "kernel": {}, "run_ids": []},
        {"path": NAME},
        {"path": NAME, "run_ids": "r1"},
        {"path": NAME, "run_ids": [1]},
        {"path": NAME, "run_ids": {"r1": 1}},
        {"path": NAME, "run_ids": ["r"] * 1001},
    ],
)
async def test_a_body_that_makes_no_sense(ask: Ask, body: object) -> None:
    """Anything but names in their places is 400 with a sentence."""
    status, said = await ask("runs/look", "POST", body)
    assert status == 400
    assert said["message"] != "Bad Request"


async def test_only_those_who_may_ask(
    ask: Ask, log_in: Callable[[], Awaitable[dict[str, str]]], notebook: Path
) -> None:
    """Without a token: 403; with a browser's cookie reading works, and what starts a process needs more than that."""
    body: dict[str, Any] = {"path": NAME, "run_ids": []}
    for path, method in (("runs", "GET"), ("runs/look", "POST"), ("runs/send", "POST")):
        assert (await ask(path, method, body, STRANGER, path=NAME))[0] == 403
    browser = await log_in()
    assert (await ask("runs", headers=browser, path=NAME))[0] == 200
    for path in ("runs/look", "runs/send"):
        status, said = await ask(path, "POST", body, browser)
        assert status == 403
        assert "_xsrf" in said["message"]
        assert (await ask(path, "POST", body, xsrf(browser)))[0] == 200


async def test_a_method_that_is_none(ask: Ask) -> None:
    """What an address does not do is 405."""
    for path, method in (("runs", "POST"), ("runs/look", "GET"), ("runs/send", "GET"), ("runs", "DELETE")):
        assert (await ask(path, method, {}, path=NAME))[0] == 405
