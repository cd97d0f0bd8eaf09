"""What a user may say about a slab."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..expression import Expression, SpaceExpression, TimeExpression
from ..limits import MOST

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
End = Literal["lower", "upper"]
ENDS: tuple[End, End] = ("lower", "upper")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Temperature(_Table):
    """The face has a given temperature."""

    kind: Literal["temperature"]
    temperature: TimeExpression


class Flux(_Table):
    """Heat enters at a given rate per area; 0 insulates."""

    kind: Literal["flux"]
    flux: TimeExpression


class Convection(_Table):
    """Heat enters at ``coefficient`` times what the surroundings are hotter than the face, per area."""

    kind: Literal["convection"]
    coefficient: Positive
    temperature: TimeExpression


class Seam(_Table):
    """The face belongs to a partner."""

    kind: Literal["seam"]


Boundary = Annotated[Temperature | Flux | Convection | Seam, Field(discriminator="kind")]


class SlabSettings(_Table):
    """A box through which heat flows along one axis; its other two extents are the cross-section."""

    lower: Vector
    upper: Vector
    axis: Literal["x", "y", "z"] = "x"
    """Along which heat flows."""
    cells: Annotated[int, Field(ge=1, le=MOST)]
    conductivity: SpaceExpression
    """A number, or a formula in ``x``, ``y``, ``z``: its value in a cell's centre holds in the whole cell."""
    capacity: SpaceExpression
    """Heat capacity per volume."""
    initial: SpaceExpression
    """Temperature at the start."""
    source: Expression | None = None
    """Heat made per volume and time, a formula in ``x``, ``y``, ``z``, ``t``; booked in the row ``source``."""
    boundaries: dict[End, Boundary]
    step: Positive
    """The longest time step."""
    time_integration: Literal["sdirk2", "backward-euler"] = "sdirk2"
    """Two implicit stages a step, of second order, or one, of first. Both damp what a step cannot follow."""

    @model_validator(mode="after")
    def _check_box(self) -> SlabSettings:
        for axis, low, high in zip("xyz", self.lower, self.upper, strict=True):
            if not low < high:
                raise ValueError(f"along {axis} 'lower' is {low} and 'upper' {high}; 'lower' must be less")
        missing = [end for end in ENDS if end not in self.boundaries]
        if missing:
            raise ValueError(f"'boundaries' lacks '{missing[0]}'; give it a kind: temperature, flux, convection, seam")
        return self

    @property
    def direction(self) -> int:
        """Number of the axis, 0 to 2."""
        return "xyz".index(self.axis)

    @property
    def length(self) -> float:
        """Extent along the axis."""
        return self.upper[self.direction] - self.lower[self.direction]

    @property
    def area(self) -> float:
        """The cross-section."""
        extents = [high - low for low, high in zip(self.lower, self.upper, strict=True)]
        return float(np.prod(np.delete(extents, self.direction)))

    def positions(self, along: Array) -> dict[str, Array]:
        """``x``, ``y`` and ``z`` of points at ``along`` on the axis, in the middle of the cross-section."""
        middle = [0.5 * (low + high) for low, high in zip(self.lower, self.upper, strict=True)]
        points = {axis: np.full_like(along, value) for axis, value in zip("xyz", middle, strict=True)}
        points[self.axis] = along
        return points

    def centres(self) -> Array:
        """Positions of the cells' centres along the axis, (cells,)."""
        first = self.lower[self.direction]
        return first + self.length / self.cells * (np.arange(self.cells) + 0.5)
