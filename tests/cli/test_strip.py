"""``strip``: our metadata goes, everything else stays to the byte; a git filter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.cli.strip import stripped
from tests.commands import MAIN, green

_OURS = {"jupyter_green": {"energy_j": 1.5, "quality": "modelled"}}


def _notebook(ours: bool) -> dict[str, Any]:
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 1,
                "id": "a",
                "metadata": {"tags": ["x"], **(_OURS if ours else {})},
                "outputs": [{"data": {"text/plain": ["'größe ⚡'"]}, "output_type": "execute_result", "metadata": {}}],
                "source": ["x = 1\n", "print('tab\\t', \"\\\\u00e9\", 'ä')"],
            },
            {"cell_type": "markdown", "id": "b", "metadata": {}, "source": []},
        ],
        "metadata": {"a": 0.1, **(_OURS if ours else {}), "z": None},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _styles(notebook: dict[str, Any]) -> dict[str, bytes]:
    usual = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return {
        "as Jupyter writes": usual.encode(),
        "without a last line end": usual.rstrip("\n").encode(),
        "Windows": usual.replace("\n", "\r\n").encode(),
        "two spaces": json.dumps(notebook, indent=2, ensure_ascii=False).encode(),
        "tabs": json.dumps(notebook, indent="\t", ensure_ascii=False).encode(),
        "escaped": json.dumps(notebook, indent=1).encode(),
        "one line": json.dumps(notebook, ensure_ascii=False).encode(),
        "compact": json.dumps(notebook, ensure_ascii=False, separators=(",", ":")).encode(),
    }


@pytest.mark.parametrize("style", list(_styles(_notebook(True))))
def test_only_ours_goes(style: str) -> None:
    """Whatever the style of the file, the result is the same file as if we had never written into it."""
    assert stripped(_styles(_notebook(True))[style], "nb") == _styles(_notebook(False))[style]
    assert stripped(_styles(_notebook(False))[style], "nb") is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
), max_leaves=10))  # fmt: skip
def test_any_metadata_of_others_stays(value: Any) -> None:
    """Whatever others put into metadata stays, half characters too."""
    notebook = {"cells": [], "metadata": {"other": value, **_OURS}, "nbformat": 4, "nbformat_minor": 5}
    new = stripped(json.dumps(notebook, indent=1).encode(), "nb")
    assert new is not None
    assert json.loads(new) == {**notebook, "metadata": {"other": value}}


def test_half_a_character(tmp_path: Path) -> None:
    """A notebook with a lone surrogate beside other characters is stripped too."""
    text = json.dumps({"cells": [], "metadata": _OURS}, indent=1).replace("modelled", "\\ud83d ä")
    mixed = text.replace('"metadata": {', '"metadata": {"note": "\\ud83d ä",', 1).encode()
    new = stripped(mixed, "nb")
    assert new is not None
    assert json.loads(new)["metadata"] == {"note": "\ud83d ä"}


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"[]", b"3", b'{"cells": 3}', b'{"cells": [3]}', b'{"metadata": [1]}', b"\xff"]
)
def test_not_a_notebook(text: bytes, tmp_path: Path) -> None:
    """What is no notebook is left alone; where that is sure, exit code 2 and one sentence."""
    (tmp_path / "x.ipynb").write_bytes(text)
    answer = green("strip", "x.ipynb", cwd=tmp_path)
    assert "Traceback" not in answer.err
    assert (tmp_path / "x.ipynb").read_bytes() == text
    if text in (b"", b"hello", b"\xff", b"[]"):
        assert answer.code == 2
        assert answer.err.startswith("strip: x.ipynb is not a notebook")


def test_files_and_links(tmp_path: Path) -> None:
    """Files are rewritten in one step, keep their mode and the links to them; clean ones are not touched."""
    real, clean = tmp_path / "real.ipynb", tmp_path / "clean.ipynb"
    real.write_bytes(_styles(_notebook(True))["as Jupyter writes"])
    clean.write_bytes(_styles(_notebook(False))["as Jupyter writes"])
    real.chmod(0o640)
    os.utime(clean, (1, 1))
    (tmp_path / "link.ipynb").symlink_to(real)
    answer = green("strip", "link.ipynb", "clean.ipynb", cwd=tmp_path)
    assert (answer.code, answer.out, answer.err) == (0, "Stripped 1 of 2 notebooks.\n", "")
    assert (tmp_path / "link.ipynb").is_symlink()
    assert real.read_bytes() == clean.read_bytes()
    assert real.stat().st_mode & 0o777 == 0o640
    assert clean.stat().st_mtime == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.ipynb", "link.ipynb", "real.ipynb"]
    assert json.loads(green("strip", "--json", "real.ipynb", cwd=tmp_path).out) == {"changed": []}


def test_as_a_git_filter(tmp_path: Path) -> None:
    """As git's clean filter it keeps our metadata out of commits and leaves the file in the folder as it is."""

    def git(*arguments: str) -> bytes:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"]
        return subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "-q")
    git("config", "filter.green.clean", f"'{sys.executable}' -c '{MAIN}' strip")
    git("config", "filter.green.required", "true")
    (tmp_path / ".gitattributes").write_text("*.ipynb filter=green\n")
    dirty, clean = (_styles(_notebook(ours))["Windows"] for ours in (True, False))
    (tmp_path / "nb.ipynb").write_bytes(dirty)
    git("add", "nb.ipynb")
    assert git("show", ":nb.ipynb") == clean
    assert (tmp_path / "nb.ipynb").read_bytes() == dirty
