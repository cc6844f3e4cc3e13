"""JupyterLab in a browser, driven as a person does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, Response, TimeoutError, expect

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000
expect.set_options(timeout=30_000)  # a slow machine is no failure
TOKEN = "t"


def notebook(*sources: str, **metadata: Any) -> dict[str, Any]:
    """Return a notebook of code cells with the ids ``cell-0`` and so on."""
    cells = [
        {"cell_type": "code", "id": f"cell-{n}", "source": text, "metadata": {}, "outputs": [], "execution_count": None}
        for n, text in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def busy_until(path: Path) -> str:
    """Return code that calls into C again and again, a second or so each, until a file is there.

    Each call holds the interpreter's lock: nothing in the kernel can answer meanwhile.
    """
    return f"import os\nwhile not os.path.exists({str(path)!r}):\n    sum(range(30_000_000))"


class LabServer:
    """A JupyterLab with settings, data and journal of its own.

    Args:
        folder: Everything of it is kept there; notebooks in ``work``.
        base_url: As a hub would set it.
        app: The module to start: ``jupyterlab`` or ``notebook``.
        python: The environment to start it in.
        env: More of its environment.
    """

    def __init__(
        self,
        folder: Path,
        *,
        base_url: str = "/",
        app: str = "jupyterlab",
        python: str = sys.executable,
        env: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.work, self.home = folder, folder / "work", folder / "green-home"
        self.work.mkdir(parents=True, exist_ok=True)
        self._app, self._base_url, self._python = app, base_url, python
        own = {
            name: str(folder / name.lower())
            for name in (
                "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
                "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR",
            )
        }  # fmt: skip
        self.env = {**os.environ, **own, "JUPYTER_GREEN_HOME": str(self.home), "MPLBACKEND": "agg", **(env or {})}
        config = Path(own["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
        config.mkdir(parents=True, exist_ok=True)
        quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": False}
        (config / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        command = [
            self._python, "-m", self._app, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser",
            f"--ServerApp.base_url={self._base_url}", "--LabApp.extension_manager=readonly",
            "--ServerApp.root_dir=" + str(self.work),
        ]  # fmt: skip
        if self._app == "notebook":
            command = [part for part in command if not part.startswith("--LabApp")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.work, env=self.env, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_MS / 1e3
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(self.log)

    def stop(self) -> None:
        """End it, and with it its kernels."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "server.log").read_text("utf-8", "replace")

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}{self._base_url}"

    def wait_for_workspace(self, key: str) -> None:
        """Wait until JupyterLab has kept something in its workspace, which it does a while after the click."""
        folder = self.folder / "jupyterlab_workspaces_dir"
        deadline = time.monotonic() + PATIENCE_MS / 1e3
        while not any(key in path.read_text("utf-8") for path in folder.glob("*")):
            if time.monotonic() > deadline:
                raise AssertionError(f"{key} is in none of {list(folder.glob('*'))}")
            time.sleep(0.05)

    def write(self, name: str, *sources: str, **metadata: Any) -> str:
        """Write a notebook of code cells and return its name."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(*sources, **metadata)))
        return name


class Lab:
    """A page of JupyterLab.

    What it asked for beyond this computer, and what went wrong in it, is kept for the test's end.
    """

    def __init__(self, server: LabServer, browser: Browser, **options: Any) -> None:
        self.server = server
        self.context = browser.new_context(viewport={"width": 1300, "height": 900}, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.answers: list[Response] = []
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", lambda socket: self._note(socket.url))
        self.page.on("response", self._answered)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def _note(self, url: str) -> None:
        own = f"127.0.0.1:{self.server.port}"
        if own not in url and not url.startswith(("data:", "blob:")):
            self.foreign.append(url)

    def _answered(self, response: Response) -> None:
        if "/jupyter-green/" in response.url:
            self.answers.append(response)

    def open(self, name: str, *, reset: bool = True) -> None:
        """Open a notebook and wait for its kernel."""
        tail = f"lab/tree/{quote(name)}?token={TOKEN}{'&reset' if reset else ''}"
        self.page.goto(self.server.url + tail)
        self.wait_for_kernel(name)

    def wait_for_kernel(self, name: str) -> None:
        """Wait until a notebook is shown and its kernel is idle."""
        shown = """() => {
            const panel = window.jupyterapp?.shell.currentWidget;
            return [panel?.context?.path, panel?.sessionContext?.session?.kernel?.status].join(' is ');
        }"""
        try:
            self.page.wait_for_function(f"name => ({shown})() === `${{name}} is idle`", arg=name)
        except TimeoutError as error:
            raise AssertionError(f"after a minute {self.page.evaluate(shown)}") from error

    def command(self, name: str, **arguments: Any) -> Any:
        """Run a command of JupyterLab by its id."""
        return self.page.evaluate(
            "([id, args]) => jupyterapp.commands.execute(id, args).then(() => null)", [name, arguments]
        )

    def run_all(self) -> None:
        """Run all cells and wait until each has ended."""
        self.command("notebook:run-all-cells")
        self.settle()

    def settle(self) -> None:
        """Wait until the kernel has done all it was asked."""
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
            " && jupyterapp.shell.currentWidget.content.widgets.every(w => w.model.type !== 'code'"
            " || w.promptNode === null || w.inputArea?.promptNode.textContent !== '[*]:')"
        )

    def cell(self, index: int) -> Locator:
        """Return a cell of the current notebook."""
        return self.page.locator(".jp-Notebook:visible .jp-Cell").nth(index)

    def line(self, index: int) -> Locator:
        """Return the energy line of a cell."""
        return self.cell(index).locator(".jp-green-line-text")

    @property
    def leaf(self) -> Locator:
        """The button of the current notebook's toolbar."""
        return self.page.locator(".jp-NotebookPanel:visible [data-jp-item-name='green-track'] jp-button")

    def track(self) -> None:
        """Click on the leaf and wait until the kernel said yes."""
        self.leaf.click()
        expect(self.leaf).to_have_attribute("aria-pressed", "true")

    def set_source(self, index: int, source: str) -> None:
        """Write another text into a cell of the current notebook, and make it the active one."""
        self.page.evaluate(
            """([index, source]) => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.model.cells.get(index).sharedModel.setSource(source);
                notebook.activeCellIndex = index;
            }""",
            [index, source],
        )

    def execution_counts(self) -> Sequence[int | None]:
        """Return ``In[n]`` of each cell."""
        counts = self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.widgets.map(w => w.model.executionCount ?? null)"
        )
        return list(counts)

    def close(self) -> None:
        """Close the page and end all kernels, so that the next test has a fresh one."""
        self.page.evaluate("() => jupyterapp?.serviceManager.sessions.shutdownAll()")
        self.context.close()
