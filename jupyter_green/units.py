"""Units: joules inside, watt-hours and grams at the edges. The only place with 3.6e6.

>>> round(co2e_g(energy_j=3.6e6, g_per_kwh=475, pue=1.0))
475
"""

from __future__ import annotations

J_PER_KWH = 3.6e6
NS_PER_S = 1_000_000_000
UJ_PER_J = 1_000_000


def co2e_g(energy_j: float, g_per_kwh: float, pue: float) -> float:
    """Return the CO2e of an energy in grams.

    Args:
        energy_j: Energy of the IT equipment in joules.
        g_per_kwh: Carbon intensity of the grid in gCO2e/kWh.
        pue: Power usage effectiveness, facility over IT energy, >= 1.
    """
    return energy_j / J_PER_KWH * pue * g_per_kwh


def cost(energy_j: float, price_per_kwh: float, pue: float) -> float:
    """Return the price of an energy in the currency of ``price_per_kwh``."""
    return energy_j / J_PER_KWH * pue * price_per_kwh


def three_figures(value: float) -> str:
    """Write a number with three significant figures and without exponent.

    >>> [three_figures(v) for v in (0.000123, 0.0512, 4.126, 41.26, 412.6, 41260.0, 0.0)]
    ['0.000123', '0.0512', '4.13', '41.3', '413', '41300', '0']
    """
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if "e" in text:
        number, _, exponent = text.partition("e")
        digits = len(number.partition(".")[2]) - int(exponent)
        text = f"{float(text):.{max(0, digits)}f}"
    return text


_ENERGY_STEPS = ((0.1, 1e3, "mJ"), (1e3, 1.0, "J"), (3.6e6, 1 / 1e3, "kJ"), (float("inf"), 1 / J_PER_KWH, "kWh"))
_MASS_STEPS = ((1e-3, 1e6, "µg"), (1.0, 1e3, "mg"), (1e3, 1.0, "g"), (float("inf"), 1e-3, "kg"))


def _scaled(value: float, steps: tuple[tuple[float, float, str], ...]) -> tuple[float, str]:
    for below, factor, unit in steps:
        if abs(value) < below:
            return factor, unit
    return steps[-1][1], steps[-1][2]


_SURE = 1.1  # with a wider range, high over low, a third figure says nothing


def _range_text(value: float, low: float | None, high: float | None, factor: float, unit: str) -> str:
    if low is None or high is None:
        return f"{three_figures(value * factor)} {unit}"
    if low == high:
        return f"{three_figures(value * factor)} {unit}"
    write = three_figures if 0 < high < low * _SURE else _two_figures
    return f"{write(value * factor)} {unit} ({write(low * factor)} to {write(high * factor)})"


def _two_figures(value: float) -> str:
    return three_figures(float(f"{value:.2g}"))


def energy_text(value_j: float | None, low_j: float | None = None, high_j: float | None = None) -> str:
    """Write an energy for people, with its range in the same unit.

    >>> energy_text(41.2, 20.6, 82.4), energy_text(None), energy_text(0.0004)
    ('41 J (21 to 82)', 'not measured', '0.4 mJ')
    """
    if value_j is None:
        return "not measured"
    factor, unit = _scaled(value_j, _ENERGY_STEPS)
    return _range_text(value_j, low_j, high_j, factor, unit)


def mass_text(value_g: float | None, low_g: float | None = None, high_g: float | None = None) -> str:
    """Write a mass of CO2e for people.

    >>> mass_text(0.0054, 0.0001, 0.021)
    '5.4 mg (0.1 to 21)'
    """
    if value_g is None:
        return "not measured"
    factor, unit = _scaled(value_g, _MASS_STEPS)
    return _range_text(value_g, low_g, high_g, factor, unit)
