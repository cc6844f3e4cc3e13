"""Carbon intensity: how many grams of CO2e a kWh costs, where, with which range, by whom."""

from jupyter_green.intensity.resolve import resolve

__all__ = ["resolve"]
