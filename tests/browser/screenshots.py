"""Take the pictures of the documentation: ``python -m tests.browser.screenshots FOLDER`` (``make screenshots``)."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect, sync_playwright

from tests.browser.lab import CHROMIUM, CHROMIUM_ARGS, Lab, LabServer

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
COLOURS = 256  # text on plain grounds needs no more, and the files are a third
FOREST, NETWORK = 6, 7  # cells of the quickstart


class _Camera:
    """Saves what a page shows under a name and the theme's name."""

    def __init__(self, lab: Lab, folder: Path, theme: str) -> None:
        self._lab, self._folder, self._theme = lab, folder, theme

    def take(self, name: str, of: Locator | None = None) -> None:
        shown = self._lab.page.screenshot() if of is None else of.screenshot()
        path = self._folder / f"{name}-{self._theme}.png"
        Image.open(io.BytesIO(shown)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
        print(path)


def _panel(lab: Lab) -> Locator:
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    return lab.page.locator("#jp-green-panel")


def _show(lab: Lab, index: int) -> None:
    lab.page.evaluate("index => jupyterapp.shell.currentWidget.content.scrollToItem(index, 'center')", index)
    expect(lab.line(index)).to_be_visible()


def _section(panel: Locator, name: str, *, is_open: bool) -> None:
    title = panel.locator(".lm-AccordionPanel-title", has_text=name)
    if (title.get_attribute("aria-expanded") == "true") != is_open:
        title.click()


def _first_click(lab: Lab, camera: _Camera) -> None:
    panel = _panel(lab)
    expect(panel).to_contain_text("then run a cell")
    camera.take("1-nothing-yet")
    lab.track()
    expect(panel.get_by_role("button", name="Choose")).to_be_visible()
    camera.take("2-first-click")


def _notebook(lab: Lab, camera: _Camera) -> None:
    lab.run_all()
    panel = _panel(lab)
    expect(panel.locator("li").first).to_be_visible()
    _show(lab, NETWORK)
    camera.take("3-cells")
    lab.line(FOREST).hover()
    expect(lab.page.locator(".jp-green-popover")).to_be_visible()
    camera.take("4-popover")
    lab.page.mouse.move(5, 5)


def _running(lab: Lab, camera: _Camera) -> None:
    lab.set_source(NETWORK, "total = 0\nwhile True:\n    total += sum(range(1_000_000))")
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")
    _show(lab, NETWORK)
    expect(lab.line(NETWORK)).to_contain_text(" W · ")
    lab.page.wait_for_timeout(6000)  # the chart is to show how it began
    camera.take("5-running")
    lab.command("notebook:interrupt-kernel")
    lab.settle()


def _compare(lab: Lab, camera: _Camera) -> None:
    panel = _panel(lab)
    for name in ("Now", "Cells"):
        _section(panel, name, is_open=False)
    _section(panel, "Runs", is_open=True)
    for name in ("forest", "network"):
        panel.get_by_role("checkbox", name=name).first.check()
    panel.get_by_role("button", name="Compare").click()
    expect(lab.page.locator(".jp-green-compare svg").first).to_be_visible()
    camera.take("6-compare")


def _measured(lab: Lab, camera: _Camera) -> None:
    panel = _panel(lab)
    _section(panel, "Runs", is_open=False)
    _section(panel, "How this is measured", is_open=True)
    panel.get_by_role("button", name="Find out").click()
    expect(panel).to_contain_text(str(lab.server.home))
    camera.take("7-how-it-is-measured")


SCENES: tuple[Callable[[Lab, _Camera], None], ...] = (_first_click, _notebook, _running, _compare, _measured)


def main(folder: Path) -> None:
    """Take all pictures in both themes, each theme on a server of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for theme, name in THEMES.items():
            server = LabServer(Path(home) / theme)
            server.start()
            try:
                shutil.copy(QUICKSTART, server.work)
                lab = Lab(server, browser)
                lab.open(QUICKSTART.name)
                lab.command("apputils:change-theme", theme=name)
                for scene in SCENES:
                    scene(lab, _Camera(lab, folder, theme))
                lab.close()
            finally:
                server.stop()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
