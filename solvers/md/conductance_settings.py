"""What a case says of the measurement of an interface's thermal conductance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .bilayer import LEAST_CELLS, Structure

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
SAMPLED = 10
"""Time steps between two samples: fast motion is resolved, and sampling costs little."""
RECORDS = 128
"""Least number of records of a run: the transient is found among them, and the rest divided into blocks."""
AVERAGED = 50
"""Time steps over which the sides' energies at equilibrium are averaged: a vibration or two."""
AVERAGES = 512
"""Least number of these averages: blocks of them must be longer than what the interface remembers."""


class ConductanceSettings(BaseModel):
    """Two crystals in contact, the baths, and how long is measured; numbers in LAMMPS' ``units``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    script: str = Field(
        description="LAMMPS file with the pair and mass commands of atom types 1 (the hot side) and 2 (the cold side), "
        "relative to the case directory."
    )
    units: Literal["lj", "metal"] = Field(
        "metal", description="LAMMPS units of the script. From metal the results are in SI."
    )
    structure: Structure = Field(description="Crystal of both sides, its cube along the axes.")
    lattice_constants: tuple[Positive, Positive] = Field(
        description="Lattice constants to start from. The box is relaxed at zero pressure: z of each side, and the one "
        "cross section that both share."
    )
    width: Annotated[int, Field(ge=2)] = Field(4, description="Cubic cells along both edges of the cross section.")
    lengths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = Field(
        description="Cubic cells of each side across the interface; one run each. From two on the resistance is "
        "extrapolated to infinite length."
    )
    hot: Positive = Field(description="Temperature of the bath in the middle of the hot side.")
    cold: Positive = Field(description="Temperature of the bath in the middle of the cold side.")
    damping: Positive = Field(description="Damping time of the baths (Langevin).")
    timestep: Positive = Field(description="Time step of the MD.")
    equilibration: Positive = Field(
        description="Time at the mean temperature and zero pressure, over whose second half the box is averaged."
    )
    duration: Positive = Field(
        description="Time between the baths, of each length. The transient at its beginning is left out as the records "
        "show it."
    )
    record: Positive = Field(description="Time over which a record (a temperature profile, both powers) is averaged.")
    equilibrium: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = Field(
        0.0, description="Time without baths, in the longest box, for the fluctuation formula; 0 leaves it out."
    )
    seed: Annotated[int, Field(ge=1, lt=2**31 - 1)] = Field(1, description="Seed of the random numbers.")

    @property
    def temperature(self) -> float:
        """Mean of both baths."""
        return 0.5 * (self.hot + self.cold)

    @model_validator(mode="after")
    def _possible(self) -> ConductanceSettings:
        if self.hot <= self.cold:
            raise ValueError(
                f"hot is {self.hot:g} and cold {self.cold:g}: heat must flow from type 1 to type 2; "
                "exchange the types for the other direction"
            )
        short = [cells for cells in self.lengths if cells < LEAST_CELLS]
        if short:
            raise ValueError(
                f"lengths has {short[0]}: that leaves too few planes between bath and interface to fit a line; "
                f"at least {LEAST_CELLS} cells are needed"
            )
        if len(set(self.lengths)) < len(self.lengths):
            raise ValueError(f"lengths is {self.lengths}: each length once; more time gives smaller errors")
        if self.record < SAMPLED * self.timestep:
            raise ValueError(
                f"record is {self.record:g}; it must be at least {SAMPLED} time steps, {SAMPLED * self.timestep:g}"
            )
        if 0.0 < self.equilibrium < AVERAGES * AVERAGED * self.timestep:
            raise ValueError(
                f"equilibrium is {self.equilibrium:g}; it must be 0, or at least {AVERAGES * AVERAGED} time steps, "
                f"{AVERAGES * AVERAGED * self.timestep:g}, for error bars"
            )
        if self.duration < RECORDS * self.record:
            raise ValueError(
                f"duration is {self.duration:g}; with records of {self.record:g} it must be at least "
                f"{RECORDS * self.record:g} ({RECORDS} records), to find the steady state and for error bars"
            )
        return self
