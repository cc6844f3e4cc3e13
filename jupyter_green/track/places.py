"""Places in MLflow: what goals come down to, as one experiment has several names and one store several addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_green.errors import DeliveryError
from jupyter_green.programs import typed
from jupyter_green.records import Session, Target
from jupyter_green.track.locks import locked
from jupyter_green.track.store import NOT_FOUND, asking, connect, refused
from jupyter_green.track.target import absolute_uri, with_user_info

if TYPE_CHECKING:
    from mlflow.entities import Experiment
    from mlflow.tracking import MlflowClient


class Place(NamedTuple):
    """An experiment of a store."""

    uri: str  # absolute, without credentials
    experiment_id: str


class _Store(NamedTuple):
    client: MlflowClient
    address: str  # with the user's credentials, where there are any
    uri: str


class Places:
    """The places that one session's records go to.

    Args:
        home: The folder of everything that is kept.
        session: The session; stores are found from its folder.
        environ: Holds ``MLFLOW_TRACKING_URI`` with the user's credentials, where there are any.
    """

    def __init__(self, home: Path, session: Session, environ: Mapping[str, str]) -> None:
        self._home, self._session, self._environ = home, session, environ
        self._by_name: dict[str | None, _Store] = {}

    def find(self, goal: Target) -> Place:
        """Return the place that a goal means; an experiment that is named and not there is made.

        Raises:
            DeliveryError: If the store is away or refuses.
            OSError: If the store cannot be locked.
        """
        store = self._by_name.get(goal.tracking_uri)
        if store is None:
            store = self._by_name[goal.tracking_uri] = self._connect(goal)
        with locked(self._home, store.uri), asking(store.uri):
            return Place(store.uri, _experiment_id(store, goal.experiment))

    def client(self, place: Place) -> MlflowClient:
        """Return a client for a place that was found."""
        import mlflow

        store = next(store for store in self._by_name.values() if store.uri == place.uri)
        mlflow.set_tracking_uri(store.address)  # a server's artifacts go to where the process itself is sent
        return store.client

    def _connect(self, goal: Target) -> _Store:
        """Connect as the session would have: in its folder, and with the user's credentials only to their address."""
        cwd, uri = self._session.cwd, goal.tracking_uri
        try:
            os.chdir(cwd)
        except OSError as error:
            if uri is None:
                raise refused(cwd, error) from error
        client, address = connect(None if uri is None else with_user_info(uri, self._environ, cwd))
        return _Store(client, address, absolute_uri(address, cwd))


def _experiment_id(store: _Store, name: str | None) -> str:
    client = store.client
    experiment: Experiment | None
    if name is not None and name.startswith("id:"):
        experiment = client.get_experiment(name[3:])
    else:
        experiment = client.get_experiment_by_name(name) if name is not None else _default(client)
    if experiment is None:
        return str(client.create_experiment(name or "Default"))
    if experiment.lifecycle_stage == "deleted":
        raise DeliveryError(
            store.uri,
            f"the experiment {experiment.name!r} is deleted",
            f"Restore it ({typed('mlflow')} experiments restore -x {experiment.experiment_id}) and type: "
            f"{typed('jupyter')} green sync",
        )
    return str(experiment.experiment_id)


def _default(client: MlflowClient) -> Experiment | None:
    """Return MLflow's default experiment, whatever it is called by now."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment("0")
    except MlflowException as error:
        if error.error_code != NOT_FOUND:
            raise
        return client.get_experiment_by_name("Default")
