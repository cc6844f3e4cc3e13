"""RAPL on synthetic powercap trees: which counters are added up, and how their turns are undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.meter.meter import choose_source
from jupyter_green.meter.power import Counted, Modelled
from jupyter_green.meter.rapl import Counters, Zone, counter_delta_uj, find_zones, is_certain, longest_wait_s
from tests.powercap import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty powercap tree."""
    return Tree(tmp_path / "powercap")


def _domains(tree: Tree) -> list[str]:
    return [zone.domain for zone in find_zones(tree.root).zones]


def _make_unreadable(folder: Path) -> None:
    """Make a counter that even root cannot read as a number: a folder in the file's place."""
    (folder / "energy_uj").unlink()
    (folder / "energy_uj").mkdir()


def test_packages_and_memory_are_added(tree: Tree) -> None:
    """Each package and each memory is a counter; core, uncore and psys are part of them or hold them."""
    tree.zone("intel-rapl:0", "package-0")
    tree.zone("intel-rapl:0:0", "core")
    tree.zone("intel-rapl:0:1", "uncore")
    tree.zone("intel-rapl:0:2", "dram")
    tree.zone("intel-rapl:1", "package-1")
    tree.zone("intel-rapl:1:0", "core")
    tree.zone("intel-rapl:1:1", "dram")
    tree.zone("intel-rapl:2", "psys")
    (tree.root / "intel-rapl").mkdir()  # the control type itself has no name
    assert _domains(tree) == ["package-0", "package-1", "dram-0", "dram-1"]


def test_a_mirrored_package_is_counted_once(tree: Tree) -> None:
    """Zones of intel-rapl-mmio show what intel-rapl counts: they are not added to it, memory neither."""
    for control in ("intel-rapl-mmio", "intel-rapl"):
        tree.zone(f"{control}:0", "package-0")
        tree.zone(f"{control}:0:0", "dram")
    found = find_zones(tree.root)
    assert [zone.domain for zone in found.zones] == ["package-0", "dram-0"]
    assert all("mmio" not in zone.path for zone in found.zones)


def test_a_mirror_alone_serves(tree: Tree) -> None:
    """Where there is only intel-rapl-mmio it is used."""
    tree.zone("intel-rapl-mmio:0", "package-0")
    assert _domains(tree) == ["package-0"]


def test_dies_of_a_package_are_kept_apart(tree: Tree) -> None:
    """Two dies of one package are two counters with names of their own."""
    tree.zone("intel-rapl:0", "package-0-die-0")
    tree.zone("intel-rapl:1", "package-0-die-1")
    tree.zone("intel-rapl:1:0", "dram")
    assert _domains(tree) == ["package-0-die-0", "package-0-die-1", "dram-0-die-1"]


def test_no_tree_is_no_counters(tmp_path: Path) -> None:
    """A computer without powercap has no counters, and nothing can be done about it."""
    found = find_zones(tmp_path / "nowhere")
    assert found == ((), "this computer shows no energy counters", None)
    assert isinstance(choose_source(root=tmp_path / "nowhere"), Modelled)


def test_psys_alone_is_no_counter(tree: Tree) -> None:
    """The counter of the whole platform does not stand in for the packages."""
    tree.zone("intel-rapl:0", "psys")
    assert find_zones(tree.root).zones == ()


def test_one_unreadable_package_is_no_counters(tree: Tree) -> None:
    """Part of the packages would be a wrong sum: none is used, with the reason and what an admin can do."""
    tree.zone("intel-rapl:0", "package-0")
    second = tree.zone("intel-rapl:1", "package-1")
    _make_unreadable(second.folder)
    found = find_zones(tree.root)
    assert found.zones == ()
    assert found.reason == f"{second.folder / 'energy_uj'} cannot be read (Is a directory)"
    assert found.hint is not None
    assert "PLATYPUS" in found.hint
    assert "doctor" in found.hint
    assert isinstance(choose_source(root=tree.root), Modelled)


@pytest.mark.parametrize("text", ["", "many", "12 J", "\xff"])
@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj"])
def test_garbage_is_named(tree: Tree, file: str, text: str) -> None:
    """A file that holds no number is named, and no counter is used."""
    counter = tree.zone("intel-rapl:0", "package-0")
    (counter.folder / file).write_text(text, "latin-1")
    found = find_zones(tree.root)
    assert found.zones == ()
    assert found.reason == f"{counter.folder / file} holds no number"


def test_a_range_of_zero_is_named(tree: Tree) -> None:
    """A counter that says it turns at 0 cannot be used."""
    counter = tree.zone("intel-rapl:0", "package-0", range_uj=0)
    assert find_zones(tree.root).reason == f"{counter.folder / 'max_energy_range_uj'} is 0"


def test_unreadable_memory_leaves_the_packages(tree: Tree) -> None:
    """Where a memory counter cannot be read, no memory is counted, but the packages are."""
    tree.zone("intel-rapl:0", "package-0")
    tree.zone("intel-rapl:0:0", "dram")
    tree.zone("intel-rapl:1", "package-1")
    _make_unreadable(tree.zone("intel-rapl:1:0", "dram").folder)
    source = choose_source(root=tree.root)
    assert isinstance(source, Counted)
    assert source.domains == ("package-0", "package-1")
    assert source.covers == ("package",)
    source.close()


def test_counters_are_read_from_open_files(tree: Tree) -> None:
    """A counter is opened once; what it shows later is read, and one that stops answering is None, not 0."""
    package = tree.zone("intel-rapl:0", "package-0", start_uj=5)
    dram = tree.zone("intel-rapl:0:0", "dram")
    counters = Counters(find_zones(tree.root).zones)
    package.use(2)
    dram.use(0.5)
    assert counters.read_uj() == (2_000_005, 500_000)
    os.truncate(dram.folder / "energy_uj", 0)
    assert counters.read_uj() == (2_000_005, None)
    dram.write()
    assert counters.read_uj() == (2_000_005, 500_000)
    counters.close()
    assert counters.read_uj() == (None, None)
    counters.close()


def test_a_counter_gone_before_it_is_opened_is_unknown() -> None:
    """A counter that vanished between the search and the opening reads as None."""
    assert Counters((Zone("package-0", "/there/is/no/such/file", 9),)).read_uj() == (None,)


@given(st.data())
def test_counter_delta_survives_one_wrap(data: st.DataObject) -> None:
    """Whatever the start, counting up by less than a full turn is recovered exactly."""
    range_uj = data.draw(st.integers(1, 2**40))
    before = data.draw(st.integers(0, range_uj))
    used = data.draw(st.integers(0, range_uj))
    assert counter_delta_uj(before, (before + used) % (range_uj + 1), range_uj) == used


@given(watts=st.floats(0, 1000), seconds=st.floats(0, 60))
def test_what_a_package_can_use_is_believed(watts: float, seconds: float) -> None:
    """Up to 1,000 W every difference is certain as long as no turn can have been lost, however short the time."""
    assert is_certain(int(watts * seconds * 1e6), seconds, 262_143_328_850)


@given(watts=st.floats(1100, 10**6), seconds=st.floats(1, 60))
def test_what_no_package_can_use_is_not_believed(watts: float, seconds: float) -> None:
    """More than 1,000 W is a reset, not energy."""
    assert not is_certain(int(watts * seconds * 1e6), seconds, 2**60)


def test_readings_come_four_times_a_turn() -> None:
    """The longest wait leaves a margin of 4 to the shortest turn at 1,000 W."""
    zones = (Zone("package-0", "", 262_143_328_850), Zone("dram-0", "", 65_532_610_987))
    assert longest_wait_s(zones) == pytest.approx(16.383, abs=0.001)
