"""The uniform grid: how PETSc's DMDA divides it among ranks and exchanges the cells next to the cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .partition import GHOSTS, most_ranks, processors
from .settings import SIDES, NavierStokesSettings

if TYPE_CHECKING:
    # A case is read and checked without MPI, which importing mpi4py.MPI would start.
    from mpi4py import MPI

Array = NDArray[np.float64]
EQUATIONS = 5
"""Conserved variables per cell: mass, three momenta, total energy, per unit volume."""


class Grid:
    """This rank's block of cells.

    Arrays of cells are C-ordered (z, y, x), with a trailing axis of the five conserved variables. ``state`` and
    ``residual`` hold the owned cells; ``local`` also the neighbours' cells next to them, as ``exchange`` leaves them.
    """

    def __init__(self, settings: NavierStokesSettings, comm: MPI.Comm) -> None:
        self.cells = settings.cells
        self.active = settings.active_axes()
        self.lower = np.asarray(settings.lower)
        self.spacing = np.asarray(settings.spacing())
        self.cell_volume = float(np.prod(self.spacing))
        self.periodic = tuple(
            axis in self.active and settings.boundaries[SIDES[2 * axis]].kind == "periodic" for axis in range(3)
        )
        self._create(comm)

    def _create(self, comm: MPI.Comm) -> None:
        division = processors(self.cells, comm.size)
        if division is None:
            raise SolverError(
                f"{list(self.cells)} cells cannot be divided among {comm.size} ranks: every rank needs {GHOSTS} along "
                f"each axis that has more than one; use another number of ranks, at most {most_ranks(self.cells)}"
            )
        try:
            # Debian's path to petsc4py is set by code in a .pth file, which no type checker runs.
            import petsc4py  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise SolverError("the Navier-Stokes solver needs petsc4py; on Debian: python3-petsc4py-real") from error
        self._division = division
        from mpi4py import MPI  # not before: importing it starts MPI

        # PETSc starts on this rank alone: by default it would wait for every rank of the world.
        petsc4py.init([], comm=MPI.COMM_SELF)
        from petsc4py import PETSc  # pyright: ignore[reportMissingImports]

        self._petsc: Any = PETSc
        self._dm: Any = self._create_array(comm, self.active, EQUATIONS)
        self.start, self.owned = self._place(*self._dm.getCorners())
        ghost_start, ghost_size = self._place(*self._dm.getGhostCorners())
        self.valid_lower = tuple(s - g for s, g in zip(self.start, ghost_start, strict=True))
        self.valid_upper = tuple(
            g + m - s - n for s, n, g, m in zip(self.start, self.owned, ghost_start, ghost_size, strict=True)
        )
        self.state = np.zeros((*self.owned[::-1], EQUATIONS))
        self.residual = np.zeros_like(self.state)
        self.local = np.zeros((*ghost_size[::-1], EQUATIONS))
        size = (self.state.size, int(np.prod(self.cells)) * EQUATIONS)
        self._global_vector = self._petsc.Vec().createWithArray(self.state, size=size, bsize=EQUATIONS, comm=comm)
        self._local_vector = self._petsc.Vec().createWithArray(self.local, bsize=EQUATIONS, comm=MPI.COMM_SELF)

    def _create_array(self, comm: MPI.Comm, axes: tuple[int, ...], width: int) -> Any:
        """A DMDA of ``width`` values a cell along some of the axes, divided among ``comm`` as the grid is."""
        boundary = self._petsc.DM.BoundaryType
        return self._petsc.DMDA().create(
            dim=len(axes),
            dof=width,
            sizes=[self.cells[axis] for axis in axes],
            proc_sizes=[self._division[axis] for axis in axes],
            boundary_type=[boundary.PERIODIC if self.periodic[axis] else boundary.NONE for axis in axes],
            stencil_type=self._petsc.DMDA.StencilType.BOX,
            stencil_width=GHOSTS,
            comm=comm,
        )

    def plane(self, comm: MPI.Comm, axis: int, width: int) -> Any:
        """A DMDA of a plane of cells across ``axis``, on the ranks that have part of it; None where it is one cell."""
        across = tuple(a for a in self.active if a != axis)
        return self._create_array(comm, across, width) if across else None

    def _place(self, start: tuple[int, ...], size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Corners along the active axes as corners along x, y, z."""
        starts, sizes = [0, 0, 0], [1, 1, 1]
        for axis, first, count in zip(self.active, start, size, strict=True):
            starts[axis], sizes[axis] = int(first), int(count)
        return tuple(starts), tuple(sizes)

    def exchange(self) -> None:
        """Copy ``state`` into ``local`` and fill it from the neighbours; collective."""
        self._dm.globalToLocal(self._global_vector, self._local_vector)

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape (z, y, x) of the owned cells with ``GHOSTS`` on each side of every active axis."""
        return tuple(self.owned[axis] + 2 * GHOSTS * (axis in self.active) for axis in (2, 1, 0))

    @property
    def interior(self) -> tuple[slice, ...]:
        """The owned cells in an array of shape ``padded``."""
        return tuple(slice(GHOSTS, -GHOSTS) if axis in self.active else slice(None) for axis in (2, 1, 0))

    def edges(self, axis: int) -> Array:
        """Positions of this rank's cell faces along ``axis``, one more than cells."""
        index = np.arange(self.start[axis], self.start[axis] + self.owned[axis] + 1)
        return self.lower[axis] + self.spacing[axis] * index

    def centres(self) -> tuple[Array, Array, Array]:
        """x, y and z of this rank's cell centres, each (z, y, x)."""
        middle = [0.5 * (edges[1:] + edges[:-1]) for edges in map(self.edges, range(3))]
        z, y, x = np.meshgrid(middle[2], middle[1], middle[0], indexing="ij")
        return x, y, z

    def touches(self, axis: int, end: int) -> bool:
        """Whether this rank has cells at the lower (0) or upper (1) end of ``axis``, and that is a boundary."""
        if axis not in self.active or self.periodic[axis]:
            return False
        return self.start[axis] == 0 if end == 0 else self.start[axis] + self.owned[axis] == self.cells[axis]

    def boxes(self, first: tuple[int, int, int], last: tuple[int, int, int]) -> tuple[Array, Array]:
        """Lower and upper corners, each (n, 3), of this rank's cells ``first`` ≤ index < ``last``, x fastest.

        Indices are this rank's own, along x, y, z.
        """
        corners = []
        for shift in (0, 1):
            along = [self.edges(axis)[first[axis] + shift : last[axis] + shift] for axis in range(3)]
            z, y, x = np.meshgrid(along[2], along[1], along[0], indexing="ij")
            corners.append(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1))
        return corners[0], corners[1]
