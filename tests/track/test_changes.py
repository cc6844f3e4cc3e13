"""A change is named only where it is beyond the noise of earlier runs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.track.changes import change

energies = st.floats(1e-6, 1e6)


@pytest.mark.parametrize("known", [[], [None], [1.0], [1.0, 2.0, 3.0], [1.0, None, 2.0, 3.0], [1.0, 1.0, 1.0, None]])
def test_too_little_to_tell(known: list[float | None]) -> None:
    """With fewer than three earlier runs, or a last one that is unknown, nothing is said."""
    assert change(known) is None


@given(before=st.lists(energies, min_size=3, max_size=30), last=energies)
def test_the_sign_of_a_change(before: list[float], last: float) -> None:
    """A change has the sign and size of the last run against the mean of those it was compared with."""
    found = change([*before, last])
    assert found is not None
    used = before[-20:]
    middle = sum(used) / len(used)
    assert found.runs == len(used)
    if found.verdict == "same":
        assert found.percent is None
    else:
        assert found.percent == pytest.approx(100 * (last - middle) / middle, rel=1e-6)
        assert (found.percent < 0) == (found.verdict == "less")


def test_how_often_noise_is_called_a_change() -> None:
    """Of runs that differ by chance alone, 5 % are called a change (20,000 draws, ± 0.6)."""
    draw = random.Random(7)
    named = 0
    for _ in range(20_000):
        runs = [draw.gauss(100, 5) for _ in range(draw.randint(4, 12))]
        found = change(runs)
        assert found is not None
        named += found.verdict != "same"
    assert 0.044 <= named / 20_000 <= 0.056


def test_old_runs_are_forgotten() -> None:
    """A cell that was made lighter long ago is compared with what it is now."""
    heavy, light = [100.0, 101.0, 99.0], [10.0, 10.1, 9.9, 10.05] * 5
    found = change([*heavy, *light, 10.0])
    assert found is not None
    assert (found.verdict, found.runs) == ("same", 20)
