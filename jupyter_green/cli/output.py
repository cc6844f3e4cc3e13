"""What all commands share: the option ``--json``, and how tables and values are written."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def print_json(value: Any) -> None:
    """Print a value as JSON, in ASCII where standard output takes no more."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not is_utf8, indent=1, allow_nan=False))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with columns of equal width; columns that are empty are left out."""
    whole = [tuple(headings), *[tuple(row) for row in rows]]
    used = [n for n in range(len(headings)) if any(row[n] for row in whole[1:])]
    widths = {n: max(_width(row[n]) for row in whole) for n in used}
    return ["  ".join(row[n] + " " * (widths[n] - _width(row[n])) for n in used).rstrip() for row in whole]


def _width(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
