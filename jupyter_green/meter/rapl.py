"""RAPL: the energy counters of CPU packages and memory that Linux shows under ``/sys/class/powercap``.

Source: https://docs.kernel.org/power/powercap/powercap.html. A counter counts µJ from 0 to
``max_energy_range_uj`` and starts again. Package and DRAM zones are added up; core and uncore lie inside the
package, psys (the whole platform) holds the packages, and ``intel-rapl-mmio`` mirrors what ``intel-rapl`` counts:
none of these is ever added. Since the PLATYPUS attack (CVE-2020-8694) the counters are readable by root alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")

# No package draws more: twice the largest thermal design power of codecarbon's table (500 W). What a counter
# says above it is a reset or a lost wrap, not energy.
MAX_W = 1000.0

# † RAPL counts in steps of about 1 ms (Intel SDM vol. 3B, 15.10.3), so a short interval may hold a step too many.
TICK_S = 0.001

_HINT = (
    "An admin can give a group the right to read them; every reader of these counters can spy on other users of "
    "the machine (PLATYPUS, CVE-2020-8694): jupyter green doctor"
)


class Zone(NamedTuple):
    """One counter: what it covers, where it is read, and after how many µJ it starts again."""

    domain: str
    path: str
    range_uj: int


class Found(NamedTuple):
    """What a search gave: the zones to add up, or why there are none (with what to do)."""

    zones: tuple[Zone, ...]
    reason: str | None
    hint: str | None


def find_zones(root: Path = POWERCAP) -> Found:
    """Look for package and DRAM counters.

    Args:
        root: The powercap tree.

    Returns:
        Zones of every package, or none: part of the packages would be a wrong sum. DRAM zones only where all
        of them can be read.
    """
    named: dict[str, Path] = {}
    for folder in _folders(root):
        name = _zone_name(folder)
        if name is not None:
            named.setdefault(name, folder)  # intel-rapl:* sorts before intel-rapl-mmio:*
    if not any(name.startswith("package") for name in named):
        return Found((), "this computer shows no energy counters", None)
    packages, reason = _zones(named, "package")
    if reason is not None:
        return Found((), reason, _HINT)
    dram, _ = _zones(named, "dram")
    return Found((*packages, *dram), None, None)


def _folders(root: Path) -> list[Path]:
    try:
        names = os.listdir(root)
    except OSError:
        return []
    return [root / name for name in sorted(names, key=_rank) if name.startswith("intel-rapl")]


def _rank(name: str) -> tuple[bool, str]:
    return name.startswith("intel-rapl-mmio"), name


def _zone_name(folder: Path) -> str | None:
    """Return ``package-0`` or ``dram-0`` (named by its package), or None for a zone that is not added up."""
    try:
        name = (folder / "name").read_text("ascii").strip()
        if name.startswith("package"):
            return name
        if name != "dram":
            return None
        parent = folder.parent / folder.name.rpartition(":")[0]
        package = (parent / "name").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return f"dram{package.removeprefix('package')}" if package.startswith("package") else None


def _zones(named: dict[str, Path], kind: str) -> tuple[tuple[Zone, ...], str | None]:
    zones = []
    for name, folder in sorted(named.items()):
        if not name.startswith(kind):
            continue
        path, range_path = folder / "energy_uj", folder / "max_energy_range_uj"
        try:
            _number_in(path)
            range_uj = _number_in(range_path)
        except OSError as error:
            return (), f"{error.filename} cannot be read ({error.strerror})"
        except ValueError as error:
            return (), str(error)
        if range_uj <= 0:
            return (), f"{range_path} is {range_uj}"
        zones.append(Zone(name, str(path), range_uj))
    return tuple(zones), None


def _number_in(path: Path) -> int:
    try:
        return int(path.read_text("ascii"))
    except ValueError:
        raise ValueError(f"{path} holds no number") from None


class Counters:
    """Open counters, read as raw values; None for one that did not answer."""

    def __init__(self, zones: tuple[Zone, ...]) -> None:
        self.zones = zones
        self._fds: list[int | None] = []
        for zone in zones:
            try:
                self._fds.append(os.open(zone.path, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                self._fds.append(None)

    def read_uj(self) -> tuple[int | None, ...]:
        """Return each counter in µJ."""
        return tuple([_read(fd) for fd in self._fds])

    def close(self) -> None:
        """Give the descriptors back."""
        fds, self._fds = self._fds, [None] * len(self._fds)
        for fd in fds:
            if fd is not None:
                os.close(fd)


def _read(fd: int | None) -> int | None:
    if fd is None:
        return None
    try:
        return int(os.pread(fd, 32, 0))
    except (OSError, ValueError):
        return None


def counter_delta_uj(before: int, after: int, range_uj: int) -> int:
    """Return by how much a counter grew, at most one turn.

    >>> counter_delta_uj(90, 5, 99)
    15
    """
    return (after - before) % (range_uj + 1)


def is_certain(delta_uj: int, duration_s: float, range_uj: int) -> bool:
    """Tell whether a delta can be believed.

    Not if a package cannot have used so much (a counter that was reset seems to have made nearly a whole turn), nor
    if the time was long enough for whole turns to be lost.
    """
    most_uj = MAX_W * 1e6 * duration_s
    return delta_uj <= most_uj + 2 * TICK_S * MAX_W * 1e6 and most_uj < range_uj


def longest_wait_s(zones: tuple[Zone, ...]) -> float:
    """Return how long the counters may stay unread without a turn being lost, with a margin of 4."""
    return min(zone.range_uj for zone in zones) / 1e6 / (4 * MAX_W)
