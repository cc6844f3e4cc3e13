"""The settings as the browser sees and sets them, and the grids to choose from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.settings import default_settings
from jupyter_green.tables import read_zones
from tests.server.conftest import STRANGER, Ask, xsrf


@pytest.fixture(autouse=True)
def _no_project(jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stands in a folder without a project's settings."""
    (jp_root_dir / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(jp_root_dir)


def _of(state: dict[str, Any], name: str) -> tuple[Any, str, bool]:
    (one,) = [one for one in state["settings"] if one["name"] == name]
    return one["value"], one["source"], one["is_locked"]


async def test_every_setting_is_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its value, where that came from, and whether it is locked; the grid is resolved."""
    monkeypatch.setenv("JUPYTER_GREEN_INTENSITY", "FRA")
    monkeypatch.setenv("JUPYTER_GREEN_ALLOW_NETWORK", "yes")
    status, state = await ask("settings")
    assert (status, state["problem"]) == (200, None)
    assert {one["name"] for one in state["settings"]} == set(default_settings().sources)
    assert _of(state, "intensity") == ("FRA", "environment", False)
    assert _of(state, "allow_network") == (True, "environment", False)
    assert _of(state, "pue") == (1.0, "default", False)
    assert _of(state, "experiment") == (None, "default", False)
    assert state["intensity"]["zone"] == "FRA"


async def test_a_notebooks_project_counts(ask: Ask, jp_root_dir: Path) -> None:
    """The settings are those of the notebook's folder, as its kernel reads them; outside the root there are none."""
    project = jp_root_dir / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[tool.jupyter_green]\nintensity = "DEU"\n')
    _, state = await ask("settings", path="project/nb.ipynb")
    assert _of(state, "intensity") == ("DEU", str(project / "pyproject.toml"), False)
    assert state["intensity"]["zone"] == "DEU"
    assert _of((await ask("settings"))[1], "intensity") == (None, "default", False)
    body = {"name": "intensity", "value": "FRA", "path": "project/nb.ipynb"}
    _, state = await ask("settings", "PUT", body)
    assert state["problem"] == f"intensity was saved, but {project / 'pyproject.toml'} is what counts."
    assert (await ask("settings", path="../nb.ipynb"))[0] == 404
    assert (await ask("settings", "PUT", {**body, "path": 3}))[0] == 400


async def test_what_is_set_is_there_the_next_time(ask: Ask, jp_config_dir: Path) -> None:
    """A value goes into the user's file, is answered at once, and null takes it away again."""
    path = jp_config_dir / "jupyter_green_config.json"
    for name, value in (("intensity", "FRA"), ("pue", 1.2), ("price_per_kwh", 0.3), ("currency", "CHF")):
        status, state = await ask("settings", "PUT", {"name": name, "value": value})
        assert (status, _of(state, name), state["problem"]) == (200, (value, str(path), False), None)
    assert json.loads(path.read_text())["JupyterGreen"]["intensity"] == "FRA"
    assert (await ask("settings"))[1] == state
    status, state = await ask("settings", "PUT", {"name": "intensity", "value": None})
    assert (status, _of(state, "intensity")) == (200, (None, "default", False))
    assert state["intensity"]["zone"] == "world"


@pytest.mark.parametrize("name", ["allow_network", "mlflow", "experiment", "journal_days", "cpu_busy_w", "locked", 3])
async def test_the_browser_sets_no_more_than_grid_and_price(ask: Ask, jp_config_dir: Path, name: object) -> None:
    """What opens the network, names a place or deletes records is refused, and no file is made."""
    status, said = await ask("settings", "PUT", {"name": name, "value": "1"})
    assert status == 400
    assert said["message"] == "Only intensity, pue, price_per_kwh, currency can be set from the browser."
    assert not list(jp_config_dir.glob("jupyter_green*"))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"name": "pue", "value": 0.5}, "a number of at least 1 is expected"),
        ({"name": "pue", "value": [1.5]}, "a number is expected"),
        ({"name": "pue", "value": True}, "a number is expected"),
        ({"name": "pue", "value": 10**400}, "a number is expected"),
        ({"name": "price_per_kwh", "value": float("inf")}, "a number above 0 is expected"),
        ({"name": "currency", "value": {"a": 1}}, "a text is expected"),
        ({"name": "intensity", "value": "Narnia"}, "is not a zone"),
        ({"name": "intensity", "value": 53}, "has no unit"),
        ({"name": "intensity"}, "A value is expected"),
        ({"name": ["intensity"], "value": "FRA"}, "Only intensity"),
        ([], "A JSON object is expected"),
        (b"{", "Invalid JSON"),
        (b"", "A JSON object is expected"),
    ],
)
async def test_what_cannot_be_understood_is_told(ask: Ask, jp_config_dir: Path, body: object, problem: str) -> None:
    """A value or a body that makes no sense is 400 with a sentence, and nothing is written."""
    status, said = await ask("settings", "PUT", body)
    assert status == 400
    assert problem in said["message"]
    assert not list(jp_config_dir.glob("jupyter_green*"))


async def test_what_is_locked_stays(ask: Ask, jp_system_config_path: Path, jp_config_dir: Path) -> None:
    """A locked setting says so and cannot be set: 403 with the file that locks it; others still can."""
    etc = jp_system_config_path / "jupyter_green_config.py"
    etc.write_text('c.JupyterGreen.locked = ["intensity"]\nc.JupyterGreen.intensity = "DEU"\n')
    _, state = await ask("settings")
    assert _of(state, "intensity") == ("DEU", f"{etc}, locked", True)
    for value in ("FRA", None):
        status, said = await ask("settings", "PUT", {"name": "intensity", "value": value})
        assert (status, said["message"]) == (403, f"intensity is locked on this computer ({etc}, locked).")
    assert not list(jp_config_dir.glob("jupyter_green*"))
    assert (await ask("settings", "PUT", {"name": "pue", "value": 1.2}))[0] == 200


async def test_what_counts_in_its_place_is_told(
    ask: Ask, jp_env_config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a variable, or a file that counts more, overrides what was saved, a sentence says so."""
    monkeypatch.setenv("JUPYTER_GREEN_PUE", "1.3")
    status, state = await ask("settings", "PUT", {"name": "pue", "value": 1.2})
    assert (status, _of(state, "pue")) == (200, (1.3, "environment", False))
    assert state["problem"] == "pue was saved, but JUPYTER_GREEN_PUE in the server's environment is what counts."
    assert (await ask("settings", "PUT", {"name": "pue", "value": None}))[1]["problem"] is None
    project = Path("pyproject.toml").absolute()
    project.write_text('[tool.jupyter_green]\ncurrency = "USD"\n')
    _, state = await ask("settings", "PUT", {"name": "currency", "value": "CHF"})
    assert state["problem"] == f"currency was saved, but {project} is what counts."


async def test_a_broken_file_is_a_problem_and_no_failure(ask: Ask, jp_config_dir: Path) -> None:
    """What is wrong in a file or variable is told beside the settings that hold; it is not written over."""
    path = jp_config_dir / "jupyter_green_config.json"
    path.write_text("{")
    status, state = await ask("settings")
    assert (status, _of(state, "pue")) == (200, (1.0, "default", False))
    assert f"{path} cannot be read" in state["problem"]
    status, said = await ask("settings", "PUT", {"name": "pue", "value": 1.2})
    assert status == 400
    assert f"{path} cannot be read" in said["message"]
    assert path.read_text() == "{"


async def test_a_grid_that_is_none_is_a_problem(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with an unknown grid leaves the world's average, as in a kernel, and is told."""
    monkeypatch.setenv("JUPYTER_GREEN_INTENSITY", "Narnia")
    status, state = await ask("settings")
    assert (status, state["intensity"]["zone"]) == (200, "world")
    assert "'Narnia' is not a zone" in state["problem"]


async def test_a_folder_that_takes_no_file_is_told(ask: Ask, jp_config_dir: Path) -> None:
    """If the file cannot be made, a sentence says why."""
    shutil.rmtree(jp_config_dir)  # Jupyter itself may have left a mark there
    jp_config_dir.write_text("a file where a folder is expected")
    status, said = await ask("settings", "PUT", {"name": "pue", "value": 1.2})
    assert (status, said["message"]) == (500, "The settings cannot be written (File exists).")


async def test_zones_by_their_names(ask: Ask) -> None:
    """Every grid of the table has its code, its country's name and its intensity, in the order of names."""
    status, zones = await ask("zones")
    assert status == 200
    assert {zone["code"] for zone in zones} == set(read_zones())
    assert {"code": "FRA", "name": "France", "g_per_kwh": read_zones()["FRA"].g_per_kwh} in zones
    names = [zone["name"].casefold() for zone in zones]
    assert names == sorted(names)
    assert all(zone["g_per_kwh"] > 0 for zone in zones)


async def test_only_those_who_may_ask(ask: Ask, log_in: Callable[[], Awaitable[dict[str, str]]]) -> None:
    """Without a token: 403; with a browser's cookie reading works, and writing needs the token against forgery."""
    body = {"name": "pue", "value": 1.2}
    for path, method in (("settings", "GET"), ("settings", "PUT"), ("zones", "GET")):
        assert (await ask(path, method, body, STRANGER))[0] == 403
    browser = await log_in()
    assert (await ask("settings", headers=browser))[0] == 200
    status, said = await ask("settings", "PUT", body, browser)
    assert status == 403
    assert "_xsrf" in said["message"]
    assert (await ask("settings", "PUT", body, xsrf(browser)))[0] == 200


async def test_a_method_that_is_none(ask: Ask) -> None:
    """What an address does not do is 405."""
    for path, method in (("settings", "POST"), ("settings", "DELETE"), ("zones", "PUT")):
        assert (await ask(path, method, {}))[0] == 405
