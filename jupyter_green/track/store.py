"""MLflow's side of delivery: a client for a tracking URI, without telemetry, patience or a broken new store.

Only processes that deliver import this module's mlflow.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_green.errors import DeliveryError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ANSWER_S = 2.0  # how long a server may take to accept a connection
_SCHEMA_S = 60.0  # how long another process may take to build a store (MLflow 3.17: 2 to 4 CPU-s)
_POLL_S = 0.2
_SQLITE = "sqlite:///"


def quiet(environ: MutableMapping[str, str]) -> None:
    """Prepare a process of ours before it imports mlflow: no telemetry, no endless retries, no log lines."""
    environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    environ["DO_NOT_TRACK"] = "true"
    environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")


def connect(uri: str | None) -> tuple[MlflowClient, str]:
    """Return a client and the absolute URI it talks to.

    Args:
        uri: A tracking URI; None for MLflow's default in the current folder.

    Raises:
        DeliveryError: If the store does not answer or cannot be opened.
    """
    if uri is not None:
        _knock(uri)
    import mlflow
    from mlflow.tracking import MlflowClient

    if uri is None:
        uri = str(mlflow.get_tracking_uri())
    if uri.startswith(_SQLITE):
        _prepare_sqlite(Path(uri[len(_SQLITE) :]), uri)
    try:
        mlflow.set_tracking_uri(uri)
        return MlflowClient(tracking_uri=uri), uri
    except Exception as error:  # whatever mlflow, sqlalchemy or a plugin raises, the store is not there for us
        raise refused(uri, error) from error


def refused(uri: str, error: BaseException) -> DeliveryError:
    """Turn what MLflow raised into our error: its first sentence, and what to do."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    shown = urlsplit(uri)._replace(netloc=urlsplit(uri).netloc.rpartition("@")[2]).geturl()
    return DeliveryError(shown, reason, "The records are kept and will be sent by: jupyter green sync")


def _knock(uri: str) -> None:
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise refused(uri, OSError(f"it did not answer ({ANSWER_S:g} s)")) from error


def _prepare_sqlite(path: Path, uri: str) -> None:
    """Build a missing store aside and publish it in one step; wait for one that somebody else is building.

    MLflow builds a new SQLite store without a lock, and two processes at once break it.
    """
    try:
        if not path.exists():
            _publish_new(path)
        _wait_for_schema(path)
    except OSError as error:
        raise refused(uri, error) from error


def _publish_new(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        store: Any = SqlAlchemyStore(f"{_SQLITE}{aside}", "./mlruns")  # MLflow's own default for artifacts
        store.engine.dispose()
        os.link(aside, path)
    except FileExistsError:
        pass  # somebody was faster
    except PermissionError:
        if not os.access(path.parent, os.W_OK):
            raise
        # This file system has no links: MLflow builds it in place.
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            aside.with_name(aside.name + suffix).unlink(missing_ok=True)


def _wait_for_schema(path: Path) -> None:
    deadline = time.monotonic() + _SCHEMA_S
    while path.exists() and not _has_schema(path) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _has_schema(path: Path) -> bool:
    """Tell whether a store's schema is complete: Alembic's revision is the one that this MLflow writes last."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1) as connection:
            revisions = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error:
        return False
    finally:
        if "connection" in locals():
            connection.close()
    # An older store is complete too; MLflow then says itself that it has to be upgraded.
    return bool(revisions) and (revisions[0] == _get_latest_schema_revision() or _is_old(path))


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _SCHEMA_S / 6
