"""What the user says of the grid, and what it stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.errors import UsageError
from jupyter_green.intensity import resolve
from jupyter_green.tables import read_zones


@pytest.mark.parametrize("said", ["FRA", "fra", " Fra\n"])
def test_a_zone_in_any_case(said: str) -> None:
    """A zone is found by its ISO code in any case, with the range of its hours and the year in its label."""
    intensity = resolve(said)
    mean = read_zones()["FRA"].g_per_kwh
    assert (intensity.zone, intensity.g_per_kwh, intensity.source) == ("FRA", mean, "table")
    assert intensity.low < mean < intensity.high
    assert intensity.label.startswith("France, yearly mean 20")
    assert (intensity.kind, intensity.scope) == ("average", "lifecycle")


@pytest.mark.parametrize("said", ["53g", "53 g", "53 g/kWh", "53gCO2e/kWh", "53.0 gCO2/kWh", "+5.3e1g", "53G/KWH"])
def test_a_number_with_its_unit(said: str) -> None:
    """A number in g/kWh is the user's own: its range is itself."""
    intensity = resolve(said)
    assert (intensity.g_per_kwh, intensity.low, intensity.high) == (53, 53, 53)
    assert (intensity.zone, intensity.source, intensity.label, intensity.at) == ("user", "user", "set by you", None)


def test_nothing_said_is_the_worlds_average() -> None:
    """An unknown grid is the world's average, labelled so, with a range that holds all grids' means but five."""
    intensity = resolve(None)
    assert (intensity.g_per_kwh, intensity.low, intensity.high) == (475, 20, 900)
    means = [zone.g_per_kwh for zone in read_zones().values()]
    assert sum(1 for mean in means if not intensity.low <= mean <= intensity.high) == 5
    assert intensity.label == "grid not set, world average"
    assert (intensity.zone, intensity.source) == ("world", "table")


@pytest.mark.parametrize("said", ["53", "53.5", "0"])
def test_a_number_without_unit_is_not_guessed(said: str) -> None:
    """A number without unit is an error that shows how to write it."""
    with pytest.raises(UsageError, match=f"intensity '{said}' has no unit. Write {said}g for {said} gCO2e/kWh."):
        resolve(said)


@pytest.mark.parametrize("said", ["53kg", "53 lb/MWh", "53 %", "53mg", "53 g/Wh"])
def test_an_unknown_unit_is_named(said: str) -> None:
    """A number with another unit is an error that names the unit."""
    with pytest.raises(UsageError, match="has the unknown unit '"):
        resolve(said)


@pytest.mark.parametrize("said", ["-5g", "-0.1 g/kWh", "1e999g"])
def test_an_impossible_number_is_refused(said: str) -> None:
    """A negative or infinite intensity is an error."""
    with pytest.raises(UsageError, match="is not possible"):
        resolve(said)


@pytest.mark.parametrize(
    "said", ["", "  ", "inf", "nan", "infg", "XX", "CAF", "FR A", "fra\0", "🇫🇷", "g", "x" * 10_000]
)
def test_what_is_no_zone_is_refused(said: str) -> None:
    """Anything else is an error that says what may be written; a gap of the table is no zone either."""
    with pytest.raises(UsageError, match=r"is not a zone\. .*Try FRA, 53g, or jupyter green intensity --list\."):
        resolve(said)


@pytest.mark.parametrize(("said", "code"), [("Frnace", "FRA"), ("germany", "DEU"), ("Polnd", "POL")])
def test_a_country_by_name_is_told_its_code(said: str, code: str) -> None:
    """A country's name, well or badly spelt, is answered with its code."""
    with pytest.raises(UsageError, match=f"Did you mean {code}\\?"):
        resolve(said)


@given(st.text())
def test_any_text_is_an_intensity_or_a_usage_error(said: str) -> None:
    """No text raises anything but a usage error, and no intensity is negative, infinite or outside its range."""
    try:
        intensity = resolve(said)
    except UsageError:
        return
    assert 0 <= intensity.low <= intensity.g_per_kwh <= intensity.high < float("inf")


@given(st.floats(0, 1e6, allow_subnormal=False))
def test_any_number_is_taken_as_it_is(g_per_kwh: float) -> None:
    """Whatever number with its unit is given is the intensity, also in scientific notation."""
    assert resolve(f"{g_per_kwh!r}g").g_per_kwh == g_per_kwh


def test_every_zone_of_the_table_resolves() -> None:
    """Each zone that the table has is resolved to itself."""
    assert all(resolve(code).zone == code for code in read_zones())
