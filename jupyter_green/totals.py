"""Sums of records: only as good as their worst part, unknown where a part is unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_green.records import QUALITIES, Between, CellRecord, End, Energy, Intensity, Quality
from jupyter_green.units import co2e_g, cost


def add_known(values: Iterable[float | None]) -> float | None:
    """Add; one unknown makes the sum unknown, and so does having nothing to add.

    >>> add_known([1.0, 2.0]), add_known([1.0, None]), add_known([])
    (3.0, None, None)
    """
    total, seen = 0.0, False
    for value in values:
        if value is None:
            return None
        total, seen = total + value, True
    return total if seen else None


def sum_energy(energies: Iterable[Energy]) -> Energy:
    """Add energies of windows that do not overlap.

    The error of the scale is common to all parts, so low and high add up as they are.
    """
    parts = list(energies)
    domains = {domain for part in parts for domain in part.machine_j}
    sourced = {domain for part in parts for domain in part.source}
    return Energy(
        machine_j={domain: add_known(part.machine_j.get(domain) for part in parts) for domain in sorted(domains)},
        attributed_j=add_known(part.attributed_j for part in parts),
        low_j=add_known(part.low_j for part in parts),
        high_j=add_known(part.high_j for part in parts),
        duration_s=sum(part.duration_s for part in parts),
        cpu_s=add_known(part.cpu_s for part in parts),
        others_cpu_s=add_known(part.others_cpu_s for part in parts),
        source={domain: _sources(part.source.get(domain) for part in parts) for domain in sorted(sourced)},
        quality=_worst(part.quality for part in parts),
        covers=tuple(sorted({item for part in parts for item in part.covers})),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _sources(sources: Iterable[str | None]) -> str:
    """Name every source once, as in ``model+rapl``."""
    return "+".join(sorted({name for source in sources if source for name in source.split("+")}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What a session cost: its cells and what lay between them.

    The energy's duration is the sum of the cells' own: what lay between has none. What the whole machine and others
    used between cells is in no record, so with something between, ``machine_j`` and ``others_cpu_s`` are unknown.
    """

    energy: Energy
    between_j: Between | None
    co2e_g: float | None
    co2e_low_g: float | None
    co2e_high_g: float | None
    cost: float | None
    currency: str | None
    intensities: tuple[Intensity, ...]  # that the CO2e was reckoned with
    parts: int  # records that were added
    without_energy: int  # of them, those whose energy is unknown
    without_co2e: int  # and those whose CO2e is


def held_by_others(records: Iterable[CellRecord], *, is_whole: bool = True) -> frozenset[str]:
    """Return which records are inside another one, whose figure has theirs.

    If the other is not there (its kernel was killed before its end), the record stands for itself.

    Args:
        records: All of a session.
        is_whole: Whether there can be no more: else the other one may not have come to its end yet.
    """
    records = list(records)
    there = {record.record_id for record in records}
    inner = [record for record in records if record.part_of is not None]
    return frozenset(record.record_id for record in inner if record.part_of in there or not is_whole)


def total(records: Iterable[CellRecord], end: End | None = None, held: Collection[str] | None = None) -> Total:
    """Add up records and what was used between them; a record inside another is in the other's figure.

    Args:
        records: Records of one session or of several, in their order.
        end: The session's end, with what was used after the last record.
        held: Those that are in another's figure, which may be in another sum; by default as far as these records tell.
    """
    records = list(records)
    held = held_by_others(records) if held is None else held
    parts = [record for record in records if record.record_id not in held]
    gaps = [(record, record.between_j) for record in parts if record.between_j is not None]
    if end is not None and end.between_j is not None and parts:
        gaps.append((parts[-1], end.between_j))
    between = _sum_between([gap for _, gap in gaps])
    energy = _with_between(sum_energy(part.energy for part in parts), between)
    return Total(
        energy=energy,
        between_j=between if gaps else None,
        co2e_g=add_known([*(p.co2e_g for p in parts), *(_gap_co2e(r, gap.value, "g_per_kwh") for r, gap in gaps)]),
        co2e_low_g=add_known([*(p.co2e_low_g for p in parts), *(_gap_co2e(r, gap.low, "low") for r, gap in gaps)]),
        co2e_high_g=add_known([*(p.co2e_high_g for p in parts), *(_gap_co2e(r, gap.high, "high") for r, gap in gaps)]),
        cost=_cost(parts, gaps),
        currency=_currency(parts),
        intensities=_each_once(part.intensity for part in parts if part.intensity is not None),
        parts=len(parts),
        without_energy=sum(part.energy.attributed_j is None for part in parts),
        without_co2e=sum(part.co2e_g is None for part in parts),
    )


def join(totals: Iterable[Total]) -> Total:
    """Add the totals of sessions.

    They may have run at once: what one of them knows of the whole machine may be the other's, and is not added.
    """
    parts = list(totals)
    energy = sum_energy(part.energy for part in parts)
    gaps = [part.between_j for part in parts if part.between_j is not None]
    currencies = {part.currency for part in parts}
    return Total(
        energy=energy if len(parts) == 1 else _of_work_alone(energy),
        between_j=_sum_between(gaps) if gaps else None,
        co2e_g=add_known(part.co2e_g for part in parts),
        co2e_low_g=add_known(part.co2e_low_g for part in parts),
        co2e_high_g=add_known(part.co2e_high_g for part in parts),
        cost=add_known(part.cost for part in parts) if len(currencies) == 1 else None,
        currency=currencies.pop() if len(currencies) == 1 else None,
        intensities=_each_once(one for part in parts for one in part.intensities),
        parts=sum(part.parts for part in parts),
        without_energy=sum(part.without_energy for part in parts),
        without_co2e=sum(part.without_co2e for part in parts),
    )


def _each_once(intensities: Iterable[Intensity]) -> tuple[Intensity, ...]:
    return tuple(dict.fromkeys(intensities))


def _sum_between(gaps: Sequence[Between]) -> Between:
    if not gaps:
        return Between(value=0.0, low=0.0, high=0.0, cpu_s=0.0)
    return Between(
        value=add_known([gap.value for gap in gaps]),
        low=add_known([gap.low for gap in gaps]),
        high=add_known([gap.high for gap in gaps]),
        cpu_s=add_known([gap.cpu_s for gap in gaps]),
        quality=_worst(gap.quality for gap in gaps if gap.quality is not None),
    )


def _with_between(energy: Energy, between: Between) -> Energy:
    return replace(
        energy if between.value == between.cpu_s == 0 else _of_work_alone(energy),
        attributed_j=add_known([energy.attributed_j, between.value]),
        low_j=add_known([energy.low_j, between.low]),
        high_j=add_known([energy.high_j, between.high]),
        cpu_s=add_known([energy.cpu_s, between.cpu_s]),
        quality=energy.quality if between.quality is None else _worst([energy.quality, between.quality]),
    )


def _of_work_alone(energy: Energy) -> Energy:
    """Return an energy that does not tell what the whole machine and others used."""
    return replace(energy, machine_j=dict.fromkeys(energy.machine_j), others_cpu_s=None)


def _worst(qualities: Iterable[Quality | None]) -> Quality | None:
    """Return the worst; unknown is worse than any."""
    return max(qualities, key=lambda q: QUALITIES.index(q) if q else len(QUALITIES), default=None)


def _gap_co2e(record: CellRecord, energy_j: float | None, bound: str) -> float | None:
    """Return the CO2e of what was used before a record, at the record's own intensity."""
    if record.intensity is None or energy_j is None:
        return None
    return co2e_g(energy_j, getattr(record.intensity, bound), record.pue)


def _currency(parts: list[CellRecord]) -> str | None:
    currencies = {part.currency for part in parts}
    return currencies.pop() if len(currencies) == 1 else None


def _cost(parts: list[CellRecord], gaps: list[tuple[CellRecord, Between]]) -> float | None:
    if _currency(parts) is None:
        return None
    of_gaps = [
        None if record.price_per_kwh is None or gap.value is None else cost(gap.value, record.price_per_kwh, record.pue)
        for record, gap in gaps
    ]
    return add_known([*(part.cost for part in parts), *of_gaps])
