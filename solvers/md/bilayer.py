"""Two crystals in contact in a periodic box: where their atoms are, and which planes serve for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Planes = NDArray[np.int64]

Structure = Literal["fcc", "bcc", "diamond"]

_FACES = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
BASIS: dict[Structure, Array] = {
    "fcc": np.array(_FACES),
    "bcc": np.array([(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)]),
    "diamond": np.array([*_FACES, *(np.array(_FACES) + 0.25)]),
}
"""Atoms of the cubic cell, in units of its edge."""
PER_CELL = 2
"""Layers per cubic cell: half a cell has the same atoms in all of these crystals."""
LEFT_OUT = PER_CELL
"""Layers beside a bath and beside the interface that no line is fitted to: there the profile is no line."""
LEAST_FITTED = 3
"""Layers that a line is fitted to at least."""
LEAST_CELLS = 10
"""Cells of a side with which that many are left."""


@dataclass(frozen=True)
class Segment:
    """Layers between a bath and an interface that a line is fitted to, in the order of their places."""

    layers: Planes
    beside: tuple[int, int]
    """The layers on both sides of the interface; one of them may be of the next period."""


@dataclass(frozen=True)
class Bilayer:
    """Type 1 below and type 2 above, of the same number of cells along z; all axes are periodic: A|B|A.

    Layers are numbered from 0 in the order of their places; those of type 1 come first.
    """

    structure: Structure
    lattice_constants: tuple[float, float]
    width: int
    cells: int

    @property
    def side(self) -> int:
        """Layers of one side."""
        return PER_CELL * self.cells

    @property
    def heights(self) -> Array:
        """Heights of the layers' lower edges and of the box's top, (layers + 1,)."""
        steps = np.repeat(np.array(self.lattice_constants) / PER_CELL, self.side)
        return np.concatenate(([0.0], np.cumsum(steps)))

    @property
    def edge(self) -> float:
        """Edge of the cross section to start from: the mean of what both sides would have."""
        return self.width * float(np.mean(self.lattice_constants))

    def atoms(self) -> tuple[Array, NDArray[np.int64]]:
        """Places (atoms, 3) and types (atoms,), the lower side first; planes stand in the middle of their place."""
        places, types = [], []
        grid = np.indices((self.width, self.width, self.cells)).reshape(3, -1).T
        basis = BASIS[self.structure]
        # Half the gap to the next plane, so that no atom stands on an edge of box or layer.
        gap = np.array([0.0, 0.0, 0.5 / len(np.unique(basis[:, 2]))])
        sites = (grid[:, None, :] + basis[None] + gap).reshape(-1, 3)
        for kind, constant in enumerate(self.lattice_constants):
            scale = np.array([self.edge / self.width, self.edge / self.width, constant])
            places.append(sites * scale + [0.0, 0.0, self.heights[kind * self.side]])
            types.append(np.full(len(sites), kind + 1))
        return np.concatenate(places), np.concatenate(types)

    def bath(self, kind: int) -> Planes:
        """Layers of the bath in the middle of side 0 or 1: about a quarter of it, so that it grows with the side."""
        # Of the side's parity (it is even), so that both ways from it to an interface are the same.
        thick = 2 * round(self.side / 8)
        first = kind * self.side + (self.side - thick) // 2
        return np.arange(first, first + thick)

    def segments(self) -> tuple[tuple[Segment, Segment], tuple[Segment, Segment]]:
        """For each of both interfaces, the segment on the hot and the one on the cold side."""
        hot, cold = self.bath(0), self.bath(1)
        last = 2 * self.side - 1
        middle, ends = (self.side - 1, self.side), (last, 0)
        inner = slice(LEFT_OUT, -LEFT_OUT)
        hot_up, cold_down = np.arange(hot[-1] + 1, self.side), np.arange(self.side, cold[0])
        hot_down, cold_up = np.arange(0, hot[0]), np.arange(cold[-1] + 1, last + 1)
        return (
            (Segment(hot_up[inner], middle), Segment(cold_down[inner], middle)),
            (Segment(hot_down[inner], ends), Segment(cold_up[inner], ends)),
        )
