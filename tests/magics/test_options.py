"""What can stand behind ``%%track_energy``, and what is said of what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.magics.options import parse
from tests.kernels import Kernel
from tests.magics.test_line_and_status import SWITCH


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("-m a=1", {"a": "1"}),
        ("-m a = 1", {"a": "1"}),
        ("-m accuracy=clf.score(X, y)", {"accuracy": "clf.score(X, y)"}),
        ("-m a=f(x, b=2) c=3", {"a": "f(x, b=2)", "c": "3"}),
        ("-m a=1 - 2 b=x -1", {"a": "1 - 2", "b": "x -1"}),
        ("-m a=x == y", {"a": "x == y"}),
        ("-m a=x >= y b=x != y", {"a": "x >= y", "b": "x != y"}),
        ("-m a=d['k = 1 -n x'] -n fit", {"a": "d['k = 1 -n x']"}),
        ('-m a=d["it\'s"]', {"a": 'd["it\'s"]'}),
        ("-m a=[i for i in range(3)][-1]", {"a": "[i for i in range(3)][-1]"}),
        ("-m a=(lambda x=1: x)()", {"a": "(lambda x=1: x)()"}),
        ("-m a={'k': 1}['k'] --quiet", {"a": "{'k': 1}['k']"}),
        ("-m a=x if y else z", {"a": "x if y else z"}),
        ("-m a=not b", {"a": "not b"}),
        ("-m a=1 -m b=2", {"a": "1", "b": "2"}),
        ("-m a=1 --metric b=2", {"a": "1", "b": "2"}),
        ("-m größe=1", {"größe": "1"}),
        ("-m a=1 --tag k=v", {"a": "1"}),
        ("-m=a=1", {"a": "1"}),
        ("-m a=1\tb=2", {"a": "1", "b": "2"}),
    ],
)
def test_an_expression_ends_where_people_mean_it(text: str, metrics: dict[str, str]) -> None:
    """Brackets, quotes, comparisons and minus signs belong to the expression; the next name or option ends it."""
    asked = parse(text)
    assert (asked.metrics, asked.errors) == (metrics, [])


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("--buget 5Wh", ["unknown option --buget."]),
        ("--experimnet x -n fit", ["unknown option --experimnet. Did you mean --experiment?"]),
        ("--intensty=FRA", ["unknown option --intensty. Did you mean --intensity?"]),
        ("--qiet", ["unknown option --qiet. Did you mean --quiet?"]),
        ("-x", ["unknown option -x."]),
        ("-n", ["-n needs a value: -n NAME."]),
        ("-n --quiet", ["-n needs a value: -n NAME."]),
        ("-n my model", ["'model' belongs to no option. Names with spaces need quotes: -n 'my model'."]),
        ("-m", ["-m needs METRIC=EXPR. Write -m accuracy=clf.score(X_test, y_test)."]),
        ("-m accuracy", ["-m 'accuracy' is not METRIC=EXPR. Write -m accuracy=clf.score(X_test, y_test)."]),
        ("-m 1x=2", ["-m '1x=2' is not METRIC=EXPR. Write -m accuracy=clf.score(X_test, y_test)."]),
        ("-m a=", ["-m a= has no expression."]),
        ("--mlflow maybe", ["--mlflow 'maybe' is not one of auto, on, off."]),
        ("--tag model", ["--tag 'model' has no value. Write --tag model=svm."]),
        ("--tag =svm", ["--tag '=svm' has no name. Write --tag model=svm."]),
        ("--quiet=yes", ["--quiet takes no value."]),
        ("--on-budget stop --phase fit -n a", ["unknown option --on-budget.", "unknown option --phase."]),
    ],
)
def test_what_is_wrong_is_named(text: str, errors: list[str]) -> None:
    """Each mistake is one sentence that says what was seen and what to write."""
    assert parse(text).errors == errors


def test_what_is_right_beside_a_mistake_counts() -> None:
    """A mistake takes nothing from the options beside it."""
    asked = parse(
        "--buget 5Wh -n 'my model' --tag a=b --tag c='d e' --mlflow off --experiment E --intensity 53g --quiet"
    )
    assert (asked.name, asked.tags, asked.mlflow) == ("my model", {"a": "b", "c": "d e"}, "off")
    assert (asked.experiment, asked.intensity, asked.quiet) == ("E", "53g", True)
    assert len(asked.errors) == 1


@given(st.text())
def test_no_text_makes_parsing_fail(text: str) -> None:
    """Whatever is typed, parsing ends and gives texts and sentences."""
    asked = parse(text)
    assert all(isinstance(error, str) and error for error in asked.errors)
    assert all(expression.strip() for expression in asked.metrics.values())


@given(
    st.lists(
        st.sampled_from(["-n", "-m", "--tag", "a=1", "'", '"', "(", "]", "=", "--", "-", "\\", "x", "--quiet", " "])
    )
)
def test_no_heap_of_options_makes_parsing_fail(parts: list[str]) -> None:
    """Whatever options and signs are heaped up, parsing ends."""
    parse(" ".join(parts))
    parse("".join(parts))


_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
_IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
_EXPRESSIONS = st.sampled_from(
    [
        "1",
        "f(x, y=2)",
        "a - b",
        "a -b",
        "x == y",
        "d['k=1 -n z']",
        '"-m q=1"',
        "[-1][0]",
        "{'a': 1}['a']",
        "-x",
        "a <= b",
    ]
)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@given(
    name=_NAMES,
    metrics=st.dictionaries(_IDENTIFIERS, _EXPRESSIONS, max_size=4),
    tags=st.dictionaries(_IDENTIFIERS, _NAMES, max_size=3),
    experiment=st.none() | _NAMES,
    mlflow=st.sampled_from([None, "auto", "on", "off"]),
    quiet=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_what_was_put_together_is_understood(name, metrics, tags, experiment, mlflow, quiet, order) -> None:  # type: ignore[no-untyped-def]
    """Options written in any order, with any names, are read back as they were meant."""
    parts = [f"-n {_quoted(name)}", *[f"--tag {_quoted(f'{key}={value}')}" for key, value in tags.items()]]
    if metrics:
        parts.append("-m " + " ".join(f"{key}={value}" for key, value in metrics.items()))
    if experiment is not None:
        parts.append(f"--experiment {_quoted(experiment)}")
    if mlflow is not None:
        parts.append(f"--mlflow {mlflow}")
    if quiet:
        parts.append("--quiet")
    order.shuffle(parts)
    asked = parse(" ".join(parts))
    assert asked.errors == []
    assert (asked.name, asked.metrics, asked.tags) == (name, metrics, tags)
    assert (asked.experiment, asked.mlflow, asked.quiet) == (experiment, mlflow, quiet)


def test_options_reach_the_record(kernel: Kernel) -> None:
    """Name, tags, intensity and experiment stand on the cell's record; secrets among the tags are masked."""
    reply = kernel.run(
        "%%track_energy -n fit --tag model=svm --tag api_key=abc --intensity 53g --experiment E --mlflow on\n1"
    )
    (record,) = kernel.records()[-1:]
    assert (record.name, record.tags) == ("fit", {"model": "svm", "api_key": "***"})
    assert record.intensity is not None
    assert (record.intensity.g_per_kwh, record.intensity.source) == (53.0, "user")
    assert record.mlflow is not None
    assert record.mlflow.experiment == "E"
    assert ", set by you) · " in reply.displays[-1]
    kernel.run("%%track_energy --quiet -n a --mlflow off\n1")
    assert kernel.records()[-1].mlflow is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--experimnet x", "track_energy: unknown option --experimnet. Did you mean --experiment?"),
        (
            "--intensity Frnace",
            "track_energy: intensity 'Frnace' is not a zone. Did you mean FRA? Try FRA, 53g, or "
            "jupyter green intensity --list. Energy is recorded, CO2e is not.",
        ),
        (
            "--intensity 53",
            "track_energy: intensity '53' has no unit. Write 53g for 53 gCO2e/kWh. Energy is recorded, CO2e is not.",
        ),
    ],
)
def test_a_wrong_option_is_one_line_and_the_cell_runs(line: str, said: str, kernel: Kernel) -> None:
    """A wrong option is one line on standard error, and the cell runs, is measured, and its record says it too."""
    reply = kernel.run(f"%%track_energy --quiet {line}\n'value'")
    assert (reply.status, reply.result) == ("ok", "'value'")
    assert reply.stream("stderr") == said + "\n"
    assert kernel.records()[-1].notes == (said,)
    assert kernel.records()[-1].energy.attributed_j is not None


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Path]]:
    """A kernel on a computer whose admin locks the grid, MLflow and the experiment, and the file that does."""
    folder = tmp_path_factory.mktemp("locked")
    etc = folder / "etc" / "jupyter_green_config.py"
    etc.parent.mkdir()
    etc.write_text(
        'c.JupyterGreen.locked = ["intensity", "mlflow", "experiment"]\n'
        'c.JupyterGreen.intensity = "DEU"\nc.JupyterGreen.experiment = "all of us"\n'
    )
    with Kernel(folder, green_home=folder / "green-home", env={"JUPYTER_CONFIG_PATH": str(etc.parent)}) as started:
        started.run("%load_ext jupyter_green")
        yield started, etc


@pytest.mark.parametrize(
    ("option", "left_out", "source"),
    [
        ("--intensity 53g", "--intensity 53g", "{}, locked"),
        ("--experiment 'my own'", "--experiment 'my own'", "{}, locked"),
        ("--mlflow=off", "--mlflow off", "default, locked in {}"),
        ("--intensity Frnace", "--intensity Frnace", "{}, locked"),
    ],
)
def test_what_an_admin_locked_stays(locked: tuple[Kernel, Path], option: str, left_out: str, source: str) -> None:
    """An option against a lock is one line on standard error; the cell is measured with what is locked."""
    kernel, etc = locked
    reply = kernel.run(f"%%track_energy --quiet -n fit {option}\n'value'")
    name = left_out.split()[0][2:]
    said = f"track_energy: {name} is locked by the administrator ({source.format(etc)}); {left_out} is left out."
    assert (reply.result, reply.stream("stderr")) == ("'value'", said + "\n")
    record = kernel.records()[-1]
    assert record.intensity is not None
    assert record.mlflow is not None
    assert (record.intensity.zone, record.mlflow.experiment, record.stays) == ("DEU", "all of us", False)
    assert (record.name, record.notes) == ("fit", (said,))


def test_a_locked_grid_is_not_chosen_elsewhere(locked: tuple[Kernel, Path]) -> None:
    """A kernel refuses another grid from its front end, too: the lock may hold for the kernel's computer alone."""
    kernel, etc = locked
    choose = SWITCH.removesuffix("switch") + "choose_intensity"
    with pytest.raises(AssertionError, match=f"intensity is locked by the administrator \\({etc}, locked\\)"):
        kernel.value(choose + "('FRA')")
    kernel.value(choose + "('DEU')")
    kernel.run("%%track_energy --quiet\n1")
    record = kernel.records()[-1]
    assert record.intensity is not None
    assert record.intensity.zone == "DEU"


def test_nothing_is_sent_where_mlflow_is_locked_off(tmp_path: Path) -> None:
    """``%track_energy sync`` is one line on standard error where an admin keeps MLflow off."""
    etc = tmp_path / "etc" / "jupyter_green_config.py"
    etc.parent.mkdir()
    etc.write_text('c.JupyterGreen.locked = ["mlflow"]\nc.JupyterGreen.mlflow = "off"\n')
    with Kernel(tmp_path, green_home=tmp_path / "home", env={"JUPYTER_CONFIG_PATH": str(etc.parent)}) as kernel:
        kernel.run("%load_ext jupyter_green")
        kernel.run("%%track_energy --quiet\n1")
        reply = kernel.run("%track_energy sync")
    said = f"track_energy: mlflow is locked to off by the administrator ({etc}, locked), so nothing is sent.\n"
    assert (reply.status, reply.stream("stdout"), reply.stream("stderr")) == ("ok", "", said)


def test_what_is_locked_may_be_typed(locked: tuple[Kernel, Path]) -> None:
    """An option that says what is locked anyway is no mistake."""
    kernel, _ = locked
    reply = kernel.run("%%track_energy --quiet --intensity DEU --experiment 'all of us' --mlflow auto\n1")
    assert reply.stream("stderr") == ""
    assert kernel.records()[-1].notes == ()
