"""Watts of a logical CPU, for computers without counters: from the CPU's thermal design power, or assumed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

# W of one logical CPU, busy and idle, where nothing better is known: between a laptop's (15 W over 8 threads) and
# a server's (280 W over 64 threads and its share of fans and memory); hence the range of a factor of 2.
DEFAULT_BUSY_W, DEFAULT_IDLE_W = 4.0, 1.0
IDLE_PART = DEFAULT_IDLE_W / DEFAULT_BUSY_W
MODEL_FACTOR = 2.0  # the true figure is taken to lie between 1/2 and 2 times the modelled one

_NOISE = re.compile(
    r"\((?:r|tm|c)\)|\bcpu\b|\bprocessor\b|\b\w+-cores?\b|(?: 0)? @.*$|(?<=.)\b(?:with |w/ )?radeon\b.*$|\b\d+th gen\b",
    re.IGNORECASE,
)


class CpuPower(NamedTuple):
    """Watts of one logical CPU and where they come from."""

    busy_w: float
    idle_w: float
    origin: str


def cpu_power(busy_w: float | None, idle_w: float | None, cpuinfo: Path = Path("/proc/cpuinfo")) -> CpuPower:
    """Return the watts to model with; a busy CPU's are never below an idle one's.

    Args:
        busy_w: The user's own figure for one busy logical CPU (W), if any.
        idle_w: The same for an idle one; with both given it is at most ``busy_w``, as the settings see to.
        cpuinfo: Where the kernel tells what CPU this is.
    """
    if busy_w is not None:
        return CpuPower(busy_w, busy_w * IDLE_PART if idle_w is None else idle_w, "cpu_busy_w, set by you")
    power = _power_here(cpuinfo)
    if idle_w is None:
        return power
    if idle_w > power.busy_w:  # then this is another CPU than we take it for
        return CpuPower(idle_w / IDLE_PART, idle_w, "four times cpu_idle_w, set by you")
    return power._replace(idle_w=idle_w)


def _power_here(cpuinfo: Path) -> CpuPower:
    """Return the watts of this computer's CPU by the table, else those that are assumed."""
    model, is_virtual, threads = read_cpuinfo(cpuinfo)
    tdp = None if model is None or is_virtual or not threads else find_tdp_w(model)
    if tdp is None:
        return CpuPower(DEFAULT_BUSY_W, DEFAULT_IDLE_W, f"{DEFAULT_BUSY_W:g} W a busy logical CPU, assumed")
    busy = tdp[1] / threads
    origin = f"{tdp[0]}: {tdp[1]:g} W thermal design power over {threads} threads (codecarbon's table)"
    return CpuPower(busy, busy * IDLE_PART, origin)


def read_cpuinfo(path: Path = Path("/proc/cpuinfo")) -> tuple[str | None, bool, int]:
    """Return the CPU's name, whether this is a virtual machine, and the logical CPUs of one package.

    On a virtual machine the threads of the package behind it cannot be known, so its power cannot be shared out.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(8192)
    except OSError:
        return None, False, 0
    fields: dict[str, str] = {}
    for line in head.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    siblings = fields.get("siblings", "")
    threads = int(siblings) if siblings.isdigit() else 0
    return fields.get("model name"), "hypervisor" in fields.get("flags", "").split(), threads


def find_tdp_w(model: str) -> tuple[str, float] | None:
    """Return name and thermal design power (W) of a CPU in codecarbon's table, or None if it is not there.

    >>> find_tdp_w("AMD Ryzen 7 5800X 8-Core Processor")
    ('AMD Ryzen 7 5800X', 105.0)
    """
    wanted = _key(model)
    numbers = _numbers(wanted)
    if not numbers:
        return None
    from jupyter_green.tables import read_cpu_tdp_w  # only on computers without counters that are not virtual

    table, longest = read_cpu_tdp_w(), max(numbers, key=len)
    by_key = {_key(name): name for name in table if longest in name.lower()}
    if wanted in by_key:
        return by_key[wanted], table[by_key[wanted]]
    # A near name counts only if every word with a digit (the model's number) is the same.
    same = [key for key in by_key if numbers == _numbers(key)]
    import difflib  # only where the exact name is not there

    near = difflib.get_close_matches(wanted, same, n=1, cutoff=0.8)
    return (by_key[near[0]], table[by_key[near[0]]]) if near else None


def _numbers(key: str) -> frozenset[str]:
    return frozenset(word for word in key.split() if any(c.isdigit() for c in word))


def _key(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name).lower().replace("-", " ").split())


def logical_cpus() -> int:
    """Return the logical CPUs of this machine."""
    return os.cpu_count() or 1
