"""The settings: one frozen record in which each value knows where it came from.

Order, the first that has a value wins: the magic's flag, the notebook's metadata, the environment
(``JUPYTER_GREEN_*``), ``[tool.jupyter_green]`` in the nearest ``pyproject.toml``, ``c.JupyterGreen`` in
``jupyter_green_config.py`` of Jupyter's configuration folders, the default. Read once, at a door.

What deletes records (``journal_days``) is the user's and the admin's to set, not a project's that somebody cloned: it
is read from the environment and ``jupyter_green_config.py`` only.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_green.errors import UsageError

PREFIX = "JUPYTER_GREEN_"
RESERVED = frozenset({"JUPYTER_GREEN_HOME", "JUPYTER_GREEN_RUN", "JUPYTER_GREEN_UI"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a user or an admin may set; ``sources`` tells for each name where its value came from."""

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
    notebook: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    config_folders: Sequence[str] | None = None,
    on_error: Callable[[str], None] | None = None,
) -> Settings:
    """Read the settings of every source.

    Args:
        flags: Values given with the command or magic at hand.
        notebook: The notebook's own metadata (``metadata.jupyter_green``).
        environ: The environment; the process's own by default.
        cwd: Where the search for ``pyproject.toml`` starts; the process's own by default.
        config_folders: Folders that may hold ``jupyter_green_config.py``; Jupyter's by default.
        on_error: Told what is wrong instead of raising; what is wrong then counts as not set.

    Raises:
        UsageError: If a value is invalid or a name unknown; it names the source.
    """
    environ = os.environ if environ is None else environ
    refuse = _raise if on_error is None else on_error
    folders = _jupyter_folders() if config_folders is None else config_folders
    layers = [
        ("option", dict(flags or {})),
        ("notebook metadata", dict(notebook or {})),
        ("environment", _from_environment(environ, refuse)),
        _trying(lambda: _from_pyproject(Path.cwd() if cwd is None else cwd), refuse),
        _trying(lambda: _from_config(folders), refuse),
    ]
    personal = {layers[2][0], layers[4][0]}
    values: dict[str, Any] = {}
    sources = dict.fromkeys(_READERS, "default")
    for source, layer in reversed(layers):
        for name, given in layer.items():
            if given is None:
                continue
            try:
                values[name] = _read_value(name, given, source, source in personal)
            except UsageError as error:
                refuse(str(error))
            else:
                sources[name] = source
    busy_w, idle_w = values.get("cpu_busy_w"), values.get("cpu_idle_w")
    if busy_w is not None and idle_w is not None and idle_w > busy_w:
        where = sources["cpu_idle_w"]
        refuse(f"jupyter_green: cpu_idle_w = {idle_w} in {where}: at most cpu_busy_w, {busy_w}, is expected.")
        del values["cpu_idle_w"]
        sources["cpu_idle_w"] = "default"
    return Settings(**values, sources=sources)


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


def _read_value(name: str, given: Any, source: str, is_personal: bool) -> Any:
    if name not in _READERS:
        raise UsageError(f"jupyter_green: unknown setting {name!r} in {source}.{did_you_mean(name, list(_READERS))}")
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
        return str(path), _as_table(ours, f"tool.jupyter_green in {path}")
    return "pyproject.toml", {}


def _jupyter_folders() -> list[str]:
    from jupyter_core.paths import jupyter_config_path

    return list(jupyter_config_path())


def _from_config(folders: Sequence[str]) -> tuple[str, dict[str, Any]]:
    for folder in folders:
        path = os.path.join(folder, "jupyter_green_config.py")
        if not os.path.exists(path):
            continue
        from traitlets.config.loader import PyFileConfigLoader

        try:
            section = PyFileConfigLoader(path).load_config().get("JupyterGreen", {})
        except Exception as error:  # the file is the admin's own Python: anything can be raised there
            raise UsageError(f"jupyter_green: {path} cannot be read: {type(error).__name__}: {error}.") from None
        return path, _as_table(section, f"c.JupyterGreen in {path}")
    return "jupyter_green_config.py", {}


def _as_table(section: Any, where: str) -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise UsageError(f"jupyter_green: {where} is {section!r}; names with values are expected.")
    return dict(section)


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
