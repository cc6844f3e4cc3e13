"""A real kernel, driven as a frontend drives it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

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
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def collect(self, message_id: str) -> Reply:
        """Wait for a cell's reply and all it put out."""
        messages = []
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE_S)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            messages.append(message)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message_id:
                return Reply(reply["content"], messages)

    def run(self, code: str, **options: Any) -> Reply:
        """Run a cell and return what came back."""
        return self.collect(self.send(code, **options))

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
