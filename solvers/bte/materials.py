"""What a user may say about a phonon material."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .dispersion import GERMANIUM, SILICON, crystal_bands
from .spectrum import Bands, Modes

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
List = Annotated[tuple[Positive, ...], Field(min_length=1)]


class Table(BaseModel):
    """A table whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Gray(Table):
    """One band."""

    kind: Literal["gray"]
    heat_capacity: Positive
    """Per volume."""
    velocity: Positive
    mean_free_path: Positive


class Spectrum(Table):
    """Bands, one after the other."""

    kind: Literal["bands"]
    heat_capacity: List
    velocity: List
    mean_free_path: List

    @model_validator(mode="after")
    def _as_many(self) -> Spectrum:
        counts = {key: len(getattr(self, key)) for key in ("heat_capacity", "velocity", "mean_free_path")}
        if len(set(counts.values())) > 1:
            raise ValueError(f"{', '.join(f'{n} of {key!r}' for key, n in counts.items())}; they must be as many")
        return self


class Crystal(Table):
    """A crystal in closed form, in SI units; see ``dispersion``."""

    kind: Literal["silicon", "germanium"]
    temperature: Annotated[float, Field(ge=30.0, le=2000.0)]
    """At which heat capacities and lifetimes are taken, K."""
    bins: Annotated[int, Field(ge=1, le=1000)] = 20
    """Of frequency, the same for both crystals; each has a longitudinal and a transverse band."""
    impurity: Annotated[float, Field(ge=0.0)] | None = None
    """Scattering by impurities over the fourth power of the frequency, s³; default: the natural isotopes'."""


MaterialSettings = Annotated[Gray | Spectrum | Crystal, Field(discriminator="kind")]


def spectrum(settings: MaterialSettings) -> Bands | Modes:
    """The material's phonons."""
    if isinstance(settings, Crystal):
        crystal = SILICON if settings.kind == "silicon" else GERMANIUM
        return crystal_bands(crystal, settings.temperature, settings.bins, settings.impurity)
    c, v, path = (np.atleast_1d(getattr(settings, key)) for key in ("heat_capacity", "velocity", "mean_free_path"))
    return Bands(c, v, path / v, np.arange(len(c)), np.zeros(len(c)))
