"""What a user may say about a crystal and its potential."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import potential_files
from .cauchy_born import CauchyBorn, Potential
from .embedded_atom import EmbeddedAtom
from .lennard_jones import LennardJones, Truncation
from .stillinger_weber import StillingerWeber
from .structures import ALONG_AXES, Orientation, StructureName, misoriented, structure

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class EmbeddedAtomSettings(_Table):
    """The embedded-atom method, from LAMMPS' files for ``eam``, ``eam/alloy`` and ``eam/fs``."""

    kind: Literal["eam"]
    file: Path
    """Relative to the case, or the name of one in LAMMPS' folders of potentials."""
    element: str | None = None
    """Its name in the file; left out for the files of ``eam``, which are of one element."""

    def create(self, directory: Path) -> EmbeddedAtom:
        """The potential, from the file."""
        path = potential_files.find(self.file, directory)
        return EmbeddedAtom(potential_files.embedded_atom(path, self.element))


class StillingerWeberSettings(_Table):
    """Stillinger and Weber's, from LAMMPS' files for ``sw``."""

    kind: Literal["stillinger-weber"]
    file: Path
    """Relative to the case, or the name of one in LAMMPS' folders of potentials."""
    element: str

    def create(self, directory: Path) -> StillingerWeber:
        """The potential, from the file."""
        path = potential_files.find(self.file, directory)
        return StillingerWeber(potential_files.stillinger_weber(path, self.element))


class LennardJonesSettings(_Table):
    """Lennard and Jones', in the participant's own units, which must be coherent."""

    kind: Literal["lennard-jones"]
    epsilon: Positive
    sigma: Positive
    cutoff: Positive
    """A length."""
    truncation: Truncation = "force-shifted"
    """LAMMPS' ``lj/cut``, that with ``pair_modify shift yes``, or ``lj/smooth/linear``."""

    def create(self, directory: Path) -> LennardJones:
        """The potential."""
        return LennardJones(self.epsilon, self.sigma, self.cutoff, self.truncation)


PotentialSettings = Annotated[
    EmbeddedAtomSettings | StillingerWeberSettings | LennardJonesSettings, Field(discriminator="kind")
]


class CrystalSettings(_Table):
    """A crystal: its structure at rest and the potential of its atoms."""

    structure: StructureName
    constant: Positive
    """Edge of the cubic cell; of ``triangular``, a lattice in the plane, the spacing of atoms."""
    orientation: Orientation = ALONG_AXES
    """Crystal directions along x, y and z."""
    potential: PotentialSettings

    @property
    def lattice(self) -> NDArray[np.float64]:
        """(3, 3), rows are primitive vectors."""
        return structure(self.structure, self.constant, self.orientation).cell

    @model_validator(mode="after")
    def _check_orientation(self) -> CrystalSettings:
        problem = misoriented(self.structure, self.orientation)
        if problem:
            raise ValueError(problem)
        return self

    def create(self, directory: Path) -> CauchyBorn:
        """The crystal as a continuum; file names are relative to ``directory``. Raises ``SolverError``."""
        potential: Potential = self.potential.create(directory)
        return CauchyBorn(structure(self.structure, self.constant, self.orientation), potential)
