"""Atoms embedded in the electrons of their neighbours, for one element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .expansion import Expansion, by_square, products, radial
from .spline import Spline

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """What a file of the embedded-atom method holds of one element."""

    density_step: float
    embedding: Array
    """Energies at electron densities from 0, (nrho,)."""
    density_end: float
    """From here on the embedding energy goes on in a straight line."""
    distance_step: float
    density: Array
    """Electron densities at distances from 0, (nr,)."""
    pair: Array
    """Distance times pair energy, likewise."""
    cutoff: float


class EmbeddedAtom:
    """F(sum of rho(r)) + sum of phi(r) / 2 (Daw & Baskes 1984; Finnis & Sinclair 1984), interpolated as in LAMMPS."""

    def __init__(self, tables: Tables) -> None:
        self.cutoff = tables.cutoff
        self._embedding = Spline(tables.density_step, tables.embedding)
        self._density_end = tables.density_end
        self._density = Spline(tables.distance_step, tables.density)
        self._pair = Spline(tables.distance_step, tables.pair)

    def expansion(self, bonds: Array, metric: Array) -> Expansion:
        """Energy of an atom with these bonds, (m, d), in crystals of the metric (n, D)."""
        rows = products(bonds, bonds)
        pairs, densities = self._of_bonds(np.sqrt(metric @ rows.T))
        return radial(rows, *pairs) + self._embedded(radial(rows, *densities))

    def slopes(self, bonds: Array, metric: Array) -> Array:
        """Derivative of that energy by the square of each bond, (n, m)."""
        pairs, densities = self._of_bonds(np.sqrt(metric @ products(bonds, bonds).T))
        embedding = self._embedding(densities[0].sum(axis=1))[1]
        return pairs[1] + embedding[:, None] * densities[1]

    def _of_bonds(self, r: Array) -> tuple[list[Array], list[Array]]:
        """Half of the pair energy and the electron density of bonds, and their derivatives by squares."""
        inside = (r < self.cutoff).astype(np.float64)
        z, dz, ddz = self._pair(r)
        energy = z / r
        slope = (dz - energy) / r
        pairs = energy, *by_square(r, slope, (ddz - 2.0 * slope) / r)
        rho, drho, ddrho = self._density(r)
        densities = rho, *by_square(r, drho, ddrho)
        return [0.5 * inside * each for each in pairs], [inside * each for each in densities]

    def _embedded(self, density: Expansion) -> Expansion:
        """F of the electron density."""
        rho = density.energy
        energy, slope, curvature = self._embedding(rho)
        energy = energy + np.where(rho > self._density_end, slope * (rho - self._density_end), 0.0)
        curvature = np.where(rho > self._density_end, 0.0, curvature)
        outer = density.slope[:, :, None] * density.slope[:, None, :]
        return Expansion(
            energy,
            slope[:, None] * density.slope,
            slope[:, None, None] * density.curvature + curvature[:, None, None] * outer,
        )
