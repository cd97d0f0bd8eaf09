"""The cells beyond a side that is open to a partner, as the fluxes of its faces see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .grid import EQUATIONS, Grid
from .partition import GHOSTS
from .ramp import Ramp

if TYPE_CHECKING:
    from mpi4py import MPI

Array = NDArray[np.float64]


class Beyond:
    """Density, velocity and internal energy of two layers of cells, linear in time between the values that are given.

    The faces next to a cut between ranks, or to a periodic end, also see the neighbours' cells there: they are
    exchanged by a DMDA of the side's plane, divided as the grid is. Those beyond a wall copy the last ones. Making it
    and ``go_to`` are collective; ``here`` says whether this rank touches the side.
    """

    def __init__(self, grid: Grid, comm: MPI.Comm, axis: int, end: int, values: Array) -> None:
        from mpi4py import MPI

        self.here = grid.touches(axis, end)
        self._across = [a for a in (0, 1, 2) if a != axis]
        self._grid = grid
        plane = comm.Split(0 if self.here else MPI.UNDEFINED, comm.rank)
        if not self.here:
            return
        self._exchange = grid.plane(plane, axis, GHOSTS * EQUATIONS)
        if self._exchange is not None:
            self._own, self._local = self._exchange.createGlobalVec(), self._exchange.createLocalVec()
        self._ramp = Ramp(self._spread(values))

    def _spread(self, values: Array) -> Array:
        """(2, q, p, 5) on the padded plane, of this rank's (2 q p, 5), the first of the other axes fastest."""
        p, q = self._across
        owned = (self._grid.owned[q], self._grid.owned[p])
        layers = values.reshape(GHOSTS, *owned, EQUATIONS)
        if self._exchange is None:
            return np.ascontiguousarray(layers)
        self._own.setArray(np.moveaxis(layers, 0, 2).ravel())
        self._exchange.globalToLocal(self._own, self._local)
        lower, upper = self._grid.valid_lower, self._grid.valid_upper
        shape = tuple(n + lower[a] + upper[a] for n, a in zip(owned, (q, p), strict=True))
        known = self._local.getArray().reshape(*shape, GHOSTS, EQUATIONS)
        missing = [
            (GHOSTS - lower[a], GHOSTS - upper[a]) if a in self._grid.active else (0, 0) for a in (q, p)
        ]  # fmt: skip
        padded = np.pad(known, [*missing, (0, 0), (0, 0)], mode="edge")
        return np.ascontiguousarray(np.moveaxis(padded, 2, 0))

    def at(self, time: float) -> Array:
        """The values at a time."""
        return self._ramp.at(time)

    def go_to(self, values: Array, now: float, time: float) -> None:
        """From what it is now, in a straight line to ``values`` (2 q p, 5) at ``time``."""
        if self.here:
            self._ramp.go_to(self._spread(values), now, time)

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return self._ramp.save() if self.here else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        if self.here:
            self._ramp.restore(state)
