"""The kernels that somebody looks at, sampled once a second for as long as a page asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from tornado.ioloop import PeriodicCallback

from jupyter_green.meter.meter import make_meter
from jupyter_green.meter.watch import Watch
from jupyter_green.track.current import usable_settings

_PERIOD_MS = 1000
_PATIENCE_S = 10.0  # a page asks every 2 s at least; then it has gone


class Watches:
    """Watches kernels of one server.

    Args:
        kernels: The server's kernel manager.
        now_s: A clock, s.
        period_ms: From one sample to the next.
    """

    def __init__(self, kernels: Any, now_s: Callable[[], float] = time.monotonic, period_ms: int = _PERIOD_MS) -> None:
        self._kernels, self._now_s, self._period_ms = kernels, now_s, period_ms
        self._watched: dict[str, tuple[int, Watch, float]] = {}  # pid, watch, when somebody asked last
        self._clock: PeriodicCallback | None = None

    @property
    def kernels(self) -> tuple[str, ...]:
        """The ids of the kernels that are sampled now."""
        return tuple(self._watched)

    def watch(self, kernel_id: str, environ: Any) -> Watch | str:
        """Return the watch of a kernel, which is kept for some seconds; or in a sentence why there is none."""
        pid = self._pid(kernel_id)
        if isinstance(pid, str):
            self._drop(kernel_id)
            return pid
        known = self._watched.get(kernel_id)
        if known is not None and (known[0] != pid or known[1].has_ended):
            self._drop(kernel_id)
            known = None
        if known is None:
            settings, _ = usable_settings(environ)
            watch = Watch(make_meter(pid, settings.cpu_busy_w, settings.cpu_idle_w))
            if self._clock is None:
                self._clock = PeriodicCallback(self._tick, self._period_ms)
                self._clock.start()
        else:
            watch = known[1]
        watch.sample()
        self._watched[kernel_id] = (pid, watch, self._now_s())
        return "The kernel has ended." if watch.has_ended else watch

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

    def _tick(self) -> None:
        now = self._now_s()
        for kernel_id, (_, watch, asked) in list(self._watched.items()):
            if now - asked > _PATIENCE_S or watch.has_ended:
                self._drop(kernel_id)
            else:
                watch.sample()

    def _drop(self, kernel_id: str) -> None:
        known = self._watched.pop(kernel_id, None)
        if known is not None:
            known[1].close()
        if not self._watched and self._clock is not None:
            self._clock.stop()
            self._clock = None

    def close(self) -> None:
        """Let go of all kernels."""
        for kernel_id in list(self._watched):
            self._drop(kernel_id)
