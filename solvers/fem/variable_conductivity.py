"""Conduction where the conductivity depends on temperature: k(T) grad T, with k a polynomial of the elements' degree.

With k_h = sum k(T_j) phi_j the derivative of the heat by T_j has two parts, k_h grad phi_j and k'(T_j) phi_j grad T:
the second is one matrix whose columns are weighted by k'(T_j). Newton's method with both is quadratic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conductivity_file import ConductivityCurve
from ..errors import SolverError
from . import engine
from .algebra import Matrix
from .engine import MPI, ufl
from .space import Space

Array = NDArray[np.float64]


class VariableConduction:
    """The heat that is conducted out of every test function, and its derivative; arrays of this rank's owned dofs."""

    def __init__(self, curve: ConductivityCurve, space: Space, around: Any) -> None:
        """``around`` is what integrals over the plane are multiplied by."""
        self.curve = curve
        self._space, self._around = space, around
        self._above, self._k, self._work = space.function(), space.function(), space.function()
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        inner = ufl.inner(ufl.grad(self._above), ufl.grad(test))
        self._heat = engine.compiled(around * self._k * inner * ufl.dx)
        self._straight = engine.compiled(around * self._k * ufl.inner(ufl.grad(trial), ufl.grad(test)) * ufl.dx)
        self._steeper = engine.compiled(around * trial * inner * ufl.dx)
        self._matrices = [Matrix(engine.assemble_matrix(form)) for form in (self._straight, self._steeper)]

    def heat(self, now: Array, shift: float) -> Array:
        """The integral of k(T) grad T . grad phi at each owned dof; collective.

        ``shift`` is taken off the temperatures before they are differentiated, against round-off.
        """
        self._set(now, shift)
        return engine.assemble_vector(self._heat, self._work)

    def tangent(self, now: Array, shift: float) -> tuple[Matrix, Matrix]:
        """The derivative, a sum of two, until the next is asked for; collective."""
        self._set(now, shift)
        straight, steeper = self._matrices
        engine.assemble_again(straight.petsc, self._straight)
        engine.assemble_again(steeper.petsc, self._steeper)
        slope = steeper.petsc.createVecRight()
        slope.array[:] = self.curve.slope(now)
        steeper.petsc.diagonalScale(R=slope)
        slope.destroy()
        return straight, steeper

    def through(self, facets: Any) -> ConductedInwards:
        """What facets conduct inwards, times the test functions."""
        return ConductedInwards(self._space, self._around * self._k, facets)

    def diagonal(self) -> Array:
        """Of the last derivative, as far as it is that of a constant conductivity."""
        return self._matrices[0].diagonal()

    def check(self, now: Array) -> None:
        """Raise ``SolverError``, on all ranks alike, where a temperature is beyond those of the curve; collective."""
        comm = self._space.domain.comm
        low = comm.allreduce(float(now.min(initial=np.inf)), op=MPI.MIN)
        high = comm.allreduce(float(now.max(initial=-np.inf)), op=MPI.MAX)
        if not self.curve.covers(low, high):
            raise SolverError(
                f"the body has temperatures from {low:g} to {high:g}; 'conductivity_file' knows "
                f"{self.curve.range[0]:g} to {self.curve.range[1]:g}"
            )

    def _set(self, now: Array, shift: float) -> None:
        for function, values in ((self._above, now - shift), (self._k, self.curve.value(now))):
            function.x.array[: self._space.owned] = values
            function.x.scatter_forward()


class ConductedInwards:
    """The integral of k grad(u) . n times the test functions over facets, with the k of the last evaluation."""

    def __init__(self, space: Space, conductivity: Any, facets: Any) -> None:
        self._space = space
        self._values, self._work = space.function(), space.function()
        normal, test = ufl.FacetNormal(space.domain.mesh), ufl.TestFunction(space.functions)
        measure = engine.surface_measure(space.domain.mesh, facets)
        self._form = engine.compiled(conductivity * ufl.dot(ufl.grad(self._values), normal) * test * measure)

    def __matmul__(self, values: Array) -> Array:
        self._values.x.array[: self._space.owned] = values
        self._values.x.scatter_forward()
        return engine.assemble_vector(self._form, self._work)
