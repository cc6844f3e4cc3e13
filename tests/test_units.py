"""Units: texts for people say the value they were given, and nothing more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.units import J_PER_KWH, co2e_g, cost, energy_text, mass_text, three_figures

ENERGY_J = {"mJ": 1e-3, "J": 1.0, "kJ": 1e3, "kWh": J_PER_KWH}
MASS_G = {"µg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1e3}

positive = st.floats(1e-30, 1e30)


def _parsed(text: str, units: dict[str, float]) -> list[float]:
    found = re.fullmatch(r"([\d.]+) (\S+)(?: \(([\d.]+) to ([\d.]+)\))?", text)
    assert found is not None, text
    return [float(number) * units[found[2]] for number in found.group(1, 3, 4) if number is not None]


@given(positive)
def test_three_figures_are_three_figures(value: float) -> None:
    """A number's text reads as the number to half of its third figure, has no exponent, and is not 0."""
    text = three_figures(value)
    assert re.fullmatch(r"\d+(\.\d*[1-9])?", text), text
    assert float(text) == pytest.approx(value, rel=0.0051)
    assert three_figures(-value) == f"-{text}"


@given(positive)
def test_an_energy_reads_as_it_is(value_j: float) -> None:
    """An energy's text, read with its unit, is the energy to three figures; a positive one is never 0."""
    (read,) = _parsed(energy_text(value_j), ENERGY_J)
    assert read == pytest.approx(value_j, rel=0.0051)


@given(positive)
def test_a_mass_reads_as_it_is(value_g: float) -> None:
    """A mass's text, read with its unit, is the mass to three figures; a positive one is never 0."""
    (read,) = _parsed(mass_text(value_g), MASS_G)
    assert read == pytest.approx(value_g, rel=0.0051)


@given(positive, st.floats(0.01, 1), st.floats(1, 100))
def test_a_range_has_the_unit_of_its_value(value: float, down: float, up: float) -> None:
    """Low and high are written in the value's unit and read as they are, to two figures where the range is wide."""
    low, high = value * down, value * up
    for text, units in ((energy_text, ENERGY_J), (mass_text, MASS_G)):
        read = _parsed(text(value, low, high), units)
        assert read[0] == pytest.approx(value, rel=0.06)
        assert (len(read) == 1) == (low == high)
        if low != high:
            assert read[1:] == pytest.approx([low, high], rel=0.06)


def test_a_narrow_range_keeps_three_figures() -> None:
    """A third figure is written only where the range is narrower than a tenth."""
    assert energy_text(41.23, 41.02, 41.44) == "41.2 J (41 to 41.4)"
    assert energy_text(41.23, 21.0, 82.0) == "41 J (21 to 82)"
    assert energy_text(41.23, 41.23, 41.23) == "41.2 J"
    assert energy_text(5.0, 0.0, 12.0) == "5 J (0 to 12)"


def test_unknown_is_not_measured() -> None:
    """What is unknown is "not measured", not 0."""
    assert energy_text(None) == mass_text(None) == "not measured"
    assert energy_text(0.0) == "0 mJ"


@pytest.mark.parametrize(("value_j", "text"), [(9.999e-4, "1 mJ"), (999.9, "1000 J"), (1000, "1 kJ"), (7.2e6, "2 kWh")])
def test_the_unit_fits_the_energy(value_j: float, text: str) -> None:
    """The unit grows with the energy: mJ, J, kJ, and kWh from one of them on."""
    assert energy_text(value_j) == text


def test_a_kilowatt_hour_at_the_worlds_average() -> None:
    """1 kWh of IT at a PUE of 1.5 and 475 g/kWh is 712.5 g and costs half as much again."""
    assert co2e_g(J_PER_KWH, 475, 1.5) == pytest.approx(712.5)
    assert cost(J_PER_KWH, 0.30, 1.5) == pytest.approx(0.45)
    assert J_PER_KWH == 1000 * 3600
