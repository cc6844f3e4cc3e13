"""How a cell's energy compares with its earlier runs: a change is named only where it is beyond their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Literal

FEWEST = 3  # earlier runs that tell what noise is
_MOST = 20  # of them count: a cell that changed long ago is another cell
# Student's t, two-sided 95 %, by degrees of freedom from 2 on. Source: NIST/SEMATECH e-Handbook, table 1.3.6.7.2.
_T95 = (
    4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110,
    2.101, 2.093,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest run of a cell against the mean of earlier ones.

    ``percent`` is of the mean; it is told where the run lies outside the 95 % prediction interval of the earlier
    ones, else the verdict is ``same``.
    """

    verdict: Literal["less", "more", "same"]
    percent: float | None
    runs: int  # earlier runs that it was compared with
    text_changed: bool = False  # they were of the text that the cell had before


def change(energies_j: Sequence[float | None]) -> Change | None:
    """Compare the last of a cell's energies with those before it.

    Args:
        energies_j: Attributed energy of the cell's runs that came to their end, the oldest first, J; None: unknown.

    Returns:
        None if it cannot be told: fewer than three known runs before it, or the last one is unknown.

    >>> change([10.0, 10.2, 9.8, 6.0])
    Change(verdict='less', percent=-40.0, runs=3, text_changed=False)
    >>> change([10.0, 10.2, 9.8, 10.1])
    Change(verdict='same', percent=None, runs=3, text_changed=False)
    """
    if not energies_j or energies_j[-1] is None:
        return None
    before = [energy for energy in energies_j[:-1] if energy is not None][-_MOST:]
    if len(before) < FEWEST:
        return None
    middle, spread = mean(before), stdev(before)
    reach = _T95[len(before) - 3] * spread * sqrt(1 + 1 / len(before))
    moved = energies_j[-1] - middle
    if abs(moved) <= reach or middle <= 0:
        return Change(verdict="same", percent=None, runs=len(before))
    return Change(verdict="less" if moved < 0 else "more", percent=100 * moved / middle, runs=len(before))
