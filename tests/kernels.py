"""A real kernel, driven as a frontend drives it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from jupyter_green.records import CellRecord
from jupyter_green.track.journal import log_paths, read_log

PATIENCE_S = 120


@dataclass
class Reply:
    """What came back for one cell."""

    content: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.content["status"])

    @property
    def execution_count(self) -> int | None:
        return self.content.get("execution_count")

    def stream(self, name: str) -> str:
        """Text on ``stdout`` or ``stderr``."""
        return "".join(m["content"]["text"] for m in self.of("stream") if m["content"]["name"] == name)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Messages of one type."""
        return [message for message in self.messages if message["msg_type"] == kind]

    @property
    def result(self) -> str | None:
        """The last value as text."""
        found = self.of("execute_result")
        return str(found[-1]["content"]["data"]["text/plain"]) if found else None

    @property
    def displays(self) -> list[str]:
        """What was displayed, as text."""
        return [str(m["content"]["data"]["text/plain"]) for m in self.of("display_data")]

    @property
    def traceback(self) -> str | None:
        found = self.of("error")
        return "\n".join(found[-1]["content"]["traceback"]) if found else None


class Kernel:
    """An ipykernel in a folder of its own.

    Args:
        cwd: Where it runs.
        green_home: Its ``JUPYTER_GREEN_HOME``.
        env: More of its environment; None takes a variable away.
        name: The kernel's name.
    """

    def __init__(self, cwd: Path, *, green_home: Path, env: dict[str, str | None] | None = None, name: str = "python3"):
        self.cwd, self.home = cwd, green_home
        self._env = {**os.environ, "JUPYTER_GREEN_HOME": str(green_home), "PYTHONFAULTHANDLER": "1"}
        for key, value in (env or {}).items():
            if value is None:
                self._env.pop(key, None)
            else:
                self._env[key] = value
        self.manager = KernelManager(kernel_name=name)
        if self.manager.has_trait("transport_encryption"):
            self.manager.transport_encryption = "auto"

    def __enter__(self) -> Kernel:
        self.manager.start_kernel(cwd=str(self.cwd), env=self._env)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)
        self._outputs: list[dict[str, Any]] = []
        self._replies: list[dict[str, Any]] = []
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)
        self.manager.cleanup_resources()

    @property
    def pid(self) -> int:
        """The kernel's process."""
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def send(self, code: str, *, silent: bool = False, metadata: dict[str, Any] | None = None, **options: Any) -> str:
        """Send a cell and return its message id; ``cell_id`` goes into the metadata as JupyterLab sends it."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": options.pop("store_history", not silent),
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": options.pop("stop_on_error", True),
        }
        if "cell_id" in options:
            metadata = {"cellId": options.pop("cell_id"), **(metadata or {})}
        subshell = options.pop("subshell", None)
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def next_output(self, message_id: str) -> dict[str, Any]:
        """Return the next message on iopub for one request; those for others wait for their own `collect`."""
        for at, message in enumerate(self._outputs):
            if message["parent_header"].get("msg_id") == message_id:
                return self._outputs.pop(at)
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE_S)
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message)
            self._outputs.append(message)

    def wait_for_text(self, message_id: str, text: str) -> list[dict[str, Any]]:
        """Wait until a running cell printed a text; return what it put out so far."""
        seen = []
        while True:
            seen.append(self.next_output(message_id))
            if seen[-1]["msg_type"] == "stream" and text in seen[-1]["content"]["text"]:
                return seen

    def collect(self, message_id: str) -> Reply:
        """Wait for a cell's reply and all it put out."""
        messages = []
        while True:
            message = self.next_output(message_id)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            messages.append(message)
        return Reply(self._reply(message_id)["content"], messages)

    def _reply(self, message_id: str) -> dict[str, Any]:
        for at, reply in enumerate(self._replies):
            if reply["parent_header"].get("msg_id") == message_id:
                return self._replies.pop(at)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message_id:
                return dict(reply)
            self._replies.append(reply)

    def ask(self, kind: str, subshell: str | None = None, **content: Any) -> dict[str, Any]:
        """Send another request than a cell (``complete_request`` ...) and return the content of its reply."""
        message = self.client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return dict(self._reply(message["header"]["msg_id"])["content"])

    def subshell(self) -> str:
        """Open a subshell and return its id for `send`."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.manager.interrupt_kernel()

    def run(self, code: str, **options: Any) -> Reply:
        """Run a cell and return what came back."""
        return self.collect(self.send(code, **options))

    def records(self) -> list[CellRecord]:
        """Read what is in the kernel's journal, all its sessions in order."""
        logs = [read_log(path) for path in log_paths(self.home)]
        return [record for log in logs if log is not None for record in log.records]

    def value(self, expression: str) -> Any:
        """Return a value of the kernel's, read by a silent request that leaves no trace."""
        import ast

        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"it": expression},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content)
        self.client.shell_channel.send(message)
        reply = self.collect(message["header"]["msg_id"])
        answer = reply.content["user_expressions"]["it"]
        if answer["status"] != "ok":
            raise AssertionError(f"{expression}: {answer['ename']}: {answer['evalue']}")
        return ast.literal_eval(answer["data"]["text/plain"])
