"""``jupyter green run``: a notebook through papermill, measured."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from jupyter_green.cli.output import json_option, print_json, table
from jupyter_green.records import to_json
from jupyter_green.retrain.run import RunResult, run_notebook
from jupyter_green.settings import read_settings
from jupyter_green.views.report import HEADINGS, rows, total_lines


def _parameters(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return ``-p`` values as papermill reads them: numbers, true and none where they look so."""
    if not pairs:
        return {}
    from papermill.cli import _resolve_type

    return {name: _resolve_type(value) for name, value in pairs}


@click.command()
@click.argument("notebook")
@click.argument("output")
@click.option(
    "-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="For the parameters cell."
)
@click.option("--cwd", help="Folder to run in; by default the notebook's own.")
@click.option("--experiment", help="MLflow's experiment.")
@click.option("--intensity", help="Carbon intensity: a zone (FRA) or a number (53g).")
@click.option("--mlflow", type=click.Choice(["auto", "on", "off"]), help="Send to MLflow; auto does.")
@click.option("--progress/--no-progress", default=None, help="papermill's progress bar; by default on a terminal.")
@json_option
def run(
    notebook: str,
    output: str,
    pairs: tuple[tuple[str, str], ...],
    cwd: str | None,
    experiment: str | None,
    intensity: str | None,
    mlflow: str | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Run NOTEBOOK with papermill into OUTPUT and print what each cell cost.

    Exit code 1 if a cell failed; its record is kept and sent all the same.
    """
    settings = read_settings(flags={"experiment": experiment, "intensity": intensity, "mlflow": mlflow})
    shown = sys.stderr.isatty() if progress is None else progress
    result = run_notebook(
        notebook, output, settings=settings, parameters=_parameters(pairs), cwd=cwd, progress=shown and not as_json
    )
    if as_json:
        print_json(as_values(result))
    else:
        click.echo("\n".join(lines(result)))
    sys.exit(0 if result.failure is None else 1)


def as_values(result: RunResult) -> dict[str, Any]:
    """Return the contract's JSON of a run."""
    values: dict[str, Any] = {
        "status": result.status,
        "output": result.output,
        "cells": [to_json(record) for record in result.cells],
        "total": to_json(result.total),
        "mlflow": result.mlflow,
        "plan": None,
    }
    if result.problem is not None:
        values["note"] = result.problem
    if result.failure is not None:
        values["failure"] = to_json(result.failure)
    return values


def lines(result: RunResult) -> list[str]:
    """Return what a run prints."""
    text = table(HEADINGS, rows(result.cells)) if result.cells else []
    text += ["", *total_lines(result.total)]
    if result.mlflow is not None:
        text.append(f"MLflow: run {result.mlflow['run_id']} in {result.mlflow['tracking_uri']}")
    if result.problem is not None:
        text.append(f"Note: {result.problem}")
    if result.failure is not None:
        count = result.failure.execution_count
        number = f"cell {result.failure.cell}" + ("" if count is None else f" (In [{count}])")
        text += ["", f"Failed: {number}", *[f"    {line}" for line in result.failure.lines]]
    text.append(f"Output: {shlex.quote(result.output)}")
    return text
