"""What all handlers share: who may ask, which notebook is meant, and how records become an answer."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from http.client import responses
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import to_os_path
from tornado import web

from jupyter_green.errors import GreenError, JournalError, UsageError
from jupyter_green.records import to_json
from jupyter_green.server.watches import Watches
from jupyter_green.track.cells import Notebooks
from jupyter_green.track.journal import journal_folder
from jupyter_green.track.known_runs import KnownRuns

DESK = "jupyter_green"  # the name of our things among the web application's settings
_DRIVE = "RTC:"  # before the path of a notebook that several people edit at once
_KERNEL_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")

_Handler = TypeVar("_Handler", bound="GreenHandler")


class Desk:
    """What the handlers of one server share.

    Args:
        home: The folder of the journal.
        contents: The server's contents manager.
        kernels: The server's kernel manager.
    """

    def __init__(self, home: Path, contents: Any, kernels: Any) -> None:
        self.home, self._contents = home, contents
        self.notebooks = Notebooks(home)
        self.runs = KnownRuns(home)
        self.watches = Watches(kernels)
        self.child = threading.Lock()  # held by whoever talks to MLflow: one child process at a time
        self.doctor: asyncio.Task[bytes] | None = None  # what the doctor says, for all who ask meanwhile

    def os_path(self, path: str) -> str | None:
        """Return the file of a path as the browser names it (from the server's root, with ``/``); None if outside.

        Only names are compared, no links are followed: a kernel gets its notebook's name in the same way. No file is
        opened either, so a link that leads out of the root leads to no more than records of that name. Contents that
        are not files have no root; their notebooks are told apart by their kernel.
        """
        root = self._root
        if root is None:
            return None
        found = to_os_path(path.removeprefix(_DRIVE), root)  # type: ignore[arg-type]
        return found if found.startswith(os.path.join(root, "")) else None

    @property
    def _root(self) -> str | None:
        root = getattr(self._contents, "root_dir", None)
        return os.path.abspath(root) if isinstance(root, str) else None

    def folder(self, notebook: str | None) -> Path:
        """Return the folder that a notebook's kernel starts in, where the search for a project's settings begins.

        Args:
            notebook: Its file; None where that is not known: the server's root.
        """
        return Path(self._root or os.getcwd()) if notebook is None else Path(notebook).parent

    def check_journal(self) -> None:
        """Tell a journal that cannot be read from one where nothing is recorded yet.

        Raises:
            JournalError: If its folder is there and cannot be read.
        """
        try:
            os.scandir(journal_folder(self.home)).close()
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"The journal cannot be read ({error.strerror}).") from error


class GreenHandler(APIHandler):
    """A handler under ``jupyter-green/``."""

    auth_resource = "jupyter_green"
    _track_activity = False  # a page that watches is no reason to keep an idle server

    @property
    def desk(self) -> Desk:
        """What the handlers of this server share."""
        desk = self.settings[DESK]
        assert isinstance(desk, Desk)
        return desk

    def text(self, name: str) -> str | None:
        """Return a text of the query as it was sent: blanks and control characters are part of a path.

        Raises:
            HTTPError: 400 if it is not UTF-8.
        """
        given = self.request.query_arguments.get(name)
        return self.decode_argument(given[-1], name) if given else None

    def notebook(self) -> tuple[str | None, str | None]:
        """Return the notebook's file and the kernel's id that the query names.

        Raises:
            HTTPError: As `named` does.
        """
        return self.named(self.text("path"), self.text("kernel"))

    def named(self, path: str | None, kernel: str | None) -> tuple[str | None, str | None]:
        """Return the notebook's file and the kernel's id that a page means.

        Args:
            path: As the browser names it. Beside a kernel's id one outside the root counts as none.
            kernel: Its id.

        Raises:
            HTTPError: 404 for a path outside the root, 400 for what is no kernel id, or if neither is given.
        """
        if kernel is not None and not _KERNEL_ID.fullmatch(kernel):
            raise web.HTTPError(400, "The kernel's id is not one.")
        if path is None and kernel is None:
            raise web.HTTPError(400, "Name a notebook (path) or a kernel.")
        if path is None:
            return None, kernel
        found = None if "\0" in path else self.desk.os_path(path)
        if found is None and kernel is None:
            raise web.HTTPError(404, "There is no such notebook.")
        return found, kernel

    def number(self, name: str, default: float) -> float:
        """Return a number of the query.

        Raises:
            HTTPError: 400 if it is none.
        """
        text = self.text(name)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise web.HTTPError(400, f"{name} is not a number.")
        return value

    def body(self) -> dict[str, Any]:
        """Return the request's JSON object.

        Raises:
            HTTPError: 400 if it is none.
        """
        try:
            found = json.loads(self.request.body.decode("utf-8") or "null")
        except (ValueError, RecursionError):
            raise web.HTTPError(400, "Invalid JSON in body of request.") from None
        if not isinstance(found, dict):
            raise web.HTTPError(400, "A JSON object is expected.")
        return found

    async def answer(self, make: Callable[..., Any], *arguments: Any) -> None:
        """Send what a function returns: a record, or a sequence or mapping of records.

        It is called in a thread, and what it returns is written there, too: both may take long.
        """
        self.send(await asyncio.to_thread(written, make, *arguments))

    def send(self, text: bytes) -> None:
        """Send JSON."""
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell the browser the message itself: `APIHandler` sends the format that it is to be logged with (``%%``)."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message, reason = responses.get(status_code, "Unknown HTTP Error"), None
        if isinstance(error, web.HTTPError):
            message, reason = (error.log_message or "") % error.args or message, error.reason
        self.finish(json.dumps({"message": message, "reason": reason}))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Leave out what the request's own line in the log says already: that a browser asked for what is not there."""
        if not (isinstance(value, web.HTTPError) and value.status_code < 500):
            super().log_exception(typ, value, tb)


def body_text(body: dict[str, Any], name: str) -> str | None:
    """Return a text of a request's body; None if it is not there.

    Raises:
        HTTPError: 400 if it is none.
    """
    given = body.get(name)
    if given is None:
        return None
    try:
        given.encode("utf-8")
    except (AttributeError, UnicodeEncodeError):
        raise web.HTTPError(400, f"{name} is not a text.") from None
    return str(given)


def asked(
    method: Callable[[_Handler], Coroutine[Any, Any, None]],
) -> Callable[..., Awaitable[None] | None]:
    """Let a method answer only those who may ask, and turn our errors into HTTP's; the one place that knows codes."""

    @wraps(method)
    async def guarded(self: _Handler) -> None:
        try:
            await method(self)
        except UsageError as error:
            raise web.HTTPError(400, str(error)) from error
        except JournalError as error:
            raise web.HTTPError(500, str(error)) from error
        except GreenError as error:
            raise web.HTTPError(502, str(error)) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise web.HTTPError(500, f"The server could not do this ({reason}).") from error

    return web.authenticated(authorized(guarded))


def written(make: Callable[..., Any], *arguments: Any) -> bytes:
    """Call a function and return what it returns as JSON: a record, or a sequence or mapping of records."""
    plain = _json(make(*arguments))
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # a journal with sums beyond the largest number
        text = json.dumps(finite(plain), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return to_json(value) if hasattr(type(value), "__slots__") else value


def finite(value: Any) -> Any:
    """Replace numbers that JSON cannot say by null, which is shown as not measured."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value
