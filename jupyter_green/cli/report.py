"""``jupyter green report``: what a notebook's sessions cost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from jupyter_green.cli.output import print_json
from jupyter_green.errors import UsageError
from jupyter_green.settings import read_home
from jupyter_green.totals import join, total
from jupyter_green.track.history import sessions, with_runs
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.receipts import read_receipts
from jupyter_green.views.report import as_json as report_json
from jupyter_green.views.report import markdown, together


@click.command()
@click.argument("what", required=False)
@click.option("-o", "--output", "form", type=click.Choice(["md", "json"]), default="md", help="Markdown or JSON.")
@click.option("--json", "is_json", is_flag=True, help="The same as -o json.")
@click.option("--all", "is_all", is_flag=True, help="Every session, not only the newest.")
def report(what: str | None, form: str, is_json: bool, is_all: bool) -> None:
    """Report on WHAT: a notebook, an executed copy, a session or an MLflow run; by default the newest session."""
    home = read_home(os.environ)
    found = _find(home, what)
    if not found:
        about = "" if what is None else f" of {what}"
        raise UsageError(f"report: the journal holds no records{about}. Measure some cells first, or look in {home}.")
    chosen = found if is_all else found[-1:]
    if form == "json" or is_json:
        values = [report_json(log.session, with_runs(log), total(log.records, log.end)) for log in chosen]
        print_json(values if is_all else values[0])
        return
    texts = [markdown(log.session, with_runs(log), total(log.records, log.end)) for log in chosen]
    texts += [
        f"{log.unreadable} lines of {log.path.name} could not be read and were passed over."
        for log in chosen
        if log.unreadable
    ]
    if len(chosen) < len(found):
        texts.append(together(len(found), join(total(log.records, log.end) for log in found)))
    click.echo("\n".join(texts).rstrip("\n"))


def _find(home: Path, what: str | None) -> list[SessionLog]:
    if what is None:
        return [log for log in sessions(home) if log.records]
    path = Path(what)
    if path.suffix == ".ipynb" or path.is_file():
        session = _session_in(path)
        if session is None:
            return [log for log in sessions(home, os.path.abspath(what)) if log.records]
        what = session
    return [log for log in sessions(home) if log.records and (_is(log, what))]


def _is(log: SessionLog, what: str) -> bool:
    if len(what) >= 4 and log.session.session_id.startswith(what):
        return True
    runs = read_receipts(log.path).delivered
    return any(what == one.run_id or what in one.children.values() for one in runs)


def _session_in(path: Path) -> str | None:
    """Return the session that an executed notebook says it came from."""
    try:
        metadata = json.loads(path.read_text("utf-8"))["metadata"].get("jupyter_green", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    session = metadata.get("session")
    return session if isinstance(session, str) else None
