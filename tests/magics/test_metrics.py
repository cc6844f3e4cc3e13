"""Accuracy beside energy: what ``-m`` evaluates, and what well-known names a cell assigned."""

from __future__ import annotations

import pytest

from jupyter_green.records import CellRecord
from tests.kernels import Kernel


def _cell(kernel: Kernel, code: str) -> CellRecord:
    before = len(kernel.records())
    reply = kernel.run(code)
    assert (reply.status, reply.stream("stderr")) == ("ok", "")
    return next(record for record in kernel.records()[before:] if record.kind == "cell")


@pytest.mark.parametrize(
    ("expression", "value", "note"),
    [
        ("0.25", 0.25, None),
        ("True", 1.0, None),
        ("__import__('numpy').float32(0.5)", 0.5, None),
        ("__import__('numpy').array([0.5])", 0.5, None),
        ("__import__('decimal').Decimal('0.5')", 0.5, None),
        ("float('nan')", None, "metric m is nan"),
        ("float('-inf')", None, "metric m is -inf"),
        ("'good'", None, "metric m is no number but of type str"),
        ("[1, 2]", None, "metric m is no number but of type list"),
        ("None", None, "metric m is no number but of type NoneType"),
        ("1j", None, "metric m is no number but of type complex"),
        ("__import__('numpy').zeros(3)", None, "metric m is no number but of type ndarray"),
        ("10 ** 400", None, "metric m is no number but of type int"),
        ("no_such_name", None, "metric m: NameError: name 'no_such_name' is not defined"),
        ("1 / 0", None, "metric m: ZeroDivisionError: division by zero"),
        ("1 +", None, "metric m: SyntaxError: invalid syntax (<-m m>, line 1)"),
        ("__import__('sys').exit(3)", None, "metric m: SystemExit: 3"),
        ("Odd()", None, "metric m is no number but of type Odd"),
        ("odd_error()", None, "metric m: OddError"),
        ("long_error()", None, "metric m: ValueError: " + "two lines of text " * 11 + "tw"),
    ],
)
def test_a_metric_is_a_number_or_says_why_not(
    expression: str, value: float | None, note: str | None, kernel: Kernel
) -> None:
    """``-m`` takes numbers of any kind; of anything else the record says what it was, and the other metrics stay."""
    if not kernel.value("'Odd' in globals()"):
        kernel.run(
            "class Odd:\n    def __float__(self): raise ValueError('no')\n"
            "class OddError(Exception):\n    def __str__(self): raise ValueError('no')\n"
            "def odd_error(): raise OddError\n"
            "def long_error(): raise ValueError('two lines\\nof text ' * 1000)"
        )
    record = _cell(kernel, f"%%track_energy --quiet -m m={expression} other=2\npass")
    assert dict(record.metrics) == {"m": value, "other": 2.0}
    assert [said[: len(note or "")] for said in record.notes] == ([] if note is None else [note])
    assert kernel.run("1 + 1").result == "2"


def test_scoring_is_a_record_of_its_own(kernel: Kernel) -> None:
    """Scoring is measured apart: its time is not the cell's."""
    kernel.run(
        "from time import process_time as p\ndef score():\n    t = p()\n    while p() < t + 0.1: pass\n    return 1"
    )
    before = len(kernel.records())
    kernel.run("%%track_energy --quiet -m a=score()\npass")
    kernel.run("%%track_energy --quiet\npass")
    cell, scoring, after = kernel.records()[before:]
    assert (cell.kind, scoring.kind, scoring.part_of) == ("cell", "scoring", None)
    assert cell.energy.cpu_s is not None
    assert scoring.energy.cpu_s is not None
    assert cell.energy.cpu_s < 0.09 < scoring.energy.cpu_s
    assert after.kind == "cell"


def test_a_scoring_that_runs_cells_harms_nothing(kernel: Kernel) -> None:
    """An expression may itself run a measured cell; each record is written once."""
    before = len(kernel.records())
    kernel.run("def score(): return get_ipython().run_cell('%%track_energy --quiet -n inner\\n5').result")
    kernel.run("%%track_energy --quiet -n outer -m a=score()\npass")
    records = kernel.records()[before:]
    assert sorted(record.name or "" for record in records if record.kind == "cell") == ["inner", "outer"]
    assert [dict(record.metrics) for record in records if record.name == "outer" and record.kind == "cell"] == [
        {"a": 5.0}
    ]


@pytest.mark.parametrize(
    ("code", "metrics"),
    [
        ("accuracy = 0.5", {"accuracy": 0.5}),
        ("acc, loss = 0.5, 0.25", {"acc": 0.5, "loss": 0.25}),
        ("for loss in (3, 2, 1): pass", {"loss": 1.0}),
        ("if True:\n    f1 = 0.75", {"f1": 0.75}),
        ("r2: float = 0.125", {"r2": 0.125}),
        ("loss = 4\nloss -= 1", {"loss": 3.0}),
        ("if (auc := 0.5) > 0: pass", {"auc": 0.5}),
        ("print(accuracy)", {}),
        ("x = accuracy", {}),
        ("def f():\n    accuracy = 1", {}),
        ("class C:\n    accuracy = 1", {}),
        ("y = [loss for loss in range(3)]", {}),
        ("d = dict(accuracy=1)", {}),
        ("'accuracy = 1'", {}),
        ("model_accuracy = 1", {}),
        ("rmse = None", {}),
        ("mae = 'small'", {}),
        ("del accuracy", {}),
    ],
)
def test_well_known_names_only_if_this_cell_assigned_them(code: str, metrics: dict[str, float], kernel: Kernel) -> None:
    """Without ``-m`` a well-known name counts when the cell gave it a number, not when it was there before."""
    kernel.run("accuracy = 0.9")
    assert dict(_cell(kernel, f"%%track_energy --quiet\n{code}").metrics) == metrics


def test_a_failed_cell_has_no_accuracy(kernel: Kernel) -> None:
    """A cell that fails after assigning a well-known name has no metric of it."""
    before = len(kernel.records())
    kernel.run("%%track_energy --quiet\naccuracy = 0.5\n1 / 0")
    (record,) = kernel.records()[before:]
    assert (record.status, dict(record.metrics)) == ("error", {})


@pytest.mark.parametrize(
    "code",
    [
        "class Lazy:\n    def __float__(self): print('computed'); return 1.0\nloss = Lazy()",
        "acc = []",
        "import operator; loss = operator.sub",
        "f1 = '0.9'",
        "import numpy; mae = numpy.ones(3)",
    ],
)
def test_what_is_no_number_is_no_metric_that_nobody_asked_for(code: str, kernel: Kernel) -> None:
    """Without ``-m`` only numbers count; the user's own objects are not asked to become one."""
    reply = kernel.run(f"%%track_energy --quiet --mlflow off\n{code}")
    assert (reply.status, reply.stream("stdout")) == ("ok", "")
    assert (dict(kernel.records()[-1].metrics), kernel.records()[-1].notes) == ({}, ())


def test_a_metric_of_before_is_not_kept_alive(kernel: Kernel) -> None:
    """What a well-known name held before a cell is freed where the cell frees it: it may be a network's graph."""
    kernel.run("%track_energy on\nclass Big:\n    def __del__(self): print('freed')\nloss = Big()")
    reply = kernel.run("loss = None; print('after'); loss = 0.5")
    assert reply.stream("stdout") == "freed\nafter\n"
    assert dict(kernel.records()[-1].metrics) == {"loss": 0.5}
    kernel.run("%track_energy off")
