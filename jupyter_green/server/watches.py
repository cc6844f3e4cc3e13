"""The kernels that somebody looks at: watched while a page asks, and not without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from jupyter_green.meter.meter import make_meter
from jupyter_green.meter.watch import Watch
from jupyter_green.track.current import usable_settings

_PATIENCE_S = 10.0  # a page asks every 2 s at least; then it has gone


@dataclass(frozen=True, slots=True)
class _Watched:
    pid: int
    watch: Watch
    end: asyncio.TimerHandle


class Watches:
    """Watches kernels of one server.

    Args:
        kernels: The server's kernel manager.
        patience_s: How long a kernel is watched after somebody asked.
    """

    def __init__(self, kernels: Any, patience_s: float = _PATIENCE_S) -> None:
        self._kernels, self._patience_s = kernels, patience_s
        self._watched: dict[str, _Watched] = {}

    @property
    def kernels(self) -> tuple[str, ...]:
        """The ids of the kernels that are watched now."""
        return tuple(self._watched)

    async def watch(self, kernel_id: str, environ: Mapping[str, str], folder: Path) -> Watch | str:
        """Return a kernel's watch, which is kept for some seconds; or in a sentence why there is none.

        Args:
            kernel_id: The kernel.
            environ: The environment that it was started with.
            folder: Where it was started: a project's settings may name the watts of its CPU.
        """
        pid = self._pid(kernel_id)
        if isinstance(pid, str):
            self._drop(kernel_id)
            return pid
        watch = self._known(kernel_id, pid)
        if watch is None:
            made = await asyncio.to_thread(_make, pid, environ, folder)
            watch = self._known(kernel_id, pid)  # another request may have made one meanwhile
            if watch is None:
                watch = made
            else:
                made.close()
        self._keep(kernel_id, pid, watch)
        return watch

    def _keep(self, kernel_id: str, pid: int, watch: Watch) -> None:
        known = self._watched.get(kernel_id)
        if known is not None:
            known.end.cancel()
        end = asyncio.get_running_loop().call_later(self._patience_s, self._drop, kernel_id)
        self._watched[kernel_id] = _Watched(pid, watch, end)

    def _known(self, kernel_id: str, pid: int) -> Watch | None:
        known = self._watched.get(kernel_id)
        if known is not None and (known.pid != pid or known.watch.has_ended):
            self._drop(kernel_id)
            return None
        return None if known is None else known.watch

    def _pid(self, kernel_id: str) -> int | str:
        try:
            if kernel_id not in self._kernels:
                return "The kernel is not running."
            manager = self._kernels.get_kernel(kernel_id)
        except Exception as error:  # kernel managers are plug-ins, and say this in their own ways
            return f"The kernel cannot be found ({type(error).__name__})."
        if not manager.has_kernel:
            return "The kernel is not running."
        provisioner = getattr(manager, "provisioner", None)
        # Others may have a pid, too: on another computer, where it means another process.
        pid = provisioner.pid if isinstance(provisioner, LocalProvisioner) else None
        if not isinstance(pid, int):
            return "The kernel runs on another computer, so its power cannot be seen from here."
        return pid

    def _drop(self, kernel_id: str) -> None:
        known = self._watched.pop(kernel_id, None)
        if known is not None:
            known.end.cancel()
            known.watch.close()


def _make(pid: int, environ: Mapping[str, str], folder: Path) -> Watch:
    settings, _ = usable_settings(environ, folder)
    return Watch(make_meter(pid, settings.cpu_busy_w, settings.cpu_idle_w))
