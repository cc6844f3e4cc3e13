"""Watts of a CPU: from the maker's figure where the CPU is known for certain, else assumed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.meter.cpu_power import cpu_power, find_tdp_w, read_cpuinfo
from jupyter_green.meter.power import FIXED, Calm, Modelled, Snapshot
from jupyter_green.tables import read_cpu_tdp_w

KNOWN = {  # as /proc/cpuinfo names them: the makers' W
    "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz": 15,
    "11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz": 28,
    "13th Gen Intel(R) Core(TM) i9-13900K": 125,
    "Intel(R) Core(TM) Ultra 7 155H": 28,
    "Intel(R) Core(TM) i7 CPU 920 @ 2.67GHz": 130,
    "Intel(R) Core(TM)2 Duo CPU E8400 @ 3.00GHz": 65,
    "Intel(R) Xeon(R) CPU E5-2680 0 @ 2.70GHz": 130,
    "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz": 120,
    "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz": 150,
    "Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz": 205,
    "Intel(R) Xeon(R) Platinum 8480+": 350,
    "Intel(R) Celeron(R) J4125 CPU @ 2.00GHz": 10,
    "Intel(R) N100": 6,
    "AMD Ryzen 7 5800X 8-Core Processor": 105,
    "AMD Ryzen 5 3600 6-Core Processor": 65,
    "AMD Ryzen 7 PRO 5850U with Radeon Graphics": 15,
    "AMD Ryzen 7 7840U w/ Radeon 780M Graphics": 28,
    "AMD Ryzen Threadripper PRO 3995WX 64-Cores": 280,
    "AMD EPYC 7763 64-Core Processor": 280,
    "AMD EPYC 9654 96-Core Processor": 360,
    "AMD FX(tm)-8350 Eight-Core Processor": 125,
    "AMD A10-7850K Radeon R7, 12 Compute Cores 4C+8G": 95,
}
UNKNOWN = [
    "Intel(R) Xeon(R) CPU @ 2.20GHz",
    "Intel(R) Xeon(R) Processor @ 2.50GHz",
    "Intel Xeon Processor (Skylake, IBRS)",
    "Intel Core Processor (Haswell, no TSX)",
    "Genuine Intel(R) CPU 0000 @ 2.60GHz",
    "AMD EPYC",
    "AMD EPYC-Rome Processor",
    "QEMU Virtual CPU version 2.5+",
    "Common KVM processor",
    "VirtualApple @ 2.50GHz",
    "Neoverse-N1",
    "DO-Regular",
    "",
]


def _cpuinfo(folder: Path, model: str, *, threads: int = 8, flags: str = "fpu vme de") -> Path:
    path = folder / "cpuinfo"
    one = f"processor\t: 0\nmodel name\t: {model}\nsiblings\t: {threads}\ncpu cores\t: 4\nflags\t\t: {flags}\n\n"
    path.write_text(one * threads, "utf-8")
    return path


def _numbers(name: str) -> set[str]:
    words = re.split(r"[\s\-]+", re.sub(r"\b\d+th gen\b", "", name.lower()))
    return {word for word in words if any(c.isdigit() for c in word)}


@pytest.mark.parametrize("model", KNOWN)
def test_a_cpu_is_found_by_the_kernels_name_for_it(model: str) -> None:
    """A CPU is found in the table by what /proc/cpuinfo calls it."""
    found = find_tdp_w(model)
    assert found is not None
    assert found[1] == KNOWN[model]


@pytest.mark.parametrize("model", UNKNOWN)
def test_a_name_without_a_model_number_is_no_cpu(model: str) -> None:
    """A name as virtual machines make them up is not mistaken for a CPU."""
    assert find_tdp_w(model) is None


@given(st.sampled_from(sorted(read_cpu_tdp_w())))
def test_every_cpu_of_the_table_is_itself(name: str) -> None:
    """Each CPU of the table is found by its own name (or a double's); one without a number is not looked for."""
    found = find_tdp_w(name)
    assert (found is None) == (not _numbers(name))
    assert found is None or _numbers(found[0]) == _numbers(name)


@given(st.sampled_from(sorted(read_cpu_tdp_w())), st.sampled_from("0123456789kux"), st.data())
def test_no_cpu_has_the_power_of_another_model(name: str, letter: str, data: st.DataObject) -> None:
    """A model number that differs in one character is unknown, or another CPU's own; never the nearest one's."""
    places = [place for place, c in enumerate(name) if c.isdigit()]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    model = name[:place] + letter + name[place + 1 :]
    found = find_tdp_w(model)
    assert found is None or _numbers(found[0]) == _numbers(model)


def test_power_is_shared_by_the_threads_of_a_package(tmp_path: Path) -> None:
    """A logical CPU's watts are the package's design power over its threads, a quarter of that when idle."""
    power = cpu_power(None, None, _cpuinfo(tmp_path, "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz"))
    assert (power.busy_w, power.idle_w) == (15 / 8, 15 / 32)
    assert power.origin.startswith("Intel Core i7-8650U: 15 W thermal design power over 8 threads")


def test_a_virtual_machine_is_assumed(tmp_path: Path) -> None:
    """On a virtual machine nobody knows the threads of the package behind it: 4 W busy and 1 W idle are assumed."""
    path = _cpuinfo(tmp_path, "AMD EPYC 7763 64-Core Processor", threads=2, flags="fpu hypervisor vme")
    assert read_cpuinfo(path) == ("AMD EPYC 7763 64-Core Processor", True, 2)
    power = cpu_power(None, None, path)
    assert (power.busy_w, power.idle_w) == (4, 1)
    assert "assumed" in power.origin


@pytest.mark.parametrize("text", ["", "\0\xff garbage", "model name: AMD EPYC 7763", "siblings : many\nmodel name : x"])
def test_a_cpuinfo_without_what_is_needed_is_assumed(tmp_path: Path, text: str) -> None:
    """A kernel that does not tell the threads or the name leaves the assumed watts."""
    (tmp_path / "cpuinfo").write_text(text, "latin-1")
    assert cpu_power(None, None, tmp_path / "cpuinfo")[:2] == (4, 1)
    assert cpu_power(None, None, tmp_path / "nowhere")[:2] == (4, 1)


def test_the_users_watts_win(tmp_path: Path) -> None:
    """What the user measured beats table and assumption, each figure by itself."""
    path = _cpuinfo(tmp_path, "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz")
    assert cpu_power(6.0, 2.0, path) == (6.0, 2.0, "cpu_busy_w, set by you")
    assert cpu_power(6.0, None, path)[:2] == (6.0, 1.5)
    assert cpu_power(None, 0.1, path)[:2] == (15 / 8, 0.1)
    assert cpu_power(None, 0.1, tmp_path / "nowhere")[:2] == (4, 0.1)


def test_a_busy_cpu_draws_no_less_than_the_users_idle_one(tmp_path: Path) -> None:
    """The user's idle watts beat table and assumption: if these have less for a busy CPU, it is four times the idle."""
    path = _cpuinfo(tmp_path, "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz")
    for cpuinfo in (path, tmp_path / "nowhere"):
        assert cpu_power(None, 10.0, cpuinfo) == (40.0, 10.0, "four times cpu_idle_w, set by you")
        busy_w = cpu_power(None, None, cpuinfo).busy_w
        assert cpu_power(None, busy_w, cpuinfo)[:2] == (busy_w, busy_w)


def test_the_machine_of_the_model_never_draws_less_when_busy(tmp_path: Path) -> None:
    """Whatever idle watts are set alone, a second of load adds energy to the machine's figure."""
    model = Modelled(cpu_power(None, 10.0, tmp_path / "nowhere"), 2)
    first = Snapshot(0, 0, 0, ())
    idle, busy = (
        model.used(first, Snapshot(10**9, 0, busy_ns, ()), Calm(first, None, None, None)) for busy_ns in (0, 2 * 10**9)
    )
    assert busy.amounts[FIXED] > idle.amounts[FIXED] == 20.0
