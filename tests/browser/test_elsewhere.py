"""Other places than JupyterLab on this computer: Notebook 7, a hub's base URL, other environments, remote kernels."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import TOKEN, Lab, LabServer
from tests.browser.test_cell_line import ENERGY
from tests.browser.test_sidebar import MODELS


def test_a_notebook_that_ran_on_another_computer(
    server: LabServer, lab_on: Callable[..., Lab], name: str, tmp_path: Path
) -> None:
    """What papermill left in its output notebook is shown, and named as recorded elsewhere."""
    source = server.write(f"in-{name}", "a = sum(range(1_000_000))", "print(a)")
    command = [sys.executable, "-m", "jupyter_green.cli", "run", source, name, "--mlflow", "off"]
    elsewhere = {**server.env, "JUPYTER_GREEN_HOME": str(tmp_path)}
    subprocess.run(command, cwd=server.work, env=elsewhere, check=True, capture_output=True)
    lab = lab_on(server)
    lab.open(name)
    for index in (0, 1):
        expect(lab.line(index)).to_have_text(re.compile(r"^⚡ .* · modelled · recorded elsewhere$"))


OLDEST = "jupyterlab==4.4.9"


def test_notebook_7(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """The same build serves Notebook 7: the leaf, the line, the panel, and beside the notebook the comparison."""
    server = own_server(app="notebook")
    lab = lab_on(server)
    name = server.write("seven.ipynb", *MODELS)
    lab.page.goto(f"{server.url}notebooks/{name}?token={TOKEN}")
    leaf = lab.page.locator("[data-jp-item-name='green-track'] jp-button")
    lab.wait_for_kernel(name)
    leaf.click()
    expect(leaf).to_have_attribute("aria-pressed", "true")
    lab.page.locator(".jp-Cell .cm-content").first.click()
    for _ in MODELS:
        lab.page.keyboard.press("Shift+Enter")
    expect(lab.page.locator(".jp-green-line-text").last).to_have_text(re.compile("^⚡ svm: "))
    for entry in ("View", "Left Sidebar", "Show Energy"):
        lab.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").get_by_text(entry, exact=True).click()
    panel = lab.page.locator("#jp-green-panel")
    expect(panel.locator("li").first).to_contain_text("svm")
    panel.locator("li button").first.click()
    expect(lab.page.locator(".jp-Cell.jp-mod-active")).to_contain_text("svm")
    panel.locator(".lm-AccordionPanel-title", has_text="Runs").click()
    for run in ("forest", "svm"):
        panel.get_by_role("checkbox", name=run).check()
    panel.get_by_role("button", name="Compare").click()
    expect(lab.page.locator(".jp-green-compare")).to_contain_text("svm is beaten by forest")


def test_a_base_url(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """Behind a base URL, as a hub sets it, everything is found."""
    server = own_server(base_url="/user/ann%20b/")
    lab = lab_on(server)
    lab.open(server.write("hub.ipynb", "a = 1"))
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    assert all(answer.status == 200 for answer in lab.answers)


def test_two_pages_on_one_server(server: LabServer, lab_on: Callable[..., Lab], name: str) -> None:
    """A second browser that looks at the same notebook shows the cell that the first one ran."""
    first = lab_on(server)
    first.open(server.write(name, "a = sum(range(1_000_000))"))
    second = lab_on(server)
    second.page.goto(f"{server.url}lab/workspaces/other/tree/{name}?token={TOKEN}&reset")
    second.wait_for_kernel(name)
    first.track()
    first.run_all()
    expect(first.line(0)).to_have_text(ENERGY)
    second.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    expect(second.line(0)).to_have_text(first.line(0).inner_text(), timeout=30_000)


@pytest.fixture(scope="module")
def other_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with ipykernel and our package alone, its packages shared with this one's."""
    folder = tmp_path_factory.mktemp("other-environment")
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "shared.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    (site / "ours.pth").write_text(str(Path(__file__).parents[2]))
    return folder


def test_a_kernel_from_another_environment(
    own_server: Callable[..., LabServer], lab_on: Callable[..., Lab], other_environment: Path
) -> None:
    """A kernel of another virtual environment than the server's has lines, and its sidebar."""
    server = own_server()
    python = other_environment / "bin" / "python"
    _kernelspec(server, "other", str(python))
    lab = lab_on(server)
    name = server.write("other.ipynb", "import sys\nsys.prefix")
    _use_kernel(server, name, "other")
    lab.open(name)
    lab.track()
    lab.run_all()
    expect(lab.cell(0).locator(".jp-OutputArea-output")).to_contain_text(str(other_environment))
    expect(lab.line(0)).to_have_text(ENERGY)


def test_a_kernel_whose_journal_cannot_be_read(
    own_server: Callable[..., LabServer], lab_on: Callable[..., Lab], tmp_path: Path
) -> None:
    """A kernel that keeps its journal elsewhere brings each record in the cell's output, where it stays."""
    server = own_server()
    _kernelspec(server, "remote", sys.executable, {"JUPYTER_GREEN_HOME": str(tmp_path / "elsewhere")})
    lab = lab_on(server)
    name = server.write("remote.ipynb", "a = sum(range(1_000_000))")
    _use_kernel(server, name, "remote")
    lab.open(name)
    lab.track()
    lab.run_all()
    carried = lab.cell(0).locator(".jp-green-line.jp-mod-carried")
    expect(carried).to_have_text(ENERGY)
    expect(lab.page.locator(".jp-green-line-text:visible")).to_have_count(0)
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    expect(lab.page.locator("#jp-green-panel")).to_contain_text("comes with the output of each cell")
    lab.command("docmanager:save")
    lab.page.reload()
    lab.wait_for_kernel(name)
    expect(carried).to_have_text(ENERGY)


@pytest.fixture(scope="module")
def oldest_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with an old JupyterLab and our package alone."""
    folder = tmp_path_factory.mktemp("oldest-environment")
    venv.create(folder, symlinks=True, with_pip=True)
    build = {**os.environ, "SKIP_JUPYTER_BUILDER": "1"}  # what is in the tree was built by whoever runs the tests
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, OLDEST, str(Path(__file__).parents[2])], check=True, env=build)
    return folder


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_oldest_jupyterlab(
    own_server: Callable[..., LabServer], lab_on: Callable[..., Lab], oldest_environment: Path
) -> None:
    """Our wheel in the JupyterLab that Binder locks, without MLflow: leaf, line, popover, panel and status bar."""
    server = own_server(python=str(oldest_environment / "bin" / "python"))
    lab = lab_on(server)
    lab.open(server.write("old.ipynb", "a = sum(range(3_000_000))", "b = 1"))
    assert lab.page.evaluate("jupyterapp.version") == OLDEST.partition("==")[2]
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_have_text(ENERGY)
    lab.line(0).hover()
    expect(lab.page.locator(".jp-green-popover")).to_contain_text("modelled")
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    panel = lab.page.locator("#jp-green-panel")
    expect(panel.locator("li").first).to_contain_text("a = sum")
    panel.locator(".lm-AccordionPanel-title", has_text="How this is measured").click()
    expect(panel.get_by_role("combobox")).to_be_visible()
    expect(lab.page.locator(".jp-green-status-text")).to_contain_text("J")
    panel.locator(".lm-AccordionPanel-title", has_text="Runs").click()
    expect(panel.get_by_role("button", name="Send 2 waiting records to MLflow")).to_be_visible()


def _kernelspec(server: LabServer, name: str, python: str, env: dict[str, str] | None = None) -> None:
    folder = server.folder / "jupyter_data_dir" / "kernels" / name
    folder.mkdir(parents=True)
    command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": name, "language": "python", "env": env or {}}
    (folder / "kernel.json").write_text(json.dumps(spec))


def _use_kernel(server: LabServer, notebook: str, kernel: str) -> None:
    path = server.work / notebook
    content = json.loads(path.read_text())
    content["metadata"]["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    path.write_text(json.dumps(content))


def test_the_build_is_what_the_package_says() -> None:
    """JupyterLab finds the extension, enabled and compatible."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"], capture_output=True, text=True, check=True
    )
    assert re.search(r"jupyter-green v\S+ \S*enabled\S* \S*OK", done.stdout + done.stderr)
