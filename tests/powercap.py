"""A synthetic powercap tree with exact truth. It imports nothing of the package: it is what the package is checked by.

Every figure that comes from it is one of a synthetic tree, not of a real computer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Counter:
    """One zone's files. ``true_uj`` is what was really used since the start."""

    folder: Path
    range_uj: int
    true_uj: int = 0
    offset_uj: int = 0

    def use(self, joules: float) -> None:
        """Let the zone use energy; the counter turns at its range as the kernel's does."""
        self.true_uj += round(joules * 1e6)
        self.write()

    def write(self) -> None:
        """Show the present state."""
        shown = (self.offset_uj + self.true_uj) % (self.range_uj + 1)
        # One write of the same open file is what a reader of sysfs sees: all of it or none.
        with open(self.folder / "energy_uj", "r+b") as file:
            file.write(b"%-20d\n" % shown)


class Tree:
    """A powercap tree under a folder.

    Args:
        root: Where to make it, as in ``tmp_path / "powercap"``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)

    def zone(self, entry: str, name: str, *, range_uj: int = 262_143_328_850, start_uj: int = 0) -> Counter:
        """Add a zone, as in ``zone("intel-rapl:0", "package-0")`` or ``zone("intel-rapl:0:2", "dram")``."""
        folder = self.root / entry
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n", "ascii")
        (folder / "max_energy_range_uj").write_text(f"{range_uj}\n", "ascii")
        (folder / "energy_uj").write_text("0\n", "ascii")
        counter = Counter(folder, range_uj, offset_uj=start_uj)
        counter.write()
        return counter
