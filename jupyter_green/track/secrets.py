"""Secrets never reach a record: what looks like one is masked before it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

# "tokenizer" and "max_tokens" are no secrets, and neither are authors, keyboards and monkeys.
_NAME = re.compile(
    r"passw(or)?d|pass(phrase|code)|(^|[\W_])pass$|pwd|secret|credential|auth(?!or)|bearer|cookie"
    r"|(api|access|auth|refresh|secret|bearer|bot)[\W_]?tokens|token(?!s|i[sz])"
    r"|(api|access|private|account|encryption|signing|ssh)[\W_]?key|(^|[\W_])key$",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]+(?=@)")  # to the last @: a password may hold one
_TOKEN = re.compile(
    r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-(?=[\w-]*\d)[\w-]{16,}|[sr]k_(?:live|test)_\w{16,}"
    r"|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|hf_\w{20,}"
    r"|npm_\w{30,}|pypi-[\w-]{20,}|dapi[0-9a-f]{32}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_HEADER = re.compile(r"\b(bearer|authorization: ?basic)\s+(?=\S*\d)[\w.~+/-]{8,}=*", re.IGNORECASE)
_PAIR = re.compile(r"(?<![^?&;\s])([\w.-]+)=([^&;\s]+)")  # of a query or a connection string
_SIGNATURE = re.compile(r"^(x-\w+-)?sig(nature)?$", re.IGNORECASE)


def _is_secret(name: str) -> bool:
    return _NAME.search(name) is not None


def _mask_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK}" if _is_secret(pair[1]) or _SIGNATURE.match(pair[1]) else pair[0]


def mask_text(text: str) -> str:
    """Mask user info in URLs, secrets in query strings, and what has the shape of a known kind of token.

    >>> mask_text("http://ann:pw@host/x?api_key=1&a=2"), mask_text("ghp_" + "a" * 36)
    ('http://***@host/x?api_key=***&a=2', '***')
    """
    text = _USER_INFO.sub(MASK, text)
    text = _PAIR.sub(_mask_pair, text)
    text = _HEADER.sub(rf"\1 {MASK}", _PRIVATE_KEY.sub(MASK, text))
    return _TOKEN.sub(MASK, text)


def without_secrets(uri: str) -> str:
    """Return a URI without the secrets in its query string.

    >>> without_secrets("postgresql://host/db?password=pw&sslmode=require")
    'postgresql://host/db?sslmode=require'
    """
    base, mark, query = uri.partition("?")
    kept = [pair for pair in query.split("&") if not _is_secret(pair.partition("=")[0])]
    return base + (mark + "&".join(kept) if kept else "")


def mask(values: Mapping[str, object]) -> dict[str, str]:
    """Return parameters or tags as text, with secrets masked by their name or shape, also inside lists and dicts.

    >>> mask({"db_password": "x", "lr": 0.1, "author": "Ann", "db": {"pwd": "x"}})
    {'db_password': '***', 'lr': '0.1', 'author': 'Ann', 'db': "{'pwd': '***'}"}
    """
    return {name: str(value) for name, value in _masked(values).items()}


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): MASK if _is_secret(str(name)) else _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else mask_text(str(value))
