"""Matrices and linear systems by PETSc, on arrays of this rank's owned values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .engine import PETSc

Array = NDArray[np.float64]

_TOLERANCE = 1e-10
"""Of the iterative solver, relative to the right-hand side; who needs more solves again for what is left."""


class Matrix:
    """A distributed matrix that multiplies owned values, flat, into owned values. Products are collective.

    On several ranks PETSc keeps what Python no longer needs: a matrix that changes is assembled again, not made anew.
    """

    def __init__(self, petsc: Any) -> None:
        self.petsc = petsc
        self._in, self._out = petsc.createVecs()

    def __matmul__(self, values: Array) -> Array:
        self._in.array[:] = values
        self.petsc.mult(self._in, self._out)
        return self._out.array.copy()

    def diagonal(self) -> Array:
        """The owned rows' entries on the diagonal."""
        return self.petsc.getDiagonal().array_r.copy()

    def transposed(self, values: Array) -> Array:
        """The product of the transpose; collective."""
        self._out.array[:] = values
        self.petsc.multTranspose(self._out, self._in)
        return self._in.array.copy()


def combined(terms: list[tuple[float, Matrix]], fixed: NDArray[np.int32]) -> Any:
    """The sum of weighted matrices, with ones on the diagonal in place of the rows and columns ``fixed``, owned ones.

    All have the sparsity of the first or less. Collective.
    """
    (weight, first), *others = terms
    petsc = first.petsc.copy()
    petsc.scale(weight)
    for weight, matrix in others:
        petsc.axpy(weight, matrix.petsc, structure=PETSc.Mat.Structure.SUBSET_NONZERO_PATTERN)
    start, _ = petsc.getOwnershipRange()
    petsc.zeroRowsColumns(np.asarray(fixed, dtype=PETSc.IntType) + start, diag=1.0)
    return petsc


def know_rigid_bodies(petsc: Any, points: Array) -> None:
    """Tell multigrid which motions a vector matrix hardly resists: rigid ones of the owned ``points``, (n, dim)."""
    places = petsc.createVecRight()
    places.array[:] = points.ravel()
    petsc.setNearNullSpace(PETSc.NullSpace().createRigidBody(places))


class System:
    """A linear system that is factorised once, or solved by iteration; the matrix is symmetric and definite.

    Raises ``SolverError`` where it cannot be solved.
    """

    def __init__(self, petsc: Any, iterative: bool, spd: bool = True) -> None:
        self._petsc = petsc
        self._solver = PETSc.KSP().create(petsc.comm)
        self._solver.setOperators(petsc)
        preconditioner = self._solver.getPC()
        if iterative:
            self._solver.setType("cg" if spd else "gmres")
            preconditioner.setType("gamg" if petsc.getBlockSize() > 1 else "hypre")
            self._solver.setTolerances(rtol=_TOLERANCE, max_it=500)
            self._solver.setNormType(PETSc.KSP.NormType.NATURAL if spd else PETSc.KSP.NormType.DEFAULT)
        else:
            self._solver.setType("preonly")
            preconditioner.setType("cholesky" if spd else "lu")
            preconditioner.setFactorSolverType("mumps")
        self._in, self._out = petsc.createVecs()

    def solve(self, right: Array) -> Array:
        """The solution of owned values; collective."""
        self._in.array[:] = right
        self._solver.solve(self._in, self._out)
        found = self._out.array.copy()
        reason = self._solver.getConvergedReason()
        if reason < 0 and np.isfinite(right).all():
            raise SolverError(f"the linear system could not be solved (PETSc's reason {reason})")
        return found

    def free(self) -> None:
        """Release the factors."""
        for one in (self._solver, self._petsc, self._in, self._out):
            one.destroy()
