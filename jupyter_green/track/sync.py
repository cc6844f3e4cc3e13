"""Sending on request: a child process delivers, this one says what came of it."""

from __future__ import annotations

import os
import site
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_green.errors import UsageError
from jupyter_green.records import Target, to_json
from jupyter_green.settings import Settings, read_home, read_settings
from jupyter_green.track.apart import is_possible
from jupyter_green.track.child import Said, ask_apart, ask_child
from jupyter_green.track.goals import group, lacks
from jupyter_green.track.history import is_over, sessions
from jupyter_green.track.journal import SessionLog
from jupyter_green.track.receipts import read_receipts
from jupyter_green.track.target import OWN_CONFIGURATION, absolute_uri, target, without_credentials

# What an address that only a journal names must not get: MLflow's own credentials, and those of artifact stores.
_CREDENTIALS = (
    "MLFLOW_TRACKING_", "AWS_", "AZURE_", "GOOGLE_", "DATABRICKS_", "MLFLOW_S3_", "MLFLOW_AUTH_", "PG", "MYSQL_",
)  # fmt: skip
_LOCAL = ("", "file", "sqlite")  # schemes of stores on this computer


def refuse_if_locked(settings: Settings) -> None:
    """Send nothing where an administrator keeps MLflow off, however it was asked for.

    Raises:
        UsageError: If that is so.
    """
    if settings.mlflow == "off" and "mlflow" in settings.locked:
        source = settings.sources["mlflow"]
        raise UsageError(f"mlflow is locked to off by the administrator ({source}), so nothing is sent.")


def sync_session(log: Path, wanted: Target, environ: Mapping[str, str]) -> str:
    """Deliver one session of this user's own process; return a sentence for them.

    Where this process is measured itself, the cell that asks does not have the delivery's CPU time.
    """
    from jupyter_green.track import current  # not for a server, which measures nothing of its own

    tracker = current.current()
    jobs = [(log, wanted)]
    if tracker is None or not is_possible():
        return sentence(run_jobs(jobs, environ)[0])
    given = _given(jobs)
    return sentence(_outcomes(ask_apart("once", given, environ, tracker.meter.quiet), given)[0])


def sentence(outcome: Mapping[str, Any]) -> str:
    """Say what came of a delivery."""
    if outcome["problem"]:
        return str(outcome["problem"])
    if outcome["run_id"] is None:
        return "MLflow has everything already."
    number = outcome["delivered"]
    records = "1 record" if number == 1 else f"{number} records"
    return f"Sent {records} to MLflow at {outcome['tracking_uri']}, run {outcome['run_id']}."


def run_jobs(
    jobs: Iterable[tuple[Path, Target | None]], environ: Mapping[str, str], patience_s: float | None = None
) -> list[dict[str, Any]]:
    """Deliver sessions in a child process and return an outcome for each.

    Args:
        jobs: Journal files, and where their records go that name no place.
        environ: The environment of the child.
        patience_s: How long it may take; None: as long as it takes. What has not arrived by then waits.
    """
    given = _given(jobs)
    return _outcomes(ask_child("once", given, environ, patience_s), given) if given else []


def _given(jobs: Iterable[tuple[Path, Target | None]]) -> list[dict[str, Any]]:
    return [{"log": str(log), "wanted": None if wanted is None else to_json(wanted)} for log, wanted in jobs]


def _outcomes(said: Said, given: Sequence[object]) -> list[dict[str, Any]]:
    """Return an outcome for each job, also for those that were not answered."""
    failed = {"delivered": 0, "tracking_uri": None, "experiment_id": None, "run_id": None}
    missing = len(given) - len(said.answers)
    return [*said.answers, *[{**failed, "problem": f"delivery to MLflow failed: {said.reason}"}] * missing]


def sync_all(environ: Mapping[str, str]) -> list[tuple[SessionLog, dict[str, Any]]]:
    """Deliver every session that MLflow does not have entirely, as `send` does."""
    home = read_home(environ)
    return send(sessions(home), home, environ, Path.cwd())


def send(
    logs: Iterable[SessionLog], home: Path, environ: Mapping[str, str], folder: Path, patience_s: float | None = None
) -> list[tuple[SessionLog, dict[str, Any]]]:
    """Deliver those of some sessions that MLflow does not have entirely, and return an outcome for each.

    Credentials in this environment go to the address that this environment names, and to no other.

    Args:
        logs: The sessions.
        home: The folder of the journal.
        environ: The user's environment.
        folder: Records that name no place go to MLflow as if it were used here now.
        patience_s: As in `run_jobs`.

    Raises:
        UsageError: If an admin locked MLflow off, or if a setting is invalid: what was meant is not known, so nothing
            is sent.
    """
    settings = read_settings(environ=environ, cwd=folder)
    refuse_if_locked(settings)
    wanted = target(environ, str(folder), settings.experiment)
    waiting = [log for log in logs if _waits(log, wanted)]
    trusted = [log for log in waiting if _is_trusted(log, environ, wanted)]
    others = [log for log in waiting if log not in trusted]
    results: list[tuple[SessionLog, dict[str, Any]]] = []
    with environs(environ, home) as (full, clean):
        for some, used in ((trusted, full), (others, clean)):
            results += zip(some, run_jobs([(log.path, wanted) for log in some], used, patience_s), strict=True)
    return results


def _waits(log: SessionLog, wanted: Target) -> bool:
    receipts, over = read_receipts(log.path), is_over(log)
    return any(lacks(records, receipts, over) for records in group(log.records, wanted, receipts).values())


def _is_trusted(log: SessionLog, environ: Mapping[str, str], wanted: Target) -> bool:
    goals = group(log.records, wanted, read_receipts(log.path))
    uris = [goal.tracking_uri for goal in goals if goal.tracking_uri is not None]
    return all(is_trusted(uri, environ, log.session.cwd) for uri in uris)


def is_trusted(uri: str, environ: Mapping[str, str], cwd: str) -> bool:
    """Tell whether an address may have the user's credentials: it is on this computer, or the one that the user named.

    Args:
        uri: A tracking URI of the journal or its receipts.
        environ: The user's environment.
        cwd: Where a relative address in it begins.
    """
    if _origin(uri)[0] in (*_LOCAL, *OWN_CONFIGURATION):
        return True
    named = environ.get("MLFLOW_TRACKING_URI")
    return named is not None and _origin(absolute_uri(named, cwd)) == _origin(uri)


def _origin(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(without_credentials(uri))  # what is left names the host that MLflow would go to
    except ValueError:
        return "?", uri
    return parts.scheme, parts.netloc.lower()


@contextmanager
def environs(environ: Mapping[str, str], home: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Give the environments of processes that talk to MLflow: at trusted addresses, and at all others.

    Args:
        environ: The user's environment.
        home: The folder of the journal.
    """
    clean = {name: value for name, value in environ.items() if not name.startswith(_CREDENTIALS)}
    with tempfile.TemporaryDirectory() as empty_home:
        # ~/.mlflow/credentials, ~/.netrc and the like are found through HOME.
        yield (
            dict(environ),
            {
                **clean,
                "HOME": empty_home,
                "USERPROFILE": empty_home,
                "NETRC": os.devnull,
                "PYTHONUSERBASE": site.getuserbase(),  # where mlflow may be installed
                "JUPYTER_GREEN_HOME": str(home),
            },
        )
