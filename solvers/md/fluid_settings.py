"""What a case says of the measurement of its fluid."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..limits import MOST

BLOCKS = 32
"""Blocks of the transport run."""
STATE_BLOCKS = 8
"""Blocks of each state's run; their scatter is averaged over the states."""

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class FluidPropertiesSettings(BaseModel):
    """What is measured, and for how long; numbers in LAMMPS' units ``lj``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    script: str = Field(
        description="LAMMPS file with the fluid's pair and mass commands (for all types, or type 1), relative to the "
        "case directory. Other scripts can include it, so that all have the same fluid."
    )
    density: Positive = Field(description="Mass density of the state point.")
    temperature: Positive = Field(description="Temperature of the state point.")
    density_range: Annotated[float, Field(gt=0.0, le=0.2)] = Field(
        0.04, description="Half-width of the equation of state's range, relative to the density."
    )
    temperature_range: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        0.1, description="Half-width of the equation of state's range, relative to the temperature."
    )
    atoms: Annotated[int, Field(ge=100, le=MOST)] = Field(
        500,
        description="Number of atoms; the nearest that makes a face-centred cubic crystal is taken. The statistical "
        "errors of transport coefficients do not depend on it, the cost does.",
    )
    timestep: Positive = Field(0.005, description="Time step of the MD; best that of the coupled run.")
    length: Positive = Field(30000.0, description="Time over which the transport coefficients are sampled.")
    state_length: Positive = Field(200.0, description="Time over which each state of the equation of state is sampled.")
    seed: Annotated[int, Field(ge=1, lt=2**31 - 1)] = Field(1, description="Seed of the random numbers.")

    @model_validator(mode="after")
    def _long_enough(self) -> FluidPropertiesSettings:
        for name, least in (("length", BLOCKS * 5.0), ("state_length", STATE_BLOCKS * 1.0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least} for error bars")
        return self
