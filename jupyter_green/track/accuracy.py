"""What counts as accuracy: the metrics a user asked for, and the well-known names a cell assigned."""

from __future__ import annotations

import ast
import math
import numbers
import re
from collections.abc import Mapping
from typing import Any

WELL_KNOWN = ("accuracy", "acc", "f1", "r2", "auc", "rmse", "mae", "loss")

_OF_ONE = ((), (1,))  # shapes of one number

_MENTIONED = re.compile(rf"\b(?:{'|'.join(WELL_KNOWN)})\b")


def mentioned(code: str) -> frozenset[str]:
    """Return the well-known names that stand anywhere in a cell: a quick look before the cell runs.

    >>> sorted(mentioned("accuracy = clf.score(X, y)"))
    ['accuracy']
    """
    return frozenset(_MENTIONED.findall(code))


def assigned(code: str, names: frozenset[str]) -> dict[str, bool]:
    """Return which of these names a cell assigns at its top level, and whether it surely does.

    Args:
        code: The cell as Python (magics transformed).
        names: Names to look for.

    >>> assigned("acc = 1" + chr(10) + "if x: loss = 2", frozenset({"acc", "loss", "f1"}))
    {'acc': True, 'loss': False}
    """
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, bool] = {}
    for statement in body:
        certain = _stored(*_targets(statement))
        for name in _stored(statement) & names:
            found[name] = found.get(name, False) or name in certain
    return found


def _targets(statement: ast.stmt) -> list[ast.expr]:
    """Return what a statement surely assigns; a name in a branch, a loop or an expression may go without."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return [] if statement.value is None else [statement.target]
    return []


def _stored(*nodes: ast.AST) -> set[str]:
    names: set[str] = set()
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.comprehension):
            continue  # names in there are not the cell's
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue  # a type without a value
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def as_number(value: Any) -> tuple[float | None, str | None]:
    """Return a metric's value as a float, or None and why it is none.

    >>> as_number(0.5), as_number(float("nan")), as_number("good")
    ((0.5, None), (None, 'is nan'), (None, 'is no number but of type str'))
    """
    try:
        # An array, tensor or series of one number is that number; item() raises for any other.
        one = value.item() if getattr(value, "ndim", 0) else value
        if isinstance(one, str | bytes | bytearray | complex):
            return None, f"is no number but of type {type(value).__name__}"
        number = float(one)
    except Exception as error:  # the value is the user's own object: its __float__ may raise anything
        return None, f"is no number but of type {type(value).__name__} ({type(error).__name__})"
    if not math.isfinite(number):
        return None, f"is {number}"
    return number, None


def is_number(value: Any) -> bool:
    """Tell whether a value that nobody asked to score is a number, without running code of its own.

    Numbers of numpy and of torch are; a lazy array, or a loss that is a function, is not.

    >>> is_number(0.5), is_number([1.0]), is_number(print)
    (True, False, False)
    """
    if isinstance(value, numbers.Real):
        return True
    made_by = type(value).__module__.partition(".")[0]
    return made_by in ("numpy", "torch") and getattr(value, "shape", None) in _OF_ONE


def as_metrics(values: Mapping[str, Any]) -> tuple[dict[str, float | None], list[str]]:
    """Return metrics as numbers, with a note for each that is none."""
    metrics: dict[str, float | None] = {}
    notes = []
    for name, value in values.items():
        metrics[name], problem = as_number(value)
        if problem is not None:
            notes.append(f"metric {name} {problem}")
    return metrics, notes
