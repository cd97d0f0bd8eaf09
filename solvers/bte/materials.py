"""What a user may say about a phonon material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

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


MaterialSettings = Annotated[Gray | Spectrum, Field(discriminator="kind")]


def spectrum(settings: Gray | Spectrum, directory: Path) -> Bands | Modes:
    """The material's phonons. File names are relative to ``directory``."""
    c, v, path = (np.atleast_1d(getattr(settings, key)) for key in ("heat_capacity", "velocity", "mean_free_path"))
    return Bands(c, v, path / v, np.arange(len(c)), np.zeros(len(c)))
