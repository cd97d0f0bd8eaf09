"""What a case says of the atoms of a solid; everything else stands in their LAMMPS script."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..expression import SpaceExpression

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class SolidAtomsSettings(BaseModel):
    """The LAMMPS script, and which of its atoms go where forces drive them."""

    model_config = ConfigDict(extra="forbid")

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
    tolerance: Positive = Field(
        1e-9, description="Of equilibrium: largest force on a free atom that is as good as none, in LAMMPS' unit of it."
    )
    evaluations: int = Field(20000, ge=1, description="Evaluations of the forces in which it must be found.")
