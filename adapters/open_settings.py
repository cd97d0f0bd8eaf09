"""What a case says of a buffer's open end."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OpenEndSettings(BaseModel):
    """Atoms come and go at the buffer's outer end as the continuum's density says."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    relaxation: float = Field(
        1.0, ge=1.0, description="Windows in which the outer part's number of atoms goes to the continuum's density."
    )
    fluctuations: bool = Field(
        False,
        description="Impose mean velocities that fluctuate as those of slabs in equilibrium, beside a continuum whose "
        "own do not.",
    )
    tolerance: float = Field(
        1e-3, gt=0, description="Of a new atom's energy, relative to the fluid's potential energy per atom."
    )
    iterations: int = Field(100, ge=1, description="Most steps of one search for a place.")
    attempts: int = Field(1000, ge=1, description="Most searches for one atom in one window.")
