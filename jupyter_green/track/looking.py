"""What MLflow itself says of a notebook's runs: asked by a child process, so that no other imports mlflow."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from jupyter_green.errors import DeliveryError
from jupyter_green.track.child import ask_child
from jupyter_green.track.store import NOT_FOUND, connect, refused, sqlite_path
from jupyter_green.track.sync import environs, is_trusted
from jupyter_green.track.target import with_user_info

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PATIENCE_S = 30.0  # how long MLflow may take to say what it knows of the runs that somebody looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What MLflow itself says of a run."""

    status: str | None
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]


def ask(addresses: Mapping[str, str], home: Path, environ: Mapping[str, str]) -> dict[str, Found | None]:
    """Ask MLflow itself for runs; None for one that it does not have any more.

    Credentials in this environment go to the address that this environment names, and to no other.

    Args:
        addresses: The tracking URI of each run.
        home: The folder of the journal.
        environ: The environment of the process that asks.

    Raises:
        DeliveryError: If MLflow is away, or does not answer in time.
    """
    by_uri: dict[str, list[str]] = {}
    for run_id, uri in addresses.items():
        by_uri.setdefault(uri, []).append(run_id)
    trusted = {uri for uri in by_uri if is_trusted(uri, environ, os.getcwd())}
    found: dict[str, Found | None] = {}
    until = time.monotonic() + PATIENCE_S
    with environs(environ, home) as (full, clean):
        for uris, used in ((trusted, full), (by_uri.keys() - trusted, clean)):
            jobs = {uri: run_ids for uri, run_ids in by_uri.items() if uri in uris}
            if jobs:
                found |= _ask_child(jobs, used, until - time.monotonic())
    return found


def _ask_child(jobs: Mapping[str, Sequence[str]], environ: Mapping[str, str], wait_s: float) -> dict[str, Found | None]:
    said = ask_child("look", jobs, environ, max(0.0, wait_s))
    for answer in said.answers:
        if answer["problem"] is not None:
            raise DeliveryError(*answer["problem"])
    if len(said.answers) < len(jobs):
        reason = f"it did not answer ({PATIENCE_S:g} s)" if said.is_late else said.reason
        raise refused(", ".join(jobs), OSError(reason))
    found = [item for answer in said.answers for item in answer["runs"].items()]
    return {run_id: None if one is None else Found(**one) for run_id, one in found}


def answer(jobs: Mapping[str, Iterable[str]], environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Ask MLflow, in this process: yield for each tracking URI what it says of its runs, or why it says nothing."""
    for uri, run_ids in jobs.items():
        try:
            _be_there(uri)
            client, _ = connect(with_user_info(uri, environ, os.getcwd()))
            runs = {run_id: _look(client, run_id) for run_id in run_ids}
        except DeliveryError as error:
            yield {"runs": {}, "problem": error.args}
        except Exception as error:  # whatever mlflow raises, it says nothing
            yield {"runs": {}, "problem": refused(uri, error).args}
        else:
            yield {"runs": runs, "problem": None}


def _be_there(uri: str) -> None:
    """Refuse a store on this computer that is gone: MLflow would make a new one, and somebody only wants to look."""
    if uri.startswith("sqlite"):
        path = sqlite_path(uri)
    elif uri.startswith("file:"):
        path = Path(unquote(urlsplit(uri).path))
    elif os.path.isabs(uri):
        path = Path(uri)
    else:
        return
    if not path.exists():
        raise refused(uri, OSError("it is not there any more"))


def _look(client: MlflowClient, run_id: str) -> dict[str, Any] | None:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != NOT_FOUND:
            raise
        return None
    if run.info.lifecycle_stage != "active":
        return None
    return {
        "status": run.info.status,
        "metrics": {name: value for name, value in run.data.metrics.items() if _is_number(value)},
        "parameters": dict(run.data.params),
    }


def _is_number(value: float) -> bool:
    # MLflow's databases keep an infinite metric as the largest number there is.
    return math.isfinite(value) and abs(value) < sys.float_info.max
