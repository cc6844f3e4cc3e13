"""A Jupyter server with the extension loaded, and its journal and folders on ``tmp_path``."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

# Here and not as a plugin of all tests: it runs each test, also one that is no coroutine, inside a loop of its own.
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPResponse

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def jp_server_config(home: Path, monkeypatch: pytest.MonkeyPatch, jp_env_jupyter_path: Path) -> dict[str, Any]:
    """Load the extension, with the test's own journal; what it writes into the environment goes with the test."""
    built = jp_env_jupyter_path / "labextensions" / "jupyter-green"
    built.mkdir(parents=True)
    (built / "package.json").write_text("{}")
    monkeypatch.setenv("JUPYTER_GREEN_UI", "")
    return {"ServerApp": {"jpserver_extensions": {"jupyter_green.server": True}}}


@pytest.fixture
def ask(jp_fetch: Callable[..., Awaitable[HTTPResponse]]) -> Ask:
    """Ask the extension and return the status and the JSON that came back, of an error too."""

    async def ask(
        path: str, /, method: str = "GET", body: object = None, headers: dict[str, str] | None = None, **query: str
    ) -> tuple[int, Any]:
        data = None
        if method in ("POST", "PUT"):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await jp_fetch(
            "jupyter-green",
            path,
            method=method,
            body=data,
            headers=dict(headers or {}),  # jp_fetch adds the token's
            params=query,
            request_timeout=60,
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        return answer.code, json.loads(answer.body) if answer.body else None

    return ask


@pytest.fixture
def notebook(jp_root_dir: Path) -> Path:
    """A notebook's file below the server's root; to the browser it is ``churn.ipynb``."""
    path = jp_root_dir / "churn.ipynb"
    path.write_text("{}")
    return path


STRANGER = {"Authorization": ""}  # instead of the token's


@pytest.fixture
def log_in(
    jp_serverapp: Any, jp_fetch: Callable[..., Awaitable[HTTPResponse]]
) -> Callable[[], Awaitable[dict[str, str]]]:
    """Log in as a browser does, and return the headers of somebody who has nothing but cookies."""

    async def log_in() -> dict[str, str]:
        token = jp_serverapp.identity_provider.token
        page = await jp_fetch("login", headers=dict(STRANGER))
        status = await jp_fetch("api", "status", headers=dict(STRANGER), params={"token": token})
        cookies = [*page.headers.get_list("Set-Cookie"), *status.headers.get_list("Set-Cookie")]
        return {**STRANGER, "Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}

    return log_in


def xsrf(browser: dict[str, str]) -> dict[str, str]:
    """The headers of a browser that also proves that the page it shows is the server's own."""
    pairs = dict(pair.split("=", 1) for pair in browser["Cookie"].split("; "))
    return {**browser, "X-XSRFToken": pairs["_xsrf"]}
