"""``jupyter green sync``: what waits in the journal goes to MLflow."""

from __future__ import annotations

import os

import click

from jupyter_green.cli.output import json_option, print_json
from jupyter_green.track.sync import sentence, sync_all


@click.command()
@json_option
def sync(as_json: bool) -> None:
    """Send every record that MLflow does not have yet. MLflow away is no failure: the records are kept."""
    results = sync_all(os.environ)
    if as_json:
        print_json([{"session": log.session.session_id, **outcome} for log, outcome in results])
        return
    if not results:
        click.echo("MLflow has everything that was recorded.")
    for log, outcome in results:
        name = log.session.notebook or log.session.runner
        click.echo(f"{name}, {log.session.started_at:%Y-%m-%d %H:%M}: {sentence(outcome)}")
