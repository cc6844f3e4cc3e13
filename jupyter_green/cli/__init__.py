"""The command line: ``jupyter green …``."""

from jupyter_green.cli.main import main

__all__ = ["main"]
