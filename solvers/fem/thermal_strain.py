"""Thermal expansion of a linear elastic body, and the heat that straining takes or gives.

With theta = T - T0, beta = (3 lambda + 2 mu) alpha and sigma = C:e - beta theta I, the temperature pushes at every dof
with (G theta)_i = int beta theta div v_i. Straining by a rate div v takes beta T div v from the heat, per volume: so
the books are those of the free energy, strain energy + int beta T0 div u, and in a step in which the force was that of
T, the body takes T_j (G^T du)_j at every node j of the temperature (Boley & Weiner, Theory of Thermal Stresses, 1960,
ch. 1). The sum is exact for whatever temperature was used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import engine
from .algebra import Matrix
from .boundaries import Multiplies
from .engine import Index, ufl
from .materials import property_function
from .solid_settings import SolidSettings
from .space import Space

Array = NDArray[np.float64]


class ThermalStrain:
    """The temperature of a solid body: a formula, or a partner's. Temperatures and heat are at owned scalar dofs."""

    def __init__(self, space: Space, settings: SolidSettings, lame: Any, shear: Any) -> None:
        assert settings.expansion is not None, "made only where there is an expansion"
        self._vectors, self.space = space, Space(space.domain, space.degree)
        self._formula = settings.temperature
        self._reference = settings.reference_temperature
        self._beta = property_function(space.domain, settings.expansion, space.degree, "expansion", positive=False)
        self._beta.x.array[:] *= 3.0 * lame.x.array + 2.0 * shear.x.array
        trial, test = ufl.TrialFunction(self.space.functions), ufl.TestFunction(space.functions)
        self._push = Matrix(engine.assemble_matrix(engine.compiled(self._beta * trial * ufl.div(test) * ufl.dx)))
        self.coupled = False
        """Whether a partner gives the temperature and takes the heat."""
        self._partner = self._target = np.full(self.space.owned, self._reference)
        self._target_time = 0.0
        self._acting = np.zeros(self.space.owned)
        self.crossed = np.zeros(self.space.owned)
        """Heat that entered the body at each dof since ``begin``."""

    def begin(self) -> None:
        """Count anew what crosses."""
        self.crossed = np.zeros_like(self.crossed)

    def start_at(self, temperature: Array) -> None:
        """The partner's temperature now."""
        self._partner, self._target = temperature.copy(), temperature.copy()

    def set_temperature(self, temperature: Array, time: float) -> None:
        """The partner's temperature goes linearly from what it is now to this one at ``time``, and stays there."""
        self._target, self._target_time = temperature.copy(), time

    def temperature(self, begin: float, later: float) -> Array:
        """The temperature ``later`` than the present time ``begin``."""
        if self._formula is not None and not self.coupled:
            return self.space.at_dofs(self._formula, begin + later)[: self.space.owned]
        left = self._target_time - begin
        if left <= later:
            return self._target
        return self._partner + (self._target - self._partner) * (later / left)

    def push(self, temperature: Array) -> Array:
        """Force at every dof of the displacement, until the next one of the temperature; collective."""
        self._acting = temperature - self._reference
        return self._push @ self._acting

    def traction(self, elastic: Multiplies, facets: Index) -> Multiplies:
        """What facets transmit inwards: the elastic part, and that of the temperature which pushes."""
        trial, test = ufl.TrialFunction(self.space.functions), ufl.TestFunction(self._vectors.functions)
        domain = self.space.domain.mesh
        measure = engine.surface_measure(domain, facets)
        form = self._beta * trial * ufl.dot(ufl.FacetNormal(domain), test) * measure
        return _Traction(elastic, Matrix(engine.assemble_matrix(engine.compiled(form))), lambda: self._acting)

    def swelling(self, displacement: Array) -> Array:
        """G^T u, the integral of beta div u times the test function at every dof; collective."""
        return self._push.transposed(displacement)

    def stored(self, displacement: Array) -> float:
        """This rank's share of the integral of beta T0 div u; collective."""
        return self._reference * float(self.swelling(displacement).sum())

    def finish(self, begin: float, dt: float, heat: Array) -> None:
        """A step is done, in which ``heat`` entered at each dof."""
        self._partner = self.temperature(begin, dt) if self.coupled else self._partner
        self.crossed = self.crossed + heat

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "partner": self._partner.copy(),
            "target": self._target.copy(),
            "target time": self._target_time,
            "crossed": self.crossed.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._partner, self._target = np.array(state["partner"]), np.array(state["target"])
        self._target_time, self.crossed = float(state["target time"]), np.array(state["crossed"])


class _Traction:
    """sigma n on facets, with the temperature of the moment."""

    def __init__(self, elastic: Multiplies, pressing: Matrix, acting: Callable[[], Array]) -> None:
        self._elastic, self._pressing, self._acting = elastic, pressing, acting

    def __matmul__(self, values: Array) -> Array:
        return self._elastic @ values - self._pressing @ self._acting()
