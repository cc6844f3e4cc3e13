"""TypeScript's types of what the server tells the browser, made from the Python records."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from jupyter_green.server import wire

_HEAD = "// Made from jupyter_green/server/wire.py by tests/server/test_wire.py (GOLDEN=write).\n"


def typescript() -> str:
    """Return the text of ``wire.ts``."""
    found: dict[str, type] = {}
    for name in wire.__all__:
        _collect(getattr(wire, name), found)
    return _HEAD + "".join(f"\n{_interface(found[name])}" for name in sorted(found))


def _collect(record: Any, found: dict[str, type]) -> None:
    if record.__name__ in found:
        return
    found[record.__name__] = record
    for hint in typing.get_type_hints(record).values():
        for part in _parts(hint):
            if is_dataclass(part):
                _collect(part, found)


def _parts(hint: Any) -> list[Any]:
    return [hint, *(part for argument in typing.get_args(hint) for part in _parts(argument))]


def _interface(record: Any) -> str:
    hints = typing.get_type_hints(record)
    lines = [f"  readonly {one.name}: {_type(hints[one.name])};" for one in fields(record)]
    return "\n".join([f"export interface {record.__name__} {{", *lines, "}", ""])


_PLAIN = {str: "string", float: "number", int: "number", bool: "boolean", type(None): "null", datetime: "string"}


def _type(hint: Any) -> str:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_dataclass(hint):
        return str(hint.__name__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(f"'{value}'" for value in arguments)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(dict.fromkeys(_type(part) for part in arguments))
    if origin is tuple:
        (item, _) = arguments
        text = _type(item)
        return f"readonly ({text})[]" if "|" in text else f"readonly {text}[]"
    if origin is Mapping:
        return f"Readonly<Record<string, {_type(arguments[1])}>>"
    raise TypeError(f"{hint} has no TypeScript type yet")
