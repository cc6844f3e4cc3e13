"""The browser writes numbers as Python does: a file of both, which the browser's tests read.

``GOLDEN=write pytest`` writes it anew; ``labextension/src/__tests__/figures.test.ts`` compares.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_green.records import CellRecord, to_json
from jupyter_green.tables import read_world_average_g_per_kwh
from jupyter_green.units import energy_text, mass_text, three_figures
from jupyter_green.views.line import co2e_part, energy_part, grid_text, intensity_text, line, metric_text
from tests.views.test_views import RECORDS

FIGURES = Path(__file__).parents[2] / "labextension" / "src" / "__tests__" / "figures.json"

# Ties in binary, edges of the units, what rounds up to another decade, and both ends of a double.
_EDGES = (
    0.0, 0.5, 1.5, 2.5, 0.125, 0.375, 1.125, 12.25, 12.75, 112.5, 113.5, 1.25e-4, 0.000123, 0.0001, 0.00009999,
    0.0512, 0.0996, 0.09995, 0.1, 0.09999999, 0.9995, 0.99949, 1.0, 4.126, 9.995, 10.0, 41.26, 99.95, 412.6, 999.4,
    999.5, 999.96, 1000.0, 1234.5, 1235.0, 9999.5, 41260.0, 3.5999e6, 3.6e6, 3.6001e6, 1e9, 1.5e15, 2**53 + 2.0,
    1.23456e22, 7.7e25, 8.9e307, 5e-324, 2.2250738585072014e-308, 1e-7, 1.005e-5, -0.0004, -1.125, -41.26, -5e6,
)  # fmt: skip


def _ties() -> Iterator[float]:
    """Doubles that lie in the middle between two numbers of two, three or four figures."""
    for figures in (2, 3, 4):
        for number in (10 ** (figures - 1) + 2, 10 ** (figures - 1) + 3, 10**figures - 1, 10**figures - 2):
            yield from ((number + 0.5) * scale for scale in (1.0, 10.0, 1000.0, 2.0**-1, 2.0**-2))


def _triples() -> Iterator[tuple[float | None, float | None, float | None]]:
    for value in (*_EDGES, *_ties()):
        yield value, None, None
        yield value, value / 2, value * 2
    chance = random.Random(20)
    for _ in range(120):
        value = 10 ** chance.uniform(-9, 12)
        wide = chance.choice((1.0, 1.01, 1.04, 1.049, 1.05, 1.1, 2.0, 30.0))
        yield value, value / wide, value * wide
    yield from ((None, None, None), (None, 1.0, 2.0), (1.0, None, 2.0), (1.0, 0.5, None), (1.0, 1.0, 1.0))
    yield from ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0147), (1.0, 0.0, 0.0), (-1.0, -2.0, -0.5), (1.0, 2.0, 0.5))


def _records() -> Iterator[CellRecord]:
    yield from RECORDS
    one = RECORDS[1]
    yield replace(one, name="", metrics={}, intensity=None)
    yield replace(one, name="🚀 <img src=x onerror=alert(1)>", metrics={"f1 · x": 0.0, "rmse": -1.25e-5, "n": 123456.0})
    yield replace(one, energy=replace(one.energy, low_j=41.2, high_j=41.2, quality="apportioned"))
    yield replace(one, energy=replace(one.energy, low_j=None, high_j=None, quality=None, cpu_s=0.0))
    yield replace(one, co2e_low_g=None)
    assert one.intensity is not None
    yield replace(one, intensity=replace(one.intensity, g_per_kwh=1167.6, low=420.3, high=2195.1))
    unmoved = replace(one.energy, attributed_j=0.0, low_j=0.0, high_j=0.0147)
    yield replace(one, energy=unmoved)
    yield replace(one, energy=replace(unmoved, high_j=None))


def _figures() -> dict[str, Any]:
    values = [value for value, low, _ in _triples() if value is not None and low is None]
    return {
        "world_g_per_kwh": read_world_average_g_per_kwh(),
        "numbers": [[value, three_figures(value), metric_text(value)] for value in values],
        "ranges": [[list(triple), energy_text(*triple), mass_text(*triple)] for triple in _triples()],
        "records": [
            {
                "record": to_json(record),
                "energy": energy_part(record),
                "co2e": co2e_part(record),
                "line": line(record),
                "grid": None if record.intensity is None else grid_text(record.intensity),
                "intensity": None if record.intensity is None else intensity_text(record.intensity),
            }
            for record in _records()
        ],
    }


def test_the_browser_has_pythons_figures() -> None:
    """What the browser's tests compare with is what Python writes today."""
    text = json.dumps(_figures(), ensure_ascii=False, allow_nan=False, indent=0) + "\n"
    if os.environ.get("GOLDEN") == "write":
        FIGURES.write_text(text, "utf-8")
    assert FIGURES.read_text("utf-8") == text
