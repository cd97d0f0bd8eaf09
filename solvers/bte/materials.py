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
from .phono3py_file import check_stars, point_group, read_phono3py
from .shengbte_files import OPPOSITE, Rates, read_shengbte
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


Bins = Annotated[int, Field(ge=1, le=1000)]


class Phono3py(Table):
    """What phono3py found, in SI units: in ``bands`` for an isotropic crystal, or mode by mode with a ``structure``."""

    kind: Literal["phono3py"]
    file: Path
    """Its ``kappa-m*.hdf5``, relative to the case."""
    temperature: Positive
    """One of the file's, K."""
    bands: Bins | None = None
    """By mean free path, with the heat capacity, the emission and the conductivity of the modes in each."""
    structure: Path | None = None
    """phono3py's YAML with the primitive cell, whose symmetries turn the file's irreducible points into all."""
    bins: Bins = 20
    """Of frequency, for modes: surfaces return phonons within their bin."""

    @model_validator(mode="after")
    def _one_use(self) -> Phono3py:
        if (self.bands is None) == (self.structure is None):
            raise ValueError("give either 'bands', for an isotropic crystal, or 'structure', to take it mode by mode")
        return self


class ShengBTE(Table):
    """What ShengBTE found, in SI units: in ``bands`` for an isotropic crystal, or without them mode by mode."""

    kind: Literal["shengbte"]
    folder: Path
    """Where it ran, relative to the case."""
    temperature: Positive
    """One that it has made a folder for, K."""
    rates: Rates = "final"
    """Those that give the conductivity of the last iteration, or those of the relaxation time approximation."""
    bands: Bins | None = None
    """As of phono3py."""
    bins: Bins = 20
    """As of phono3py."""


MaterialSettings = Annotated[Gray | Spectrum | Crystal | ModesFile | Phono3py | ShengBTE, Field(discriminator="kind")]


def spectrum(settings: MaterialSettings, directory: Path) -> Bands | Modes:
    """The material's phonons; files are relative to ``directory``. Raises ``SolverError`` for files that do not do."""
    if isinstance(settings, ModesFile):
        return _modes(directory / settings.file)
    if isinstance(settings, Phono3py):
        return _phono3py(settings, directory)
    if isinstance(settings, ShengBTE):
        whole = settings.bands is None
        phonons = read_shengbte(directory / settings.folder, settings.temperature, settings.rates, whole)
        return phonons.modes(OPPOSITE, settings.bins) if settings.bands is None else phonons.bands(settings.bands)
    if isinstance(settings, Crystal):
        crystal = SILICON if settings.kind == "silicon" else GERMANIUM
        return crystal_bands(crystal, settings.temperature, settings.bins, settings.impurity)
    c, v, path = (np.atleast_1d(getattr(settings, key)) for key in ("heat_capacity", "velocity", "mean_free_path"))
    return Bands(c, v, path / v, np.arange(len(c)), np.zeros(len(c)))


def in_si(settings: MaterialSettings | dict[str, MaterialSettings]) -> tuple[str, ...]:
    """The kinds of those materials that are in SI units, whatever else the settings are in."""
    each = settings.values() if isinstance(settings, dict) else [settings]
    return tuple(one.kind for one in each if isinstance(one, Crystal | Phono3py | ShengBTE))


def material_files(settings: MaterialSettings | dict[str, MaterialSettings]) -> tuple[Path, ...]:
    """The files that materials are read from, relative to the case; of ShengBTE its folder."""
    each = settings.values() if isinstance(settings, dict) else [settings]
    named = [getattr(one, key, None) for one in each for key in ("file", "structure", "folder")]
    return tuple(path for path in named if path is not None)


def _phono3py(settings: Phono3py, directory: Path) -> Bands | Modes:
    path = directory / settings.file
    phonons = read_phono3py(path, settings.temperature, isotropic=settings.bands is not None)
    if settings.bands is not None:
        return phonons.bands(settings.bands)
    assert settings.structure is not None, "one of both is given"
    images = point_group(directory / settings.structure)
    check_stars(path, images)
    return phonons.modes(images, settings.bins)


def _modes(path: Path) -> Modes:
    try:
        if path.exists() and not path.is_file():  # of a pipe or a device there may be no end
            raise OSError("no file")
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
