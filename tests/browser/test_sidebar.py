"""The sidebar: the same numbers as everywhere else, and what can be done with them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabServer

MODELS = (
    "%load_ext jupyter_green",
    "%%track_energy -n forest -m accuracy=0.97\nx = sum(range(2_000_000))",
    "%%track_energy -n svm -m accuracy=0.91\nx = sum(range(9_000_000))",
)


def _panel(lab: Lab) -> Locator:
    lab.page.evaluate("jupyterapp.shell.activateById('jp-green-panel')")
    panel = lab.page.locator("#jp-green-panel")
    expect(panel).to_be_visible()
    last = panel.locator(".lm-AccordionPanel-title").last
    expect(last).to_have_attribute("aria-expanded", "false")
    return panel


def _open_section(lab: Lab, name: str) -> None:
    head = lab.page.locator("#jp-green-panel .lm-AccordionPanel-title", has_text=name)
    if head.get_attribute("aria-expanded") != "true":
        head.click()


def _numbers(text: str) -> list[str]:
    return re.findall(r"[\d.]+", text)


def test_the_same_number_everywhere(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """A cell's energy and the notebook's total are the same under the cell, in the sidebar, report and MLflow."""
    server = own_server()
    lab, name = lab_on(server), "same.ipynb"
    lab.open(server.write(name, *MODELS))
    lab.run_all()
    expect(lab.line(2)).to_have_text(re.compile("^⚡ svm: "))
    panel = _panel(lab)
    row = panel.locator("li", has_text="svm").first
    expect(row).to_be_visible()
    line = lab.line(2).inner_text()
    of_line = re.search(r"([\d.]+ m?J) \(([\d.]+) to ([\d.]+)\)", line)
    assert of_line is not None
    assert of_line[1] in row.inner_text()
    assert of_line[2] in row.inner_text()
    report = _green(server, "report", str(server.work / name), "--json")
    (svm,) = [cell for cell in report["cells"] if cell["name"] == "svm" and cell["kind"] == "cell"]
    low = of_line[1].split()[0]
    scale = 1000.0 if "mJ" in of_line[1] else 1.0
    assert float(low) == float(f"{svm['energy']['attributed_j'] * scale:.2g}")
    _open_section(lab, "Runs")
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Runs (3)")).to_be_visible(timeout=30_000)
    found = _runs(server)
    assert found["svm"]["energy_j"] == svm["energy"]["attributed_j"]
    assert found["svm"]["accuracy"] == 0.91
    total = report["total"]["energy"]["attributed_j"]
    session = found[Path(name).stem]
    assert abs(session["energy_j"] - total) <= 0.1 * total  # MLflow has it as of the last delivery
    shown = panel.locator(".jp-green-totals dd").first.inner_text()
    assert float(_numbers(shown)[0]) == float(f"{total * (1000.0 if 'mJ' in shown.split('(')[0] else 1.0):.2g}")


def _green(server: LabServer, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_green.cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=server.env,
        cwd=server.work,
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _runs(server: LabServer) -> dict[str, dict[str, float]]:
    code = (
        "import json\nfrom mlflow import MlflowClient\n"
        "runs = MlflowClient('sqlite:///mlflow.db').search_runs(['0'])\n"
        "print(json.dumps({run.info.run_name: run.data.metrics for run in runs}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=server.work, env=server.env
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_compare_runs(lab: Lab, server: LabServer, name: str) -> None:
    """Two ticks and "Compare" show the runs in a plot and a table: which is on the front, which is beaten."""
    lab.open(server.write(name, *MODELS))
    lab.run_all()
    panel = _panel(lab)
    _open_section(lab, "Runs")
    compare = panel.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    for run in ("forest", "svm"):
        panel.get_by_role("checkbox", name=re.compile(run)).check()
    compare.click()
    tab = lab.page.locator(".jp-green-compare")
    expect(tab.locator("svg").first).to_be_visible()
    expect(tab.locator("table")).to_contain_text("forest")
    expect(tab).to_contain_text("svm is beaten by forest")
    lab.page.set_viewport_size({"width": 900, "height": 900})
    table = tab.get_by_role("region", name="Runs")
    lab.page.wait_for_function("table => table.scrollWidth <= table.clientWidth", arg=table.element_handle())
    panel.get_by_role("button", name="Ask MLflow").click()
    expect(panel.get_by_role("button", name="Ask MLflow")).to_be_enabled(timeout=60_000)
    expect(panel.locator(".jp-green-problem:visible")).to_have_count(0)


def test_records_sent_on_request(lab: Lab, server: LabServer, name: str) -> None:
    """Records that nobody asked to deliver wait; one click sends them, and then nothing waits."""
    lab.open(server.write(name, "a = 1", "b = 2"))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    _open_section(lab, "Runs")
    panel.get_by_role("button", name="Send 2 waiting records to MLflow").click()
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Runs (1)")).to_be_visible(timeout=60_000)
    expect(panel.get_by_role("button", name=re.compile("waiting"))).to_have_count(0)


def test_jump_and_filter(lab: Lab, server: LabServer, name: str) -> None:
    """The heaviest cell stands first; a word filters, and Enter jumps to the cell."""
    sources = [f"light_{n} = {n}" for n in range(40)]
    sources[25] = "heavy = sum(range(5_000_000))"
    lab.open(server.write(name, *sources))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Cells (40)")).to_be_visible()
    expect(panel.locator("li").first).to_contain_text("heavy = ")
    panel.get_by_role("searchbox").or_(panel.get_by_role("textbox")).first.fill("light_7")
    expect(panel.locator("li")).to_have_count(1)
    panel.locator("li button").first.focus()
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function("jupyterapp.shell.currentWidget.content.activeCellIndex === 7")


def test_jump_to_a_notebook_that_another_tab_hides(lab: Lab, server: LabServer, name: str) -> None:
    """A click on a cell in the list brings its notebook to the front, and the cell into view."""
    lab.open(server.write(name, *[f"light_{n} = {n}" for n in range(40)], "heavy = sum(range(5_000_000))"))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    lab.command("launcher:create")
    expect(lab.cell(0)).to_be_hidden()
    panel.get_by_role("button", name="heavy = ").click()
    expect(lab.page.locator(".jp-Notebook:visible .jp-Cell", has_text="heavy = ")).to_be_in_viewport()
    assert lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex") == 40


def test_choose_the_grid(own_server: Callable[..., LabServer], lab_on: Callable[..., Lab]) -> None:
    """A grid chosen in the sidebar holds from the next cell on, here and in the kernels that follow."""
    server = own_server()
    lab = lab_on(server)
    lab.open(server.write("grid.ipynb", "a = sum(range(1_000_000))"))
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_contain_text("grid not set")
    panel = _panel(lab)
    panel.get_by_role("button", name="Choose your grid").focus()
    lab.page.keyboard.press("Enter")
    grid = panel.locator("select").first
    expect(grid).to_be_focused()
    expect(grid).to_be_in_viewport()
    grid.evaluate("select => select.blur()")
    panel.get_by_role("button", name="Choose your grid").click()  # the section is open already
    expect(grid).to_be_focused()
    grid.select_option("FRA")
    expect(panel).to_contain_text("It holds from the next cell on")
    lab.run_all()
    expect(lab.line(0)).to_contain_text("FRA)")
    expect(panel.locator(".jp-green-first")).not_to_contain_text("Your grid is not set")
    assert json.loads((server.folder / "jupyter_config_dir" / "jupyter_green_config.json").read_text()) == {
        "JupyterGreen": {"intensity": "FRA"}
    }
    assert _green(server, "config", "--json")


def test_how_it_is_measured(lab: Lab, server: LabServer, name: str) -> None:
    """One click asks this computer: sensors, what measuring takes, where records are."""
    lab.open(server.write(name, "1"))
    panel = _panel(lab)
    _open_section(lab, "How this is measured")
    panel.get_by_role("button", name="Find out").click()
    for text in ("ms", str(server.home), "model"):
        expect(panel).to_contain_text(text, timeout=30_000)


def test_two_notebooks(lab: Lab, server: LabServer, name: str) -> None:
    """Each notebook has its own cells and totals; the sidebar follows the one that is looked at."""
    other = server.write("other-" + name, "b = sum(range(2_000_000))", "c = 1")
    lab.open(server.write(name, "a = 1"))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Cells (1)")).to_be_visible()
    lab.command("docmanager:open", path=other)
    lab.wait_for_kernel(other)
    expect(panel.locator(".lm-AccordionPanel-title", has_text=re.compile(r"^\s*Cells\s*$"))).to_be_visible()
    lab.track()
    lab.run_all()
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Cells (2)")).to_be_visible()
    expect(lab.line(0)).to_be_visible()


def test_the_report(lab: Lab, server: LabServer, name: str) -> None:
    """The command saves the report beside the notebook, under a name that nobody uses."""
    lab.open(server.write(name, "a = 1"))
    lab.track()
    lab.run_all()
    expect(lab.line(0)).to_be_visible()
    lab.command("jupyter-green:report")
    stem = server.work / Path(name).stem
    assert Path(f"{stem}-energy.md").read_text().startswith("# Energy of ")
    lab.command("docmanager:open", path=name)
    lab.command("jupyter-green:report")
    assert Path(f"{stem}-energy-2.md").exists()


def test_a_cell_that_is_not_in_the_notebook_any_more(lab: Lab, server: LabServer, name: str) -> None:
    """What a deleted cell used stays in the sum, and the list says that it is gone."""
    lab.open(server.write(name, "a = 1", "b = 2"))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    expect(panel.locator(".lm-AccordionPanel-title", has_text="Cells (2)")).to_be_visible()
    before = panel.locator(".jp-green-totals dd").first.inner_text()
    lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    lab.command("notebook:delete-cell")
    expect(panel).to_contain_text("No longer in this notebook")
    expect(panel.get_by_role("region", name="No longer in this notebook")).to_contain_text("[1] a = 1")
    assert panel.locator(".jp-green-totals dd").first.inner_text() == before


def test_the_sidebar_stays_with_a_notebook_beside_which_somebody_works(lab: Lab, server: LabServer, name: str) -> None:
    """The power stays where a file beside the notebook is in front, and the first lines also where settings hide it."""
    (server.work / "beside.txt").write_text("words")
    lab.open(server.write(name, "a = 1"))
    lab.track()
    panel = _panel(lab)
    power, first = panel.locator(".jp-green-big"), panel.locator(".jp-green-first")
    expect(power).to_be_visible()
    expect(first).to_contain_text("modelled")
    words = first.inner_text()
    lab.command("docmanager:open", path="beside.txt", options={"mode": "split-right"})
    lab.page.wait_for_timeout(7000)  # longer than what the kernel drew is shown
    expect(power).to_be_visible()
    lab.command("docmanager:open", path=name)
    lab.command("settingeditor:open")
    expect(lab.cell(0)).to_be_hidden()
    expect(power).to_be_hidden()
    assert first.inner_text() == words


def test_a_small_screen(lab: Lab, server: LabServer, name: str) -> None:
    """On 800 pixels all headings are in view at first; with all open, each can be read, and all of it scrolls."""
    lab.page.set_viewport_size({"width": 1300, "height": 800})
    lab.open(server.write(name, *MODELS, *[f"a{n} = {n}" for n in range(9)]))
    lab.track()
    lab.run_all()
    panel = _panel(lab)
    heads = panel.locator(".lm-AccordionPanel-title")
    expect(panel.locator(".jp-green-totals")).to_be_attached()
    for head in heads.all():
        expect(head).to_be_in_viewport(ratio=1)
    for section in ("Runs", "How this is measured"):
        _open_section(lab, section)
    expect(panel.get_by_role("button", name="Find out")).to_be_attached()
    for section, least in zip(panel.locator(".jp-green-part").all(), (400, 160, 200, 200), strict=True):
        lab.page.wait_for_function(
            "([part, least]) => part.clientHeight >= Math.min(least, part.scrollHeight)",
            arg=[section.element_handle(), least],
        )
    panel.get_by_role("button", name="Find out").scroll_into_view_if_needed()
    expect(panel.get_by_role("button", name="Find out")).to_be_in_viewport(ratio=1)
