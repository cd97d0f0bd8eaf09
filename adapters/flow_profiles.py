"""Profiles of a flow along the normal of its seam, averaged over the planes of cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..couplers.cells import Array
from ..solvers.navier_stokes import NavierStokes
from .profiles import ProfileFile


class FlowProfiles:
    """Mean density, and mass-weighted mean velocity and temperature, of every plane of cells; rank 0 writes."""

    def __init__(self, solver: NavierStokes, axis: int, path: Path, done: int = 0) -> None:
        self._solver = solver
        self._axis = axis
        grid = solver.grid
        self._cells = grid.cells[axis]
        self._own = slice(grid.start[axis], grid.start[axis] + grid.owned[axis])
        self._across = tuple(2 - other for other in range(3) if other != axis)
        """Array axes to sum over; the solver's arrays are (z, y, x)."""
        self._count = float(np.prod(grid.cells) / self._cells)
        edges = np.linspace(solver.settings.lower[axis], solver.settings.upper[axis], self._cells + 1)
        self._file = ProfileFile(path, axis, edges, done) if solver.comm.rank == 0 else None
        self._sampled = -1.0

    def sample(self, time: float) -> None:
        """Add the present instant, once, at however many interfaces. Collective."""
        if time <= self._sampled:
            return
        self._sampled = time
        solver = self._solver
        density = solver.density
        fields = (density, density * solver.temperature, *(density * solver.velocity))
        share = np.zeros((5, self._cells))
        share[:, self._own] = [field.sum(axis=self._across) for field in fields]
        total = np.empty_like(share)
        solver.comm.Reduce(share, total)
        if self._file:
            self._file.append(time, **_means(total, self._count))


def _means(total: Array, count: float) -> dict[str, Array]:
    mass = total[0]
    return {"density": mass / count, "temperature": total[1] / mass, "velocity": (total[2:] / mass).T}
