"""Surfaces that exchange radiation with their surroundings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import engine
from .algebra import Matrix
from .engine import ufl
from .heat_settings import Radiation
from .space import Space

Array = NDArray[np.float64]


class RadiatingSurface:
    """Heat enters at c (T_s^4 - T^4) per area, where T_s is the temperature of the surroundings."""

    def __init__(self, name: str, settings: Radiation, space: Space, around: Any, measure: Any) -> None:
        """``around`` is what integrals over the plane are multiplied by."""
        self.name = name
        self._settings = settings
        self._space = space
        self._here, self._there = space.function(), space.function()
        self._work = space.function()
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        coefficient = engine.fem.Constant(space.domain.mesh, settings.coefficient)
        self._load = engine.compiled(around * coefficient * (self._there**4 - self._here**4) * test * measure)
        self._tangent = engine.compiled(4.0 * around * coefficient * self._here**3 * trial * test * measure)
        self._matrix = Matrix(engine.assemble_matrix(self._tangent))

    def load(self, now: Array, time: float) -> Array:
        """Rate at which heat enters at each owned dof; collective."""
        self._set(now)
        self._there.x.array[:] = self._space.at_dofs(self._settings.temperature, time)
        return engine.assemble_vector(self._load, self._work)

    def tangent(self, now: Array) -> Matrix:
        """Minus the derivative of the load, until the next is asked for; collective."""
        self._set(now)
        engine.assemble_again(self._matrix.petsc, self._tangent)
        return self._matrix

    def _set(self, now: Array) -> None:
        self._here.x.array[: self._space.owned] = now
        self._here.x.scatter_forward()
