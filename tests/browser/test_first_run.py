"""From a fresh installation to the first number."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.lab import TOKEN, Lab, LabServer

LINE = re.compile(r"^⚡ [\d.]+ m?J \([\d.]+ to [\d.]+\) · [\d.]+ [µm]g CO₂e .* · [\d.]+ CPU-s · (modelled|apportioned)")


def test_the_first_number_takes_two_clicks(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """A click on the leaf and one on "run" show a cell's energy; ``In[1]`` stays ``[1]``, and three lines tell how."""
    server = own_server()
    lab = lab_on(server)
    lab.open(server.write("first.ipynb", "x = sum(range(1_000_000))\nx"))
    lab.track()
    lab.page.locator(".jp-NotebookPanel:visible [data-jp-item-name='run'] jp-button").click()
    expect(lab.line(0)).to_have_text(LINE)
    assert lab.execution_counts()[0] == 1
    lab.page.get_by_role("tab", name="Energy").click()
    first = lab.page.locator(".jp-green-first")
    expect(first).to_contain_text("modelled from CPU time (range about a factor of 2)")
    expect(first).to_contain_text("Your grid is not set: world average 475 g/kWh.")
    expect(first).to_contain_text("Data stays on this computer.")
    first.get_by_role("button", name="Got it").click()
    expect(first).to_have_count(0)


def test_a_new_notebook_at_once(server: LabServer, lab_on: Callable[..., Lab]) -> None:
    """In a new notebook whose kernel is still starting, a click on the leaf and a cell right after give a number."""
    lab = lab_on(server)
    lab.page.goto(f"{server.url}lab?token={TOKEN}&reset")
    lab.page.locator(".jp-LauncherCard[data-category='Notebook']").first.click()
    lab.page.locator(".jp-Cell .cm-content").wait_for()
    lab.page.wait_for_function("() => jupyterapp.shell.currentWidget.sessionContext?.session?.kernel")
    lab.leaf.click()
    lab.page.locator(".jp-Cell .cm-content").first.click()
    lab.page.keyboard.insert_text("x = sum(range(1_000_000))")
    lab.page.keyboard.press("Shift+Enter")
    expect(lab.line(0)).to_have_text(LINE)
    expect(lab.page.locator(".Toastify__toast")).to_have_count(0)


def test_nothing_happens_before_the_first_use(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """Whoever never clicks has no line, no file, no code in the kernel, and no request but the first two looks."""
    server = own_server()
    lab = lab_on(server)
    lab.open(server.write("plain.ipynb", "1 + 1", "import sys\n'jupyter_green' in sys.modules"))
    lab.run_all()
    expect(lab.cell(1).locator(".jp-OutputArea-output")).to_have_text("False")
    lab.page.wait_for_timeout(2500)  # longer than the slow poll
    assert [
        answer.url.partition("/jupyter-green/")[2].partition("?")[0]
        for answer in lab.answers
        if "/notebook" in answer.url or "/live" in answer.url
    ] == ["notebook", "notebook"]
    assert lab.page.locator(".jp-green-line").count() == 0
    assert not server.home.exists()


def test_a_cell_that_begins_with_the_magic_needs_no_click(lab: Lab, server: LabServer, name: str) -> None:
    """``%load_ext`` and ``%%track_energy`` in the notebook are enough: the line is under that cell, no output is."""
    lab.open(server.write(name, "%load_ext jupyter_green", "%%track_energy -n fit\nx = 1"))
    lab.run_all()
    expect(lab.line(1)).to_have_text(re.compile(r"^⚡ fit: "))
    assert lab.cell(1).locator(".jp-OutputArea-output").count() == 0
    assert lab.execution_counts() == [1, 2]


def test_the_leaf_shows_what_the_magic_switched(lab: Lab, server: LabServer, name: str) -> None:
    """``%track_energy on`` and ``off`` in a cell move the leaf's button, too."""
    lab.open(server.write(name, "%load_ext jupyter_green\n%track_energy on", "%track_energy off"))
    lab.command("notebook:run-cell-and-select-next")
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    lab.command("notebook:run-cell-and-select-next")
    expect(lab.leaf).to_have_attribute("aria-pressed", "false")


def test_each_notebook_has_its_own_leaf(lab: Lab, server: LabServer, name: str) -> None:
    """Of two notebooks side by side, the leaf of each shows how that one stands, and a key on it switches that one."""
    other = server.write("other-" + name, "b = 1")
    lab.open(server.write(name, "a = 1"))
    lab.track()
    lab.command("docmanager:open", path=other, options={"mode": "split-right"})
    lab.wait_for_kernel(other)
    first, second = lab.leaf.nth(0), lab.leaf.nth(1)
    expect(second).to_have_attribute("aria-pressed", "false")
    expect(first).to_have_attribute("aria-pressed", "true")
    first.focus()
    lab.page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "false")
    second.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("aria-pressed", "false")
