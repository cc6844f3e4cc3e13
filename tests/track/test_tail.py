"""A session's file read as it grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.track.journal import Journal, read_log
from jupyter_green.track.tail import Tail
from tests.track.forge import OK, add, record, session, write


@given(cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_a_file_read_in_pieces(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever the file ends while it is read, in the end there is what reading it at once gives."""
    folder = tmp_path_factory.mktemp("pieces")
    text = write(folder, session(), [record(n) for n in range(1, 5)], OK).read_bytes()
    path = folder / "growing.jsonl"
    path.touch()
    tail = Tail(path)
    for cut in [*sorted(min(cut, len(text)) for cut in cuts), len(text)]:
        path.write_bytes(text[:cut])  # the same file, longer
        tail.read()
    whole = read_log(path)
    assert whole is not None
    assert tuple(tail.records.values()) == whole.records
    assert (tail.session, tail.end, tail.unreadable) == (whole.session, whole.end, 0)


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    """Half a line is not counted as unreadable; it is read once its end is there."""
    path = write(tmp_path, session(), [record(1)])
    text = path.read_bytes()
    path.write_bytes(text[:-5])
    tail = Tail(path)
    tail.read()
    assert (len(tail.records), tail.unreadable) == (0, 0)
    path.write_bytes(text)
    tail.read()
    assert (len(tail.records), tail.unreadable) == (1, 0)


def test_a_file_that_became_another_one(tmp_path: Path) -> None:
    """A file that was cut or replaced is read from its beginning."""
    path = write(tmp_path, session(), [record(1), record(2), record(3)])
    tail = Tail(path)
    tail.read()
    other = write(tmp_path / "other", session("1" * 16), [record(9, session_id="1" * 16)])
    other.replace(path)
    tail.read()
    assert list(tail.records) == [f"{'1' * 16}-9"]


@pytest.mark.parametrize(
    "change",
    [
        {"energy": {"attributed_j": "much"}},
        {"energy": {"attributed_j": float("inf")}},
        {"energy": {"attributed_j": [1]}},
        {"co2e_g": float("nan")},
        {"metrics": {"accuracy": "high"}},
        {"intensity": {"g_per_kwh": "low"}},
        {"between_j": {"value": float("nan")}},
        {"energy": {"duration_s": float("inf")}},
        {"kind": "dream"},
        {"intensity": {"source": "dream"}},
        {"execution_count": "first"},
        {"started_at": "yesterday"},
    ],
)
def test_a_number_that_is_none(change: dict[str, object], tmp_path: Path) -> None:
    """A line whose numbers are no numbers is passed over and counted; the others stay."""
    path = write(tmp_path, session(), [record(1), record(2)])
    head, first, second, _ = path.read_bytes().split(b"\n")
    data = json.loads(second)
    for name, value in change.items():
        data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
    path.write_bytes(b"\n".join([head, first, json.dumps(data).encode(), b""]))
    tail = Tail(path)
    tail.read()
    assert ([one.execution_count for one in tail.records.values()], tail.unreadable) == ([1], 1)


def test_the_first_line_alone(tmp_path: Path) -> None:
    """Who recorded a file stands in its first line."""
    journal = Journal(tmp_path, session(kernel_id="k"))
    add(journal, [record(1)])
    head = Tail(journal.path)
    head.read_head()
    assert head.session is not None
    assert (head.session.kernel_id, head.records) == ("k", {})
