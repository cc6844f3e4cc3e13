"""The line under a cell: it follows its cell through everything that people do to notebooks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, LabServer, busy_until

ENERGY = re.compile(r"^⚡ (.*J \([\d.]+ to [\d.]+\)|under [\d.]+ mJ, below resolution) · (?!.*of an earlier run)")
RUNNING = re.compile(r"^⚡ [\d.]+ W · [\d.]+ J \([\d.]+ to [\d.]+\) …$")


def _texts(lab: Lab) -> list[str]:
    return [lab.line(index).inner_text() for index in range(lab.page.locator(".jp-Notebook:visible .jp-Cell").count())]


def _tracked(lab: Lab, name: str) -> list[str]:
    """Open a notebook, track it, run it, and return the text of each line."""
    lab.open(name)
    lab.track()
    lab.run_all()
    cells = lab.page.locator(".jp-Notebook:visible .jp-Cell")
    for index in range(cells.count()):
        expect(lab.line(index)).to_have_text(ENERGY)
    return _texts(lab)


def test_power_and_energy_while_a_cell_runs(lab: Lab, server: LabServer, name: str, tmp_path: Path) -> None:
    """While C code holds the interpreter's lock the line shows watts and joules that grow, then the cell's record."""
    lab.open(server.write(name, busy_until(tmp_path / "stop")))
    lab.track()
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(lab.line(0)).to_have_text(RUNNING)
    first = lab.line(0).inner_text()
    expect(lab.line(0)).not_to_have_text(first)
    (tmp_path / "stop").touch()
    lab.settle()
    expect(lab.line(0)).to_have_text(ENERGY)
    live, final = (float(re.search(r"([\d.]+) J \(", text)[1]) for text in (first, lab.line(0).inner_text()))  # type: ignore[index]
    assert 0 < live < final


def test_a_notebook_that_is_tracked_while_a_cell_runs(lab: Lab, server: LabServer, name: str, tmp_path: Path) -> None:
    """The cell that runs at the click shows no joules, as none are recorded; its next run has a line."""
    lab.open(server.write(name, busy_until(tmp_path / "stop")))
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    lab.leaf.click()
    expect(lab.page.locator("#jp-green-panel .jp-green-big")).to_contain_text("W")
    lab.page.wait_for_timeout(2500)  # longer than the slow poll
    expect(lab.page.locator(".jp-green-line:visible")).to_have_count(0)
    (tmp_path / "stop").touch()
    lab.settle()
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    expect(lab.page.locator(".jp-green-line:visible")).to_have_count(0)
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)


def test_a_running_cell_that_was_hidden_by_another_tab(lab: Lab, server: LabServer, name: str, tmp_path: Path) -> None:
    """Whoever looks at another tab and comes back sees the energy of the running cell grow again."""
    lab.open(server.write(name, busy_until(tmp_path / "stop")))
    lab.track()
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(lab.line(0)).to_have_text(RUNNING)
    notebook = lab.page.evaluate("jupyterapp.shell.currentWidget.id")
    lab.command("launcher:create")
    expect(lab.line(0)).to_be_hidden()
    with lab.page.expect_response(re.compile("/jupyter-green/live")):
        lab.page.wait_for_timeout(3000)  # longer than the poll: it has found nothing to look at, and stopped
        lab.page.evaluate("id => jupyterapp.shell.activateById(id)", notebook)
    expect(lab.line(0)).to_have_text(RUNNING)
    before = lab.line(0).inner_text()
    expect(lab.line(0)).not_to_have_text(before)
    (tmp_path / "stop").touch()
    lab.settle()


def test_a_cell_that_is_moved_deleted_and_brought_back(lab: Lab, server: LabServer, name: str) -> None:
    """A line goes with its cell: up, down, away, and back by undo."""
    texts = _tracked(lab, server.write(name, "a = 1", "b = sum(range(300_000))", "c = 3"))
    lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    lab.command("notebook:move-cell-down")
    expect(lab.line(1)).to_have_text(texts[0])
    assert _texts(lab) == [texts[1], texts[0], texts[2]]
    lab.command("notebook:delete-cell")
    expect(lab.page.locator(".jp-green-line:visible")).to_have_count(2)
    assert _texts(lab) == [texts[1], texts[2]]
    lab.command("notebook:undo-cell-action")
    expect(lab.page.locator(".jp-green-line:visible")).to_have_count(3)
    # JupyterLab may undo the move with the deletion, as both lie within half a second.
    sources = lab.page.locator(".jp-Notebook:visible .jp-Cell .cm-content").all_inner_texts()
    of = {"a = 1": texts[0], "b = sum(range(300_000))": texts[1], "c = 3": texts[2]}
    assert _texts(lab) == [of[source] for source in sources]


def test_a_cell_that_is_split_or_copied(lab: Lab, server: LabServer, name: str) -> None:
    """A new cell has no figure of another one: neither the second half of a split nor a copy."""
    lab.open(server.write(name, "a = 1\nb = 2"))
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    lab.command("notebook:copy-cell")
    lab.command("notebook:paste-cell-below")
    expect(lab.page.locator(".jp-Notebook:visible .jp-Cell")).to_have_count(2)
    lab.page.evaluate(
        """() => {
            const notebook = jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = 0;
            notebook.mode = 'edit';
            notebook.activeCell.editor.setCursorPosition({ line: 1, column: 0 });
        }"""
    )
    lab.command("notebook:split-cell-at-cursor")
    expect(lab.page.locator(".jp-Notebook:visible .jp-Cell")).to_have_count(3)
    assert lab.page.locator(".jp-green-line:visible").count() <= 1


def test_a_cell_that_becomes_markdown_and_code_again(lab: Lab, server: LabServer, name: str) -> None:
    """As Markdown a cell has no line; as code it has its own again."""
    (text,) = _tracked(lab, server.write(name, "a = 1"))
    lab.command("notebook:change-cell-to-markdown")
    expect(lab.page.locator(".jp-green-line:visible")).to_have_count(0)
    lab.command("notebook:change-cell-to-code")
    expect(lab.line(0)).to_have_text(text)


def test_reload_and_reopen(lab: Lab, server: LabServer, name: str) -> None:
    """After a reload, and in a notebook that is closed and opened again, the lines are there without a run."""
    texts = _tracked(lab, server.write(name, "a = 1", "b = 2"))
    lab.command("docmanager:save")
    lab.page.reload()
    lab.wait_for_kernel(name)
    expect(lab.line(1)).to_have_text(texts[1])
    assert _texts(lab) == texts
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    lab.command("application:close")
    lab.command("docmanager:open", path=name)
    lab.wait_for_kernel(name)
    expect(lab.line(1)).to_have_text(texts[1])
    assert _texts(lab) == texts


def test_the_file_stays_clean(lab: Lab, server: LabServer, name: str) -> None:
    """A tracked notebook that is saved has no trace of the numbers, neither in outputs nor in metadata."""
    _tracked(lab, server.write(name, "a = 1", "a"))
    lab.command("docmanager:save")
    saved = json.loads((server.work / name).read_text())
    assert "green" not in json.dumps(saved)
    assert [len(cell["outputs"]) for cell in saved["cells"]] == [0, 1]


def test_a_change_beyond_the_noise(lab: Lab, server: LabServer, name: str) -> None:
    """From the fourth run on the line tells of a change, and only of one beyond the noise of earlier runs."""
    lab.open(server.write(name, "import time\nt = time.thread_time()\nwhile time.thread_time() < t + 0.2: pass"))
    lab.track()
    for _ in range(4):
        lab.run_all()
    expect(lab.line(0)).to_have_text(re.compile(r"· (about as before|[−+]\d+ % vs the last runs)$"))
    lab.page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.setSource("
        "'import time\\nt = time.thread_time()\\nwhile time.thread_time() < t + 0.05: pass')"
    )
    lab.run_all()
    expect(lab.line(0)).to_have_text(re.compile(r"· −7\d % since the text changed$"))


def test_run_all_that_stops_at_an_error(lab: Lab, server: LabServer, name: str) -> None:
    """The cell that failed says so, and the cells behind it have no line; tracking goes on."""
    lab.open(server.write(name, "a = 1", "%%track_energy\n1/0", "c = 3"))
    lab.track()
    lab.command("notebook:run-all-cells")
    lab.settle()
    expect(lab.line(1)).to_have_text(re.compile(r"· failed$"))
    assert lab.cell(2).locator(".jp-green-line:visible").count() == 0
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")


def test_the_details_of_a_line(lab: Lab, server: LabServer, name: str) -> None:
    """Pointer or focus show method, intensity and other load; Escape or the pointer's leave hide them."""
    _tracked(lab, server.write(name, "a = sum(range(3_000_000))"))
    popover = lab.page.locator(".jp-green-popover")
    lab.line(0).hover()
    for word in ("Method", "Covers", "Intensity", "Other load", "grid not set", "CPU-s meanwhile, left out"):
        expect(popover).to_contain_text(word)
    popover.hover()  # what is shown can be reached
    lab.page.wait_for_timeout(300)
    expect(popover).to_be_visible()
    lab.page.mouse.move(5, 5)
    expect(popover).to_have_count(0)
    lab.line(0).focus()
    expect(popover).to_be_visible()
    assert lab.line(0).get_attribute("aria-describedby") == popover.get_attribute("id")
    lab.page.keyboard.press("Escape")
    expect(popover).to_have_count(0)


@pytest.mark.parametrize(("mode", "cells"), [("full", 1000), ("contentVisibility", 300), ("defer", 200), ("none", 200)])
def test_a_long_notebook(mode: str, cells: int, lab: Lab, server: LabServer, name: str) -> None:
    """In a notebook of many cells, each that is scrolled to has its own line, however the cells are windowed."""
    lab.open(server.write(name, *[f"x = {n}" for n in range(cells)]))
    lab.page.evaluate(
        "mode => { const n = jupyterapp.shell.currentWidget.content;"
        " n.notebookConfig = { ...n.notebookConfig, windowingMode: mode }; }",
        mode,
    )
    lab.track()
    lab.run_all()
    for index in (0, cells // 2, cells - 1):
        lab.page.evaluate("index => jupyterapp.shell.currentWidget.content.scrollToItem(index, 'center')", index)
        cell = lab.page.locator(f".jp-Notebook:visible .jp-Cell[data-windowed-list-index='{index}']")
        expect(cell.locator(".jp-green-line-text")).to_have_text(ENERGY)
        expect(cell.locator(".jp-InputPrompt")).to_have_text(f"[{index + 1}]:")


def test_lines_from_a_threshold_on_or_never(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """The settings hide lines below an energy; the notebook's own metadata may show all, or none."""
    server = own_server()
    _settings(server, show="threshold", minimumJoules=1)
    lab = lab_on(server)
    large = "import time\nt = time.thread_time()\nwhile time.thread_time() < t + 0.5: pass"
    lab.open(server.write("threshold.ipynb", "a = 1", large))
    lab.track()
    lab.run_all()
    visible = lab.page.locator(".jp-green-line:visible")
    expect(visible).to_have_count(1)
    for show, count in (("always", 2), ("never", 0), ("nonsense", 1)):
        lab.page.evaluate(
            "show => jupyterapp.shell.currentWidget.content.model.setMetadata('jupyter_green', { show })", show
        )
        lab.run_all()
        expect(visible).to_have_count(count)


def _settings(server: LabServer, **values: object) -> None:
    folder = server.folder / "jupyterlab_settings_dir" / "jupyter-green"
    folder.mkdir(parents=True)
    (folder / "plugin.jupyterlab-settings").write_text(json.dumps(values))


def test_numbers_kept_in_the_file_on_request(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """With the setting on, a cell's metadata keep three figures; a re-run within the range changes nothing."""
    server = own_server()
    _settings(server, saveInNotebook=True)
    name = server.write("kept.ipynb", "import time\nt = time.thread_time()\nwhile time.thread_time() < t + 0.2: pass")
    lab = lab_on(server)
    _tracked(lab, name)
    lab.command("docmanager:save")
    first = (server.work / name).read_text()
    kept = json.loads(first)["cells"][0]["metadata"]["jupyter_green"]
    assert set(kept) == {"cell", "energy_j", "low_j", "high_j", "quality"}
    assert kept["low_j"] <= kept["energy_j"] <= kept["high_j"]
    lab.run_all()
    lab.command("docmanager:save")
    again = json.loads((server.work / name).read_text())["cells"][0]["metadata"]["jupyter_green"]
    assert again == kept
