"""What counts as accuracy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_green.track.accuracy import as_metrics, as_number, assigned, mentioned

NAMES = frozenset({"acc", "loss", "f1"})


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("acc = 1", {"acc": True}),
        ("acc: float = 1", {"acc": True}),
        ("acc: float", {}),
        ("acc += 1", {"acc": True}),
        ("acc, (loss, *f1) = values()", {"acc": True, "loss": True, "f1": True}),
        ("x = acc = 1", {"acc": True}),
        ("print(acc := 1)", {"acc": False}),
        ("x = y and (acc := 1)", {"acc": False}),
        ("x = [(acc := v) for v in y]", {"acc": False}),
        ("x = [acc for acc in y]", {}),
        ("if x:\n    acc = 1", {"acc": False}),
        ("if x:\n    acc = 1\nacc = 2", {"acc": True}),
        ("acc = 2\nif x:\n    acc = 1", {"acc": True}),
        ("for acc in y:\n    pass", {"acc": False}),
        ("with y as acc:\n    pass", {"acc": False}),
        ("try:\n    acc = 1\nexcept E:\n    loss = 2", {"acc": False, "loss": False}),
        ("def f():\n    acc = 1", {}),
        ("async def f():\n    acc = 1", {}),
        ("class C:\n    acc = 1", {}),
        ("f = lambda: (acc := 1)", {}),
        ("del acc", {}),
        ("acc", {}),
        ("acc.best = 1\nacc[0] = 2", {}),
        ("accuracy = 1", {}),
        ("acc = = 1", {}),
        ("%time acc = 1", {}),
        ("\x00", {}),
        ("(" * 10_000, {}),
        ("", {}),
        ("get_ipython().run_line_magic('time', 'x')\nacc = 1", {"acc": True}),
        ("acc = await f()", {"acc": True}),
    ],
)
def test_assigned(code: str, found: dict[str, bool]) -> None:
    """A name counts if the cell itself assigns it, and surely so only outside branches, loops and expressions."""
    assert assigned(code, NAMES) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("accuracy = 1; f1 = 2", {"accuracy", "f1"}),
        ("my_acc = accuracies[0]", set()),
        ("%time acc = 1", {"acc"}),
        ("", set()),
    ],
)
def test_mentioned(code: str, found: set[str]) -> None:
    """The quick look finds whole words only."""
    assert mentioned(code) == found


class Broken:
    """A number that is none."""

    def __float__(self) -> float:
        raise RuntimeError("no")


class Sly:
    """An object that answers a question with an error."""

    def __getattr__(self, name: str) -> Any:
        if name == "ndim":
            raise OSError(name)
        raise AttributeError(name)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.5, 0.5),
        (1, 1.0),
        (True, 1.0),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.bool_(True), 1.0),
        (np.array(0.5), 0.5),
        (np.array([0.5]), 0.5),
        (np.array([[0.5]]), 0.5),
        (pd.Series([0.5]), 0.5),
    ],
)
def test_numbers(value: Any, number: float) -> None:
    """Every kind of number, and an array of one, is that number."""
    assert as_number(value) == (number, None)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "is nan"),
        (float("-inf"), "is -inf"),
        (np.float64("nan"), "is nan"),
        (Decimal("NaN"), "is nan"),
        (np.array([np.inf]), "is inf"),
        ("0.5", "is no number but of type str"),
        (b"0.5", "is no number but of type bytes"),
        (bytearray(b"0.5"), "is no number but of type bytearray"),
        (1j, "is no number but of type complex"),
        (None, "is no number but of type NoneType (TypeError)"),
        ([0.5], "is no number but of type list (TypeError)"),
        ({}, "is no number but of type dict (TypeError)"),
        (10**400, "is no number but of type int (OverflowError)"),
        (Decimal("sNaN"), "is no number but of type Decimal (ValueError)"),
        (np.array([0.5, 0.6]), "is no number but of type ndarray (ValueError)"),
        (np.array([]), "is no number but of type ndarray (ValueError)"),
        (np.array(["0.5"]), "is no number but of type ndarray"),
        (pd.Series([1.0, 2.0]), "is no number but of type Series (ValueError)"),
        (pd.DataFrame({"a": [1.0]}), "is no number but of type DataFrame (AttributeError)"),
        (memoryview(b"1"), "is no number but of type memoryview (AttributeError)"),
        (Broken(), "is no number but of type Broken (RuntimeError)"),
        (Sly(), "is no number but of type Sly (OSError)"),
        (int, "is no number but of type type (TypeError)"),
    ],
)
def test_no_numbers(value: Any, problem: str) -> None:
    """What is no finite number is unknown, and a note says what it is instead; nothing is raised."""
    assert as_number(value) == (None, problem)


def test_tensors() -> None:
    """A tensor of one number is that number, wherever its gradient goes; any other is none."""
    torch = pytest.importorskip("torch")
    assert as_number(torch.tensor(0.5)) == (0.5, None)
    assert as_number(torch.tensor([0.5], requires_grad=True)) == (0.5, None)
    assert as_number(torch.tensor([[2]])) == (2.0, None)
    assert as_number(torch.tensor([0.5, 0.6])) == (None, "is no number but of type Tensor (RuntimeError)")
    assert as_number(torch.tensor(float("nan"))) == (None, "is nan")


def test_metrics_keep_their_names() -> None:
    """A metric that is no number stays, unknown, with a note that names it."""
    metrics, notes = as_metrics({"a": 1, "b": "good"})
    assert metrics == {"a": 1.0, "b": None}
    assert notes == ["metric b is no number but of type str"]
