"""Solves with a distributed mass matrix, by a fixed polynomial: linear, symmetric, and without a reduction.

Chebyshev's iteration needs bounds on the spectrum; those of a mass matrix, scaled by its diagonal, are known from
single elements and do not depend on the mesh's size (Wathen 1987; Wathen & Rees, Electron. Trans. Numer. Anal. 34
(2009) 125). As many steps as the bounds ask for give the solution to round-off, for values of any magnitude. The result
is a polynomial of the matrix, so it is symmetric even where round-off is all that is left of the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from mpi4py import MPI
from scipy.sparse import csr_matrix

from .cells import Array
from .ghosts import Ghosts
from .multipliers import Extension

ACCURACY = 1e-17
"""Factor by which the iteration reduces the error, before round-off."""


def chebyshev(
    apply: Callable[[Array], Array], inverse_diagonal: Array, bounds: tuple[float, float], right: Array
) -> Array:
    """Solve A x = ``right`` (n, components), where D^-1 A has its eigenvalues between ``bounds``.

    Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 12.1.
    """
    low, high = bounds
    centre, half = 0.5 * (high + low), max(0.5 * (high - low), 1e-3 * high)
    scale = inverse_diagonal[:, None]
    residual = right.copy()
    step = residual * (scale / centre)
    x = step.copy()
    sigma = centre / half
    rho = 1.0 / sigma
    for _ in range(iterations(bounds)):
        residual -= apply(step)
        new = 1.0 / (2.0 * sigma - rho)
        step *= new * rho
        step += residual * (scale * (2.0 * new / half))
        x += step
        rho = new
    return x


def iterations(bounds: tuple[float, float]) -> int:
    """Steps that reduce the error by ``ACCURACY``: a few tens, whatever the number of points."""
    root = math.sqrt(max(bounds[1] / bounds[0], 1.01))
    return math.ceil(math.log(2.0 / ACCURACY) / math.log((root + 1.0) / (root - 1.0)))


class Mass:
    """The mass matrix on the space of multipliers, E^T M E; see ``Extension``. All methods are collective."""

    def __init__(self, matrix: csr_matrix, bounds: tuple[float, float], ghosts: Ghosts, extension: Extension) -> None:
        """``matrix`` has the integrals over this rank's elements, (local, local), and ``bounds`` their spectrum's."""
        self._matrix = matrix
        self._ghosts = ghosts
        self._extension = extension
        self.diagonal = ghosts.add(matrix.diagonal()[:, None])[:, 0]
        """Of the whole matrix, (owned,); zero where there is no element."""
        inside = ~extension.outer & (self.diagonal > 0.0)
        # E^T M E lies between the bounds times D + E^T D E, of which this is a majorant, and D a minorant.
        majorant = self.diagonal + extension.majorant(self.diagonal[:, None])[:, 0]
        self._inverse = np.zeros(len(majorant))
        self._inverse[inside] = 1.0 / majorant[inside]
        spread = float((self.diagonal[inside] * self._inverse[inside]).min(initial=1.0))
        low = ghosts.comm.allreduce(bounds[0], op=MPI.MIN) * ghosts.comm.allreduce(spread, op=MPI.MIN)
        self.bounds = low, ghosts.comm.allreduce(bounds[1], op=MPI.MAX)

    def _apply(self, values: Array) -> Array:
        spread = self._ghosts.copy(self._extension.extend(values))
        return self._extension.restrict(self._ghosts.add(self._matrix @ spread))

    def solve(self, right: Array) -> Array:
        """Solve for (owned, components), from ``right`` of the same shape; both are zero at outer points."""
        return chebyshev(self._apply, self._inverse, self.bounds, right)
