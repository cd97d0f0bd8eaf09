"""What a case says of the atoms of a solid; everything else stands in their LAMMPS script."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..expression import SpaceExpression

BLENDING, INTEGRATION = "force blending", "integration error"
"""Names of rows."""


Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class BathSettings(BaseModel):
    """A band of free atoms that feel friction and noise: a damping stadium where it is cold, else a thermostat."""

    model_config = ConfigDict(extra="forbid")

    lower: tuple[float, float, float] = Field(
        description="Corner of the box whose outside is the band; -inf along an axis along which it does not end."
    )
    upper: tuple[float, float, float] = Field(description="The other corner; inf likewise.")
    length: Positive = Field(description="Distance from the box at which the rate is reached.")
    rate: Positive = Field(description="Friction there, per time: dv/dt = -rate v.")
    power: float = Field(1.0, ge=0.0, allow_inf_nan=False, description="Nearer, it is (distance / length)^power of it.")
    temperature: float = Field(0.0, ge=0.0, allow_inf_nan=False, description="Of the band.")
    seed: int = Field(1, ge=0, description="Of its random numbers.")

    @model_validator(mode="after")
    def _check_corners(self) -> BathSettings:
        for axis, low, high in zip("xyz", self.lower, self.upper, strict=True):
            if not low < high:
                raise ValueError(f"along {axis} 'lower' is {low:g} and 'upper' {high:g}; 'lower' must be less")
        return self


class SolidAtomsSettings(BaseModel):
    """The LAMMPS script, and which of its atoms go where forces drive them."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    script: str = Field(description="LAMMPS script, relative to the case directory; it runs in its own directory.")
    variables: dict[str, str | int | float] = Field(
        default_factory=dict, description="Values of the script's `variable NAME index DEFAULT` commands."
    )
    free: str = Field(
        description="LAMMPS group of the atoms that go where forces drive them. All others follow the continuum."
    )
    second: str | None = Field(
        None,
        description="LAMMPS group of the atoms in the second place of the lattice's basis (diamond), which the "
        "continuum shifts against those in the first.",
    )
    plane: bool = Field(
        False, description="The continuum is plane: all is per depth of the box along z, which must be periodic."
    )
    displacement: tuple[SpaceExpression, SpaceExpression, SpaceExpression] | None = Field(
        None, description="Of the free atoms at the start, from the lattice at rest, in LAMMPS' unit of length."
    )
    time_integration: Literal["velocity-verlet", "quasi-static"] = Field(
        "velocity-verlet", description="With inertia, as the script's fixes have it, or equilibrium in every window."
    )
    baths: dict[str, BathSettings] = Field(
        default_factory=dict,
        description="Of atoms in motion: bands with friction and noise; each is a row of the books.",
    )
    tolerance: Positive = Field(
        1e-9, description="Of equilibrium: largest force on a free atom that is as good as none, in LAMMPS' unit of it."
    )
    evaluations: int = Field(20000, ge=1, description="Evaluations of the forces, at most, by each of the methods.")

    @model_validator(mode="after")
    def _check_baths(self) -> SolidAtomsSettings:
        if self.baths and self.time_integration == "quasi-static":
            raise ValueError("'baths' act on velocities; there are none where time_integration is 'quasi-static'")
        for name in self.baths:
            if name in (BLENDING, INTEGRATION):
                raise ValueError(f"a bath has the name {name!r}, which is a row of the books; give it another")
        return self
