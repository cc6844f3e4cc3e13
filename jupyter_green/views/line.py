"""One record in one line, as text and as HTML."""

from __future__ import annotations

from jupyter_green.records import CellRecord, Intensity
from jupyter_green.units import energy_text, mass_text, three_figures

_RESOLUTION_J = 1e-3


def energy_part(record: CellRecord) -> str:
    """Write a record's energy with its range."""
    energy = record.energy
    if energy.attributed_j is None:
        return "energy not measured"
    if _is_below_resolution(record):
        return f"under {energy_text(max(energy.high_j or 0.0, _RESOLUTION_J))}, below resolution"
    return energy_text(energy.attributed_j, energy.low_j, energy.high_j)


def co2e_part(record: CellRecord) -> str:
    """Write a record's CO2e with its range and where the intensity comes from."""
    if record.co2e_g is None or record.intensity is None:
        return "CO₂e not measured"
    if _is_below_resolution(record):
        return "CO₂e below resolution"
    text = mass_text(record.co2e_g, record.co2e_low_g, record.co2e_high_g)
    amount, bracket, spread = text.partition(" (")
    label = grid_text(record.intensity)
    return f"{amount} CO₂e ({spread[:-1]}, {label})" if bracket else f"{amount} CO₂e ({label})"


def grid_text(intensity: Intensity) -> str:
    """Name the grid in a word or two."""
    return {"world": "grid not set", "user": intensity.label}.get(intensity.zone, intensity.zone)


def intensity_text(intensity: Intensity) -> str:
    """Write a carbon intensity with its range and where it comes from."""
    low, high = three_figures(intensity.low), three_figures(intensity.high)
    spread = f" ({low} to {high})" if intensity.low < intensity.high else ""
    scope = "" if intensity.scope is None else f", {intensity.scope}"
    return f"{three_figures(intensity.g_per_kwh)}{spread} gCO₂e/kWh, {intensity.label}; {intensity.kind}{scope}"


def _is_below_resolution(record: CellRecord) -> bool:
    energy_j = record.energy.attributed_j
    return energy_j is not None and energy_j < _RESOLUTION_J


def line(record: CellRecord) -> str:
    """Write a record for people.

    The order is that of the cell line: energy, CO2e, metrics, CPU time, method.
    """
    energy = record.energy
    parts = [energy_part(record), co2e_part(record)]
    parts += [f"{name} {metric_text(value)}" for name, value in record.metrics.items()]
    if energy.cpu_s is not None:
        parts.append(f"{three_figures(energy.cpu_s)} CPU-s")
    if energy.attributed_j is not None and energy.quality is not None:
        parts.append(energy.quality)
    name = f"{record.name}: " if record.name else ""
    return f"⚡ {name}{' · '.join(parts)}"


def metric_text(value: float | None) -> str:
    """Write a metric with four figures.

    >>> metric_text(0.96123), metric_text(None), metric_text(0.0)
    ('0.9612', 'not measured', '0')
    """
    return "not measured" if value is None else f"{value:.4g}"


def notes_of(record: CellRecord) -> tuple[str, ...]:
    """Return what is to be said beside the numbers."""
    return tuple([" ".join(note.split()) for note in (*record.energy.notes, *record.notes)])


def _beside(record: CellRecord) -> list[str]:
    """Return the notes to show under a cell: not what was said of its options, which stands above the line already."""
    return [note for note in notes_of(record) if not note.startswith("track_energy: ")]


def html_line(record: CellRecord) -> str:
    """Write a record as an element for the output area; every name is escaped."""
    from html import escape  # 1 ms, and only for cells that show something

    notes = "".join(f"<br>{escape(note)}" for note in _beside(record))
    return (
        '<div style="color: var(--jp-ui-font-color2, #666); font-size: var(--jp-ui-font-size1, 13px); '
        f'text-align: right">{escape(line(record))}{notes}</div>'
    )


def text_line(record: CellRecord) -> str:
    """Write a record as text, its notes in lines of their own."""
    return "\n  ".join([line(record), *_beside(record)])
