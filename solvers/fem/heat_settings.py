"""What a user may say about heat conduction in a body."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..expression import Expression, SpaceExpression
from .body_settings import BodySettings, BoundarySettings, Material, Positive


class Temperature(BoundarySettings):
    """The boundary has a given temperature."""

    kind: Literal["temperature"]
    temperature: Expression


class Flux(BoundarySettings):
    """Heat enters at a given rate per area; 0 insulates."""

    kind: Literal["flux"]
    flux: Expression


class Convection(BoundarySettings):
    """Heat enters at ``coefficient`` times what the surroundings are hotter than the surface, per area."""

    kind: Literal["convection"]
    coefficient: Positive
    temperature: Expression


class Radiation(BoundarySettings):
    """Heat enters at ``coefficient`` times the difference of the fourth powers of temperature, per area."""

    kind: Literal["radiation"]
    coefficient: Positive
    """Emissivity times the Stefan-Boltzmann constant, 5.670374419e-8 W/(m² K⁴)."""
    temperature: Expression
    """Of the surroundings, absolute."""


class Seam(BoundarySettings):
    """The boundary belongs to a partner."""

    kind: Literal["seam"]


Boundary = Annotated[Temperature | Flux | Convection | Radiation | Seam, Field(discriminator="kind")]


class HeatSettings(BodySettings):
    """Transient heat conduction in a body: capacity dT/dt = div(conductivity grad T) + source."""

    rows: ClassVar[tuple[str, ...]] = ("source",)
    conductivity: Material
    capacity: Material
    """Heat capacity per volume."""
    initial: SpaceExpression
    """Temperature at the start."""
    source: Expression | None = None
    """Heat made per volume and time; booked in the row ``source``."""
    boundaries: dict[str, Boundary] = Field(default_factory=dict)
    """By name; what is on no boundary is insulated."""
    time_integration: Literal["sdirk2", "backward-euler"] = "sdirk2"
    """Two implicit stages a step, of second order, or one, of first. Both damp what a step cannot follow."""
    reference: Expression | None = None
    """A temperature to compare with: the largest difference at the nodes is recorded at the windows' ends."""
