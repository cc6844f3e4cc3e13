"""What a window was given, as the figures of a record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jupyter_green.meter.meter import Measured
from jupyter_green.meter.power import ATTRIBUTED, FIXED, HIGH, LOW, OTHERS_S, OWN_S, Flag, tick_error_j
from jupyter_green.records import Between, Energy, Intensity, Quality
from jupyter_green.units import NS_PER_S, co2e_g

if TYPE_CHECKING:
    from jupyter_green.meter.source import Source

NOTE_OF_FLAG = {
    Flag.SHARED: "ran beside another cell; the energy is shared by their threads' CPU time",
    Flag.OVERLAPPED: "overlapped another block of its thread; its energy may be the other's, as the range says",
    Flag.SENSOR_LOST: "an energy counter did not answer; modelled from CPU time meanwhile",
    Flag.DELTA_DROPPED: "an energy counter was reset or turned unseen; modelled from CPU time meanwhile",
    Flag.SLEPT: "the computer slept meanwhile; its sleep is left out, and the time around it modelled from CPU time",
    Flag.OTHERS_UNKNOWN: "how busy others kept the computer could not be read, so the range is wide",
    Flag.IDLE_UNSEEN: "the machine's idle power has not been seen yet, so the range is wide",
    Flag.CPU_UNKNOWN: "the CPU time could not be read",
}


def scale(measured: Measured) -> tuple[float, float, float, float]:
    """Return attributed energy, low and high (J) and the duration (s); a counter may be off by a step at each end."""
    amounts = measured.amounts
    duration_s = (measured.closed_ns - measured.opened_ns) / NS_PER_S
    value, low, high = amounts[ATTRIBUTED], amounts[LOW], amounts[HIGH]
    if not measured.flags & Flag.MODELLED:
        error_j = tick_error_j(high, duration_s)
        low, high = max(0.0, low - error_j), high + error_j
    return value, low, high, duration_s


def notes_of(flags: int) -> tuple[str, ...]:
    if not flags & ~Flag.MODELLED:
        return ()
    return tuple([note for flag, note in NOTE_OF_FLAG.items() if flags & flag])


def quality_of(flags: int) -> Quality:
    """Return how good a figure is: a share of a counter, or the model."""
    return "modelled" if flags & Flag.MODELLED else "apportioned"


def energy_of(measured: Measured, source: Source) -> Energy:
    """Return a window's energy; unknown where the CPU time is, and each amount that nobody counted."""
    amounts, flags = measured.amounts, measured.flags
    modelled = flags & Flag.MODELLED
    known = not flags & Flag.CPU_UNKNOWN
    value, low, high, duration_s = scale(measured)
    lost = flags & (Flag.SENSOR_LOST | Flag.DELTA_DROPPED | Flag.SLEPT)
    of_domain = "model" if modelled and not lost else "rapl+model" if lost else "rapl"
    return Energy(
        machine_j={domain: _known(joules) for domain, joules in zip(source.domains, amounts[FIXED:], strict=True)},
        attributed_j=value if known else None,
        low_j=low if known else None,
        high_j=high if known else None,
        duration_s=duration_s,
        cpu_s=amounts[OWN_S] if known else None,
        others_cpu_s=_known(amounts[OTHERS_S]),
        source=dict.fromkeys(source.domains, of_domain),
        quality=quality_of(flags),
        covers=source.covers,
        notes=notes_of(flags),
    )


def _known(amount: float) -> float | None:
    return None if math.isnan(amount) else amount


def between_of(gap: Measured, quality: Quality | None) -> Between:
    """Return the attributed energy between cells; a gap without any is as good as the cell that follows it."""
    if gap.flags & Flag.CPU_UNKNOWN:
        return Between(value=None, low=None, high=None)
    amounts = gap.amounts
    return Between(
        value=amounts[ATTRIBUTED],
        low=amounts[LOW],
        high=amounts[HIGH],
        cpu_s=amounts[OWN_S],
        quality=quality_of(gap.flags) if amounts[HIGH] else quality,
    )


def co2e_of(energy: Energy, intensity: Intensity | None, pue: float) -> tuple[float | None, float | None, float | None]:
    """Return value, low and high; unknown where energy or intensity is."""
    if intensity is None or energy.attributed_j is None or energy.low_j is None or energy.high_j is None:
        return None, None, None
    return (
        co2e_g(energy.attributed_j, intensity.g_per_kwh, pue),
        co2e_g(energy.low_j, intensity.low, pue),
        co2e_g(energy.high_j, intensity.high, pue),
    )
