"""Settings: where a value comes from, which source wins, and what is said of a value that cannot be used."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.errors import UsageError
from jupyter_green.settings import (
    Settings,
    default_settings,
    did_you_mean,
    read_home,
    read_settings,
    write_setting,
)

NAMES = {field.name for field in fields(Settings)} - {"sources", "locked"}

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read settings of a folder and sources of the test's own."""

    def read(
        *,
        flags: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        toml: str | None = None,
        config: str | None = None,
        config_json: object = None,
        system: str | None = None,
        on_error: Callable[[str], None] | None = None,
    ) -> Settings:
        work = tmp_path / "project" / "notebooks"
        work.mkdir(parents=True, exist_ok=True)
        if toml is not None:
            (tmp_path / "project" / "pyproject.toml").write_text(toml, "utf-8")
        else:  # ends the search, whatever lies above
            (tmp_path / "project" / "pyproject.toml").write_text("[project]\n", "utf-8")
        user, etc = tmp_path / "user", tmp_path / "etc"
        for folder, name, text in (
            (user, "jupyter_green_config.py", config),
            (user, "jupyter_green_config.json", None if config_json is None else json.dumps(config_json)),
            (etc, "jupyter_green_config.py", system),
        ):
            folder.mkdir(exist_ok=True)
            (folder / name).unlink(missing_ok=True)
            if text is not None:
                (folder / name).write_text(text, "utf-8")
        folders = [str(tmp_path / "not there"), str(user), str(etc)]
        return read_settings(flags=flags, environ=environ or {}, cwd=work, config_folders=folders, on_error=on_error)

    return read


def _toml(**values: object) -> str:
    return "[tool.jupyter_green]\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())


def test_the_defaults_name_themselves(read: Read) -> None:
    """Where nothing is set each value is the default and says so."""
    assert read() == default_settings()
    assert set(default_settings().sources) == NAMES
    assert set(default_settings().sources.values()) == {"default"}


def test_the_first_source_that_has_a_value_wins(read: Read, tmp_path: Path) -> None:
    """The option beats the environment, pyproject.toml, the user's configuration, the system's and the default."""
    sources: dict[str, Any] = {
        "flags": {"pue": 1.1},
        "environ": {"JUPYTER_GREEN_PUE": "1.2"},
        "toml": _toml(pue=1.3),
        "config_json": {"JupyterGreen": {"pue": 1.4}},
        "config": "c.JupyterGreen.pue = 1.5\n",
        "system": "c.JupyterGreen.pue = 1.6\n",
    }
    expected = [
        (1.1, "option"),
        (1.2, "environment"),
        (1.3, str(tmp_path / "project" / "pyproject.toml")),
        (1.4, str(tmp_path / "user" / "jupyter_green_config.json")),
        (1.5, str(tmp_path / "user" / "jupyter_green_config.py")),
        (1.6, str(tmp_path / "etc" / "jupyter_green_config.py")),
        (1.0, "default"),
    ]
    for value, source in expected:
        settings = read(**sources)
        assert (settings.pue, settings.sources["pue"]) == (value, source)
        if sources:
            del sources[next(iter(sources))]


def test_sources_are_mixed_name_by_name(read: Read) -> None:
    """Each name is taken from the first source that has it; an option that is None was not given."""
    settings = read(flags={"intensity": None}, environ={"JUPYTER_GREEN_INTENSITY": "FRA"}, toml=_toml(currency="USD"))
    assert (settings.intensity, settings.currency, settings.pue) == ("FRA", "USD", 1.0)


def test_every_name_can_be_set_in_the_environment(read: Read) -> None:
    """Each setting has its variable."""
    values = {
        "intensity": "53g",
        "pue": "1.5",
        "price_per_kwh": "0.3",
        "currency": "CHF",
        "cpu_busy_w": "5",
        "cpu_idle_w": "0.5",
        "mlflow": "off",
        "experiment": "churn",
        "journal_days": "30",
        "allow_network": "yes",
    }
    assert set(values) == NAMES
    settings = read(environ={f"JUPYTER_GREEN_{name.upper()}": value for name, value in values.items()})
    for name, value in values.items():
        assert str(getattr(settings, name)) in {value, f"{value}.0", "True"}
        assert settings.sources[name] == "environment"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("pue", "much", "a number is expected"),
        ("pue", "", "a number is expected"),
        ("pue", "expected", "a number is expected"),
        ("pue", True, "a number is expected"),
        ("pue", [1.5], "a number is expected"),
        ("pue", 0.9, "a number of at least 1 is expected"),
        ("pue", "nan", "a number of at least 1 is expected"),
        ("pue", "inf", "a number of at least 1 is expected"),
        ("price_per_kwh", "-0.3", "a number above 0 is expected"),
        ("price_per_kwh", 0, "a number above 0 is expected"),
        ("price_per_kwh", float("inf"), "a number above 0 is expected"),
        ("cpu_busy_w", "nan", "a number above 0 is expected"),
        ("cpu_idle_w", -1, "a number above 0 is expected"),
        ("cpu_busy_w", 10**400, "a number is expected"),
        ("mlflow", "maybe", "one of auto, on, off is expected"),
        ("mlflow", True, "one of auto, on, off is expected"),
        ("allow_network", "perhaps", "true or false is expected"),
        ("currency", "  ", "a text is expected"),
        ("currency", ["EUR"], "a text is expected"),
        ("intensity", "", "a text is expected"),
        ("experiment", True, "a text is expected"),
    ],
)
def test_an_invalid_value_names_its_source(read: Read, name: str, value: object, expected: str) -> None:
    """A value that cannot be used is an error with the name, the value, the source and what is expected."""
    with pytest.raises(UsageError) as caught:
        read(flags={name: value})
    assert str(caught.value) == f"jupyter_green: {name} = {value!r} in option: {expected}."


def test_an_invalid_value_names_its_file(read: Read, tmp_path: Path) -> None:
    """The environment, pyproject.toml and the configuration file are named as the source of an invalid value."""
    with pytest.raises(UsageError, match="pue = '0' in environment: "):
        read(environ={"JUPYTER_GREEN_PUE": "0"})
    with pytest.raises(UsageError, match=f"pue = 0 in {tmp_path / 'project' / 'pyproject.toml'}: "):
        read(toml=_toml(pue=0))
    with pytest.raises(UsageError, match=f"pue = 'x' in {tmp_path / 'user' / 'jupyter_green_config.py'}: "):
        read(config="c.JupyterGreen.pue = 'x'\n")


def test_only_the_user_and_the_admin_set_how_long_records_are_kept(read: Read, tmp_path: Path) -> None:
    """``journal_days`` of a project or an option is an error that says where to put it."""
    project = tmp_path / "project" / "pyproject.toml"
    for sources, where in (
        ({"toml": _toml(journal_days=1)}, str(project)),
        ({"flags": {"journal_days": 1}}, "option"),
    ):
        with pytest.raises(UsageError) as caught:
            read(**sources)
        assert f"journal_days in {where} is not read" in str(caught.value)
        assert "Set JUPYTER_GREEN_JOURNAL_DAYS, or c.JupyterGreen.journal_days in jupyter_green_c" in str(caught.value)
    assert read(config="c.JupyterGreen.journal_days = 9\n").journal_days == 9
    assert read(environ={"JUPYTER_GREEN_JOURNAL_DAYS": "1"}).journal_days == 1


def test_a_projects_days_leave_the_users(tmp_path: Path) -> None:
    """Where errors are told instead of raised, a project's ``journal_days`` does not take the place of the user's."""
    (tmp_path / "pyproject.toml").write_text(_toml(journal_days=1, pue=1.5), "utf-8")
    told: list[str] = []
    found = read_settings(
        environ={"JUPYTER_GREEN_JOURNAL_DAYS": "90"}, cwd=tmp_path, config_folders=[], on_error=told.append
    )
    assert (found.journal_days, found.pue, len(told)) == (90, 1.5, 1)


def test_records_are_kept_for_a_day_at_least(read: Read) -> None:
    """Fewer days than one are refused, so that what was just delivered is there to be reported on."""
    for days in ("0", "0.9", "-1", "nan", "inf"):
        with pytest.raises(UsageError, match=r"journal_days = .* in environment: a number of at least 1 is"):
            read(environ={"JUPYTER_GREEN_JOURNAL_DAYS": days})


def test_an_invalid_value_is_an_error_even_if_another_source_wins(read: Read) -> None:
    """A broken value is never passed over, so that it does not wait for the day when it counts."""
    with pytest.raises(UsageError, match="in environment"):
        read(flags={"pue": 1.2}, environ={"JUPYTER_GREEN_PUE": "x"})


def test_an_idle_cpu_draws_no_more_than_a_busy_one(read: Read) -> None:
    """Watts that would make work cheaper than idling are refused."""
    with pytest.raises(UsageError, match=r"cpu_idle_w = 5\.0 in environment: at most cpu_busy_w, 4\.0, is expected"):
        read(flags={"cpu_busy_w": 4}, environ={"JUPYTER_GREEN_CPU_IDLE_W": "5"})
    assert read(flags={"cpu_busy_w": 4, "cpu_idle_w": 4}).cpu_idle_w == 4


def test_an_unknown_name_is_an_error_in_every_source(read: Read) -> None:
    """A name that no setting has is an error that names the source and the nearest name."""
    for sources in (
        {"flags": {"intensty": "FRA"}},
        {"toml": _toml(intensty="FRA")},
        {"config": "c.JupyterGreen.intensty = 'FRA'\n"},
        {"config_json": {"JupyterGreen": {"intensty": "FRA"}}},
    ):
        with pytest.raises(UsageError, match=r"unknown setting 'intensty' in .+\. Did you mean intensity\?"):
            read(**sources)
    with pytest.raises(UsageError, match=r"JUPYTER_GREEN_INTENSTY .*\. Did you mean JUPYTER_GREEN_INTENSITY\?"):
        read(environ={"JUPYTER_GREEN_INTENSTY": "FRA"})
    with pytest.raises(UsageError, match="unknown variable JUPYTER_GREEN_ in the environment"):
        read(environ={"JUPYTER_GREEN_": "1"})


def test_reserved_and_foreign_variables_are_ignored(read: Read) -> None:
    """The variables that are no settings, and those of others, are passed over."""
    environ = {"JUPYTER_GREEN_HOME": "/x", "JUPYTER_GREEN_RUN": "ab", "JUPYTER_GREEN_UI": "lab", "JUPYTER_PUE": "0"}
    assert read(environ=environ) == default_settings()


@pytest.mark.parametrize(
    "toml",
    [
        "[tool.black]\nline-length = 100\n",
        "# [tool.jupyter_green]\n# pue = 1.5\n",
        '[project]\nname = "uses jupyter_green"\n',
        'tool = "jupyter_green"\n',
        "[tool.black\n",
        "",
    ],
)
def test_a_pyproject_without_our_table_sets_nothing(read: Read, toml: str) -> None:
    """A pyproject.toml that has no table of ours is none of our business, even if it is broken."""
    assert read(toml=toml) == default_settings()


@pytest.mark.parametrize(
    "toml",
    [
        "[tool.jupyter_green]\npue = 1.5",
        "[ tool . jupyter_green ]\npue = 1.5",
        "[tool]\njupyter_green = {pue = 1.5}",
        "tool.jupyter_green.pue = 1.5",
    ],
)
def test_our_table_in_every_way_toml_has(read: Read, toml: str) -> None:
    """The table is found however TOML lets it be written."""
    assert read(toml=toml).pue == 1.5


def test_the_nearest_pyproject_counts(read: Read, tmp_path: Path) -> None:
    """Only the nearest pyproject.toml is read; one further up is another project's."""
    (tmp_path / "pyproject.toml").write_text(_toml(pue=9.0), "utf-8")
    assert read(toml="[project]\n").pue == 1.0


def test_a_table_with_a_hyphen_is_named(read: Read) -> None:
    """A table under the name of the distribution is an error that says what to write, not silence."""
    with pytest.raises(UsageError, match=r"tool.jupyter-green in .* is not read. Write \[tool.jupyter_green\]."):
        read(toml="[tool.jupyter-green]\npue = 2\n")


def test_a_broken_pyproject_is_named(read: Read, tmp_path: Path) -> None:
    """A pyproject.toml with a table of ours that cannot be read is an error that names the file."""
    with pytest.raises(UsageError, match=f"{tmp_path / 'project' / 'pyproject.toml'} cannot be read: "):
        read(toml="[tool.jupyter_green]\npue = \n")
    with pytest.raises(UsageError, match=r"tool\.jupyter_green in .* is 3; names with values are expected"):
        read(toml="[tool]\njupyter_green = 3\n")


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("raise RuntimeError('no')\n", "RuntimeError: no"),
        ("c.JupyterGreen.pue = 1 +\n", "SyntaxError"),
        ("import no_such_module\n", "ModuleNotFoundError"),
        ("c.JupyterGreen = 5\n", "names with values are expected|cannot be read"),
    ],
)
def test_a_broken_configuration_file_is_named(read: Read, tmp_path: Path, config: str, problem: str) -> None:
    """A configuration file that raises, or holds something else, is an error that names the file."""
    with pytest.raises(UsageError, match=problem) as caught:
        read(config=config)
    assert str(tmp_path / "user" / "jupyter_green_config.py") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "JSONDecodeError"),
        ("[" * 200_000, "RecursionError"),
        ("\ufeff{}", "BOM"),
        ("[]", "names with values are expected"),
        ('{"JupyterGreen": 5}', "names with values are expected"),
    ],
)
def test_a_broken_json_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """JSON that is none, or that holds something else, is an error that names the file; the file beside it counts."""
    (tmp_path / "jupyter_green_config.json").write_text(text, "utf-8")
    (tmp_path / "jupyter_green_config.py").write_text("c.JupyterGreen.pue = 1.5\n", "utf-8")
    with pytest.raises(UsageError, match=problem) as caught:
        read_settings(environ={}, cwd=tmp_path, config_folders=[str(tmp_path)])
    assert str(tmp_path / "jupyter_green_config.json") in str(caught.value)
    told: list[str] = []
    found = read_settings(environ={}, cwd=tmp_path, config_folders=[str(tmp_path)], on_error=told.append)
    assert (found.pue, told) == (1.5, [str(caught.value)])


def test_what_a_file_leaves_open_another_one_sets(read: Read, tmp_path: Path) -> None:
    """The files of all folders count, name by name; null in JSON is not set."""
    found = read(
        config="c.JupyterGreen.pue = 1.5\nc.JupyterGreen.currency = 'CHF'\n",
        config_json={"JupyterGreen": {"currency": "USD", "pue": None}, "ServerApp": {"port": 1}},
        system="c.JupyterGreen.pue = 1.7\nc.JupyterGreen.experiment = 'all'\n",
    )
    assert (found.pue, found.currency, found.experiment) == (1.5, "USD", "all")
    assert found.sources["experiment"] == str(tmp_path / "etc" / "jupyter_green_config.py")
    assert found.locked == frozenset()


LOCK = 'c.JupyterGreen.locked = ["pue", "mlflow"]\n'


def test_a_locked_value_wins_over_every_other_source(read: Read, tmp_path: Path) -> None:
    """What the system's file locks is as it says, or the default, whatever a variable, a project or a user says."""
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    everything: dict[str, Any] = {
        "flags": {"currency": "USD"},
        "environ": {"JUPYTER_GREEN_PUE": "1.2", "JUPYTER_GREEN_MLFLOW": "on"},
        "toml": _toml(pue=1.3, mlflow="on"),
        "config_json": {"JupyterGreen": {"pue": 1.4, "mlflow": "on"}},
        "config": "c.JupyterGreen.pue = 1.5\n",
        "system": f"{LOCK}c.JupyterGreen.pue = 1.6\n",
    }
    found = read(**everything)
    assert (found.pue, found.mlflow, found.currency) == (1.6, "auto", "USD")
    assert found.locked == {"pue", "mlflow"}
    assert (found.sources["pue"], found.sources["mlflow"]) == (f"{etc}, locked", f"default, locked in {etc}")
    assert found.sources["currency"] == "option"
    with pytest.raises(UsageError, match="pue = 'x' in environment"):  # what is wrong is told all the same
        read(**everything | {"environ": {"JUPYTER_GREEN_PUE": "x"}})


def test_an_option_against_a_lock_is_refused(read: Read, tmp_path: Path) -> None:
    """Who types an option that is locked is told so, and by which file; what is locked anyway may be typed."""
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    system = f"{LOCK}c.JupyterGreen.pue = 1.6\n"
    for flags, said in (({"pue": 1.1}, "pue = 1.1"), ({"mlflow": "on"}, "mlflow = 'on'")):
        with pytest.raises(UsageError) as caught:
            read(flags=flags, system=system)
        assert str(caught.value) == f"jupyter_green: {said} in option: it is locked in {etc}."
    found = read(flags={"pue": "1.60", "mlflow": "auto", "intensity": "FRA"}, system=system)
    assert (found.pue, found.mlflow, found.intensity) == (1.6, "auto", "FRA")
    assert (found.sources["pue"], found.sources["mlflow"]) == (f"{etc}, locked", f"default, locked in {etc}")


def test_a_personal_file_takes_no_lock_away(read: Read) -> None:
    """A user who locks nothing, or the same name at another value, changes nothing of the system's lock."""
    system = f"{LOCK}c.JupyterGreen.pue = 1.6\n"
    for locked in ([], ["pue"]):
        found = read(config=f"c.JupyterGreen.locked = {locked}\nc.JupyterGreen.pue = 1.5\n", system=system)
        assert (found.pue, found.locked) == (1.6, {"pue", "mlflow"})
    assert read(config_json={"JupyterGreen": {"locked": [], "pue": 1.5}}, system=system).pue == 1.6


def test_a_lock_holds_where_configuration_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``JUPYTER_NO_CONFIG`` hides what the system's files set, but not what they lock."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "jupyter_green_config.py").write_text(f"{LOCK}c.JupyterGreen.pue = 1.6\nc.JupyterGreen.currency = 'CHF'\n")
    monkeypatch.setattr("jupyter_core.paths.SYSTEM_CONFIG_PATH", [str(etc)])
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    found = read_settings(environ={"JUPYTER_GREEN_PUE": "1.2"}, cwd=tmp_path)
    assert (found.pue, found.currency, found.locked) == (1.6, "EUR", {"pue", "mlflow"})
    with pytest.raises(UsageError, match="pue is locked"):
        write_setting("pue", 1.5, tmp_path / "user")


def test_a_personal_lock_holds_what_the_system_gives(read: Read, tmp_path: Path) -> None:
    """A user's own lock holds against variables; a value that only the system's file has is what is locked."""
    user, etc = tmp_path / "user" / "jupyter_green_config.py", tmp_path / "etc" / "jupyter_green_config.py"
    found = read(config=LOCK, system="c.JupyterGreen.pue = 1.6\n", environ={"JUPYTER_GREEN_PUE": "1.2"})
    assert (found.pue, found.sources["pue"]) == (1.6, f"{etc}, locked in {user}")
    found = read(config=f"{LOCK}c.JupyterGreen.pue = 1.5\n", config_json={"JupyterGreen": {"pue": 1.4}})
    assert found.pue == 1.4  # one folder is one voice


def test_a_lock_that_cannot_be_understood_is_named(read: Read, tmp_path: Path) -> None:
    """A lock of an unknown name, or one that is no list, is an error that names its file; other locks of it hold."""
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    with pytest.raises(UsageError) as caught:
        read(system='c.JupyterGreen.locked = ["pue", "prue"]\n')
    assert str(caught.value) == f"jupyter_green: locked = ['pue', 'prue'] in {etc}: there is no setting 'prue'."
    with pytest.raises(UsageError, match=r"locked = 'pue' in .*: a list of names is expected"):
        read(system='c.JupyterGreen.locked = "pue"\n')
    with pytest.raises(UsageError, match="there is no setting"):
        read(config_json={"JupyterGreen": {"locked": [{"pue": 1}, 3]}})
    told: list[str] = []
    found = read(
        system='c.JupyterGreen.locked = ["prue", "pue"]\n', environ={"JUPYTER_GREEN_PUE": "2"}, on_error=told.append
    )
    assert (found.pue, found.locked, len(told)) == (1.0, {"pue"}, 1)


def test_only_configuration_files_lock(read: Read) -> None:
    """A lock in a project, a variable or an option is an unknown setting."""
    for sources in ({"toml": _toml(locked=["pue"])}, {"flags": {"locked": ["pue"]}}):
        with pytest.raises(UsageError, match="unknown setting 'locked'"):
            read(**sources)
    with pytest.raises(UsageError, match="unknown variable JUPYTER_GREEN_LOCKED"):
        read(environ={"JUPYTER_GREEN_LOCKED": "pue"})


def test_locked_watts_stay_and_the_others_go(read: Read) -> None:
    """If a user's watts do not fit those that are locked, the user's are what is refused."""
    told: list[str] = []
    system = 'c.JupyterGreen.locked = ["cpu_idle_w"]\nc.JupyterGreen.cpu_idle_w = 5\n'
    found = read(system=system, environ={"JUPYTER_GREEN_CPU_BUSY_W": "3"}, on_error=told.append)
    assert (found.cpu_idle_w, found.cpu_busy_w, found.sources["cpu_busy_w"]) == (5, None, "default")
    assert told == ["jupyter_green: cpu_busy_w = 3.0 in environment: at least cpu_idle_w, 5.0, is expected."]


def test_no_loader_is_imported_where_there_is_no_file(tmp_path: Path) -> None:
    """Somebody without configuration files does not pay for reading them."""
    code = (
        "import sys\nfrom jupyter_green.settings import read_settings\n"
        f"read_settings(environ={{}}, config_folders=[{str(tmp_path)!r}])\n"
        "print(sorted({'json', 'traitlets', 'tempfile', 'tomllib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's configuration folder of a user, which is not there yet, below one of an admin."""
    (tmp_path / "etc").mkdir()
    monkeypatch.setattr("jupyter_core.paths.SYSTEM_CONFIG_PATH", [str(tmp_path / "etc")])
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path / "config"


def test_a_setting_is_written_and_read_again(user_folder: Path) -> None:
    """One name at a time goes into the user's file, which only the user can read, and comes back from it."""
    assert write_setting("pue", None) == user_folder / "jupyter_green_config.json"
    assert not user_folder.exists()
    written = write_setting("pue", "1.5")
    write_setting("intensity", " FRA ")
    found = read_settings(environ={})
    assert (found.pue, found.intensity, found.sources["pue"]) == (1.5, "FRA", str(written))
    assert json.loads(written.read_text("utf-8")) == {"JupyterGreen": {"pue": 1.5, "intensity": "FRA"}}
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    write_setting("pue", None)
    write_setting("intensity", None)
    assert json.loads(written.read_text("utf-8")) == {}
    assert os.listdir(user_folder) == ["jupyter_green_config.json"]


def test_whatever_else_is_in_the_file_stays(user_folder: Path) -> None:
    """Other names and sections, the file's rights, and the link that it may be are kept."""
    user_folder.mkdir()
    real = user_folder / "dotfiles.json"
    real.write_text(json.dumps({"ServerApp": {"port": 1}, "JupyterGreen": {"currency": "CHF", "locked": ["mlflow"]}}))
    real.chmod(0o640)
    link = user_folder / "jupyter_green_config.json"
    link.symlink_to(real)
    write_setting("price_per_kwh", 0.3)
    assert link.is_symlink()
    assert json.loads(real.read_text("utf-8")) == {
        "ServerApp": {"port": 1},
        "JupyterGreen": {"currency": "CHF", "locked": ["mlflow"], "price_per_kwh": 0.3},
    }
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("pue", 0.5, "a number of at least 1 is expected"),
        ("pue", float("nan"), "a number of at least 1 is expected"),
        ("currency", " ", "a text is expected"),
        ("prue", 1, "unknown setting 'prue'"),
        ("prue", None, "unknown setting 'prue'"),
        ("locked", None, "unknown setting 'locked'"),
    ],
)
def test_what_reading_would_refuse_is_not_written(
    user_folder: Path, name: str, value: float | str | None, problem: str
) -> None:
    """An invalid value or an unknown name is refused, and no file is made."""
    with pytest.raises(UsageError, match=problem):
        write_setting(name, value)
    assert not user_folder.exists()


def test_a_locked_name_is_not_written(user_folder: Path, tmp_path: Path) -> None:
    """What an admin locked is refused with the file that locks it, also to take it out; other names are written."""
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    etc.write_text(LOCK)
    for value in (1.5, None):
        with pytest.raises(UsageError) as caught:
            write_setting("pue", value)
        assert str(caught.value) == f"jupyter_green: pue is locked in {etc} and cannot be set."
    write_setting("currency", "CHF")
    etc.write_text("raise RuntimeError('no')\n")
    with pytest.raises(UsageError, match=r"etc.* cannot be read: RuntimeError: no"):  # it may hold a lock
        write_setting("currency", "CHF")


@pytest.mark.parametrize("text", ["{", "[1]", '{"JupyterGreen": "x"}', "\xff"])
def test_a_file_that_cannot_be_read_is_not_overwritten(user_folder: Path, text: str) -> None:
    """A broken file is an error that names it, and stays as it is."""
    user_folder.mkdir()
    path = user_folder / "jupyter_green_config.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=str(path)):
        write_setting("pue", 1.5)
    assert path.read_bytes() == text.encode("latin-1")


def test_a_disk_that_takes_nothing_leaves_the_file(user_folder: Path) -> None:
    """If the new file cannot be written to its end, the old one is whole and nothing lies about."""
    write_setting("pue", 1.5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_setting("pue", 1.6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert json.loads((user_folder / "jupyter_green_config.json").read_text())["JupyterGreen"]["pue"] == 1.5
    assert os.listdir(user_folder) == ["jupyter_green_config.json"]


def test_a_configuration_file_for_others_sets_nothing(read: Read) -> None:
    """A configuration file without c.JupyterGreen sets nothing."""
    assert read(config="c.ServerApp.port = 8888\n") == default_settings()


def test_home_is_the_variable_or_jupyters_data_folder(tmp_path: Path) -> None:
    """The journal lies where the variable says, made absolute, else in Jupyter's data folder."""
    assert read_home({"JUPYTER_GREEN_HOME": str(tmp_path)}) == tmp_path
    assert read_home({"JUPYTER_GREEN_HOME": "~/green"}) == Path.home() / "green"
    assert read_home({"JUPYTER_GREEN_HOME": "green"}) == Path.cwd() / "green"
    assert read_home({}).name == "jupyter_green"
    assert read_home({"JUPYTER_GREEN_HOME": ""}) == read_home({})
    with pytest.raises(UsageError, match="JUPYTER_GREEN_HOME = '~nosuch/x' in environment: ~nosuch is no folder"):
        read_home({"JUPYTER_GREEN_HOME": "~nosuch/x"})


def test_did_you_mean_keeps_quiet_when_nothing_is_near() -> None:
    """A word that is near to nothing gets no advice."""
    assert did_you_mean("xyzzy", sorted(NAMES)) == ""


def test_what_is_wrong_can_be_told_instead(tmp_path: Path) -> None:
    """With somebody to tell, what is wrong counts as not set, and everything else as it was set."""
    (tmp_path / "pyproject.toml").write_text("[tool.jupyter_green\n")
    (tmp_path / "jupyter_green_config.py").write_text("c.JupyterGreen.pue = 1.5\nc.JupyterGreen.cpu_idle_w = 9")
    environ = {"JUPYTER_GREEN_PUE": "abc", "JUPYTER_GREEN_FOO": "1", "JUPYTER_GREEN_CPU_BUSY_W": "3"}
    told: list[str] = []
    found = read_settings(environ=environ, cwd=tmp_path, config_folders=[str(tmp_path)], on_error=told.append)
    assert (found.pue, found.cpu_busy_w, found.cpu_idle_w) == (1.5, 3.0, None)
    assert found.sources["cpu_idle_w"] == "default"
    assert len(told) == 4
    for word in ("FOO", "pyproject.toml", "pue = 'abc'", "at most cpu_busy_w"):
        assert any(word in one for one in told)
