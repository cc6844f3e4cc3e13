"""The browser's types are those of the records."""

from __future__ import annotations

import os
from pathlib import Path

from tests.server.wire_ts import typescript

WIRE = Path(__file__).parents[2] / "labextension" / "src" / "wire.ts"


def test_the_browsers_types_are_made_from_the_records() -> None:
    """``wire.ts`` is what the generator makes of today's records (GOLDEN=write writes it)."""
    text = typescript()
    if os.environ.get("GOLDEN") == "write":
        WIRE.write_text(text, "utf-8")
    assert WIRE.read_text("utf-8") == text
