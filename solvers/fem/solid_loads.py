"""The outer forces on a solid body, at every dof, by what exerts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..expression import Expression
from . import engine
from .algebra import Matrix
from .engine import Index, ufl
from .solid_seams import SolidSeam
from .solid_settings import Pressure, SolidSettings, Traction
from .space import Space

Array = NDArray[np.float64]

BODY_FORCE = "body force"
"""Name of the row."""


class Loads:
    """Tractions, pressures, the body force and partners' forces; forces are values of owned dofs, flat."""

    def __init__(self, space: Space, settings: SolidSettings, facets: Mapping[str, Index]) -> None:
        self._space, self._settings = space, settings
        self._scalars = Space(space.domain, space.degree)
        self._matrices: dict[str, Matrix] = {}
        for name, boundary in settings.boundaries.items():
            if isinstance(boundary, Traction | Pressure):
                measure = engine.surface_measure(space.domain.mesh, facets[name])
                self._matrices[name] = self._surface(isinstance(boundary, Pressure), measure)
        if settings.body_force is not None:
            self._matrices[BODY_FORCE] = self._spread(ufl.dx)

    def at(self, time: float, seams: Mapping[str, SolidSeam]) -> dict[str, Array]:
        """Every force that is not a reaction; collective."""
        forces: dict[str, Array] = {}
        for name, boundary in self._settings.boundaries.items():
            if isinstance(boundary, Traction):
                forces[name] = self._matrices[name] @ vector_at(self._space, boundary.traction, time)
            elif isinstance(boundary, Pressure):
                pressure = self._scalars.at_dofs(boundary.pressure, time)[: self._scalars.owned]
                forces[name] = self._matrices[name] @ pressure
        if self._settings.body_force is not None:
            forces[BODY_FORCE] = self._matrices[BODY_FORCE] @ vector_at(self._space, self._settings.body_force, time)
        for name, seam in seams.items():
            if seam.condition == "traction":
                force = np.zeros((self._space.owned, self._space.components))
                force[seam.dofs] = seam.force
                forces[name] = force.ravel()
        return forces

    def _surface(self, normal: bool, measure: Any) -> Matrix:
        """From nodal tractions to forces, or from nodal pressures to forces along the inward normal."""
        if not normal:
            return self._spread(measure)
        trial, test = ufl.TrialFunction(self._scalars.functions), ufl.TestFunction(self._space.functions)
        form = -trial * ufl.dot(ufl.FacetNormal(self._space.domain.mesh), test) * measure
        return Matrix(engine.assemble_matrix(engine.compiled(form)))

    def _spread(self, measure: Any) -> Matrix:
        trial, test = ufl.TrialFunction(self._space.functions), ufl.TestFunction(self._space.functions)
        return Matrix(engine.assemble_matrix(engine.compiled(ufl.inner(trial, test) * measure)))


def vector_at(space: Space, formulas: Sequence[Expression], time: float = 0.0) -> Array:
    """Values of formulas, one for each direction, at the owned dofs, flat."""
    return np.stack([space.at_dofs(each, time)[: space.owned] for each in formulas], axis=1).ravel()
