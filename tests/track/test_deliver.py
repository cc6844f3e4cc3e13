"""Delivery: what stands in MLflow after it, read from its store by hand."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.programs import typed
from jupyter_green.records import Between, End, Step, Target
from jupyter_green.track.journal import Journal
from jupyter_green.track.mlflow_run import batches, plain, plain_key
from jupyter_green.track.receipts import read_receipts, receipts_path, write_receipt
from tests.track.conftest import Nursery, clean_environ
from tests.track.forge import BEGIN, DEFAULT, OK, WORLD, add, dead, energy, record, session, write
from tests.track.mlflow_rows import children, of_session, runs

S = "0" * 16

Deliver = Callable[..., dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of the test's own; the deliverer is told, this process's environment stays."""
    return tmp_path / "green-home"


@pytest.fixture
def database(folder: Path, make_store: Callable[[Path], str]) -> Path:
    """An empty store, the default one of the notebook's folder."""
    make_store(folder)
    return folder / "mlflow.db"


@pytest.fixture
def deliver(nursery: Nursery, home: Path) -> Deliver:
    """Deliver a session and return the outcome."""

    def run(log: Path, **options: Any) -> dict[str, Any]:
        return nursery.deliver(home, log, **options)

    return run


def _rows(database: Path) -> list[tuple[Any, ...]]:
    """All that the store holds of runs, but for what each delivery sets anew."""
    with closing(sqlite3.connect(database)) as connection:
        return [
            row
            for table in ("runs", "metrics", "latest_metrics", "params", "tags", "experiments")
            for row in sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
        ]


def test_session_in_mlflow(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A session is one run: its cells are series by step, its totals hold cells and gaps, a named cell is a child."""
    records = [
        record(1),
        record(2, name="fit", metrics={"accuracy": 0.9}, tags={"team": "a"}),
        record(3, kind="scoring", joules=5.0, name="fit"),
        record(4, status="error", notes=("it broke",)),
        record(5, joules=3.0, kind="block", part_of=f"{S}-6", between_j=None, metrics={"inner": 1.0}),
        record(6, metrics={"accuracy": None, "f1": 0.5}),
    ]
    log = write(home, session(cwd=str(folder), name=None), records, OK)
    outcome = deliver(log)
    assert outcome["problem"] is None
    assert outcome["delivered"] == 6

    run = of_session(database)
    assert outcome["run_id"] == run.run_id
    assert outcome["tracking_uri"] == f"sqlite:///{database}"
    assert (run.status, run.name, run.experiment) == ("FINISHED", "churn", "Default")
    assert run.start_ms == int(BEGIN.timestamp() * 1000)
    assert run.end_ms == int(OK.at.timestamp() * 1000)
    # The block is inside cell 6, whose figure has it already.
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (3, 5.0), (4, 10.0), (6, 10.0)]
    assert dict(run.metrics["cell_co2e_mg"]) == pytest.approx({1: 1.0, 2: 1.0, 3: 0.5, 4: 1.0, 6: 1.0})
    assert run.metrics["accuracy"] == [(2, 0.9)]
    assert run.metrics["inner"] == [(5, 1.0)]
    assert run.metrics["f1"] == [(6, 0.5)]
    assert run.latest["energy_j"] == 45.0 + 5.0 + 2.0  # cells, gaps before them, the gap before the end
    assert run.latest["energy_low_j"] == 26.0
    assert run.latest["energy_high_j"] == 104.0
    assert run.latest["co2e_mg"] == pytest.approx(5.2)
    assert run.latest["co2e_low_mg"] == pytest.approx(0.26)
    assert run.latest["co2e_high_mg"] == pytest.approx(20.8)
    assert run.latest["cpu_s"] == 2.5 + 5 * 0.25 + 0.5
    assert "cost" not in run.latest
    assert run.tags["green.quality"] == "modelled"
    assert run.tags["green.intensity"] == "360 gCO2e/kWh, made up"
    assert run.tags["green.notebook"] == "churn.ipynb"
    assert run.tags["green.notes"] == "it broke"
    assert not any("/home/ann" in value for value in run.tags.values())

    (child,) = children(database).values()
    assert child.record == f"{S}-2"
    assert (child.name, child.status) == ("fit", "FINISHED")
    assert child.tags["mlflow.parentRunId"] == run.run_id
    assert child.tags["team"] == "a"
    assert child.latest["energy_j"] == 10.0
    assert child.latest["accuracy"] == 0.9

    cells = run.cells
    assert [row["cell"] for row in cells] == [1, 2, 3, 4, 5, 6]
    assert [row["status"] for row in cells] == ["ok", "ok", "ok", "error", "ok", "ok"]
    assert [row["kind"] for row in cells] == ["cell", "cell", "scoring", "cell", "block", "cell"]
    assert cells[5]["metrics"] == "accuracy=not measured, f1=0.5"
    assert cells[0]["energy_j"] == 10.0
    assert cells[0]["co2e_mg"] == pytest.approx(1.0)


def test_delivering_again_changes_nothing(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A second delivery adds nothing, with its receipts and without."""
    log = write(home, session(cwd=str(folder), parameters={"a": "1"}), [record(1), record(2, name="fit")], OK)
    deliver(log)
    before = _rows(database)
    again = deliver(log)
    assert (again["delivered"], again["problem"], again["run_id"]) == (0, None, None)
    receipts_path(log).unlink()
    anew = deliver(log)
    assert anew["delivered"] == 2  # so it seemed: MLflow had them
    assert _rows(database) == before


def test_records_that_come_later_are_added(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A session that lives is RUNNING and grows; its end gives it its status; no step stands twice."""
    about = session(cwd=str(folder))
    journal = Journal(home, about)
    add(journal, [record(1)])
    deliver(journal.path)
    assert of_session(database).status == "RUNNING"
    add(journal, [record(2, name="fit"), record(3)])
    deliver(journal.path)
    run = of_session(database)
    assert run.status == "RUNNING"
    assert run.metrics["energy_j"] == [(1, 11.0), (3, 33.0)]
    add(journal, [], OK)
    deliver(journal.path)
    run = of_session(database)
    assert run.status == "FINISHED"
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (3, 10.0)]
    assert run.latest["energy_j"] == 35.0
    assert len(run.cells) == 3
    assert len(children(database)) == 1


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (OK, "FINISHED"),
        (replace(OK, status="error"), "FAILED"),
        (replace(OK, status="interrupted"), "KILLED"),
        (None, "KILLED"),
    ],
)
def test_how_a_session_ended(
    database: Path, home: Path, folder: Path, deliver: Deliver, end: End | None, status: str
) -> None:
    """The run's status says how the session ended; one whose process is gone without a last line was killed."""
    deliver(write(home, dead(cwd=str(folder)), [record(1)], end))
    assert of_session(database).status == status


def test_failed_named_cell(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A named cell that failed is a failed run."""
    deliver(write(home, session(cwd=str(folder)), [record(1, name="fit", status="error")], OK))
    (child,) = children(database).values()
    assert child.status == "FAILED"


def test_other_hosts_session_is_left_running(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Of a session on another computer nobody here knows whether it lives: it stays RUNNING until it ends or is old."""
    import os
    import time

    log = write(home, session(cwd=str(folder), host="elsewhere", pid=1, pid_started=1), [record(1)])
    deliver(log)
    assert of_session(database).status == "RUNNING"
    week_ago = time.time() - 8 * 86400
    os.utime(log, (week_ago, week_ago))
    deliver(log)
    assert of_session(database).status == "KILLED"


def test_session_that_only_seemed_over(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """If one that was taken for dead writes again, its run is RUNNING again."""
    import os
    import time

    journal = Journal(home, session(cwd=str(folder), host="elsewhere", pid=1, pid_started=1))
    add(journal, [record(1)])
    week_ago = time.time() - 8 * 86400
    os.utime(journal.path, (week_ago, week_ago))
    deliver(journal.path)
    add(journal, [record(2)])
    deliver(journal.path)
    run = of_session(database)
    assert run.status == "RUNNING"
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0)]


def test_unknown_is_no_point(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A cell whose energy is unknown has no point, and makes the total unknown; nothing is 0 for it."""
    unknown = record(2, joules=None, energy=energy(None, quality=None, cpu_s=None), between_j=None, name="fit")
    deliver(write(home, session(cwd=str(folder)), [unknown, record(3)], OK))
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(2, 10.0)]
    assert "energy_j" not in run.metrics
    assert run.tags["green.quality"] == "not measured"
    assert run.cells[0]["energy_j"] is None
    (child,) = children(database).values()
    assert child.metrics == {}


@pytest.mark.parametrize("receipts_are_lost", [False, True])
def test_total_that_becomes_unknown(
    database: Path, home: Path, folder: Path, deliver: Deliver, receipts_are_lost: bool
) -> None:
    """A total that had a value and becomes unknown is NaN in MLflow from then on, told once, also without receipts."""
    about = session(cwd=str(folder))
    journal = Journal(home, about)
    add(journal, [record(1)])
    deliver(journal.path)
    add(journal, [record(2, intensity=None, co2e_g=None, co2e_low_g=None, co2e_high_g=None)])
    for _ in range(2):
        if receipts_are_lost:
            receipts_path(journal.path).unlink()
        deliver(journal.path)
    add(journal, [record(3)])
    deliver(journal.path)
    run = of_session(database)
    for key, value in (("co2e_mg", 1.1), ("co2e_low_mg", 0.055), ("co2e_high_mg", 4.4)):
        assert run.metrics[key] == [(1, pytest.approx(value)), (2, math.nan)]
        assert math.isnan(run.latest[key])
    assert run.latest["energy_j"] == 33.0
    assert run.metrics["cell_co2e_mg"] == [(1, pytest.approx(1.0)), (3, pytest.approx(1.0))]
    assert "cost" not in run.metrics


def test_total_that_becomes_unknown_with_the_end(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Where the end makes a total unknown, at the step and the time of the last value, that is what MLflow shows."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1)])
    deliver(journal.path)
    add(journal, [], replace(OK, at=BEGIN, between_j=Between(value=None, low=None, high=None, cpu_s=None)))
    deliver(journal.path)
    receipts_path(journal.path).unlink()
    deliver(journal.path)
    run = of_session(database)
    assert run.metrics["energy_j"] == [(1, 11.0), (1, math.nan)]
    assert math.isnan(run.latest["energy_j"])


def test_steps_of_a_cell_whose_energy_is_unknown(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """The energy of a named cell's last step is not shown for its total, where that is unknown."""
    steps = (Step(step=0, at=BEGIN, energy_j=1.0, metrics={}),)
    unknown = record(1, energy=energy(None, quality=None, cpu_s=None), between_j=None, name="fit", steps=steps)
    log = write(home, session(cwd=str(folder)), [unknown], OK)
    deliver(log)
    receipts_path(log).unlink()
    deliver(log)
    (child,) = children(database).values()
    assert child.metrics["energy_j"] == [(0, 1.0), (1, math.nan)]


def test_sum_is_as_good_as_its_worst_part(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """The session's tags name its worst quality and each of its intensities, not the last record's."""
    other = replace(WORLD, g_per_kwh=53.0, label="user")
    records = [record(1), record(2, energy=energy(quality="apportioned"), intensity=other)]
    deliver(write(home, session(cwd=str(folder)), records, OK))
    tags = of_session(database).tags
    assert tags["green.quality"] == "modelled"
    assert tags["green.intensity"] == "360 gCO2e/kWh, made up; 53 gCO2e/kWh, user"


def test_steps_of_a_named_cell(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """The steps of a named cell are its run's series, its totals stand behind the last."""
    steps = tuple(
        Step(step=n, at=BEGIN + timedelta(seconds=n), energy_j=float(n + 1), metrics={"loss": 1.0 / (n + 1)})
        for n in range(3)
    )
    deliver(write(home, session(cwd=str(folder)), [record(1, name="fit", steps=steps)], OK))
    (child,) = children(database).values()
    assert child.metrics["energy_j"] == [(0, 1.0), (1, 2.0), (2, 3.0), (3, 10.0)]
    assert child.metrics["loss"] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert child.latest["energy_j"] == 10.0


def test_named_block_inside_a_cell_says_so(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """The run of a block inside another record is tagged with it, so that no sum takes both."""
    block = record(1, kind="block", name="inner", part_of=f"{S}-2", between_j=None)
    deliver(write(home, session(cwd=str(folder)), [block, record(2, name="outer")], OK))
    found = {run.name: run.tags.get("green.part_of") for run in children(database).values()}
    assert found == {"inner": f"{S}-2", "outer": None}


def test_cost(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """With a price, the run has the cost of cells and gaps, in one currency."""
    priced = [record(n, price_per_kwh=0.36, cost=1e-6, currency="EUR") for n in (1, 2)]
    deliver(write(home, session(cwd=str(folder)), priced))
    assert of_session(database).latest["cost"] == pytest.approx(2.2e-6)


def test_users_metric_with_the_name_of_ours(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A user's metric called like one of ours stands beside it, and ours is what we measured."""
    records = [record(1, name="fit", metrics={"energy_j": 1e9, "cell_energy_j": 1e9, "cost": 7.0})]
    deliver(write(home, session(cwd=str(folder)), records))
    run, (child,) = of_session(database), children(database).values()
    assert run.metrics["cell_energy_j"] == [(1, 10.0)]
    assert run.latest["metric.cell_energy_j"] == 1e9
    assert child.latest["energy_j"] == 10.0
    assert child.latest["metric.energy_j"] == 1e9
    assert child.latest["metric.cost"] == 7.0


def test_odd_and_long_names(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Names and texts that MLflow refuses are written as it takes them; no record is held up by one."""
    records = [
        record(
            1,
            name="größe\n日本 \udcff " + "n" * 7000,
            metrics={"точность": 0.5, "f1 @ 5%": 0.6, "../x": 0.7, "m" * 400: 0.8, "": 0.9, "\ud800": 1.0},
            tags={"team/日": "x" * 9000, "a=b": "\udcff\x00", "mlflow.parentRunId": "nobody"},
            notes=("n" * 9000,),
        )
    ]
    parameters = {"größe": "ü" * 7000, "a/b": "", "a?b": "1", "a!b": "2", "\udcff": "\udcff"}
    log = write(home, session(cwd=str(folder), parameters=parameters, notebook="/日/größe \udcff.ipynb"), records, OK)
    assert deliver(log)["problem"] is None
    run, (child,) = of_session(database), children(database).values()
    assert run.metrics["точность"] == [(1, 0.5)]
    assert run.metrics["f1 _ 5_"] == [(1, 0.6)]
    assert child.latest["m" * 250] == 0.8
    assert child.tags["mlflow.parentRunId"] == run.run_id
    assert len(child.tags["team/日"]) == 5000
    assert child.name.startswith("größe\n日本 ")
    assert len(child.name) == 250
    assert run.params["größe"] == "ü" * 5000
    assert (run.params["a_b"], run.params["a_b_2"], run.params["a/b"]) == ("1", "2", "")


def test_many_parameters(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """All of 300 long parameters arrive, on the session's run and on its children."""
    parameters = {f"p{n}": "日" * 4000 for n in range(300)}
    log = write(home, session(cwd=str(folder), parameters=parameters), [record(1, name="a", parameters=parameters)])
    assert deliver(log)["problem"] is None
    assert of_session(database).params == parameters
    (child,) = children(database).values()
    assert child.params == parameters


def test_long_session(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A session of 1,200 cells, more than MLflow takes in a request, arrives whole."""
    deliver(write(home, session(cwd=str(folder)), [record(n) for n in range(1, 1201)], OK))
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(n, 10.0) for n in range(1, 1201)]
    assert run.latest["energy_j"] == 1200 * 11 + 2


def test_parameters_after_a_crash(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A run that was made and then left by a crash gets its parameters all the same."""
    log = write(home, session(cwd=str(folder), parameters={"a": "1"}), [record(1)])
    deliver(log)
    receipts_path(log).unlink()
    with closing(sqlite3.connect(database)) as connection:
        for table in ("params", "metrics", "latest_metrics"):
            connection.execute(f"DELETE FROM {table}")
        connection.commit()
    deliver(log)
    run = of_session(database)
    assert run.params == {"a": "1"}
    assert run.metrics["cell_energy_j"] == [(1, 10.0)]


def test_several_places(home: Path, tmp_path: Path, deliver: Deliver, make_store: Callable[[Path], str]) -> None:
    """Each record goes to the place it names; one that is away keeps no other waiting, and is served later."""
    a, b = (Target(tracking_uri=make_store(tmp_path / name), experiment=None) for name in "ab")
    away = Target(tracking_uri="http://127.0.0.1:9", experiment=None)
    records = [
        record(1, mlflow=away),
        record(2, mlflow=a),
        record(3, mlflow=replace(a, experiment="other")),
        record(4, mlflow=b),
        record(5, mlflow=away),
    ]
    log = write(home, session(cwd=str(tmp_path)), records)
    outcome = deliver(log)
    assert outcome["delivered"] == 3
    assert "did not answer" in outcome["problem"]
    assert "jupyter green sync" in outcome["problem"]
    found = {run.experiment: run for run in runs(tmp_path / "a" / "mlflow.db")}
    assert {name: run.metrics["cell_energy_j"] for name, run in found.items()} == {
        "Default": [(1, 10.0)],
        "other": [(1, 10.0)],
    }
    assert of_session(tmp_path / "b" / "mlflow.db").metrics["cell_energy_j"] == [(1, 10.0)]
    receipts = read_receipts(log)
    assert receipts.record_ids == {f"{S}-{n}" for n in (2, 3, 4)}
    assert receipts.problem == outcome["problem"]
    assert deliver(log)["delivered"] == 0
    assert receipts_path(log).read_text().count('"problem"') == 1


def test_record_without_a_place_waits(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Records that name no place stay in the journal until one of the session names one, or somebody asks."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, mlflow=None), record(2, mlflow=None)])
    assert deliver(journal.path)["delivered"] == 0
    assert runs(database) == []
    add(journal, [record(3, name="fit")])
    assert deliver(journal.path)["delivered"] == 3
    assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (3, 10.0)]


def test_record_stays_where_it_was_sent(
    database: Path, home: Path, folder: Path, tmp_path: Path, deliver: Deliver, make_store: Callable[[Path], str]
) -> None:
    """What a click sent to one place is not sent again to the place that a later cell names."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, mlflow=None), record(2, mlflow=None)])
    assert deliver(journal.path, wanted=DEFAULT)["delivered"] == 2
    add(journal, [record(3, mlflow=Target(tracking_uri=make_store(tmp_path / "b"), experiment="x"))], OK)
    assert deliver(journal.path)["delivered"] == 1
    assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0)]
    assert of_session(tmp_path / "b" / "mlflow.db").metrics["cell_energy_j"] == [(1, 10.0)]
    assert {run.status for where in (database, tmp_path / "b" / "mlflow.db") for run in runs(where)} == {"FINISHED"}


def _experiment(database: Path, name: str, stage: str = "active", number: int = 7) -> None:
    with closing(sqlite3.connect(database)) as connection:
        columns = "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time, workspace"
        known = [row[1] for row in connection.execute("PRAGMA table_info(experiments)")]
        used = [column for column in columns.split(", ") if column in known]
        values = {
            "experiment_id": number,
            "name": name,
            "artifact_location": f"{database.parent}/artifacts/{number}",
            "lifecycle_stage": stage,
            "creation_time": 1,
            "last_update_time": 1,
            "workspace": "default",
        }
        connection.execute(
            f"INSERT INTO experiments ({', '.join(used)}) VALUES ({', '.join('?' * len(used))})",
            [values[column] for column in used],
        )
        connection.commit()


@pytest.mark.parametrize("experiment", ["mine", "id:7"])
def test_experiment_by_name_or_id(database: Path, home: Path, folder: Path, deliver: Deliver, experiment: str) -> None:
    """An experiment that is there is used, by its name or its id."""
    _experiment(database, "mine")
    target = Target(tracking_uri=None, experiment=experiment)
    deliver(write(home, session(cwd=str(folder)), [record(1, mlflow=target)]))
    assert of_session(database).experiment == "mine"


FOREST = Target(tracking_uri=None, experiment="forest")
BY_ID = Target(tracking_uri=None, experiment="id:7")


def _names(kind: str, database: Path) -> tuple[Target, Target]:
    """Two names of one experiment."""
    if kind == "its name and its id":
        _experiment(database, "forest")
        return FOREST, BY_ID
    if kind == "the default and its id":
        return DEFAULT, replace(DEFAULT, experiment="id:0")
    if kind == "the default's name and the default":
        return replace(DEFAULT, experiment="Default"), DEFAULT
    return DEFAULT, Target(tracking_uri=f"sqlite:///{database}", experiment=None)


@pytest.mark.parametrize("is_at_once", [True, False], ids=["at once", "as they come"])
@pytest.mark.parametrize(
    "kind",
    [
        "its name and its id",
        "the default and its id",
        "the default's name and the default",
        "the default store and its address",
    ],
)
def test_one_experiment_under_two_names(
    database: Path, home: Path, folder: Path, deliver: Deliver, kind: str, is_at_once: bool
) -> None:
    """Records that name one experiment differently are one run: no step twice, totals and table of all of them."""
    one, other = _names(kind, database)
    journal = Journal(home, session(cwd=str(folder)))
    for number, goal in enumerate([one, one, other, one, other, other], start=1):
        add(journal, [record(number, mlflow=goal, name="fit" if number in (1, 3) else None)])
        if not is_at_once:
            assert deliver(journal.path)["delivered"] == 1
            assert of_session(database).latest["energy_j"] == 11.0 * number
    add(journal, [], OK)
    assert deliver(journal.path)["problem"] is None
    run = of_session(database)
    assert run.status == "FINISHED"
    assert run.metrics["cell_energy_j"] == [(number, 10.0) for number in range(1, 7)]
    assert run.latest["energy_j"] == 68.0
    assert [row["cell"] for row in run.cells] == [1, 2, 3, 4, 5, 6]
    assert sorted(children(database)) == [f"{S}-1", f"{S}-3"]
    before = _rows(database)
    assert deliver(journal.path)["run_id"] is None
    receipts_path(journal.path).unlink()
    deliver(journal.path)
    assert _rows(database) == before


def test_experiment_that_another_name_makes(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """An id that no experiment has, until another record's name makes it: what was held up comes behind, once."""
    records = [record(1, mlflow=replace(DEFAULT, experiment="id:1"), joules=20.0), record(2, mlflow=FOREST)]
    log = write(home, dead(cwd=str(folder)), records)
    outcome = deliver(log)
    assert (outcome["delivered"], "No Experiment with id=1" in outcome["problem"]) == (1, True)
    outcome = deliver(log)
    assert (outcome["delivered"], outcome["problem"]) == (1, None)
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 20.0)]
    assert run.latest["energy_j"] == 32.0
    assert [row["cell"] for row in run.cells] == [1, 2]
    assert deliver(log)["delivered"] == 0


def test_receipts_of_two_names(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Receipts that name one run's experiment in two ways, as earlier versions wrote them, count as one run's."""
    _experiment(database, "forest")
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, mlflow=FOREST), record(2, mlflow=FOREST)])
    deliver(journal.path)
    add(journal, [record(3, mlflow=BY_ID)])
    (before,) = read_receipts(journal.path).delivered
    write_receipt(journal.path, replace(before, goal=BY_ID, record_ids=(f"{S}-3",)), 0.0)
    add(journal, [record(4, mlflow=FOREST), record(5, mlflow=None)], OK)
    assert deliver(journal.path)["delivered"] == 2
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (4, 10.0), (5, 10.0)]
    assert run.latest["energy_j"] == 57.0
    assert len(run.cells) == 5


def test_other_name_while_the_first_place_is_away(
    home: Path, folder: Path, tmp_path: Path, deliver: Deliver, make_store: Callable[[Path], str]
) -> None:
    """What MLflow has already needs no word from its store, so one that is away holds nothing up."""
    away = Target(tracking_uri=make_store(tmp_path / "away"), experiment=None)
    make_store(folder)
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, mlflow=away)])
    deliver(journal.path)
    (tmp_path / "away" / "mlflow.db").write_bytes(b"no database at all, but a file as long as its header is")
    add(journal, [record(2)])
    outcome = deliver(journal.path)
    assert (outcome["delivered"], outcome["problem"]) == (1, None)


def test_missing_experiment_is_made(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """An experiment that is not there is made by its name, odd characters and all."""
    target = Target(tracking_uri=None, experiment="größe '日'/x")
    deliver(write(home, session(cwd=str(folder)), [record(1, mlflow=target)]))
    assert of_session(database).experiment == "größe '日'/x"


def test_missing_experiment_id(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """An id that no experiment has is a problem in one sentence; the record is kept."""
    target = Target(tracking_uri=None, experiment="id:99")
    outcome = deliver(write(home, session(cwd=str(folder)), [record(1, mlflow=target)]))
    assert outcome["problem"] == (
        f"MLflow at sqlite:///{database}: No Experiment with id=99 exists."
        f" The records are kept and will be sent by: {typed('jupyter')} green sync"
    )


def test_deleted_experiment(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A deleted experiment gets nothing; the sentence says how to restore it, and then the record arrives."""
    _experiment(database, "mine", "deleted")
    log = write(home, session(cwd=str(folder)), [record(1, mlflow=Target(tracking_uri=None, experiment="mine"))])
    problem = deliver(log)["problem"]
    assert f"the experiment 'mine' is deleted. Restore it ({typed('mlflow')} experiments restore -x 7)" in problem
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE experiments SET lifecycle_stage = 'active'")
        connection.commit()
    assert deliver(log)["delivered"] == 1
    assert of_session(database).experiment == "mine"


def test_renamed_default_experiment(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """MLflow's default experiment is the one with id 0, whatever somebody called it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE experiments SET name = 'ours'")
        connection.commit()
    deliver(write(home, session(cwd=str(folder)), [record(1)]))
    assert of_session(database).experiment == "ours"


def test_deleted_run(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A run that somebody deleted is not filled behind their back; the sentence says how to restore it."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1)])
    run_id = deliver(journal.path)["run_id"]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
        connection.commit()
    add(journal, [record(2)])
    problem = deliver(journal.path)["problem"]
    assert f"the run {run_id} was deleted. Restore it ({typed('mlflow')} runs restore --run-id {run_id})" in problem
    assert [run.metrics["cell_energy_j"] for run in runs(database)] == [[(1, 10.0)]]


def test_store_thrown_away(
    database: Path, home: Path, folder: Path, deliver: Deliver, make_store: Callable[[Path], str]
) -> None:
    """If the store was thrown away and made anew, a session that goes on is in the new one as a whole."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, name="fit")])
    deliver(journal.path)
    database.unlink()
    make_store(folder)
    add(journal, [record(2)])
    assert deliver(journal.path)["problem"] is None
    run = of_session(database)
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0)]
    assert list(children(database)) == [f"{S}-1"]


def test_run_keeps_the_name_that_somebody_gave_it(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A run that was renamed in MLflow's interface stays renamed."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1)])
    deliver(journal.path)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE runs SET name = 'best'")
        connection.execute("UPDATE tags SET value = 'best' WHERE key = 'mlflow.runName'")
        connection.commit()
    add(journal, [record(2)])
    deliver(journal.path)
    assert of_session(database).name == "best"


def test_credentials_stay_out(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Credentials of the tracking URI are in no file of ours and in no sentence, not even when it fails."""
    away = Target(tracking_uri="http://127.0.0.1:9", experiment=None)
    log = write(home, session(cwd=str(folder)), [record(1, mlflow=away), record(2)])
    environ = clean_environ(home, MLFLOW_TRACKING_URI="http://ann:tops3cret@127.0.0.1:9")
    outcome = deliver(log, environ=environ)
    assert "http://127.0.0.1:9: it did not answer" in outcome["problem"]
    for path in (*home.rglob("*"), *folder.rglob("*")):
        if path.is_file():
            assert b"tops3cret" not in path.read_bytes()
    assert "tops3cret" not in json.dumps(outcome)


def test_artifacts_that_cannot_be_stored(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """If only the table cannot be stored, the figures and the status are right, and one sentence says what failed."""
    (folder / "file").write_text("")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (f"{folder}/file/artifacts",))
        connection.commit()
    log = write(home, dead(cwd=str(folder)), [record(1, name="fit")])
    assert "Not a directory" in deliver(log)["problem"]
    run = of_session(database)
    assert (run.status, run.metrics["cell_energy_j"]) == ("KILLED", [(1, 10.0)])
    assert len(children(database)) == 1
    (folder / "file").unlink()
    assert deliver(log)["problem"] is None
    assert len(of_session(database).cells) == 1


def test_store_with_options(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A store's address may have options; they are no part of the file's name."""
    target = Target(tracking_uri=f"sqlite:///{database}?timeout=5", experiment=None)
    assert deliver(write(home, session(cwd=str(folder)), [record(1, mlflow=target)]))["problem"] is None
    assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0)]
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]


@pytest.mark.long  # MLflow itself waits 20 s for a lock
def test_locked_database(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """While another connection holds the database, the records are kept and a sentence says why; then they arrive."""
    log = write(home, session(cwd=str(folder)), [record(1, name="fit")])
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        problem = deliver(log)["problem"]
        connection.execute("ROLLBACK")
    assert "database is locked" in problem
    assert "The records are kept" in problem
    assert deliver(log)["problem"] is None
    assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0)]
    assert list(children(database)) == [f"{S}-1"]


def test_two_deliverers_at_once(
    database: Path, home: Path, folder: Path, nursery: Nursery, second_nursery: Nursery
) -> None:
    """Two that deliver the same sessions at the same time deliver each record once."""
    logs = [
        write(
            home,
            session(f"{n:016x}", cwd=str(folder)),
            [record(m, session_id=f"{n:016x}", name="fit" if m == 2 else None) for m in (1, 2, 3)],
            OK,
        )
        for n in range(4)
    ]
    nursery.begin(home, *logs)
    second_nursery.begin(home, *reversed(logs))
    first, second = nursery.outcomes(), second_nursery.outcomes()
    assert first is not None
    assert second is not None
    assert (
        sorted(one["delivered"] + two["delivered"] for one, two in zip(first, reversed(second), strict=True)) == [3] * 4
    )
    found = [run for run in runs(database) if run.record is None]
    assert len(found) == 4
    assert all(run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0), (3, 10.0)] for run in found)
    assert len(children(database)) == 4


def test_one_process_delivers_to_several_defaults(
    home: Path, tmp_path: Path, nursery: Nursery, make_store: Callable[[Path], str]
) -> None:
    """Sessions of several folders, delivered by one process, each go to their own folder's store."""
    for name in "abc":
        make_store(tmp_path / name)
    explicit = Target(tracking_uri=f"sqlite:///{tmp_path}/b/mlflow.db", experiment=None)
    logs = [
        write(home, session("a" * 16, cwd=str(tmp_path / "a")), [record(1, session_id="a" * 16)]),
        write(home, session("b" * 16, cwd=str(tmp_path)), [record(1, session_id="b" * 16, mlflow=explicit)]),
        write(home, session("c" * 16, cwd=str(tmp_path / "c")), [record(1, session_id="c" * 16)]),
    ]
    nursery.begin(home, *logs)
    assert nursery.outcomes() is not None
    assert [of_session(tmp_path / name / "mlflow.db").session for name in "abc"] == [name * 16 for name in "abc"]


def test_folder_that_is_gone(database: Path, home: Path, folder: Path, tmp_path: Path, deliver: Deliver) -> None:
    """If the notebook's folder is gone, a named store still gets its records, and the default one is a problem."""
    explicit = Target(tracking_uri=f"sqlite:///{database}", experiment=None)
    gone = str(tmp_path / "gone")
    assert deliver(write(home, session(cwd=gone), [record(1, mlflow=explicit)]))["problem"] is None
    other = session("e" * 16, cwd=gone)
    problem = deliver(write(home, other, [record(1, session_id="e" * 16)]))["problem"]
    assert f"MLflow at {gone}: [Errno 2] No such file or directory" in problem


def test_receipts_that_cannot_be_written(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """Without receipts delivery works, looks into MLflow each time, and doubles nothing."""
    log = write(home, session(cwd=str(folder)), [record(1, name="fit")])
    (home / "receipts").write_text("in the way")
    assert deliver(log)["problem"] is None
    assert deliver(log)["problem"] is None
    assert of_session(database).metrics["cell_energy_j"] == [(1, 10.0)]
    assert len(children(database)) == 1


def test_journal_that_is_not_there(home: Path, deliver: Deliver) -> None:
    """A journal file that cannot be read, or says nothing, is a problem in a sentence."""
    assert "No such file" in deliver(home / "journal" / "none.jsonl")["problem"]
    (home / "journal").mkdir(parents=True, exist_ok=True)
    (home / "journal" / "empty.jsonl").write_bytes(b"\n\n")
    assert deliver(home / "journal" / "empty.jsonl")["problem"] == "the journal holds no session"


def test_async_logging_of_the_user_is_not_ours(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A user's switch to asynchronous logging, or an active model, changes nothing of what we send."""
    environ = clean_environ(home, MLFLOW_ENABLE_ASYNC_LOGGING="true", MLFLOW_ACTIVE_MODEL_ID="m-1")
    deliver(write(home, session(cwd=str(folder)), [record(n) for n in range(1, 50)], OK), environ=environ)
    assert len(of_session(database).metrics["cell_energy_j"]) == 49
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM logged_model_metrics").fetchone() == (0,)


def test_plain_keys() -> None:
    """Names become what MLflow takes, and two that become one stay two."""
    for name in ("", ".", "..", "/", "a//b", "a/../b", "/a", "a/", "x" * 999, "a/" * 200, "\ud800", "\n", "é:ü"):
        key = plain_key(name)
        assert 0 < len(key) <= 250
        assert plain_key(key) == key
    assert list(plain({"a?": "1", "a!": "2", "a*": "3"})) == ["a_", "a__2", "a__3"]


def test_batches() -> None:
    """Parameters go in parts of at most 100 and of a bounded size; none is left out."""
    values = {f"k{n}": "x" * (n % 7 * 1000) for n in range(250)}
    parts = list(batches(values, 100_000))
    assert dict(pair for part in parts for pair in part) == values
    assert max(map(len, parts)) <= 100
    assert list(batches({}, 10)) == []
    assert [len(part) for part in batches({"a": "x" * 1000, "b": "x" * 1000}, 10)] == [1, 1]


def test_gap_that_is_unknown(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A gap before a cell that could not be measured is left out of the total, and the known ones are in it."""
    records = [record(1, between_j=None), record(2, between_j=Between(value=4.0, low=2.0, high=8.0))]
    deliver(write(home, session(cwd=str(folder)), records))
    assert of_session(database).latest["energy_j"] == 24.0


def test_what_is_to_stay_here(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A cell that said ``--mlflow off`` goes nowhere, nor does what it holds, and the session's total is without it."""
    records = [
        record(1, name="private", mlflow=None, stays=True, tags={"customer": "ACME"}),
        record(2, name="inside", kind="block", part_of=f"{S}-1"),
        record(3, name="public", between_j=None),
    ]
    log = write(home, dead(cwd=str(folder)), records, OK)
    outcome = deliver(log)
    assert outcome["delivered"] == 1
    assert "ACME" not in database.read_bytes().decode("latin-1")
    made = runs(database)
    assert [run.name for run in made if run.record is not None] == ["public"]
    (session_run,) = [run for run in made if run.record is None]
    assert [row["name"] for row in session_run.cells] == ["public"]


def test_what_is_inside_of_what_is_to_stay_here(
    database: Path, home: Path, folder: Path, tmp_path: Path, deliver: Deliver, make_store: Callable[[Path], str]
) -> None:
    """Whatever a cell of ``--mlflow off`` holds, however deep, goes nowhere and names no place for others."""
    named = Target(tracking_uri=make_store(tmp_path / "named"), experiment=None)
    records = [
        record(1, name="innermost", kind="block", part_of=f"{S}-2", mlflow=named),
        record(2, name="inner", kind="block", part_of=f"{S}-3", mlflow=named),
        record(3, name="private", mlflow=None, stays=True),
        record(4, mlflow=None),
        record(5, name="public"),
    ]
    log = write(home, dead(cwd=str(folder)), records, OK)
    assert deliver(log)["delivered"] == 2
    assert {run.name for run in runs(database) if run.record is not None} == {"public"}
    assert runs(tmp_path / "named" / "mlflow.db") == []


def test_records_that_hold_each_other(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A journal that says of two records that each holds the other ends no delivery."""
    records = [
        record(1, part_of=f"{S}-2"),
        record(2, part_of=f"{S}-1"),
        record(3, stays=True, part_of=f"{S}-4"),
        record(4, part_of=f"{S}-3"),
    ]
    assert deliver(write(home, dead(cwd=str(folder)), records, OK))["delivered"] == 2


def test_totals_of_several_runs_are_the_session(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A session in two experiments: what it used after its last record stands in one of the totals, not in both."""
    end = replace(OK, between_j=Between(value=10.0, low=5.0, high=20.0, cpu_s=2.5))
    records = [record(1), record(2, mlflow=replace(DEFAULT, experiment="other")), record(3)]
    deliver(write(home, dead(cwd=str(folder)), records, end))
    sums = [run.latest["energy_j"] for run in runs(database)]
    assert sorted(sums) == [11.0, 32.0]


def test_part_in_another_experiment(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A block that goes elsewhere than the cell around it is in that cell's run's total only, and keeps its own run."""
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, [record(1, kind="block", name="part", part_of=f"{S}-2", between_j=None, mlflow=FOREST, joules=4.0)])
    deliver(journal.path)  # while the cell around it still runs
    add(journal, [record(2)])
    deliver(journal.path)
    add(journal, [], OK)
    assert deliver(journal.path)["problem"] is None
    found = {run.experiment: run for run in runs(database) if run.record is None}
    assert {name: run.latest.get("energy_j") for name, run in found.items()} == {"Default": 13.0, "forest": None}
    assert {name: run.metrics.get("cell_energy_j") for name, run in found.items()} == {
        "Default": [(1, 10.0)],
        "forest": None,
    }
    assert [row["energy_j"] for row in found["forest"].cells] == [4.0]
    (part,) = children(database).values()
    assert (part.experiment, part.latest["energy_j"], part.tags["green.part_of"]) == ("forest", 4.0, f"{S}-2")


def test_part_of_what_never_ended(database: Path, home: Path, folder: Path, deliver: Deliver) -> None:
    """A block whose cell was killed stands for itself, in the total and the series; as long as that runs, in none."""
    records = [record(n, kind="block", part_of=f"{S}-9", between_j=None) for n in (1, 2)]
    journal = Journal(home, session(cwd=str(folder)))
    add(journal, records)
    deliver(journal.path)
    assert of_session(database).metrics == {}
    lines = journal.path.read_bytes().replace(b'"pid_started":', b'"pid_started":1,"was":')
    journal.path.write_bytes(lines)  # its process is gone
    deliver(journal.path)
    run = of_session(database)
    assert (run.status, run.latest["energy_j"]) == ("KILLED", 20.0)
    assert run.metrics["cell_energy_j"] == [(1, 10.0), (2, 10.0)]
