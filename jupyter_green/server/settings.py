"""The settings of a notebook's kernel that this server starts, and the grids that can be chosen.

From the browser only what turns joules into grams and money can be set: neither the network nor an address or path.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from tornado import web

from jupyter_green.intensity import resolve
from jupyter_green.server.base import GreenHandler, asked, body_text
from jupyter_green.server.wire import SettingsState, SettingState, Zone
from jupyter_green.settings import PREFIX, write_setting
from jupyter_green.tables import read_zones
from jupyter_green.track.current import resolve_or_none, usable_settings

_OPEN = ("intensity", "pue", "price_per_kwh", "currency")
_writing = threading.Lock()  # who writes a name keeps the others' as they are


class SettingsHandler(GreenHandler):
    """``GET settings?path=&kernel=``, and ``PUT settings`` with ``path``, ``kernel``, ``name`` and ``value``.

    A null takes the value away. Without a path the answer is for a notebook in the server's root.
    """

    @asked
    async def get(self) -> None:
        await self.answer(_state, self._folder(self.text("path"), self.text("kernel")))

    @asked
    async def put(self) -> None:
        body = self.body()
        if body.get("name") not in _OPEN:
            raise web.HTTPError(400, f"Only {', '.join(_OPEN)} can be set from the browser.")
        if "value" not in body:
            raise web.HTTPError(400, "A value is expected, or null to take it away.")
        folder = self._folder(body_text(body, "path"), body_text(body, "kernel"))
        await self.answer(_write, folder, body["name"], body["value"])

    def _folder(self, path: str | None, kernel: str | None) -> Path:
        return self.desk.folder(None if path is None else self.named(path, kernel)[0])


def _state(folder: Path) -> SettingsState:
    settings, problem = usable_settings(os.environ, folder)
    return SettingsState(
        settings=tuple(
            SettingState(name=name, value=getattr(settings, name), source=source, is_locked=name in settings.locked)
            for name, source in settings.sources.items()
        ),
        intensity=resolve_or_none(settings),
        problem=problem,
    )


def _write(folder: Path, name: str, value: Any) -> SettingsState:
    settings, _ = usable_settings(os.environ, folder)
    if name in settings.locked:
        raise web.HTTPError(403, f"{name} is locked on this computer ({settings.sources[name]}).")
    if name == "intensity" and value is not None:
        resolve(str(value))  # a grid that is none is refused here, not by each kernel later
    try:
        with _writing:
            path = write_setting(name, value)
    except OSError as error:
        raise web.HTTPError(500, f"The settings cannot be written ({error.strerror}).") from error
    state = _state(folder)
    source = next(one.source for one in state.settings if one.name == name)
    if value is None or Path(source) == path:
        return state
    winner = f"{PREFIX}{name.upper()} in the server's environment" if source == "environment" else source
    problem = f"{name} was saved, but {winner} is what counts."
    return SettingsState(
        settings=state.settings,
        intensity=state.intensity,
        problem=problem if state.problem is None else f"{problem} {state.problem}",
    )


class ZonesHandler(GreenHandler):
    """``GET zones``: the grids that can be chosen, by their names."""

    @asked
    async def get(self) -> None:
        await self.answer(_zones)


def _zones() -> list[Zone]:
    zones = [Zone(code=zone.code, name=zone.name, g_per_kwh=zone.g_per_kwh) for zone in read_zones().values()]
    return sorted(zones, key=lambda zone: (zone.name.casefold(), zone.code))
