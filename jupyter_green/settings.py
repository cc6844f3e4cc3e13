"""The settings: one frozen record in which each value knows where it came from.

Order, the first that has a value wins: the magic's flag, the environment (``JUPYTER_GREEN_*``),
``[tool.jupyter_green]`` in the nearest ``pyproject.toml``, ``JupyterGreen`` in ``jupyter_green_config.json`` and
``.py`` of Jupyter's configuration folders (the user's before the system's), the default. Read once, at a door.

What such a folder locks (`jupyter_green.config_files`) keeps the value that it and the more system-wide folders give.

A notebook sets nothing: it comes from anywhere, and must not open the network or name an address. What deletes
records (``journal_days``) is not a project's to set either, which somebody cloned: it is read from the environment
and Jupyter's configuration folders only.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_green.config_files import JSON, ConfigFolder, as_table, read_folders, write_value
from jupyter_green.errors import UsageError

PREFIX = "JUPYTER_GREEN_"
RESERVED = frozenset({"JUPYTER_GREEN_HOME", "JUPYTER_GREEN_INSIDE", "JUPYTER_GREEN_RUN", "JUPYTER_GREEN_UI"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a user or an admin may set; ``sources`` tells for each name where its value came from.

    ``locked`` are the names whose value an admin keeps as it is.
    """

    intensity: str | None = None  # a zone (ISO 3166 alpha-3) or a number with its unit, as in 53g
    pue: float = 1.0  # facility over IT energy; 1 = this computer alone
    price_per_kwh: float | None = None
    currency: str = "EUR"
    cpu_busy_w: float | None = None  # W of one busy logical CPU, for the CPU-seconds model
    cpu_idle_w: float | None = None  # W of one idle logical CPU
    mlflow: str = "auto"  # auto | on | off
    experiment: str | None = None
    journal_days: float = 180.0  # how long delivered records are kept
    allow_network: bool = False
    sources: Mapping[str, str]
    locked: frozenset[str] = frozenset()


def _number(text: Any) -> float:
    try:
        if not isinstance(text, bool):
            return float(text)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("a number is expected")


def _positive(text: Any) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a number above 0 is expected")
    return value


def _at_least_one(text: Any) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value >= 1):
        raise ValueError("a number of at least 1 is expected")
    return value


def _choice(*allowed: str) -> Callable[[Any], str]:
    def read(text: Any) -> str:
        if str(text) not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is expected")
        return str(text)

    return read


def _boolean(text: Any) -> bool:
    word = str(text).lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("true or false is expected")


def _text(text: Any) -> str:
    value = str(text).strip()
    if not value or isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError("a text is expected")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "intensity": _text,
    "pue": _at_least_one,
    "price_per_kwh": _positive,
    "currency": _text,
    "cpu_busy_w": _positive,
    "cpu_idle_w": _positive,
    "mlflow": _choice("auto", "on", "off"),
    "experiment": _text,
    "journal_days": _at_least_one,
    "allow_network": _boolean,
}
_PERSONAL = frozenset({"journal_days"})
_OPTION = "option"  # typed just now: that it does not count is told, where a variable or a project may be an old one


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return `` Did you mean X?`` for the nearest known word, or an empty text.

    >>> did_you_mean("intensty", ["intensity", "pue"])
    ' Did you mean intensity?'
    """
    import difflib  # only for those who mistype

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f" Did you mean {near[0]}?" if near else ""


def read_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    config_folders: Sequence[str] | None = None,
    on_error: Callable[[str], None] | None = None,
) -> Settings:
    """Read the settings of every source.

    Args:
        flags: Values given with the command or magic at hand.
        environ: The environment; the process's own by default.
        cwd: Where the search for ``pyproject.toml`` starts; the process's own by default.
        config_folders: Folders that may hold ``jupyter_green_config.py`` and ``.json``, the most personal first;
            Jupyter's by default.
        on_error: Told what is wrong instead of raising; what is wrong then counts as not set.

    Raises:
        UsageError: If a value is invalid or a name unknown, or a flag would change what is locked; it names the source.
    """
    environ = os.environ if environ is None else environ
    refuse = _raise if on_error is None else on_error
    project = _trying(lambda: _from_pyproject(Path.cwd() if cwd is None else cwd), refuse)
    layers: list[tuple[Mapping[str, tuple[Any, str]], Mapping[str, str], bool]] = [  # values, locks, is it personal
        (_all_from(_OPTION, flags or {}), {}, False),
        (_all_from("environment", _from_environment(environ, refuse)), {}, True),
        (_all_from(*project), {}, False),
        *((folder.values, folder.locks, True) for folder in _read_config(config_folders, refuse)),
    ]
    values: dict[str, Any] = {}
    sources = dict.fromkeys(_READERS, "default")
    locked: dict[str, str] = {}
    for layer, locks, is_personal in reversed(layers):  # the most system-wide first: what it locks stays
        for name, (given, source) in layer.items():
            try:
                value = _read_value(name, given, source, is_personal)
            except UsageError as error:
                refuse(str(error))
                continue
            if name not in locked:
                values[name], sources[name] = value, source
            elif source == _OPTION and value != values.get(name, getattr(default_settings(), name)):
                refuse(f"jupyter_green: {name} = {given!r} in {source}: it is locked in {locked[name]}.")
        for name in locks.keys() - locked.keys():
            locked[name] = locks[name]
            sources[name] += ", locked" if sources[name] == locks[name] else f", locked in {locks[name]}"
    _check_watts(values, sources, locked, refuse)
    return Settings(**values, sources=sources, locked=frozenset(locked))


def _all_from(source: str, values: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    return {name: (value, source) for name, value in values.items() if value is not None}


def _check_watts(
    values: dict[str, Any], sources: dict[str, str], locked: Mapping[str, str], refuse: Callable[[str], None]
) -> None:
    busy_w, idle_w = values.get("cpu_busy_w"), values.get("cpu_idle_w")
    if busy_w is None or idle_w is None or idle_w <= busy_w:
        return
    if "cpu_idle_w" in locked and "cpu_busy_w" not in locked:
        wrong, limit = "cpu_busy_w", f"at least cpu_idle_w, {idle_w}"
    else:
        wrong, limit = "cpu_idle_w", f"at most cpu_busy_w, {busy_w}"
    refuse(f"jupyter_green: {wrong} = {values[wrong]} in {sources[wrong]}: {limit}, is expected.")
    del values[wrong]
    sources[wrong] = f"default, locked in {locked[wrong]}" if wrong in locked else "default"


def write_setting(name: str, value: str | float | bool | None, folder: Path | None = None) -> Path:
    """Set one name in the user's ``jupyter_green_config.json`` and return the file.

    Args:
        name: The setting.
        value: What it is from now on; None takes it out of the file.
        folder: Where the file is; Jupyter's configuration folder of this user by default.

    Raises:
        UsageError: If the value is invalid, an admin locked the name, or a configuration file cannot be read (it may
            hold a lock).
        OSError: If the file cannot be written.
    """
    if folder is None:
        from jupyter_core.paths import jupyter_config_dir

        folder = Path(jupyter_config_dir())
    path = folder / JSON
    if value is not None:
        value = _read_value(name, value, str(path), is_personal=True)
    else:
        _check_name(name, str(path))
    asked, hidden = _jupyter_folders()
    folders = list(dict.fromkeys([str(folder), *asked, *hidden]))
    for one in read_folders(folders, _READERS.keys(), _raise):
        if name in one.locks:
            raise UsageError(f"jupyter_green: {name} is locked in {one.locks[name]} and cannot be set.")
    write_value(path, name, value)
    return path


def _raise(problem: str) -> None:
    raise UsageError(problem)


def _trying(
    read: Callable[[], tuple[str, dict[str, Any]]], refuse: Callable[[str], None]
) -> tuple[str, dict[str, Any]]:
    try:
        return read()
    except UsageError as error:
        refuse(str(error))
    except OSError as error:  # the current folder was deleted
        refuse(f"jupyter_green: the settings of this folder cannot be read ({error.strerror}).")
    return "default", {}


def default_settings() -> Settings:
    """Return the settings of somebody who set nothing."""
    return Settings(sources=dict.fromkeys(_READERS, "default"))


def _check_name(name: str, source: str) -> None:
    if name not in _READERS:
        raise UsageError(f"jupyter_green: unknown setting {name!r} in {source}.{did_you_mean(name, list(_READERS))}")


def _read_value(name: str, given: Any, source: str, is_personal: bool) -> Any:
    _check_name(name, source)
    if name in _PERSONAL and not is_personal:
        raise UsageError(
            f"jupyter_green: {name} in {source} is not read: a project could delete your records with it. "
            f"Set {PREFIX}{name.upper()}, or c.JupyterGreen.{name} in jupyter_green_config.py."
        )
    try:
        return _READERS[name](given)
    except ValueError as error:
        raise UsageError(f"jupyter_green: {name} = {given!r} in {source}: {error}.") from None


def _from_environment(environ: Mapping[str, str], refuse: Callable[[str], None]) -> dict[str, str]:
    found = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in _READERS:
            known = [PREFIX + known.upper() for known in _READERS]
            refuse(f"jupyter_green: unknown variable {variable} in the environment.{did_you_mean(variable, known)}")
            continue
        found[name] = value
    return found


def _from_pyproject(cwd: Path) -> tuple[str, dict[str, Any]]:
    for folder in (cwd, *cwd.parents):
        path = folder / "pyproject.toml"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "jupyter_green" not in text and "tool.jupyter-green" not in text:
            return "pyproject.toml", {}
        import tomllib  # only for the few who use it: 3 ms

        try:
            tools = tomllib.loads(text).get("tool", {})
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"jupyter_green: {path} cannot be read: {error}.") from None
        if isinstance(tools, Mapping) and "jupyter-green" in tools:
            raise UsageError(f"jupyter_green: tool.jupyter-green in {path} is not read. Write [tool.jupyter_green].")
        ours = tools.get("jupyter_green", {}) if isinstance(tools, Mapping) else {}
        return str(path), as_table(ours, f"tool.jupyter_green in {path}")
    return "pyproject.toml", {}


def _read_config(folders: Sequence[str] | None, refuse: Callable[[str], None]) -> list[ConfigFolder]:
    if folders is not None:
        return read_folders(folders, _READERS.keys(), refuse)
    asked, hidden = _jupyter_folders()
    found = read_folders(hidden, _READERS.keys(), refuse)
    locks = {name for folder in found for name in folder.locks}
    kept = [replace(one, values={name: one.values[name] for name in one.values.keys() & locks}) for one in found]
    return read_folders(asked, _READERS.keys(), refuse) + kept


def _jupyter_folders() -> tuple[list[str], list[str]]:
    """Return Jupyter's configuration folders, and the system's if ``JUPYTER_NO_CONFIG`` hides them: locks hold."""
    from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH, jupyter_config_path

    asked = list(jupyter_config_path())
    return asked, [folder for folder in dict.fromkeys([*ENV_CONFIG_PATH, *SYSTEM_CONFIG_PATH]) if folder not in asked]


def read_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the journal: ``JUPYTER_GREEN_HOME``, else ``jupyter_green`` in Jupyter's data folder.

    Raises:
        UsageError: If the variable names the home of a user that is not there.
    """
    given = (os.environ if environ is None else environ).get("JUPYTER_GREEN_HOME")
    if given:
        try:
            return Path(given).expanduser().absolute()
        except RuntimeError:
            user = Path(given).parts[0]
            raise UsageError(
                f"jupyter_green: JUPYTER_GREEN_HOME = {given!r} in environment: {user} is no folder of a user. "
                "Write an absolute path."
            ) from None
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "jupyter_green"
