"""Secrets never reach a record: what looks like one is masked before it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "***"

_NAME = re.compile(
    r"pass(word|wd|phrase)?$|pwd|secret|token|api_?key|access_?key|private_?key|credential|auth(?!or)|(^|_)key$",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_TOKEN = re.compile(
    r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|hf_\w{20,}|dapi[0-9a-f]{32}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_QUERY = re.compile(r"(?<=[?&;])((?:\w*(?:token|key|secret|password|sig(?:nature)?|auth)\w*))=[^&;\s]+", re.IGNORECASE)


def mask_text(text: str) -> str:
    """Mask user info in URLs, secrets in query strings, and what has the shape of a known kind of token.

    >>> mask_text("http://ann:pw@host/x?api_key=1&a=2"), mask_text("ghp_" + "a" * 36)
    ('http://***@host/x?api_key=***&a=2', '***')
    """
    text = _USER_INFO.sub(MASK, text)
    text = _QUERY.sub(rf"\1={MASK}", text)
    return _TOKEN.sub(MASK, text)


def mask(values: Mapping[str, object]) -> dict[str, str]:
    """Return parameters or tags as text, with secrets masked by their name or shape.

    >>> mask({"db_password": "x", "lr": 0.1, "author": "Ann"})
    {'db_password': '***', 'lr': '0.1', 'author': 'Ann'}
    """
    return {str(name): MASK if _NAME.search(str(name)) else mask_text(str(value)) for name, value in values.items()}
