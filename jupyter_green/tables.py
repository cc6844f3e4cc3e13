"""codecarbon's tables as data: yearly carbon intensities and CPU powers, read without importing codecarbon.

Source: https://github.com/mlco2/codecarbon (MIT), ``codecarbon/data``; energy mixes of Our World in Data for
2023, world average of the IEA (2019), CPU powers as the makers' thermal design power.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from jupyter_green.errors import GreenError


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A country of the table with its yearly mean intensity."""

    code: str
    name: str
    g_per_kwh: float
    year: int


def _folder() -> Path:
    spec = importlib.util.find_spec("codecarbon")
    if spec is None or not spec.submodule_search_locations:
        raise GreenError("tables: the package codecarbon is not installed. Type: pip install codecarbon")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_zones() -> dict[str, Zone]:
    """Return the countries by their ISO 3166 alpha-3 code.

    A row of 0 g/kWh (one in 2023's table) is a gap in the data, not a grid without emissions: it is left out.
    """
    rows = json.loads((_folder() / "private_infra" / "global_energy_mix.json").read_text("utf-8"))
    return {
        code: Zone(code=code, name=row["country_name"], g_per_kwh=row["carbon_intensity"], year=int(row["year"]))
        for code, row in rows.items()
        if row.get("carbon_intensity")
    }


def read_world_average_g_per_kwh() -> float:
    """Return the world's average intensity in gCO2e/kWh."""
    table = json.loads((_folder() / "private_infra" / "carbon_intensity_per_source.json").read_text("utf-8"))
    return float(table["world_average"])


def read_cpu_tdp_w() -> dict[str, float]:
    """Return the thermal design power (W) of CPUs by their marketing name."""
    import csv  # only on computers without counters that are no virtual machines

    with (_folder() / "hardware" / "cpu_power.csv").open(encoding="utf-8", newline="") as file:
        return {row["Name"].strip(): float(row["TDP"]) for row in csv.DictReader(file) if _is_number(row["TDP"])}


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) > 0
    except ValueError:
        return False
