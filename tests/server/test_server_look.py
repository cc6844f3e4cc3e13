"""A notebook's records, its kernel's power, the doctor and the report as the browser sees them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.provisioning import KernelProvisionerBase
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPResponse

from jupyter_green.server import measured
from jupyter_green.server.base import DESK, Desk
from jupyter_green.server.watches import Watches
from jupyter_green.server.wire import DoctorState, LiveState, NotebookState
from jupyter_green.settings import read_home
from jupyter_green.track.journal import Journal, journal_folder
from jupyter_green.track.notebook import drawing_mark
from tests.commands import green
from tests.server.conftest import STRANGER, Ask
from tests.track.forge import OK, add, energy, record, session, write

NAME = "churn.ipynb"
OF_A_NOTEBOOK = ("notebook", "live", "report", "runs")
GETS = (*OF_A_NOTEBOOK, "doctor", "settings", "zones")
NOT_RUNNING = "The kernel is not running."
PATIENCE_S = 60.0

Fetch = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def desk(jp_serverapp: Any) -> Desk:
    """What the handlers share."""
    found = jp_serverapp.web_app.settings[DESK]
    assert isinstance(found, Desk)
    return found


def _recorded(home: Path, notebook: Path, *numbers: int, **about: Any) -> Path:
    """Write a session of a notebook with a record for each number, of the cell ``c<number>``."""
    records = [record(number, cell_id=f"c{number}") for number in numbers or (1,)]
    return write(home, session(notebook=str(notebook), **about), records)


def _ids(state: dict[str, Any]) -> list[str]:
    return [cell["cell_id"] for cell in state["cells"]]


def _everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


# What is recorded


async def test_nothing_is_recorded_and_nothing_is_made(
    ask: Ask, desk: Desk, home: Path, notebook: Path, tmp_path: Path
) -> None:
    """Where nothing was measured there is nothing to tell; asking makes no file or folder and samples no kernel."""
    before = _everything(tmp_path)
    answers = {path: await ask(path, path=NAME, kernel="k") for path in GETS}
    assert {path: status for path, (status, _) in answers.items() if status != 200} == {"report": 404}
    state = answers["notebook"][1]
    assert set(state) == {field.name for field in fields(NotebookState)}
    assert (state["cells"], state["total"], state["session"], state["sessions"]) == ([], None, None, 0)
    assert (state["method"], state["journal_bytes"], state["unreadable"]) == (None, 0, 0)
    live = answers["live"][1]
    assert set(live) == {field.name for field in fields(LiveState)}
    assert (live["samples"], live["problem"], live["journal_bytes"]) == ([], NOT_RUNNING, 0)
    assert answers["report"][1]["message"] == "Nothing is recorded of this notebook yet."
    assert _everything(tmp_path) == before
    assert not home.exists()
    assert desk.watches.kernels == ()
    assert os.environ["JUPYTER_GREEN_UI"] == drawing_mark(home)


async def test_cells_are_told_once(ask: Ask, home: Path, notebook: Path) -> None:
    """A page that says what it knows gets the cells that changed since; of another epoch it gets all."""
    journal = Journal(home, session(notebook=str(notebook), kernel_id="k"))
    add(journal, [record(1, cell_id="a"), record(2, cell_id="b")])
    status, first = await ask("notebook", path=NAME, kernel="k")
    assert (status, _ids(first), first["sessions"]) == (200, ["a", "b"], 1)
    assert first["total"]["energy"]["attributed_j"] == 22.0  # 10 J each and 1 J before each
    assert first["session"] == first["total"]
    assert (first["session_id"], first["method"], first["covers"]) == ("0" * 16, "made up", ["cpu"])
    known = {"path": NAME, "kernel": "k", "epoch": first["epoch"], "since": str(first["revision"])}
    assert _ids((await ask("notebook", **known))[1]) == []
    add(journal, [record(3, cell_id="b")])
    _, live = await ask("live", path=NAME, kernel="k")
    assert live["journal_bytes"] > first["journal_bytes"]
    _, then = await ask("notebook", **known)
    assert (_ids(then), then["epoch"], then["journal_bytes"]) == (["b"], first["epoch"], live["journal_bytes"])
    assert then["cells"][0]["runs"] == 2
    assert then["revision"] > first["revision"]
    for epoch in ("", "another", " " + first["epoch"]):
        assert _ids((await ask("notebook", **known | {"epoch": epoch}))[1]) == ["a", "b"]
    journal.path.unlink()
    _, gone = await ask("notebook", **known)
    assert (_ids(gone), gone["total"], gone["epoch"] == first["epoch"]) == ([], None, False)


async def test_a_hundred_pages_at_once(ask: Ask, home: Path, notebook: Path) -> None:
    """A hundred requests at once are all answered, with the same cells at the same revision."""
    _recorded(home, notebook, *range(1, 40))
    answers = await asyncio.gather(*(ask("notebook", path=NAME) for _ in range(100)))
    assert {status for status, _ in answers} == {200}
    assert len({(state["epoch"], state["revision"], len(state["cells"])) for _, state in answers}) == 1
    lives = await asyncio.gather(*(ask("live", path=NAME, kernel="k") for _ in range(100)))
    assert {(status, live["journal_bytes"]) for status, live in lives} <= {
        (200, answers[0][1]["journal_bytes"]),
        (200, None),  # where another request was reading
    }


@pytest.mark.parametrize("name", OF_A_NOTEBOOK)
async def test_a_journal_that_cannot_be_read(ask: Ask, home: Path, name: str) -> None:
    """A journal that is there and cannot be read is told as that, and not as nothing; what is drawn is told anyway."""
    home.mkdir()
    journal_folder(home).write_text("no folder")
    status, said = await ask(name, path=NAME)
    if name == "live":
        assert (status, said["journal_bytes"]) == (200, None)
    else:
        assert (status, said["message"]) == (500, "The journal cannot be read (Not a directory).")


async def test_numbers_that_json_cannot_say(ask: Ask, home: Path, notebook: Path) -> None:
    """A line with 1e999 is passed over and counted; a sum beyond the largest number is null, not measured."""
    huge = energy(1.7e308, low_j=1.7e308, high_j=1.7e308)
    log = write(home, session(notebook=str(notebook)), [record(n, cell_id=f"c{n}", energy=huge) for n in (1, 2)])
    with log.open("a") as file:
        file.write('{"type":"cell","record_id":"x","energy":{"attributed_j":1e999}}\n')
    status, state = await ask("notebook", path=NAME)
    assert (status, state["unreadable"], _ids(state)) == (200, 1, ["c1", "c2"])
    assert state["total"]["energy"]["attributed_j"] is None
    status, report = await ask("report", path=NAME, form="json")
    assert status == 200
    told = json.loads(report["text"], parse_constant=pytest.fail)
    assert told["total"]["energy"]["attributed_j"] is None


# Which notebook is meant


@pytest.mark.parametrize(
    "name",
    [
        "x'; DROP.ipynb",
        " a b .ipynb ",
        "tab\tline\nbell\a.ipynb",
        "größe %s %2e%2e ü.ipynb",
        'a"<b>&amp;+#?.ipynb',
        "...ipynb",
        "~.ipynb",
        "RTC.ipynb",
    ],
)
async def test_hostile_names(ask: Ask, home: Path, jp_root_dir: Path, name: str) -> None:
    """A notebook may have any name that a file can have, blanks and control characters included."""
    _recorded(home, jp_root_dir / name)
    for path in (name, f"RTC:{name}"):
        for asked in ("notebook", "live", "report"):
            status, told = await ask(asked, path=path)
            assert status == 200
            assert asked != "notebook" or _ids(told) == ["c1"]


@pytest.mark.parametrize(
    "path", ["sub/../churn.ipynb", "./churn.ipynb", "/churn.ipynb", "//churn.ipynb", "RTC:/churn.ipynb"]
)
async def test_ways_to_one_notebook(ask: Ask, home: Path, notebook: Path, path: str) -> None:
    """A path begins at the server's root, with or without a slash, and is the same however it is written."""
    _recorded(home, notebook)
    assert _ids((await ask("notebook", path=path))[1]) == ["c1"]


@pytest.mark.parametrize(
    "path",
    ["", "/", ".", "..", "../churn.ipynb", "sub/../../churn.ipynb", "/../x", "RTC:../x", "../root_dir2/x", "a\0.ipynb"],
)
async def test_outside_the_root(ask: Ask, home: Path, jp_root_dir: Path, path: str) -> None:
    """What is no file below the root is 404, whatever is recorded of it; beside a kernel's id it counts as no path."""
    for outside in (jp_root_dir.parent / "churn.ipynb", jp_root_dir.parent / "root_dir2" / "x"):
        _recorded(home, outside)
    _recorded(home, jp_root_dir.parent / "y.ipynb", 7, kernel_id="k", session_id="7" * 16)
    for name in OF_A_NOTEBOOK:
        status, said = await ask(name, path=path)
        assert (status, said["message"]) == (404, "There is no such notebook.")
    assert _ids((await ask("notebook", path=path, kernel="k"))[1]) == ["c7"]


async def test_an_absolute_path_begins_at_the_root(ask: Ask, home: Path, tmp_path: Path) -> None:
    """A path of the whole computer is one below the root, of which nothing is recorded."""
    elsewhere = tmp_path / "elsewhere.ipynb"
    _recorded(home, elsewhere)
    status, state = await ask("notebook", path=str(elsewhere))
    assert (status, _ids(state)) == (200, [])


async def test_links_are_not_followed(ask: Ask, home: Path, jp_root_dir: Path, tmp_path: Path) -> None:
    """A notebook behind a link is the one that its kernel was told of, by the link's name; no file is opened."""
    (tmp_path / "elsewhere").mkdir()
    (jp_root_dir / "link").symlink_to(tmp_path / "elsewhere")
    _recorded(home, jp_root_dir / "link" / NAME, 1)
    _recorded(home, tmp_path / "elsewhere" / NAME, 2, session_id="2" * 16)
    assert _ids((await ask("notebook", path=f"link/{NAME}"))[1]) == ["c1"]


async def test_a_kernels_records_are_found_by_its_notebook(
    ask: Ask, jp_serverapp: Any, home: Path, jp_root_dir: Path, tmp_path: Path
) -> None:
    """What a kernel of this server records is told for the path that its notebook has in the browser, links and all."""
    (tmp_path / "elsewhere").mkdir()
    (jp_root_dir / "a b").symlink_to(tmp_path / "elsewhere")
    path = f"a b/{NAME}"
    opened = await jp_serverapp.session_manager.create_session(path=path, name=NAME, type="notebook")
    kernel_id = opened["kernel"]["id"]
    manager = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    environ = Path(f"/proc/{manager.provisioner.pid}/environ").read_bytes().split(b"\0")
    assert f"JUPYTER_GREEN_UI={drawing_mark(home)}".encode() in environ
    client = await _client(manager)
    try:
        for code in ("%load_ext jupyter_green", "%%track_energy --quiet\n1"):
            await client.execute_interactive(code, timeout=PATIENCE_S, output_hook=lambda message: None)
    finally:
        client.stop_channels()
    _, state = await ask("notebook", path=path)
    assert (state["sessions"], state["session"]) == (1, None)
    assert state["total"]["energy"]["attributed_j"] is not None
    _, state = await ask("notebook", path=path, kernel=kernel_id)
    assert state["session"] == state["total"]
    await jp_serverapp.kernel_manager.shutdown_kernel(kernel_id, now=True)
    assert (await ask("notebook", path=path, kernel=kernel_id))[1]["session"] is None


async def test_an_engines_run_is_told_once(ask: Ask, home: Path, notebook: Path) -> None:
    """What an engine and its kernel recorded is one session, whether it is found by the notebook or by the kernel."""
    run = "a" * 16
    inner = session(f"{run}.1", run=run, kernel_id="k", notebook=str(notebook))
    write(home, inner, [record(1, session_id=f"{run}.1", cell_id="c1", energy=energy(8.0))])
    _, alone = await ask("notebook", kernel="k")
    assert (alone["sessions"], alone["cells"][0]["record"]["energy"]["attributed_j"]) == (1, 8.0)
    engine = session(run, runner="papermill", notebook=str(notebook))
    write(home, engine, [record(1, session_id=run, cell_id="c1")])
    for query in ({"path": NAME}, {"kernel": "k"}, {"path": NAME, "kernel": "k"}):
        _, state = await ask("notebook", **query)
        assert (state["sessions"], state["session_id"], _ids(state)) == (1, run, ["c1"])
        assert state["total"]["energy"]["attributed_j"] == 11.0  # the engine's: 10 J and 1 J before


async def test_contents_that_are_no_files(ask: Ask, jp_serverapp: Any, home: Path, notebook: Path) -> None:
    """Where contents have no root, a notebook is known by its kernel alone."""
    jp_serverapp.web_app.settings[DESK] = Desk(home, object(), jp_serverapp.kernel_manager)
    _recorded(home, notebook, 1)
    _recorded(home, Path("/db/x.ipynb"), 2, kernel_id="k", session_id="2" * 16)
    assert (await ask("notebook", path=NAME))[0] == 404
    assert _ids((await ask("notebook", path=NAME, kernel="k"))[1]) == ["c2"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"kernel": ""},
        {"kernel": "../x"},
        {"kernel": "a/b"},
        {"kernel": "a b"},
        {"kernel": "k\n"},
        {"kernel": "k" * 65},
        {"kernel": "*", "path": NAME},
        {"path": b"\xff.ipynb"},
    ],
)
async def test_what_names_no_notebook(ask: Ask, query: dict[str, Any]) -> None:
    """What is no kernel's id or no text, or nothing at all, is 400 with a sentence."""
    for name in OF_A_NOTEBOOK:
        status, said = await ask(name, **query)
        assert status == 400
        assert said["message"] != "Bad Request"


@pytest.mark.parametrize("since", ["", "x", "nan", "inf", "1e999", "1" * 400, "0x10", "1,5"])
async def test_numbers_that_are_none(ask: Ask, since: str) -> None:
    """A number that is none, or not finite, is 400 with its name."""
    for name in ("notebook", "live"):
        status, said = await ask(name, path=NAME, since=since)
        assert (status, said["message"]) == (400, "since is not a number.")


# Who may ask, and what comes back of errors


async def test_only_those_who_may_ask(ask: Ask, jp_serverapp: Any) -> None:
    """Without a token nothing is told; neither where an authorizer says no."""
    for name in GETS:
        assert (await ask(name, headers=STRANGER, path=NAME))[0] == 403

    class Refuse(Authorizer):
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            return not (action == "read" and resource == "jupyter_green")

    jp_serverapp.web_app.settings["authorizer"] = Refuse(parent=jp_serverapp)
    for name in GETS:
        status, said = await ask(name, path=NAME)
        assert (status, said["message"]) == (403, "User is not authorized to read on resource: jupyter_green.")


async def test_methods_that_are_none(ask: Ask) -> None:
    """What an address does not do is 405."""
    for name in ("notebook", "live", "doctor", "report", "zones"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert (await ask(name, method, {}, path=NAME))[0] == 405


async def test_only_below_the_servers_own_address(http_server_client: Any, jp_auth_header: dict[str, str]) -> None:
    """A server with a base URL answers there, and not beside it."""
    for address, expected in (("/a%40b/jupyter-green/zones", 200), ("/jupyter-green/zones", 404)):
        answer = await http_server_client.fetch(address, headers=jp_auth_header, raise_error=False)
        assert answer.code == expected


async def test_a_message_is_what_was_meant(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A percent sign in a message is one, whoever wrote the message."""
    status, said = await ask("settings", "PUT", {"name": "pue", "value": "5%"})
    assert status == 400
    assert "pue = '5%' in " in said["message"]
    status, said = await ask("notebook", path=b"%s %\xff")  # type: ignore[arg-type]
    assert (status, said["message"]) == (400, "Invalid unicode in path: b'%s %\\xff'")
    monkeypatch.setenv("JUPYTER_GREEN_PUE", "%d")
    status, said = await ask("runs/send", "POST", {"path": NAME})
    assert (status, "pue = '%d' in environment" in said["message"]) == (400, True)


@pytest.mark.parametrize("body", [b"\xff", b'{"name": "\xff"}', "{}".encode("utf-16"), b"[" * 100_000, b"9" * 5000])
async def test_a_body_that_is_no_json(ask: Ask, body: bytes) -> None:
    """A body that is not UTF-8, or no JSON that can be read, is 400."""
    for path, method in (("settings", "PUT"), ("runs/look", "POST"), ("runs/send", "POST")):
        status, said = await ask(path, method, body)
        assert (status, said) == (400, {"message": "Invalid JSON in body of request.", "reason": None})


async def test_what_nobody_expected(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of our own is 500 without what it says, which is in the server's log."""

    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(Desk, "check_journal", fail)
    caplog.clear()
    assert await ask("notebook", path=NAME) == (500, {"message": "Internal Server Error", "reason": None})
    assert any(one.exc_info is not None and "a secret" in str(one.exc_info[1]) for one in caplog.records)


def _complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


async def test_what_is_left_of_requests(
    ask: Ask, home: Path, notebook: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is answered leaves no file and no warning in the server's log; what is refused the server's own line."""
    _recorded(home, notebook)
    before = _everything(tmp_path)
    caplog.clear()
    for name in GETS:
        assert (await ask(name, path=NAME, kernel="k"))[0] == 200
    assert _complaints(caplog) == []
    assert _everything(tmp_path) == before
    refused: tuple[tuple[str, str, Any, str], ...] = (
        ("notebook", "GET", None, "../x"),
        ("settings", "PUT", b"{", NAME),
        ("settings", "PUT", {"name": "pue", "value": "5%"}, NAME),
        ("runs/look", "POST", {}, NAME),
        ("report", "POST", {}, NAME),
    )
    for name, method, body, path in refused:
        caplog.clear()
        status, _ = await ask(name, method, body, path=path)
        (line,) = _complaints(caplog)
        assert line.startswith(f"{status} {method} /a%40b/jupyter-green/{name}?")


# The doctor and the report


async def test_one_doctor_for_all_who_ask_at_once(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that ask for the doctor at the same time wait for the same one; who asks later gets a new one."""
    calls: list[int] = []
    begun: list[int] = []
    answer = threading.Event()
    begin = measured.DoctorHandler.prepare

    async def count(handler: measured.DoctorHandler) -> None:
        await begin(handler)
        begun.append(1)
        if len(begun) == 5:
            asyncio.get_running_loop().call_soon(answer.set)

    def doctor() -> dict[str, int]:
        calls.append(1)
        assert answer.wait(PATIENCE_S)
        return {"number": len(calls)}

    monkeypatch.setattr(measured.DoctorHandler, "prepare", count)
    monkeypatch.setattr(measured, "_doctor", doctor)
    answers = await asyncio.gather(*(ask("doctor") for _ in range(5)))
    assert [said for _, said in answers] == [{"number": 1}] * 5
    assert await ask("doctor") == (200, {"number": 2})


async def test_the_doctor(ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor's answer is that of the command line; what keeps it from answering is a sentence."""
    status, state = await ask("doctor")
    assert (status, set(state)) == (200, {field.name for field in fields(DoctorState)})
    assert state["journal"] == {"folder": str(home), "sessions": 0}
    monkeypatch.setenv("JUPYTER_GREEN_PUE", "5%")
    status, said = await ask("doctor")
    assert status == 502
    assert said["message"].startswith("doctor: ")
    assert "pue = '5%' in environment: a number is expected." in said["message"]
    monkeypatch.setattr(measured, "_PATIENCE_S", 0.001)
    status, said = await ask("doctor")
    assert status == 502
    assert said["message"] == "doctor: it did not answer (TimeoutExpired). Try it in a terminal."


async def test_the_report_is_the_command_lines(ask: Ask, home: Path, notebook: Path) -> None:
    """The report of the newest session is, letter for letter, what the command line writes of it."""
    _recorded(home, notebook, 1, 2)
    named = record(1, session_id="1" * 16, name="</script>", metrics={"100 %": 1.0})
    write(home, session("1" * 16, notebook=str(notebook), started_at=OK.at), [named], OK)
    for form in ("md", "json"):
        status, told = await ask("report", path=NAME, form=form)
        said = green("report", str(notebook), "-o", form, cwd=notebook.parent)
        assert (status, told["text"].rstrip("\n"), said.code) == (200, said.out.rstrip("\n"), 0)
    assert (await ask("report", path=NAME))[1] == (await ask("report", path=NAME, form="md"))[1]
    for form in ("html", "MD", "../x"):
        assert (await ask("report", path=NAME, form=form))[0] == 400


# What a kernel draws


@asynccontextmanager
async def _kernel(serverapp: Any) -> AsyncIterator[str]:
    """A kernel that the server started, killed at the end: it may be busy."""
    kernel_id = await serverapp.kernel_manager.start_kernel(kernel_name="python3")
    try:
        yield kernel_id
    finally:
        if kernel_id in serverapp.kernel_manager:
            await serverapp.kernel_manager.shutdown_kernel(kernel_id, now=True)


async def _samples(
    ask: Ask, kernel_id: str, wanted: int, since: float = 0.0, is_busy: bool = False
) -> list[dict[str, Any]]:
    """Ask as a page does until so many new samples were told, or so many of a kernel that drew power."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        while sum(1 for sample in found if not is_busy or sample["power_w"]) < wanted:
            status, live = await ask("live", kernel=kernel_id, since=repr(found[-1]["at_s"] if found else since))
            assert (status, live["problem"]) == (200, None)
            assert all(sample["at_s"] <= live["now_s"] for sample in live["samples"])
            found += live["samples"]
    return found


async def _client(manager: Any) -> Any:
    """A client of a kernel that is there for its cells."""
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=PATIENCE_S)
    return client


async def test_a_kernel_from_outside(ask: Ask, desk: Desk, jp_serverapp: Any) -> None:
    """The energy of a kernel grows while it is busy in C code that lets nothing else run; a page gets each sample once.

    After its restart it is another process, watched anew; after its end it is not running, and nothing is sampled.
    """
    manager = jp_serverapp.kernel_manager
    async with _kernel(jp_serverapp) as kernel_id:
        assert desk.watches.kernels == ()  # nobody looked so far
        client = await _client(manager.get_kernel(kernel_id))
        try:
            client.execute("sum(range(10**10))")  # minutes
            first = await _samples(ask, kernel_id, 1)
            later = await _samples(ask, kernel_id, 4, first[-1]["at_s"], is_busy=True)
        finally:
            client.stop_channels()
        assert desk.watches.kernels == (kernel_id,)
        assert first[0]["power_w"] is None
        energies = [sample["energy_j"] for sample in (*first, *later)]
        assert energies == sorted(energies)
        assert energies[-1] > energies[0]
        drawing = [sample for sample in later if sample["power_w"]]  # on a busy machine it had no turn in some of them
        assert all(0 <= sample["low_w"] < sample["power_w"] < sample["high_w"] for sample in drawing)
        times = [sample["at_s"] for sample in (*first, *later)]
        assert times == sorted(set(times))
        _, live = await ask("live", kernel=kernel_id)
        assert live["quality"] in ("modelled", "apportioned")
        assert "CPU" in live["method"]
        pid = manager.get_kernel(kernel_id).provisioner.pid
        await manager.restart_kernel(kernel_id, now=True)
        assert manager.get_kernel(kernel_id).provisioner.pid != pid
        anew = await _samples(ask, kernel_id, 1)
        assert anew[0]["at_s"] > later[-1]["at_s"]
        assert anew[0]["power_w"] is None
        await manager.shutdown_kernel(kernel_id, now=True)
        _, live = await ask("live", kernel=kernel_id)
        assert (live["samples"], live["problem"]) == ([], NOT_RUNNING)
        assert desk.watches.kernels == ()


async def test_a_kernel_is_watched_while_a_page_asks(ask: Ask, desk: Desk, jp_serverapp: Any) -> None:
    """Each request is a sample; some time after the last one all is let go, and the next one begins anew."""
    patience_s = 3.0
    desk.watches = watches = Watches(jp_serverapp.kernel_manager, patience_s)
    async with _kernel(jp_serverapp) as kernel_id:
        (first,) = (await ask("live", kernel=kernel_id))[1]["samples"]
        watch = await watches.watch(kernel_id, os.environ, desk.folder(None))
        assert not isinstance(watch, str)
        until = time.monotonic() + 1.5 * patience_s
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            assert await watches.watch(kernel_id, os.environ, desk.folder(None)) is watch  # each request counts anew
            watch.sample()
        assert len(watch.since(first["at_s"])) >= 3
        async with asyncio.timeout(PATIENCE_S):
            while watches.kernels:
                await asyncio.sleep(0.01)
        assert watch.has_ended
        (again,) = (await ask("live", kernel=kernel_id))[1]["samples"]
        assert again["power_w"] is None


async def test_many_pages_begin_to_watch_at_once(ask: Ask, desk: Desk, jp_serverapp: Any) -> None:
    """Pages that begin to look at a kernel at the same moment see the same samples."""
    async with _kernel(jp_serverapp) as kernel_id:
        lives = [live for _, live in await asyncio.gather(*(ask("live", kernel=kernel_id) for _ in range(20)))]
        assert {live["problem"] for live in lives} == {None}
        assert len({live["samples"][0]["at_s"] for live in lives}) == 1
        assert desk.watches.kernels == (kernel_id,)


async def test_a_kernel_is_watched_by_the_settings_of_its_notebooks_folder(
    ask: Ask, desk: Desk, jp_serverapp: Any, jp_root_dir: Path
) -> None:
    """The watts that a project's file beside the notebook names are those of its live power, as of its cells."""
    project = jp_root_dir / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.jupyter_green]\ncpu_busy_w = 12.5\n")
    async with _kernel(jp_serverapp) as kernel_id:
        _, live = await ask("live", path="project/nb.ipynb", kernel=kernel_id)
    assert "12.5 W" in live["method"] or "RAPL" in live["method"]


async def test_a_kernel_that_ended_by_itself(ask: Ask, desk: Desk, jp_serverapp: Any) -> None:
    """A kernel that was killed, and that nobody starts anew, has ended."""
    async with _kernel(jp_serverapp) as kernel_id:
        manager = jp_serverapp.kernel_manager.get_kernel(kernel_id)
        await _samples(ask, kernel_id, 1)
        manager.stop_restarter()
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            while await manager.is_alive():
                await asyncio.sleep(0.01)
            live = {"problem": None}
            while live["problem"] is None:  # two samples in a row are not taken at once
                _, live = await ask("live", kernel=kernel_id)
        for _ in range(2):
            assert (live["samples"], live["problem"]) == ([], "The kernel has ended.")
            _, live = await ask("live", kernel=kernel_id)


@pytest.mark.parametrize("kernel_id", ["00000000-0000-0000-0000-000000000000", "..", "-", "k"])
async def test_a_kernel_that_nobody_knows(ask: Ask, desk: Desk, kernel_id: str) -> None:
    """A kernel of another server, or of none, is not running."""
    _, live = await ask("live", kernel=kernel_id)
    assert (live["samples"], live["problem"]) == ([], NOT_RUNNING)
    assert desk.watches.kernels == ()


async def test_a_notebook_without_a_kernel(ask: Ask) -> None:
    """Where no kernel is named there is none to watch."""
    _, live = await ask("live", path=NAME)
    assert (live["samples"], live["problem"]) == ([], "There is no kernel.")


class _Elsewhere(KernelProvisionerBase):
    """A kernel on another computer."""

    has_process = True

    async def poll(self) -> int | None:
        return None

    async def wait(self) -> int | None:
        return 0

    async def send_signal(self, signum: int) -> None: ...
    async def kill(self, restart: bool = False) -> None: ...
    async def terminate(self, restart: bool = False) -> None: ...
    async def cleanup(self, restart: bool = False) -> None: ...
    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any: ...


@pytest.mark.parametrize("pid", [None, 1])
async def test_a_kernel_on_another_computer(ask: Ask, desk: Desk, jp_serverapp: Any, pid: int | None) -> None:
    """A kernel on another computer cannot be seen from here, whether its provisioner has a pid there or not."""
    async with _kernel(jp_serverapp) as kernel_id:
        manager = jp_serverapp.kernel_manager.get_kernel(kernel_id)
        own, elsewhere = manager.provisioner, _Elsewhere()
        if pid is not None:
            elsewhere.pid = pid
        manager.stop_restarter()
        manager.provisioner = elsewhere
        try:
            _, live = await ask("live", kernel=kernel_id)
        finally:
            manager.provisioner = own
        expected = "The kernel runs on another computer, so its power cannot be seen from here."
        assert (live["samples"], live["problem"]) == ([], expected)
        assert desk.watches.kernels == ()


# Loading


def test_a_server_without_settings(
    monkeypatch: pytest.MonkeyPatch, jp_server_config: Any, jp_configurable_serverapp: Any, tmp_path: Path
) -> None:
    """A server that was told nothing uses Jupyter's data folder, tells kernels that it draws, and makes no folder."""
    monkeypatch.delenv("JUPYTER_GREEN_HOME")
    app = jp_configurable_serverapp(config=jp_server_config)
    desk = app.web_app.settings[DESK]
    assert desk.home == read_home({}) == tmp_path / "data" / "jupyter_green"
    assert os.environ["JUPYTER_GREEN_UI"] == drawing_mark(desk.home)
    assert not desk.home.exists()
    assert desk.watches.kernels == ()


def test_a_server_without_the_browsers_part(
    jp_server_config: Any, jp_configurable_serverapp: Any, jp_env_jupyter_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the browser's part is not installed, kernels are not told that somebody draws for them."""
    monkeypatch.setenv("JUPYTER_GREEN_UI", "of an outer server")
    (jp_env_jupyter_path / "labextensions" / "jupyter-green" / "package.json").unlink()
    jp_configurable_serverapp(config=jp_server_config)
    assert "JUPYTER_GREEN_UI" not in os.environ


def test_a_home_that_is_none_does_not_stop_a_server(
    monkeypatch: pytest.MonkeyPatch,
    jp_server_config: Any,
    jp_configurable_serverapp: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder that names nobody's home is one line in the server's log, and the server starts without us."""
    monkeypatch.setenv("JUPYTER_GREEN_HOME", "~nobody_there/x")
    app = jp_configurable_serverapp(config=jp_server_config)
    assert DESK not in app.web_app.settings
    assert os.environ["JUPYTER_GREEN_UI"] == ""
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "JUPYTER_GREEN_HOME" in line]
    assert line.endswith(
        "jupyter_green: JUPYTER_GREEN_HOME = '~nobody_there/x' in environment: ~nobody_there is no folder of a user. "
        "Write an absolute path. Energy is not shown until the server is started anew."
    )
