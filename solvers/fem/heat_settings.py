"""What a user may say about heat conduction in a body."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ..expression import Expression, SpaceExpression
from .body_settings import RECORDED, BodySettings, BoundarySettings, Material, Positive
from .mesh_settings import BoxMesh, Table


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


class Average(Table):
    """The mean temperature of a boundary, as a beam sees it."""

    boundary: str
    weight: SpaceExpression = SpaceExpression("1")
    """A formula in ``x``, ``y``, ``z``: what each place counts for, per area."""


class HeatSettings(BodySettings):
    """Transient heat conduction in a body: capacity dT/dt = div(conductivity grad T) + source."""

    rows: ClassVar[tuple[str, ...]] = ("source",)
    conductivity: Material | None = None
    conductivity_file: Path | None = None
    """In its place: a file of a conductivity that depends on temperature, relative to the case, in SI units."""
    capacity: Material
    """Heat capacity per volume."""
    initial: SpaceExpression
    """Temperature at the start."""
    source: Expression | None = None
    """Heat made per volume and time; booked in the row ``source``."""
    boundaries: dict[str, Boundary] = Field(default_factory=dict)
    """By name; what is on no boundary is insulated."""
    axisymmetric: bool = False
    """Whether ``x`` is the distance from an axis and ``y`` the height: of a plane mesh. Heat is that of the whole turn;
    the axis itself is no boundary."""
    averages: dict[str, Average] = Field(default_factory=dict)
    """Mean temperatures of boundaries that are recorded at the windows' ends, by name."""
    time_integration: Literal["sdirk2", "backward-euler"] = "sdirk2"
    """Two implicit stages a step, of second order, or one, of first. Both damp what a step cannot follow."""
    reference: Expression | None = None
    """A temperature to compare with: the largest difference at the nodes is recorded at the windows' ends."""

    @model_validator(mode="after")
    def _check_axis(self) -> HeatSettings:
        if not self.axisymmetric or not isinstance(self.mesh, BoxMesh):
            return self
        if self.mesh.dimension != 2 or self.mesh.lower[0] < 0.0:
            found = f"'axisymmetric' with a box of {self.mesh.dimension} dimensions from x = {self.mesh.lower[0]}"
            raise ValueError(f"{found}; it must have two, and no negative x")
        if self.mesh.lower[0] == 0.0 and "x-lower" in self.boundaries:
            raise ValueError("a boundary 'x-lower' on the axis of an 'axisymmetric' body; the axis must be none")
        return self

    @model_validator(mode="after")
    def _check_averages(self) -> HeatSettings:
        for name, one in self.averages.items():
            if one.boundary not in self.boundaries:
                names = ", ".join(self.boundaries) or "none"
                raise ValueError(f"average {name!r} is of {one.boundary!r}; it must be of a boundary: {names}")
            if name in RECORDED or name in self.probes:
                raise ValueError(f"an average has the name {name!r}, which a probe or the course has already")
        return self

    @model_validator(mode="after")
    def _one_conductivity(self) -> HeatSettings:
        if (self.conductivity is None) == (self.conductivity_file is None):
            raise ValueError("give either a 'conductivity' or a 'conductivity_file'")
        if self.conductivity_file is not None and self.linear_solver == "iterative":
            raise ValueError("linear_solver is 'iterative' with a 'conductivity_file'; it must be 'direct'")
        return self
