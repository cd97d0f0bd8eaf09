"""The discrete phonons of a problem: directions of flight, the bands that fly along each, and what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .quadrature import Quadrature
from .spectrum import Bands, Modes
from .turning import Turning

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ordinates:
    """Bands along directions. Energy per volume is the sum over directions and bands of weight, heat and temperature.

    Tables are (regions, columns). Direction i has the columns ``first[i]`` to ``first[i] + bands``: of isotropic bands
    all directions have the same ones, of modes each has one of its own.
    """

    directions: Array
    """(n, 3) unit vectors."""
    weights: Array
    """(n,) solid angles; 1 for modes."""
    first: NDArray[np.int64]
    """(n,)."""
    bands: int
    """Columns of a direction."""
    heat: Array
    """Heat capacity per volume and unit of weight."""
    velocity: Array
    """Group speed."""
    lifetime: Array
    bins: NDArray[np.int32]
    """(columns,) frequency bin."""
    bin_count: int
    turning: Turning | None = None
    """How the directions turn, of axisymmetric meshes."""

    @classmethod
    def isotropic(cls, quadrature: Quadrature, materials: Sequence[Bands], turning: Turning | None = None) -> Ordinates:
        """The same directions for the bands of every region's material.

        Raises ``SolverError`` where the materials do not have the same bands and bins.
        """
        bins = materials[0].bins
        if any(not np.array_equal(material.bins, bins) for material in materials):
            raise SolverError("the materials of the regions have different frequency bins; they must share them")
        return cls(
            quadrature.directions,
            quadrature.weights,
            np.zeros(len(quadrature.weights), dtype=np.int64),
            len(bins),
            np.array([material.heat_capacity for material in materials]) / (4.0 * np.pi),
            np.array([material.velocity for material in materials]),
            np.array([material.lifetime for material in materials]),
            bins.astype(np.int32),
            int(bins.max()) + 1,
            turning,
        )

    @classmethod
    def resolved(cls, modes: Modes) -> Ordinates:
        """Every mode is a direction with one band. Modes at rest carry nothing and are left out."""
        speed = np.linalg.norm(modes.velocity, axis=1)
        moves = speed > 1e-12 * speed.max()
        count = int(moves.sum())
        return cls(
            modes.velocity[moves] / speed[moves, None],
            np.ones(count),
            np.arange(count, dtype=np.int64),
            1,
            modes.heat_capacity[None, moves],
            speed[None, moves],
            modes.lifetime[None, moves],
            np.unique(modes.bins[moves], return_inverse=True)[1].astype(np.int32),
            len(np.unique(modes.bins[moves])),
        )

    @property
    def solid_angle(self) -> Array:
        """(columns,) weight of all directions of a column."""
        total = np.zeros(self.heat.shape[1])
        for column in range(self.bands):
            np.add.at(total, self.first + column, self.weights)
        return total

    def selected(self, part: NDArray[np.int64]) -> Ordinates:
        """Only the directions ``part``; the tables stay whole."""
        return replace(
            self,
            directions=self.directions[part],
            weights=self.weights[part],
            first=self.first[part],
            turning=self.turning and self.turning.selected(part),
        )

    def banded(self, part: NDArray[np.int64]) -> Ordinates:
        """Only the bands ``part`` of isotropic materials."""
        return replace(
            self,
            bands=len(part),
            heat=self.heat[:, part],
            velocity=self.velocity[:, part],
            lifetime=self.lifetime[:, part],
            bins=self.bins[part],
        )
