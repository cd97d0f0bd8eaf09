"""What a user may say about a phonon material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from ..errors import SolverError
from ..fem.body_settings import Positive
from ..fem.mesh_settings import Table
from .dispersion import GERMANIUM, SILICON, crystal_bands
from .spectrum import Bands, Modes

List = Annotated[tuple[Positive, ...], Field(min_length=1)]


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


class ModesFile(Table):
    """Modes one by one, each with a velocity of its own: a text file with a line for each."""

    kind: Literal["modes"]
    file: Path
    """Relative to the case. Columns: heat capacity per volume, three of the velocity, lifetime; a sixth, if there is
    one, is the frequency bin, from 0: surfaces return phonons within their bin. The heat capacities add up to the
    material's. ``#`` begins a comment."""


MaterialSettings = Annotated[Gray | Spectrum | Crystal | ModesFile, Field(discriminator="kind")]


def spectrum(settings: MaterialSettings, directory: Path) -> Bands | Modes:
    """The material's phonons; files are relative to ``directory``. Raises ``SolverError`` for files that do not do."""
    if isinstance(settings, ModesFile):
        return _modes(directory / settings.file)
    if isinstance(settings, Crystal):
        crystal = SILICON if settings.kind == "silicon" else GERMANIUM
        return crystal_bands(crystal, settings.temperature, settings.bins, settings.impurity)
    c, v, path = (np.atleast_1d(getattr(settings, key)) for key in ("heat_capacity", "velocity", "mean_free_path"))
    return Bands(c, v, path / v, np.arange(len(c)), np.zeros(len(c)))


def _modes(path: Path) -> Modes:
    try:
        table = np.loadtxt(path, ndmin=2)
    except OSError as error:
        raise SolverError(f"'material' names {path}: no such file") from error
    except ValueError as error:
        raise SolverError(f"'material' {path}: {error}; allowed are lines of 5 or 6 numbers") from error
    if table.shape[1] not in (5, 6) or not len(table):
        raise SolverError(
            f"'material' {path}: {len(table)} lines of {table.shape[1]} numbers; allowed are 5 or 6 a line"
        )
    capacity, velocity, lifetime = table[:, 0], table[:, 1:4], table[:, 4]
    bins = table[:, 5].astype(np.int64) if table.shape[1] == 6 else np.zeros(len(table), dtype=np.int64)
    if (bins < 0).any():
        raise SolverError(f"'material' {path}: line {int(np.argmax(bins < 0)) + 1} has a bin below 0")
    try:
        modes = Modes(capacity, velocity, lifetime, bins, np.zeros(len(table)))
    except SolverError as error:
        raise SolverError(f"'material' {path}: {error}") from error
    drift = np.abs(capacity @ velocity).max() / float(capacity @ np.linalg.norm(velocity, axis=1))
    if drift > 1e-6:
        raise SolverError(
            f"'material' {path}: in equilibrium these modes would carry heat, {drift:.1e} of what they carry one way; "
            "every mode needs its opposite"
        )
    return modes
