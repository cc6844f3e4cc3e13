"""What goes wrong under an open page: a quiet sentence, another try, and nothing that lies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.lab import Lab, LabServer, busy_until, notebook
from tests.browser.test_cell_line import ENERGY, RUNNING

EARLIER = re.compile(r"^⚡ .* · of an earlier run$")
QUIET = "#jp-green-panel .jp-green-problem"
_LABS = re.compile(r"Failed to load resource|WebSocket|Connection lost|NetworkError|fetch|reconnect|Kernel:|websocket")


def _open(lab: Lab, server: LabServer, name: str, *sources: str) -> None:
    lab.open(server.write(name, *sources))
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_answers_with_an_error(status: int, lab: Lab, server: LabServer, name: str) -> None:
    """Each error is one quiet sentence in the panel, no toast; when the server answers again, it is gone."""
    _open(lab, server, name, "a = 1")

    def refuse(route: Route) -> None:
        route.fulfill(status=status, content_type="application/json", body=json.dumps({"message": "made up"}))

    lab.page.route("**/jupyter-green/**", refuse)
    expect(lab.page.locator(QUIET).first).to_be_visible(timeout=30_000)
    assert lab.page.locator(".Toastify__toast").count() == 0
    lab.run_all()
    expect(lab.line(0)).to_have_text(EARLIER)  # the last known record stays, and does not pass for the new one
    lab.page.unroute("**/jupyter-green/**")
    lab.run_all()
    expect(lab.page.locator(QUIET + ":visible")).to_have_count(0, timeout=60_000)
    expect(lab.line(0)).to_have_text(ENERGY)
    lab.errors[:] = [error for error in lab.errors if not _LABS.search(error)]


def test_a_server_that_does_not_answer(lab: Lab, server: LabServer, name: str) -> None:
    """While no answer comes, tries become rarer; a cell that runs meanwhile is recorded all the same."""
    _open(lab, server, name, "a = 1")
    tries: list[str] = []

    def fail(route: Route) -> None:
        tries.append(route.request.url)
        route.abort()

    lab.page.route("**/jupyter-green/**", fail)
    expect(lab.page.locator(QUIET).first).to_be_visible(timeout=30_000)
    expect(lab.page.locator(QUIET).first).to_contain_text("does not answer")
    before = len(tries)
    lab.page.wait_for_timeout(8000)
    assert len(tries) - before <= 4  # every 2 s at first, then ever more rarely
    lab.page.unroute("**/jupyter-green/**")
    lab.run_all()
    expect(lab.page.locator(QUIET + ":visible")).to_have_count(0, timeout=60_000)
    lab.errors[:] = [error for error in lab.errors if not _LABS.search(error)]


def test_a_server_that_is_started_again(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """Under an open page the server is stopped and started: the lines are there again, and tracking goes on."""
    server = own_server()
    lab = lab_on(server)
    _open(lab, server, "again.ipynb", "a = 1")
    text = lab.line(0).inner_text()
    server.wait_for_workspace("jupyter-green:tracked")
    server.stop()
    expect(lab.page.locator(QUIET).first).to_be_visible(timeout=60_000)
    server.start()
    lab.page.reload()
    lab.wait_for_kernel("again.ipynb")
    expect(lab.line(0)).to_have_text(text)
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    expect(lab.line(0)).not_to_have_text(text)
    lab.errors[:] = []  # JupyterLab reports every socket that broke


def test_a_kernel_that_is_killed_in_a_cell(lab: Lab, server: LabServer, name: str) -> None:
    """Its cell says that it is not measured; after the restart the notebook is tracked again without a click."""
    _open(lab, server, name, "a = 1")
    lab.set_source(0, "import os, time\ntime.sleep(0.5)\nos.kill(os.getpid(), 9)")
    lab.command("notebook:run-cell")
    expect(lab.page.get_by_role("dialog")).to_contain_text("Kernel Restarting")
    lab.page.get_by_role("dialog").get_by_role("button", name="Ok").click()
    expect(lab.page.locator(".jp-green-line.jp-mod-running")).to_have_count(0)
    # JupyterLab 4.6 itself may not know the kernel's status from here on until a cell has run.
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    expect(lab.line(0)).to_have_text("⚡ not measured: the kernel ended")
    lab.set_source(0, "a = 1")
    lab.command("notebook:run-cell")
    expect(lab.line(0)).to_have_text(ENERGY)


def test_restart_and_run_all(lab: Lab, server: LabServer, name: str) -> None:
    """After "Restart and run all" every cell has a new record, the first one too."""
    _open(lab, server, name, "a = 1", "b = 2")
    sessions = len(list((server.home / "journal").iterdir()))
    before = [lab.line(0).inner_text(), lab.line(1).inner_text()]
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:restart-run-all')")
    lab.page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    for index in (0, 1):
        expect(lab.line(index)).to_have_text(ENERGY)
        expect(lab.line(index)).not_to_have_text(before[index])
    assert lab.execution_counts() == [1, 2]
    assert len(list((server.home / "journal").iterdir())) == sessions + 1


def test_a_notebook_that_is_renamed(lab: Lab, server: LabServer, name: str) -> None:
    """A renamed notebook keeps its lines, and its next cell has one."""
    _open(lab, server, name, "a = 1")
    text = lab.line(0).inner_text()
    renamed = "renamed-" + name
    lab.page.evaluate("name => jupyterapp.shell.currentWidget.context.rename(name)", renamed)
    lab.wait_for_kernel(renamed)
    expect(lab.line(0)).to_have_text(text)
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    expect(lab.line(0)).not_to_have_text(text)


@pytest.mark.parametrize("folder", ["50% & more #1", "<img src=x onerror=alert(1)>", "grün 🌱", "a'b\"c"])
def test_names_that_are_not_plain(folder: str, lab: Lab, server: LabServer) -> None:
    """Notebooks whose path has spaces, signs, emoji or HTML are measured and shown as text."""
    name = server.write(f"{folder}/{folder}.ipynb", f"%%track_energy -n {json.dumps(folder)}\nx = 1")
    lab.open(name)
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_contain_text("⚡ ")
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    expect(lab.page.locator("#jp-green-panel .lm-AccordionPanel-title", has_text="Cells (1)")).to_be_visible()
    assert lab.page.locator("#jp-green-panel img").count() == 0


def test_a_notebook_from_elsewhere(lab: Lab, server: LabServer, name: str) -> None:
    """Figures that came with a file are "recorded elsewhere"; those of another cell, or malformed, are not."""
    path = server.work / name
    content = notebook("a = 1", "b = 2", "c = 3", "d = 4")
    kept = {"energy_j": 41.2, "low_j": 20.6, "high_j": 82.4, "quality": "modelled"}
    for index, metadata in enumerate(
        (
            {**kept, "cell": "cell-0"},
            {**kept, "cell": "cell-0"},
            {**kept, "cell": "cell-2", "energy_j": "<b>1</b>", "quality": "<i>"},
            ["nonsense"],
        )
    ):
        content["cells"][index]["metadata"] = {"jupyter_green": metadata}
    path.write_text(json.dumps(content))
    lab.open(name)
    expect(lab.line(0)).to_have_text("⚡ 41 J (21 to 82) · modelled · recorded elsewhere")
    assert lab.cell(1).locator(".jp-green-line:visible").count() == 0
    expect(lab.line(2)).to_have_text(re.compile(r"^⚡ not measured · recorded elsewhere$"))
    assert lab.cell(3).locator(".jp-green-line:visible").count() == 0
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)


def test_malformed_journal_lines(lab: Lab, server: LabServer, name: str) -> None:
    """Lines that cannot be read are passed over, and the panel says how many."""
    _open(lab, server, name, "a = 1")
    (log,) = [path for path in (server.home / "journal").iterdir() if lab_session(lab) in path.read_text()]
    with log.open("ab") as file:
        file.write(b'{"type":"cell","energy":{"attributed_j":"much"}}\nnonsense\n')
    expect(lab.page.locator("#jp-green-panel")).to_contain_text("2 lines", timeout=30_000)


def lab_session(lab: Lab) -> str:
    """Return the id of the current notebook's kernel."""
    return str(lab.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"))


def test_a_browser_whose_clock_is_wrong(
    server: LabServer, lab_on: Callable[..., Lab], name: str, tmp_path: Path
) -> None:
    """A browser that is a day ahead shows the same live energy: only the server's clock counts."""
    lab = lab_on(server)
    lab.context.add_init_script("const now = Date.now; Date.now = () => now() + 86_400_000;")
    lab.open(server.write(name, busy_until(tmp_path / "stop")))
    lab.track()
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(lab.line(0)).to_have_text(RUNNING)
    (tmp_path / "stop").touch()
    lab.settle()
    expect(lab.line(0)).to_have_text(ENERGY)


def test_a_kernel_without_our_package(lab: Lab, server: LabServer, name: str) -> None:
    """A kernel without our package says what to type, and the notebook goes on as before."""
    lab.open(server.write(name, "import sys\nsys.modules['jupyter_green.magics.switch'] = None", "1 + 1"))
    lab.run_all()
    lab.command("jupyter-green:track")
    expect(lab.page.locator(".Toastify__toast")).to_contain_text("%pip install jupyter-green")
    lab.run_all()
    expect(lab.cell(1).locator(".jp-OutputArea-output")).to_have_text("2")
