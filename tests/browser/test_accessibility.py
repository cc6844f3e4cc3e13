"""Everybody can use it: axe finds nothing in our elements, the keyboard is enough, and a narrow window will do."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, LabServer
from tests.browser.test_cell_line import ENERGY
from tests.browser.test_sidebar import MODELS

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
OURS = ["#jp-green-panel", ".jp-green-line", ".jp-green-popover", ".jp-green-status", ".jp-green-compare"]


def _violations(lab: Lab) -> list[str]:
    lab.page.evaluate(AXE)
    found = lab.page.evaluate(
        "async parts => (await axe.run({ include: parts.filter(p => document.querySelector(p)).map(p => [p]) }))"
        ".violations.map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' ').slice(0, 300)}`)",
        OURS,
    )
    return list(found)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing(theme: str, lab: Lab, server: LabServer, name: str) -> None:
    """Lines, popover, all sections, the comparison and the status bar have no violation, in both themes."""
    lab.open(server.write(name, *MODELS))
    lab.command("apputils:change-theme", theme=theme)
    lab.track()
    lab.run_all()
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    panel = lab.page.locator("#jp-green-panel")
    expect(panel.locator(".lm-AccordionPanel-title").last).to_have_attribute("aria-expanded", "false")
    for section in ("Runs", "How this is measured"):
        panel.locator(".lm-AccordionPanel-title", has_text=section).click()
    panel.get_by_role("button", name="Find out").click()
    expect(panel).to_contain_text(str(server.home), timeout=30_000)
    expect(panel.get_by_role("checkbox")).to_have_count(3, timeout=30_000)
    lab.line(2).hover()
    expect(lab.page.locator(".jp-green-popover")).to_be_visible()
    assert _violations(lab) == []
    for box in panel.get_by_role("checkbox").all():
        box.check()
    panel.get_by_role("button", name="Compare").click()
    expect(lab.page.locator(".jp-green-compare svg").first).to_be_visible()
    assert _violations(lab) == []
    lab.command("apputils:change-theme", theme="JupyterLab Light")


def test_the_keyboard_is_enough(lab: Lab, server: LabServer, name: str) -> None:
    """Without a pointer: track by the palette's command, run, read a line's details, and jump from the sidebar."""
    lab.open(server.write(name, "a = 1", "b = sum(range(2_000_000))"))
    lab.page.keyboard.press("Control+Shift+C")
    lab.page.keyboard.type("green: track")
    lab.page.keyboard.press("Enter")
    expect(lab.leaf).to_have_attribute("aria-pressed", "true")
    lab.run_all()
    expect(lab.line(1)).to_have_text(ENERGY)
    lab.line(1).focus()
    expect(lab.page.locator(".jp-green-popover")).to_be_visible()
    lab.page.keyboard.press("Escape")
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    row = lab.page.locator("#jp-green-panel li button", has_text="b = sum")
    for _ in range(20):
        if row.evaluate("element => element === document.activeElement"):
            break
        lab.page.keyboard.press("Tab")
    expect(row).to_be_focused()
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function("jupyterapp.shell.currentWidget.content.activeCellIndex === 1")


def test_a_narrow_window(lab: Lab, server: LabServer, name: str) -> None:
    """At 900 px nothing of ours is wider than its place: no sideways scrolling, no text cut off."""
    lab.page.set_viewport_size({"width": 900, "height": 700})
    lab.open(server.write(name, *MODELS))
    lab.run_all()
    expect(lab.line(2)).to_have_text(re.compile("svm"))
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    expect(lab.page.locator("#jp-green-panel li").first).to_be_visible()
    wide = lab.page.evaluate(
        """() => [...document.querySelectorAll('.jp-green-part, .jp-green-line')]
            .filter(e => e.offsetParent !== null && e.scrollWidth > e.clientWidth + 1)
            .map(e => `${e.className}: ${e.scrollWidth} in ${e.clientWidth}`)"""
    )
    assert wide == []
