"""Sums of records: nothing is counted twice, and unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_green.records import Between, CellRecord, End, Energy
from jupyter_green.totals import add_known, join, sum_energy, total
from jupyter_green.track.journal import read_log
from jupyter_green.units import co2e_g, cost
from tests import strategies


@pytest.fixture(scope="module")
def cell() -> CellRecord:
    """A cell of 31.125 J (28.5 to 37.25), with 0.5 J (0.25 to 1) before it."""
    log = read_log(Path(__file__).parent / "golden" / "journal-v1.jsonl")
    assert log is not None
    return log.records[0]


def _end(value: float) -> End:
    return End(
        at=datetime(2026, 3, 1, tzinfo=UTC),
        status="ok",
        between_j=Between(value=value, low=value / 2, high=value * 2),
        meter_cpu_s=0.0,
    )


def test_cells_and_what_lay_between_are_the_total(cell: CellRecord) -> None:
    """The total is the cells, what was used before each, and what was used after the last."""
    whole = total([cell, cell], _end(2.0))
    assert whole.energy.attributed_j == pytest.approx(2 * 31.125 + 2 * 0.5 + 2.0)
    assert whole.energy.low_j == pytest.approx(2 * 28.5 + 2 * 0.25 + 1.0)
    assert whole.energy.high_j == pytest.approx(2 * 37.25 + 2 * 1.0 + 4.0)
    assert whole.between_j == Between(value=3.0, low=1.5, high=6.0, quality="apportioned")
    assert cell.intensity is not None
    between_g = co2e_g(3.0, cell.intensity.g_per_kwh, cell.pue)
    assert whole.co2e_g == pytest.approx(2 * (cell.co2e_g or 0) + between_g)
    assert whole.cost == pytest.approx(2 * (cell.cost or 0) + cost(3.0, 0.25, 1.5))
    assert whole.currency == "EUR"


def test_unknown_energy_between_cells_makes_the_total_unknown(cell: CellRecord) -> None:
    """What was used between cells and could not be read is not 0: energy, CO2e and cost of the whole are unknown."""
    unknown = Between(value=None, low=None, high=None)
    for whole in (
        total([cell, replace(cell, between_j=unknown)]),
        total([cell], replace(_end(1.0), between_j=unknown)),
    ):
        assert whole.between_j == replace(unknown, quality="apportioned")
        assert (whole.energy.attributed_j, whole.energy.low_j, whole.energy.high_j) == (None,) * 3
        assert (whole.co2e_g, whole.co2e_low_g, whole.co2e_high_g, whole.cost) == (None,) * 4
        assert join([whole, total([cell])]).energy.attributed_j is None


def test_a_total_tells_of_the_machine_only_what_it_knows(cell: CellRecord) -> None:
    """What the machine used between cells is in no record: a total with something between does not know it."""
    unknown = {"package-0": None, "dram-0": None}
    nothing = Between(value=0.0, low=0.0, high=0.0, cpu_s=0.0, quality="apportioned")
    for something in ({"value": 40.0}, {"value": None}, {"cpu_s": 1e-9}, {"cpu_s": None}):
        gap = replace(nothing, **something)
        whole = total([replace(cell, between_j=gap)]).energy
        assert (whole.machine_j, whole.others_cpu_s) == (unknown, None)
    assert total([cell], replace(_end(1.0), between_j=nothing)).energy.machine_j == unknown  # the cell's own gap
    for alone in (replace(cell, between_j=nothing), replace(cell, between_j=None)):
        assert total([alone]).energy == cell.energy


def test_sessions_that_may_have_run_at_once_have_no_common_machine(cell: CellRecord) -> None:
    """The machine's joules of two sessions may be the same joules: joined they are not known; of one they stay."""
    one = total([replace(cell, between_j=None)])
    joined = join([one, one]).energy
    assert (joined.machine_j, joined.others_cpu_s) == ({"package-0": None, "dram-0": None}, None)
    assert joined.attributed_j == pytest.approx(2 * 31.125)
    assert join([one]) == one


def test_a_total_lasts_as_long_as_its_cells(cell: CellRecord) -> None:
    """The duration of a total is that of its cells, whatever lay between them."""
    assert total([cell, cell], _end(2.0)).energy.duration_s == 2 * cell.energy.duration_s


def test_a_total_names_each_intensity_once(cell: CellRecord) -> None:
    """The grids of a sum are those of all its parts, each once, also after sums were joined."""
    assert cell.intensity is not None
    other = replace(cell.intensity, zone="NOR")
    whole = total([cell, replace(cell, intensity=other), cell, replace(cell, intensity=None)])
    assert whole.intensities == (cell.intensity, other)
    assert join([total([cell]), whole]).intensities == (cell.intensity, other)


def test_a_record_inside_another_is_in_it(cell: CellRecord) -> None:
    """A nested cell's energy is in its outer cell's and is not added again."""
    outer = replace(cell, record_id="outer")
    inner = replace(cell, record_id="inner", part_of="outer", between_j=None)
    assert total([inner, outer]) == total([outer])


def test_a_record_whose_outer_one_is_lost_stands_for_itself(cell: CellRecord) -> None:
    """If the kernel was killed before the outer cell's end, the inner one's energy is not lost from the sum."""
    inner = replace(cell, part_of="never written")
    assert total([inner]).energy.attributed_j == pytest.approx(31.625)


def test_nothing_is_no_number() -> None:
    """The total of no records is unknown, not 0."""
    whole = total([])
    assert (whole.energy.attributed_j, whole.between_j, whole.co2e_g, whole.cost, whole.currency) == (None,) * 5
    assert whole.energy.quality is None
    assert total([], _end(1.0)) == whole


@pytest.mark.parametrize("field", ["attributed_j", "low_j", "high_j", "cpu_s", "others_cpu_s"])
def test_one_unknown_makes_the_sum_unknown(cell: CellRecord, field: str) -> None:
    """Where one part is not known the sum is not known; the other figures stay."""
    broken = replace(cell.energy, **{field: None})
    summed = sum_energy([cell.energy, broken])
    assert getattr(summed, field) is None
    assert summed.duration_s == 4.0


def test_unknown_co2e_of_one_cell_is_unknown_co2e_of_all(cell: CellRecord) -> None:
    """A cell without intensity leaves the total's energy known and its CO2e unknown."""
    dark = replace(cell, intensity=None, co2e_g=None, co2e_low_g=None, co2e_high_g=None)
    whole = total([cell, dark])
    assert whole.energy.attributed_j is not None
    assert (whole.co2e_g, whole.co2e_low_g, whole.co2e_high_g) == (None, None, None)


def test_how_many_parts_are_unknown(cell: CellRecord) -> None:
    """A total tells of how many records it is, and how many of them lack energy or CO2e, also after a join."""
    dark = replace(cell, intensity=None, co2e_g=None)
    lost = replace(dark, energy=replace(cell.energy, attributed_j=None))
    whole = join([total([cell, dark]), total([lost])])
    assert (whole.parts, whole.without_energy, whole.without_co2e) == (3, 1, 2)


def test_currencies_are_not_mixed(cell: CellRecord) -> None:
    """A sum over two currencies has no cost."""
    whole = total([cell, replace(cell, currency="CHF")])
    assert (whole.cost, whole.currency) == (None, None)


def test_a_domain_that_one_part_lacks_is_unknown(cell: CellRecord) -> None:
    """Memory that was counted in one part only is not summed as if the other had used none."""
    without = replace(cell.energy, machine_j={"package-0": 5.0})
    assert sum_energy([cell.energy, without]).machine_j == {"dram-0": None, "package-0": 75.5}


def test_the_worst_quality_and_every_source_are_told(cell: CellRecord) -> None:
    """A sum is as good as its worst part, and names the sources of all its parts."""
    modelled = replace(cell.energy, quality="modelled", source={"package-0": "rapl+model"}, notes=("lost", "lost"))
    summed = sum_energy([cell.energy, modelled, cell.energy])
    assert summed.quality == "modelled"
    assert summed.source == {"dram-0": "rapl", "package-0": "model+rapl"}
    assert summed.notes == ("lost",)
    assert sum_energy([modelled, replace(cell.energy, quality=None)]).quality is None


@given(st.lists(st.none() | st.floats(-1e9, 1e9)))
def test_a_sum_is_known_if_all_its_parts_are(values: list[float | None]) -> None:
    """Only a sum of at least one part, each of them known, is known."""
    known = bool(values) and None not in values
    assert (add_known(values) is not None) == known


_reasonable = st.builds(
    Energy,
    machine_j=st.dictionaries(st.sampled_from(["package-0", "dram-0"]), st.floats(0, 1e9)),
    attributed_j=st.none() | st.floats(0, 1e9),
    low_j=st.floats(0, 1e9),
    high_j=st.floats(0, 1e9),
    duration_s=st.floats(0, 1e6),
    cpu_s=st.floats(0, 1e6),
    others_cpu_s=st.floats(0, 1e6),
    source=st.just({"package-0": "rapl"}),
    quality=st.sampled_from(["measured", "apportioned", "modelled"]),
    covers=strategies.notes,
    notes=strategies.notes,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_reasonable, min_size=1, max_size=6), st.data())
def test_a_sum_of_sums_is_the_sum(parts: list[Energy], data: st.DataObject) -> None:
    """Summing some parts first changes no figure but by rounding, except that a sum remembers what was unknown."""
    cut = data.draw(st.integers(1, len(parts)))
    at_once = sum_energy(parts)
    in_steps = sum_energy([sum_energy(parts[:cut]), *parts[cut:]])
    assert in_steps.attributed_j == pytest.approx(at_once.attributed_j)
    assert in_steps.high_j == pytest.approx(at_once.high_j)
    assert in_steps.duration_s == pytest.approx(at_once.duration_s)
    assert (in_steps.quality, in_steps.covers, in_steps.source) == (at_once.quality, at_once.covers, at_once.source)


def test_a_total_is_no_better_than_what_lay_between(cell: CellRecord) -> None:
    """Where the time between cells was modelled, the total of apportioned cells is modelled."""
    counted = replace(cell, energy=replace(cell.energy, quality="apportioned"))
    gap = Between(value=1.0, low=0.5, high=2.0, cpu_s=0.1, quality="modelled")
    assert total([replace(counted, between_j=gap)]).energy.quality == "modelled"
    assert total([replace(counted, between_j=replace(gap, quality="apportioned"))]).energy.quality == "apportioned"
    assert total([replace(counted, between_j=replace(gap, quality=None))]).energy.quality == "apportioned"
