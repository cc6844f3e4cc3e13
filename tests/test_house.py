"""The house: rooms import downwards only, and a heavy library enters through one room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "jupyter_green"

FLOORS = {
    "errors": 0,
    "programs": 0,
    "units": 0,
    "records": 1,
    "settings": 1,
    "config_files": 1,
    "tables": 1,
    "totals": 1,
    "meter": 2,
    "intensity": 2,
    "track": 3,
    "views": 3,
    "retrain": 5,
    "magics": 7,
    "cli": 7,
    "server": 7,
}

OWNERS = {
    "psutil": {"meter"},
    "mlflow": {"track"},
    "papermill": {"retrain", "cli"},
    "nbformat": {"retrain"},
    "IPython": {"magics"},
    "click": {"cli"},
    "pandas": {"track"},
    "jupyter_server": {"server"},
    "tornado": {"server"},
    "codecarbon": set[str](),
}

DOORS = {"magics", "cli", "server"}


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str | None:
    first = path.relative_to(PACKAGE).parts[0]
    return None if first == "__init__.py" else first.removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides the room it goes to"
            assert node.module is not None
            yield node.module
            if node.module == "jupyter_green":
                yield from (f"jupyter_green.{alias.name}" for alias in node.names)


def test_every_room_has_a_floor() -> None:
    """A new file or folder of the package says on which floor it stands."""
    rooms = {room for room in map(_room, _files()) if room is not None}
    assert rooms == set(FLOORS)


def test_rooms_import_downwards_only() -> None:
    """No room imports from a floor above it, and doors do not import each other."""
    wrong = []
    for path in _files():
        room = _room(path)
        if room is None:
            continue
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] != "jupyter_green" or len(parts) == 1 or parts[1] not in FLOORS or parts[1] == room:
                continue
            other = parts[1]
            sideways = FLOORS[other] == FLOORS[room] and (room in DOORS or other in DOORS)
            if FLOORS[other] > FLOORS[room] or sideways:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_heavy_libraries_enter_through_their_room() -> None:
    """Each heavy library is imported in the rooms that own it and nowhere else."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in _files()
        for name in _imports(path)
        if name.split(".")[0] in OWNERS and _room(path) not in OWNERS[name.split(".")[0]]
    ]
    assert wrong == []
