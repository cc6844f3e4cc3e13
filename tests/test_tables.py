"""The contract with codecarbon's data files: if these fail, an update of codecarbon changed what we read."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.tables import read_cpu_tdp_w, read_world_average_g_per_kwh, read_zones


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of codecarbon's data."""
    spec = importlib.util.find_spec("codecarbon")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "data"


def test_the_energy_mix_has_the_columns_we_read(data: Path) -> None:
    """Each country of the energy mix has a name, a year and an intensity in g/kWh."""
    rows: dict[str, dict[str, Any]] = json.loads((data / "private_infra" / "global_energy_mix.json").read_text("utf-8"))
    assert len(rows) > 200
    for code, row in rows.items():
        assert len(code) == 3
        assert {"country_name", "carbon_intensity", "year"} <= set(row)


def test_the_cpu_table_has_the_columns_we_read(data: Path) -> None:
    """The CPU table has the columns Name and TDP."""
    with (data / "hardware" / "cpu_power.csv").open(encoding="utf-8", newline="") as file:
        assert {"Name", "TDP"} <= set(csv.DictReader(file).fieldnames or ())


def test_known_zones() -> None:
    """A few countries have the intensities that were published for 2023, within the table's later corrections."""
    zones = read_zones()
    assert zones["FRA"].name == "France"
    assert zones["FRA"].g_per_kwh == pytest.approx(56, abs=10)
    assert zones["DEU"].g_per_kwh == pytest.approx(381, abs=50)
    assert zones["POL"].g_per_kwh == pytest.approx(662, abs=80)
    assert zones["ISL"].g_per_kwh == pytest.approx(28, abs=5)
    assert all(2000 <= zone.year <= 2030 for zone in zones.values())


def test_a_gap_is_not_a_clean_grid() -> None:
    """A row of 0 g/kWh is left out: no country's electricity is without emissions."""
    zones = read_zones()
    assert "CAF" not in zones
    assert min(zone.g_per_kwh for zone in zones.values()) >= 10
    assert max(zone.g_per_kwh for zone in zones.values()) <= 1500


def test_the_worlds_average() -> None:
    """The world's average is 475 g/kWh (IEA, 2019)."""
    assert read_world_average_g_per_kwh() == 475


def test_known_cpus() -> None:
    """A few CPUs have the power that their makers state, and no power is zero or beyond what a package can draw."""
    table = read_cpu_tdp_w()
    assert table["AMD EPYC 7763"] == 280
    assert table["Intel Core i7-8650U"] == 15
    assert table["AMD Ryzen 7 5800X"] == 105
    assert len(table) > 3000
    assert all(0 < watts <= 500 for watts in table.values())
