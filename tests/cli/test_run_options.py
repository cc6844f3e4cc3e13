"""What ``doctor`` says of its own cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands import green


@pytest.mark.parametrize("env", [{}, {"JUPYTER_GREEN_PRICE_PER_KWH": "0.3"}])
def test_doctor_times_whole_cells(env: dict[str, str], tmp_path: Path, home: Path) -> None:
    """``doctor`` times windows with their journal lines, in a row and after pauses, and leaves nothing behind."""
    trial = tmp_path / "tmp"
    trial.mkdir()
    answer = green("doctor", "--json", cwd=tmp_path, env={"TMPDIR": str(trial), **env})
    assert (answer.code, answer.err) == (0, "")
    cost = json.loads(answer.out)["own_cost"]
    assert list(cost) == ["cell_cpu_ms", "after_pause_cpu_ms", "method"]
    assert 0.01 < cost["cell_cpu_ms"] < 100
    assert 0.01 < cost["after_pause_cpu_ms"] < 100
    assert "journal" in cost["method"]
    assert not home.exists()
    assert list(trial.iterdir()) == []


def test_doctor_says_what_it_timed(tmp_path: Path, home: Path) -> None:
    """``doctor`` gives both figures with what is in them, and where to see a kernel's own."""
    said = green("doctor", cwd=tmp_path).out
    told = r"A bare window and its journal line take [\d.]+ ms CPU time a cell; [\d.]+ ms after a pause\.\n"
    assert re.search(told, said)
    assert "%track_energy status" in said
