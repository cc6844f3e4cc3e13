"""The group of commands. Exit codes: 0 ok, 1 a cell or a check failed, 2 usage, 3 budget reached."""

from __future__ import annotations

import difflib
import io
import sys
from typing import Any

import click

from jupyter_green import __version__
from jupyter_green.cli.demo import demo
from jupyter_green.cli.doctor import doctor
from jupyter_green.cli.report import report
from jupyter_green.cli.run import run
from jupyter_green.cli.settings import config, intensity
from jupyter_green.cli.strip import strip
from jupyter_green.cli.sync import sync
from jupyter_green.errors import GreenError, UsageError

FAILED, USAGE = 1, 2


class Commands(click.Group):
    """A group that proposes the nearest command."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """Find a command; an unknown one is named with what may have been meant."""
        known = self.list_commands(context)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{meant}", context)
        return super().resolve_command(context, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jupyter green")
def green() -> None:
    """Energy, CO2e and accuracy of notebooks: measured, with range and method."""


for command in (doctor, run, report, sync, strip, demo, intensity, config):
    green.add_command(command)


def _print_anything() -> None:
    """Let a character that the terminal or pipe cannot show be a question mark there instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run a command; an error of ours is one line on standard error."""
    _print_anything()
    try:
        green(prog_name="jupyter green")
    except UsageError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except GreenError as error:
        click.echo(str(error), err=True)
        sys.exit(FAILED)
