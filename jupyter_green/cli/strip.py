"""``jupyter green strip``: takes our metadata out of notebooks."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from jupyter_green.cli.output import json_option, print_json
from jupyter_green.errors import UsageError

_KEY = "jupyter_green"


@click.command()
@click.argument("notebooks", nargs=-1)
@json_option
def strip(notebooks: tuple[str, ...], as_json: bool) -> None:
    """Take our metadata out of NOTEBOOKS; without any, from standard input to standard output (a git filter).

    A notebook without our metadata stays as it is, to the byte.
    """
    if not notebooks:
        text = sys.stdin.buffer.read()
        sys.stdout.buffer.write(stripped(text, "standard input") or text)
        return
    changed = []
    for name in notebooks:
        path = Path(name)
        try:
            text = path.read_bytes()
        except OSError as error:
            raise UsageError(f"strip: {name}: {error.strerror}.") from error
        new = stripped(text, name)
        if new is not None:
            try:
                _replace(path.resolve(), new)
            except OSError as error:
                raise UsageError(f"strip: {name} cannot be written ({error.strerror}).") from error
            changed.append(name)
    if as_json:
        print_json({"changed": changed})
    else:
        click.echo(f"Stripped {len(changed)} of {len(notebooks)} notebooks.")


def stripped(text: bytes, name: str) -> bytes | None:
    """Return a notebook without our metadata, or None if it has none.

    Raises:
        UsageError: If it is not a notebook.
    """
    try:
        notebook = json.loads(text)
        parts = [notebook, *notebook.get("cells", ())]
        found = [part["metadata"] for part in parts if _KEY in part.get("metadata", {})]
    except (ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"strip: {name} is not a notebook ({error}).") from error
    if not found:
        return None
    for metadata in found:
        del metadata[_KEY]
    indent = re.match(rb"\s*\{\r?\n(\s+)\"", text)
    try:
        new = _dumped(notebook, text, indent, text.isascii()).encode()
    except UnicodeEncodeError:  # half of a character, as "\ud83d" alone
        new = _dumped(notebook, text, indent, True).encode()
    return new.replace(b"\n", b"\r\n") if b"\r\n" in text else new


def _dumped(notebook: Any, text: bytes, indent: re.Match[bytes] | None, is_ascii: bool) -> str:
    """Write a notebook in the manner of its old text."""
    compact = (", ", ": ") if re.match(rb'\s*\{"\w+": ', text) else (",", ":")
    separators = (",", ": ") if indent is not None else compact
    width = None if indent is None else indent[1].decode()
    new = json.dumps(notebook, ensure_ascii=is_ascii, indent=width, separators=separators)
    return new + ("\n" if text.endswith(b"\n") else "")


def _replace(path: Path, text: bytes) -> None:
    """Write a file anew in one step, so that nobody finds half of it."""
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        aside.write_bytes(text)
        aside.chmod(path.stat().st_mode)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
