"""From what the user said of the grid (nothing, a zone, a number) to an `Intensity`."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from jupyter_green.errors import UsageError
from jupyter_green.records import Intensity

# Yearly means of all grids but five lie between these, gCO2e/kWh (codecarbon's table of 2022 and 2023: 20 in Lesotho,
# 894 in Brunei; the five reach from 905 in Bahrain to 1306 in Turkmenistan); the range of a grid that nobody named.
WORLD_LOW, WORLD_HIGH = 20.0, 900.0

# Hours of a year against the year's mean: the widest 5th and 95th percentile of four grids (Germany, France,
# Great Britain, California), 2021 to 2024, life-cycle, are 0.36 and 1.88 of the mean. Source: Electricity Maps,
# hourly carbon intensity 2021 to 2024, ODbL 1.0.
HOUR_LOW, HOUR_HIGH = 0.36, 1.88

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)")
_UNITS = frozenset({"g", "g/kwh", "gco2e/kwh", "gco2/kwh"})


def resolve(said: str | None) -> Intensity:
    """Return the intensity that a text stands for.

    Args:
        said: ``None`` (the world's average), a zone as in ``FRA``, or a number as in ``53g`` (gCO2e/kWh).

    Raises:
        UsageError: If the text is neither, or a number has no unit.

    >>> resolve("53g").g_per_kwh, resolve("53g").source
    (53.0, 'user')
    """
    return _resolve(said.strip() if said is not None else None)


@lru_cache(maxsize=32)
def _resolve(said: str | None) -> Intensity:
    from jupyter_green.tables import read_world_average_g_per_kwh, read_zones  # at the first use

    if said is None:
        world = read_world_average_g_per_kwh()
        return Intensity(
            zone="world",
            g_per_kwh=world,
            low=WORLD_LOW,
            high=WORLD_HIGH,
            at="2019",
            kind="average",
            scope="direct",  # the IEA counts the CO2 of burning
            source="table",
            label="grid not set, world average",
        )
    number = _NUMBER.fullmatch(said)
    if number:
        return _given(said, number[1], number[2])
    zones = read_zones()
    zone = zones.get(said.upper())
    if zone is None:
        names = {code.name.lower(): code.code for code in zones.values()}
        import difflib  # only for those who mistype

        near = difflib.get_close_matches(said.lower(), names, n=1, cutoff=0.75)
        meant = f"Did you mean {names[near[0]]}? " if near else ""
        raise UsageError(f"intensity {said!r} is not a zone. {meant}Try FRA, 53g, or jupyter green intensity --list.")
    mean = zone.g_per_kwh
    return Intensity(
        zone=zone.code,
        g_per_kwh=mean,
        low=mean * HOUR_LOW,
        high=mean * HOUR_HIGH,
        at=str(zone.year),
        kind="average",
        scope="lifecycle",
        source="table",
        label=f"{zone.name}, yearly mean {zone.year}",
    )


def _given(said: str, number: str, unit: str) -> Intensity:
    if unit.lower() not in _UNITS:
        problem = "has no unit" if not unit else f"has the unknown unit {unit!r}"
        raise UsageError(f"intensity {said!r} {problem}. Write {number}g for {number} gCO2e/kWh.")
    value = float(number)
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"intensity {said!r} is not possible. Write a number of at least 0, as in 53g.")
    return Intensity(
        zone="user",
        g_per_kwh=value,
        low=value,
        high=value,
        at=None,
        kind="average",
        scope=None,
        source="user",
        label="set by you",
    )
