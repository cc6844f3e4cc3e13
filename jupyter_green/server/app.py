"""Loading: the handlers, and the word to kernels that JupyterLab draws."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join

from jupyter_green.errors import UsageError
from jupyter_green.server.base import DESK, Desk
from jupyter_green.server.look import LiveHandler, NotebookHandler
from jupyter_green.server.measured import DoctorHandler, ReportHandler
from jupyter_green.server.runs import LookHandler, RunsHandler, SendHandler
from jupyter_green.server.settings import SettingsHandler, ZonesHandler
from jupyter_green.settings import read_home
from jupyter_green.track.notebook import drawing_mark

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_HANDLERS = {
    "notebook": NotebookHandler,
    "live": LiveHandler,
    "runs": RunsHandler,
    "runs/look": LookHandler,
    "runs/send": SendHandler,
    "doctor": DoctorHandler,
    "report": ReportHandler,
    "settings": SettingsHandler,
    "zones": ZonesHandler,
}


def load(serverapp: ServerApp) -> None:
    """Add the handlers under ``jupyter-green/`` and tell kernels of this server that JupyterLab draws."""
    try:
        home = read_home(os.environ)
    except UsageError as error:  # the server itself is to start all the same
        serverapp.log.warning("%s Energy is not shown until the server is started anew.", error)
        return
    if _can_draw():
        os.environ["JUPYTER_GREEN_UI"] = drawing_mark(home)
    else:  # a server inside a notebook of another one inherits its word
        os.environ.pop("JUPYTER_GREEN_UI", None)
    web_app = serverapp.web_app
    web_app.settings[DESK] = Desk(home, serverapp.contents_manager, serverapp.kernel_manager)
    base = web_app.settings["base_url"]
    handlers = [(url_path_join(base, "jupyter-green", path), handler) for path, handler in _HANDLERS.items()]
    web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]  # jupyter_server's own has no types


def _can_draw() -> bool:
    """Tell whether the browser's part is installed; without it cells show their numbers themselves."""
    folders = jupyter_path("labextensions")
    return any(os.path.isfile(os.path.join(folder, "jupyter-green", "package.json")) for folder in folders)
