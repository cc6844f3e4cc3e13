"""``jupyter_green_config.py`` and ``.json`` in Jupyter's configuration folders: what they set, and what they lock.

``c.JupyterGreen.locked = ["intensity", "mlflow"]`` keeps these settings at what this folder and the more system-wide
ones say of them. A lock of a more system-wide folder cannot be taken away by a more personal one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_green.errors import UsageError

SECTION = "JupyterGreen"
PYTHON, JSON = "jupyter_green_config.py", "jupyter_green_config.json"


@dataclass(frozen=True, slots=True)
class ConfigFolder:
    """What the files of one folder say: for each name its value and file, and for each lock its file."""

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)


def read_folders(folders: Sequence[str], known: Collection[str], refuse: Callable[[str], None]) -> list[ConfigFolder]:
    """Read the folders, the most personal first, as they are given; one without our files is left out.

    Args:
        folders: Jupyter's configuration folders, the most personal first.
        known: The names that can be locked.
        refuse: Told what is wrong with a file; what is wrong then counts as not there.
    """
    found = []
    for folder in folders:
        read = ConfigFolder()
        for name, load in ((PYTHON, _load_python), (JSON, _load_json)):  # what stands in JSON wins, as in traitlets
            path = os.path.join(folder, name)
            if os.path.exists(path):
                try:
                    section = load(path)
                except UsageError as error:
                    refuse(str(error))
                else:
                    _take(section, path, known, refuse, read)
        if read.values or read.locks:
            found.append(read)
    return found


def _take(
    section: dict[str, Any], path: str, known: Collection[str], refuse: Callable[[str], None], into: ConfigFolder
) -> None:
    locked = section.pop("locked", [])
    if not isinstance(locked, list | tuple | set | frozenset):
        refuse(f"jupyter_green: locked = {locked!r} in {path}: a list of names is expected.")
        locked = []
    for name in locked:
        if isinstance(name, str) and name in known:
            into.locks[name] = path
        else:
            refuse(f"jupyter_green: locked = {list(locked)!r} in {path}: there is no setting {name!r}.")
    into.values.update({name: (value, path) for name, value in section.items() if value is not None})


def _load_python(path: str) -> dict[str, Any]:
    from traitlets.config.loader import PyFileConfigLoader

    try:
        section = PyFileConfigLoader(path).load_config().get(SECTION, {})
    except Exception as error:  # the file is the admin's own Python: anything can be raised there
        raise UsageError(f"jupyter_green: {path} cannot be read: {type(error).__name__}: {error}.") from None
    return as_table(section, f"c.{SECTION} in {path}")


def _load_json(path: str) -> dict[str, Any]:
    return as_table(_parse(path).get(SECTION, {}), f"{SECTION} in {path}")


def _parse(path: str) -> dict[str, Any]:
    import json  # only for those who have such a file

    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"jupyter_green: {path} cannot be read: {type(error).__name__}: {error}.") from None
    return as_table(found, path)


def as_table(section: Any, where: str) -> dict[str, Any]:
    """Return names with their values.

    Raises:
        UsageError: If it is something else.
    """
    if not isinstance(section, Mapping):
        raise UsageError(f"jupyter_green: {where} is {section!r}; names with values are expected.")
    return dict(section)


def write_value(path: Path, name: str, value: Any) -> None:
    """Write one name into a JSON file, or take it out (None); whatever else is there stays.

    Nobody ever sees half a file: it is written aside and put in its place in one step.

    Raises:
        UsageError: If the file that is there cannot be read.
        OSError: If it cannot be written.
    """
    import json

    path = Path(os.path.realpath(path))  # a link into somebody's collection of dotfiles stays one
    is_new = not path.exists()
    content = {} if is_new else _parse(str(path))
    section = as_table(content.get(SECTION, {}), f"{SECTION} in {path}")
    if value is None:
        if section.pop(name, None) is None:
            return
    else:
        section[name] = value
    content[SECTION] = section
    if not section:
        del content[SECTION]
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    mode = 0o600 if is_new else path.stat().st_mode & 0o777
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, mode)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
