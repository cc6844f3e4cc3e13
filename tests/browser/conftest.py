"""One JupyterLab server and one browser for all tests of this folder; a page and notebooks of its own for each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="the browser tests need playwright")

from playwright.sync_api import Browser, sync_playwright

from tests.browser.lab import CHROMIUM, CHROMIUM_ARGS, Lab, LabServer

# JupyterLab's own, when a page leaves while its debugger asks; Notebook 7.6's own, with no extension of ours.
_LABS_OWN = re.compile(r"^Could not restore the debugger state|^Cannot read properties of undefined .reading 'schema'")
_OURS = re.compile(r"jupyter[-_]green")
_EXPECTED = re.compile(r"extension was successfully (linked|loaded)|jupyter_green\.server \| ")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if not os.path.exists(CHROMIUM):
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[LabServer]:
    """A JupyterLab that the tests share."""
    started = LabServer(tmp_path_factory.mktemp("lab"))
    started.start()
    yield started
    started.stop()
    said = [line for line in started.log.splitlines() if _OURS.search(line) and not _EXPECTED.search(line)]
    assert [line for line in said if "GET" not in line] == []


@pytest.fixture
def lab_on(browser: Browser) -> Iterator[Callable[..., Lab]]:
    """Open pages on servers; at the end nothing went to another computer and nothing went wrong in them."""
    opened: list[Lab] = []

    def open_page(server: LabServer, **options: Any) -> Lab:
        lab = Lab(server, browser, **options)
        opened.append(lab)
        return lab

    yield open_page
    for lab in opened:
        lab.close()
        assert lab.foreign == []
        assert [error for error in lab.errors if not _LABS_OWN.search(error)] == []


@pytest.fixture
def lab(server: LabServer, lab_on: Callable[..., Lab]) -> Lab:
    """A page on the shared server."""
    return lab_on(server)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for the test's notebook that no other test uses."""
    return re.sub(r"\W+", "-", str(request.node.name)).strip("-") + ".ipynb"


@pytest.fixture
def own_server(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., LabServer]]:
    """Start servers of the test's own."""
    started: list[LabServer] = []

    def start(**options: Any) -> LabServer:
        server = LabServer(tmp_path / f"lab{len(started)}", **options)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
