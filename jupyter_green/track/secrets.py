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
# SQLAlchemy, and so MLflow, takes what stands between a user's colon and an @ as a password, slashes and all. A web
# address is told from one with a password by its port. The last @ that a path follows ends the password; without a
# path it is the last of all. (4,000: a text of many addresses is not read to its end for each of them.)
_USER_INFO = re.compile(
    r"""(?<=://)(?:
        (?!\[[\da-f:.]*\])                                 # an IPv6 address is no user
        (?:[^:/?\#\s]*:(?!\d{0,5}[/?\#]) | (?<!http://)(?<!https://)[^:/\s]*:)
        (?:\S{0,4000}@(?=[^@\s]*/) | \S{0,4000}@)
        | [^/?\#\s]*@
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_WEB_USER_INFO = re.compile(r"(?:(?<=http://)|(?<=https://))[^/?#]*@", re.IGNORECASE)  # as the standard has it
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


def _is_secret_in_query(name: str) -> bool:
    return _is_secret(name) or _SIGNATURE.match(name) is not None


def _mask_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK}" if _is_secret_in_query(pair[1]) else pair[0]


def mask_text(text: str) -> str:
    """Mask user info in URLs, secrets in query strings, and what has the shape of a known kind of token.

    >>> mask_text("http://ann:pw@host/x?api_key=1&a=2"), mask_text("ghp_" + "a" * 36)
    ('http://***@host/x?api_key=***&a=2', '***')
    """
    text = _USER_INFO.sub(f"{MASK}@", text)
    text = _PAIR.sub(_mask_pair, text)
    text = _HEADER.sub(rf"\1 {MASK}", _PRIVATE_KEY.sub(MASK, text))
    return _TOKEN.sub(MASK, text)


def without_secrets(uri: str) -> str:
    """Return a URI without the secrets in its query string.

    >>> without_secrets("postgresql://host/db?password=pw&sslmode=require")
    'postgresql://host/db?sslmode=require'
    """
    base, mark, query = uri.partition("?")
    kept = [pair for pair in query.split("&") if not any(map(_is_secret_in_query, _names(pair)))]
    return base + (mark + "&".join(kept) if kept else "")


def _names(pair: str) -> list[str]:
    """Return the names in a part of a query: to some servers a semicolon begins a pair, to others it is a value's."""
    return [part.partition("=")[0] for part in pair.split(";")]


def without_user_info(uri: str) -> str:
    """Return a URI without user and password.

    >>> without_user_info("postgresql://ann:pa/ss@db:5432/mlflow"), without_user_info("http://host:5000/x@y")
    ('postgresql://db:5432/mlflow', 'http://host:5000/x@y')
    """
    solid = re.sub(r"\s", "_", uri)  # here, other than in a text, a blank does not end the password
    start = solid.find("://") + len("://")
    found = _WEB_USER_INFO.match(solid, start) or _USER_INFO.match(solid, start)
    if found is None:
        return uri
    scheme, rest = uri[:start], uri[found.end() :]
    if _USER_INFO.match(scheme + re.sub(r"\s", "_", rest), start):  # an @ in the path would make host and port a user
        rest = rest.replace("@", "%40")
    return scheme + rest


def bare_url(url: str) -> str:
    """Return a URL without what may be secret in it: user info, query and fragment. A path is returned as it is.

    >>> bare_url("https://ann:pw@host:8888/nb.ipynb?sv=2024&sig=SECRET#top")
    'https://host:8888/nb.ipynb'
    """
    return re.split(r"[?#]", without_user_info(url), maxsplit=1)[0] if "://" in url else url


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
