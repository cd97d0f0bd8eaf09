"""The pair potential of Lennard-Jones, cut off in three ways."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .expansion import Expansion, by_square, products, radial

Array = NDArray[np.float64]
Truncation = Literal["cut", "shifted", "force-shifted"]


class LennardJones:
    """4 epsilon ((sigma / r)^12 - (sigma / r)^6) for r < cutoff.

    With the truncation ``cut`` (LAMMPS' ``lj/cut``) the energy jumps at the cut-off; ``shifted`` (``pair_modify shift
    yes``) it goes to zero; ``force-shifted`` (``lj/smooth/linear``) its slope does so too, as dynamics wants it.
    """

    def __init__(self, epsilon: float, sigma: float, cutoff: float, truncation: Truncation = "force-shifted") -> None:
        """All positive, in one system of units; the cut-off is a length, no multiple of sigma."""
        self.cutoff = cutoff
        self._depth, self._sigma = 4.0 * epsilon, sigma
        at_cutoff = [float(each) for each in self._plain(np.array(cutoff))]
        self._constant = 0.0 if truncation == "cut" else at_cutoff[0]
        self._linear = at_cutoff[1] if truncation == "force-shifted" else 0.0

    def _plain(self, r: Array) -> tuple[Array, Array, Array]:
        sixth = (self._sigma / r) ** 6
        energy, slope = sixth * sixth - sixth, (6.0 * sixth - 12.0 * sixth * sixth) / r
        curvature = (156.0 * sixth * sixth - 42.0 * sixth) / (r * r)
        return self._depth * energy, self._depth * slope, self._depth * curvature

    def expansion(self, bonds: Array, metric: Array) -> Expansion:
        """Half of the energy of an atom's bonds, (m, d), in crystals of the metric (n, D)."""
        rows = products(bonds, bonds)
        return radial(rows, *self._of_bonds(np.sqrt(metric @ rows.T)))

    def slopes(self, bonds: Array, metric: Array) -> Array:
        """Derivative of that energy by the square of each bond, (n, m)."""
        return self._of_bonds(np.sqrt(metric @ products(bonds, bonds).T))[1]

    def _of_bonds(self, r: Array) -> list[Array]:
        """Half of the energy of bonds, and its derivatives by squares."""
        inside = 0.5 * (r < self.cutoff)
        energy, slope, curvature = self._plain(r)
        energy = energy - self._constant - (r - self.cutoff) * self._linear
        return [inside * each for each in (energy, *by_square(r, slope - self._linear, curvature))]
