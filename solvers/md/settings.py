"""What a case says of a molecular-dynamics participant; everything else stands in its LAMMPS script."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class WallSettings(BaseModel):
    """Atoms that act on the fluid from outside of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    group: str = Field(description="LAMMPS group of the wall's atoms.")
    force: str | None = Field(
        None,
        description="ID of a `fix store/force` on the wall's atoms, defined before any fix that adds other forces to "
        "them (springs, a Langevin thermostat). Without it their whole force counts, as is right for a rigid wall.",
    )


class EnsembleSettings(BaseModel):
    """Several members, each with random numbers of its own, whose mean the partners see."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    members: int = Field(
        ge=1, le=100_000, description="Members; where `most` is given, those at first, and the fewest."
    )
    groups: int = Field(
        1, ge=1, description="Groups into which the ranks are divided; each runs its share of the members in turn."
    )
    most: int | None = Field(None, description="The most members, where their number follows `error`.")
    error: dict[Literal["mass", "momentum", "energy"], Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Wanted standard error of what crosses a plane in a window, as a mean over members and `over` "
        "windows.",
    )
    over: int = Field(50, ge=1, description="Windows over which amounts are averaged before members are compared.")


class MolecularDynamicsSettings(BaseModel):
    """The LAMMPS script, its variables, and which of its groups are fluid and walls."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    script: str = Field(description="LAMMPS script, relative to the case directory; it runs in its own directory.")
    variables: dict[str, str | int | float] = Field(
        default_factory=dict, description="Values of the script's `variable NAME index DEFAULT` commands."
    )
    fluid: str = Field(description="LAMMPS group of the fluid's atoms.")
    walls: dict[str, WallSettings] = Field(default_factory=dict, description="Named walls; each is a row of the books.")
    ensemble: EnsembleSettings | None = Field(None, description="Several members instead of one.")
