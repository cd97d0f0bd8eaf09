"""Pair potentials between first and second neighbours of a chain."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Array = NDArray[np.float64]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Neighbour = Literal[1, 2]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class LennardJones(_Table):
    """depth ((d/r)¹² - 2 (d/r)⁶), the same for first and second neighbours; its minimum lies at d = ``distance``."""

    kind: Literal["lennard-jones"]
    depth: Positive = 1.0
    distance: Positive = 1.0

    @property
    def scale(self) -> float:
        """A length near the spacing without stress."""
        return self.distance

    @property
    def reach(self) -> Neighbour:
        """The farthest neighbour that a site feels."""
        return 2

    def energy(self, neighbour: Neighbour, r: Array) -> Array:
        """Of pairs at the distances ``r``."""
        s = (self.distance / r) ** 6
        return self.depth * (s * s - 2.0 * s)

    def slope(self, neighbour: Neighbour, r: Array) -> Array:
        """Derivative of the energy by the distance: the tension."""
        s = (self.distance / r) ** 6
        return 12.0 * self.depth * (s - s * s) / r

    def curvature(self, neighbour: Neighbour, r: Array) -> Array:
        """Second derivative of the energy by the distance: the stiffness."""
        s = (self.distance / r) ** 6
        return self.depth * (156.0 * s * s - 84.0 * s) / (r * r)


class Harmonic(_Table):
    """Springs to first and second neighbours, all at rest where the spacing is ``spacing``."""

    kind: Literal["harmonic"]
    first: Positive = 1.0
    second: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    """Stiffness of the springs to second neighbours; 0 for none."""
    spacing: Positive = 1.0

    @model_validator(mode="after")
    def _check_stability(self) -> Harmonic:
        if not self.first + 4.0 * self.second > 0.0:
            raise ValueError(
                f"a chain with 'first' = {self.first:g} and 'second' = {self.second:g} collapses; "
                "'first' + 4 'second' must be positive"
            )
        return self

    @property
    def scale(self) -> float:
        """A length near the spacing without stress."""
        return self.spacing

    @property
    def reach(self) -> Neighbour:
        """The farthest neighbour that a site feels."""
        return 2 if self.second else 1

    def _stiffness(self, neighbour: Neighbour) -> float:
        return self.first if neighbour == 1 else self.second

    def energy(self, neighbour: Neighbour, r: Array) -> Array:
        """Of pairs at the distances ``r``."""
        return 0.5 * self._stiffness(neighbour) * (r - neighbour * self.spacing) ** 2

    def slope(self, neighbour: Neighbour, r: Array) -> Array:
        """Derivative of the energy by the distance: the tension."""
        return self._stiffness(neighbour) * (r - neighbour * self.spacing)

    def curvature(self, neighbour: Neighbour, r: Array) -> Array:
        """Second derivative of the energy by the distance: the stiffness."""
        return np.full_like(r, self._stiffness(neighbour))


Potential = Annotated[LennardJones | Harmonic, Field(discriminator="kind")]
