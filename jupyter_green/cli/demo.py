"""``jupyter green demo DIR``: the quickstart notebook, run and explained."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

import click

from jupyter_green.cli.output import json_option, print_json
from jupyter_green.cli.run import as_values, lines
from jupyter_green.errors import UsageError
from jupyter_green.programs import typed
from jupyter_green.retrain.run import run_notebook
from jupyter_green.settings import read_settings

_NAME = "quickstart.ipynb"


def _quickstart() -> Path:
    """Return the notebook: in the package of a wheel, beside the package in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / _NAME).is_file():
            return folder / _NAME
    raise UsageError(f"demo: {_NAME} is missing from this installation. Install jupyter-green again.")


@click.command()
@click.argument("folder", default="green-demo", metavar="DIR")
@json_option
def demo(folder: str, as_json: bool) -> None:
    """Copy the quickstart notebook to DIR, run it, and print what each cell cost."""
    if importlib.util.find_spec("sklearn") is None:
        raise UsageError("demo: it trains with scikit-learn, which is not installed. Type: pip install scikit-learn")
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        notebook = place / _NAME
        if not notebook.exists():
            shutil.copyfile(_quickstart(), notebook)
    except OSError as error:
        raise UsageError(f"demo: {folder} cannot be written ({error.strerror}).") from error
    result = run_notebook(
        str(notebook),
        str(place / "quickstart-run.ipynb"),
        settings=read_settings(),
        progress=sys.stderr.isatty() and not as_json,
    )
    if as_json:
        print_json(as_values(result))
    else:
        click.echo("\n".join([*lines(result), *_next_steps(place, notebook)]))
    sys.exit(0 if result.failure is None else 1)


def _next_steps(place: Path, notebook: Path) -> list[str]:
    steps = ["", "Look at it:"]
    if importlib.util.find_spec("jupyterlab") is None:
        steps.append("  pip install jupyterlab")
    steps.append(f"  {typed('jupyter')} lab {shlex.quote(str(notebook))}")
    steps.append(f"  cd {shlex.quote(str(place))} && {typed('mlflow')} ui")
    return steps
