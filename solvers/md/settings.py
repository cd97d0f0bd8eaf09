"""What a case says of a molecular-dynamics participant; everything else stands in its LAMMPS script."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WallSettings(BaseModel):
    """Atoms that act on the fluid from outside of it."""

    model_config = ConfigDict(extra="forbid")

    group: str = Field(description="LAMMPS group of the wall's atoms.")
    force: str | None = Field(
        None,
        description="ID of a `fix store/force` on the wall's atoms, defined before any fix that adds other forces to "
        "them (springs, a Langevin thermostat). Without it their whole force counts, as is right for a rigid wall.",
    )


class MolecularDynamicsSettings(BaseModel):
    """The LAMMPS script, its variables, and which of its groups are fluid and walls."""

    model_config = ConfigDict(extra="forbid")

    script: str = Field(description="LAMMPS script, relative to the case directory; it runs in its own directory.")
    variables: dict[str, str | int | float] = Field(
        default_factory=dict, description="Values of the script's `variable NAME index DEFAULT` commands."
    )
    fluid: str = Field(description="LAMMPS group of the fluid's atoms.")
    walls: dict[str, WallSettings] = Field(default_factory=dict, description="Named walls; each is a row of the books.")
