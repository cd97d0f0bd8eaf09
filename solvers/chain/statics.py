"""Equilibrium of a chain under dead loads, by Newton's method with a sparse LU that needs no symmetry."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from ..errors import SolverError
from .layout import Numbers
from .schemes import Scheme

Array = NDArray[np.float64]


def equilibrium(
    made: Scheme, load: Array, held: Iterable[Numbers], start: Array | None = None, iterations: int = 30
) -> Array:
    """Displacements of the nodes where the scheme's forces and ``load`` balance, (nodes,).

    ``held`` nodes keep the displacements of ``start`` (0). Newton's method goes on until nothing but round-off is left
    of its steps. A force-based scheme has no energy to minimise and no symmetric stiffness, so that neither a minimiser
    nor conjugate gradients would do. Raises ``SolverError`` where nothing is held or the method does not converge.
    """
    kept = [node for nodes in held for node in nodes]
    if not kept:
        raise SolverError("nothing holds the chain: an equilibrium needs an end that is 'fixed'")
    displacement = np.zeros(len(load)) if start is None else np.array(start)
    free = np.setdiff1d(np.arange(len(load)), kept)
    rest = max(part.rest for part in made.acting.parts)
    excess = np.zeros(0)
    for _ in range(iterations):
        excess = (made.force(displacement) + load)[free]
        tangent = csc_matrix(made.stiffness(displacement)[free][:, free])
        step = _solve(tangent, excess)
        displacement[free] += step
        if np.abs(step).max() <= 1e-14 * len(load) * (rest + np.abs(displacement).max()):
            return displacement
    raise SolverError(
        f"no equilibrium of the chain after {iterations} iterations of Newton's method: "
        f"a force of {np.abs(excess).max():.1e} is left; is the load too large?"
    )


def _solve(tangent: csc_matrix, excess: Array) -> Array:
    try:
        return splu(tangent).solve(excess)
    except RuntimeError as error:  # SuperLU's word for a singular matrix
        raise SolverError(f"the chain's stiffness is singular: {error}; is the load too large?") from error
