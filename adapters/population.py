"""How many atoms come and go in the outer part of an open buffer, as the continuum's density says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..couplers.cells import Array

YOUNG, MEMORY = 50, 5000
"""Windows over which the excess at the end is a mean: at first, and at most."""


@dataclass(frozen=True)
class Outside:
    """The continuum's state next to the plane, in the participant's units."""

    velocity: Array
    """(3,)"""
    temperature: float
    density: float
    pressure: float | None


@dataclass(frozen=True)
class Extent:
    """Of an open buffer."""

    area: float
    outer: float
    """Length of its outer part."""
    quiet: float
    """Length of the part next to the plane, where no atom comes or goes."""


class Population:
    """Of the outer part, window by window.

    What flows through the end in a window comes or goes at once, and of what the number lacks beside that a share, one
    in ``relaxation``. Fractions of atoms are carried. Next to the end atoms are in layers, of which no density is
    known: the excess that is counted there in the long run is left to it, so that the density next to the plane is the
    continuum's.
    """

    def __init__(self, extent: Extent, mass: float, relaxation: float) -> None:
        self._extent = extent
        self._mass = mass
        self._relaxation = relaxation
        self.carry = 0.0
        """Atoms that were due to come, or go where negative, and are less than one."""
        self.excess = 0.0
        """Atoms that the outer part has beyond its volume at the density next to the plane."""
        self._seen = YOUNG

    def due(self, outside: Outside, travel: float, count: float, quiet: float) -> int:
        """Atoms that are to come, or go where negative.

        Parameters
        ----------
        travel
            How far outward the fluid goes in a window.
        count, quiet
            Atoms in the outer part, those that the end has taken along included, and next to the plane.
        """
        number_density, area = outside.density / self._mass, self._extent.area
        # In the middle of the window half of what flows has passed, and the end is half of its way from home.
        volume = area * (self._extent.outer + 0.5 * travel)
        passing = -number_density * area * travel
        present = count + 0.5 * passing
        self._learn(present - volume * quiet / (area * self._extent.quiet))
        lacking = number_density * volume + self.excess - present
        due = self.carry + passing + lacking / self._relaxation
        whole = math.trunc(due)
        self.carry = self._fraction(due, whole)
        return whole

    def _fraction(self, due: float, whole: int) -> float:
        return due - whole

    def _learn(self, excess: float) -> None:
        self._seen = min(self._seen + 1, MEMORY)
        self.excess += (excess - self.excess) / self._seen

    def learn_anew(self) -> None:
        """Let what was learnt while the particles were far from the continuum's state count little."""
        self._seen = YOUNG

    def save(self) -> dict[str, float]:
        """What the next window starts from."""
        return {"carry": self.carry, "excess": self.excess, "seen": self._seen}

    def restore(self, state: Mapping[str, float]) -> None:
        """Back to ``save``."""
        self.carry, self.excess, self._seen = state["carry"], state["excess"], int(state["seen"])
