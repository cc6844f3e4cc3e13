"""A session's file read as it grows: each line once, as soon as it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from jupyter_green.records import CellRecord, End, Session, end_from_json, session_from_json
from jupyter_green.track.lines import cell_from_line

_MOST_TORN = 8  # lines before a session's own: what a full disk left of it


class Tail:
    """What a journal file holds so far.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None  # device and inode of what was read
        self._forget()

    def _forget(self) -> None:
        self.session: Session | None = None
        self.records: dict[str, CellRecord] = {}  # by their ids, in their order
        self.end: End | None = None
        self.unreadable = 0  # lines that were passed over
        self.size = 0  # bytes that were read
        self._shared: dict[str, Any] = {}

    def read(self, *, to_end: bool = False) -> None:
        """Read what was appended since.

        Args:
            to_end: Also take what stands behind the last end of line; else it waits, as it is being written.

        Raises:
            OSError: If the file cannot be opened.
        """
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            if (status.st_dev, status.st_ino) != self._file or status.st_size < self.size:
                self._file = (status.st_dev, status.st_ino)
                self._forget()
            file.seek(self.size)
            text = file.read()
        if not to_end:
            text = text[: text.rfind(b"\n") + 1]
        self.size += len(text)
        for line in text.split(b"\n"):
            if line.strip():
                self._take(line)

    def read_head(self) -> None:
        """Read what the session is, and no more.

        Raises:
            OSError: If the file cannot be opened.
        """
        with self.path.open("rb") as file:
            for line in islice(file, _MOST_TORN):
                if line.strip():
                    self._take(line)
                if self.session is not None:
                    break
        self._file = None

    def _take(self, line: bytes) -> None:
        try:
            data = json.loads(line)
            if not isinstance(data, Mapping):
                raise TypeError
            if data["type"] == "session":
                self.session = session_from_json(data)
                self._shared = dict(data.get("shared") or {})
            elif data["type"] == "cell":
                record = cell_from_line(data, self._shared)
                self.records.setdefault(record.record_id, record)
            elif data["type"] == "end":
                self.end = end_from_json(data)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            self.unreadable += 1
