"""Where MLflow would put a run of this process, read from its environment without importing mlflow.

``mlflow.set_tracking_uri`` and ``set_experiment`` write ``MLFLOW_TRACKING_URI`` and ``MLFLOW_EXPERIMENT_ID`` into
the process's environment (MLflow 2 and 3), so the environment tells what mlflow itself would use.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from jupyter_green.records import Target

OWN_CONFIGURATION = ("databricks", "databricks-uc", "uc")  # no addresses: the user's own settings say where
_SCHEME = re.compile(r"^[A-Za-z][\w+.-]+:")
_SQLITE = re.compile(r"^(sqlite(?:\+\w+)?:///)(?!/)(.+)$")


def absolute_uri(uri: str, cwd: str) -> str:
    """Return a tracking URI that means the same from every folder, without credentials.

    >>> absolute_uri("sqlite:///mlflow.db", "/home/ann"), absolute_uri("http://ann:pw@host:5000", "/")
    ('sqlite:////home/ann/mlflow.db', 'http://host:5000')
    >>> absolute_uri("mlruns", "/home/ann"), absolute_uri("file:./mlruns", "/home/ann")
    ('/home/ann/mlruns', 'file:///home/ann/mlruns')
    """
    sqlite = _SQLITE.match(uri)
    if sqlite:
        return sqlite[1] + os.path.normpath(os.path.join(cwd, sqlite[2]))
    if uri.startswith("file:") and not uri.startswith("file:/"):
        return "file://" + os.path.normpath(os.path.join(cwd, uri[len("file:") :]))
    if not _SCHEME.match(uri):
        return os.path.normpath(os.path.join(cwd, uri)) if uri not in OWN_CONFIGURATION else uri
    return without_credentials(uri)


def without_credentials(uri: str) -> str:
    """Return a URI without user info, and without the secrets in its query.

    >>> without_credentials("https://ann:pw@host:5000/x?token=1")
    'https://host:5000/x'
    """
    # Its patterns take 1 ms, for addresses of servers only.
    from jupyter_green.track.secrets import without_secrets, without_user_info

    return without_secrets(without_user_info(uri))


def with_user_info(uri: str, environ: Mapping[str, str], cwd: str) -> str:
    """Return an address with the user info that journal and receipts leave out, if the environment names the same one.

    Args:
        uri: The address, absolute.
        environ: Holds ``MLFLOW_TRACKING_URI`` with the user's credentials, where there are any.
        cwd: Where a relative address in it begins.

    >>> with_user_info("http://host", {"MLFLOW_TRACKING_URI": "http://ann:pw@host"}, "/")
    'http://ann:pw@host'
    """
    given = environ.get("MLFLOW_TRACKING_URI")
    return given if given and "://" in given and absolute_uri(given, cwd) == uri else uri


_NAMES = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
_KEYS = _NAMES if os.name == "nt" else tuple(os.fsencode(name) for name in _NAMES)


def is_named(environ: Mapping[str, str]) -> bool:
    """Tell whether the user (or mlflow itself, on the user's call) named a tracking URI or an experiment."""
    # Asked for a name that is not there, os.environ raises inside: 15 µs after each cell, where its dict takes 1.
    inside = getattr(environ, "_data", None)
    if inside is not None and inside.keys().isdisjoint(_KEYS):
        return False
    return any(environ.get(name) for name in _NAMES)


def target(environ: Mapping[str, str], cwd: str, experiment: str | None) -> Target:
    """Return where a record goes.

    Args:
        environ: The environment of the process that the record comes from.
        cwd: Its folder.
        experiment: The experiment's name given with a magic, a command or a setting; it wins.
    """
    uri = environ.get("MLFLOW_TRACKING_URI")
    if experiment is None:
        number, name = environ.get("MLFLOW_EXPERIMENT_ID"), environ.get("MLFLOW_EXPERIMENT_NAME")
        experiment = f"id:{number}" if number else name or None
    return Target(tracking_uri=absolute_uri(uri, cwd) if uri else None, experiment=experiment)
