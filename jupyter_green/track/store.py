"""MLflow's side of delivery: a client for a tracking URI, without telemetry, patience or a broken new store.

Only processes that deliver import this module's mlflow.
"""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from jupyter_green.errors import DeliveryError
from jupyter_green.programs import typed
from jupyter_green.track.secrets import mask_text
from jupyter_green.track.target import without_credentials

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ANSWER_S = 2.0  # how long a server may take to accept a connection
_SCHEMA_S = 60.0  # how long another process may take to build a store (MLflow 3.17: 2 to 4 CPU-s)
_POLL_S = 0.2
_SQLITE = "sqlite:///"
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"  # MLflow's error code
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})  # see link(2)


def quiet(environ: MutableMapping[str, str]) -> None:
    """Prepare a process of ours before it imports mlflow: no telemetry, no retries, no log lines, nothing left open."""
    environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    environ["DO_NOT_TRACK"] = "true"
    # MLflow would repeat a request that the server had obeyed but not answered: two runs. Our next try looks first.
    environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"  # a receipt is for what is there
    environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # emoji: an error where stdout is not UTF-8
    for name in ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID"):  # our metrics are not that model's
        environ.pop(name, None)
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
    wanted = uri
    try:
        import mlflow
        from mlflow.tracking import MlflowClient

        if wanted is None:
            mlflow.set_tracking_uri("")  # what an earlier delivery of this process, or its environment, had set
            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # back to the default
            wanted = str(mlflow.get_tracking_uri())
        if wanted.startswith(_SQLITE):
            path = sqlite_path(wanted)
            if uri is None:
                wanted = _sqlite_uri(path)
            _prepare_sqlite(path)
        mlflow.set_tracking_uri(wanted)
        return MlflowClient(tracking_uri=wanted), wanted
    except Exception as error:  # whatever mlflow, sqlalchemy or a plugin raises, the store is not there for us
        raise refused(wanted or "its default store", error) from error


def sqlite_path(uri: str) -> Path:
    """Return the file of a SQLite store."""
    from sqlalchemy.engine import make_url  # versions differ in whether ``%20`` means a space

    return Path(make_url(uri).database or "")


def _sqlite_uri(path: Path) -> str:
    """Return the URI of a SQLite file, with as little quoted as can be: MLflow 3.17 makes folders of quoted names."""
    plain = f"{_SQLITE}{path}"
    return plain if sqlite_path(plain) == path else _SQLITE + quote(str(path))


def refused(uri: str, error: BaseException) -> DeliveryError:
    """Turn what MLflow raised into our error: its first sentence, and what to do."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith("(raised as a result")]
    reason = mask_text((lines or [type(error).__name__])[0])[:300].rstrip(".")
    return DeliveryError(
        without_credentials(uri), reason, f"The records are kept and will be sent by: {typed('jupyter')} green sync"
    )


@contextmanager
def asking(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises meanwhile into our error.

    Args:
        uri: The store that is asked.

    Raises:
        DeliveryError: Instead of it.
    """
    try:
        yield
    except DeliveryError:
        raise
    except Exception as error:  # of mlflow, sqlalchemy or a plugin: the records stay in the journal
        raise refused(uri, error) from error


def _knock(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            return
        if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
            return  # a proxy reaches it for us
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=ANSWER_S).close()
    except OSError as error:
        raise refused(uri, OSError(f"it did not answer ({ANSWER_S:g} s)")) from error
    except ValueError as error:
        raise refused(uri, error) from error


def _prepare_sqlite(path: Path) -> None:
    """Build a missing store aside and publish it in one step; wait for one that somebody else is building.

    MLflow builds a new SQLite store without a lock, and two processes at once break it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)  # as MLflow does
        _publish_new(path)
    os.close(os.open(path, os.O_RDWR))  # where it cannot be opened, MLflow would try for minutes
    _wait_for_schema(path)


def _publish_new(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        # An empty file is an empty database; where none can be made, MLflow would try for 100 s.
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        store: Any = SqlAlchemyStore(_sqlite_uri(aside), "./mlruns")  # MLflow's own default for artifacts
        store.engine.dispose()
        os.link(aside, path)
    except FileExistsError:
        pass  # somebody was faster
    except OSError as error:
        if error.errno not in _NO_LINKS or not os.access(path.parent, os.W_OK):
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
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1) as connection:
            revisions = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.OperationalError:  # locked, or without its tables so far; what is no database at all is raised
        return False
    finally:
        if "connection" in locals():
            connection.close()
    # An older store is complete too; MLflow then says itself that it has to be upgraded.
    return bool(revisions) and (revisions[0] == _get_latest_schema_revision() or _is_old(path))


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _SCHEMA_S / 6
