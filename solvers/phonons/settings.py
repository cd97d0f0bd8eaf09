"""What a user may say about a crystal's phonons from first principles."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Mesh = Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(min_length=3, max_length=3)]
Temperatures = Annotated[tuple[Annotated[float, Field(gt=0.0, allow_inf_nan=False)], ...], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class ForceConstantsSettings(_Table):
    """Forces on displaced atoms, from which the force constants of second and third order follow."""

    displacements: str = Field(description="phono3py's YAML with the cells and the displacements (phono3py_disp.yaml).")
    forces: str = Field(description="phono3py's FORCES_FC3: the forces on all atoms of every displaced supercell.")


class PhononPropertiesSettings(_Table):
    """Phonons on a mesh of wave vectors and how they scatter one another."""

    displacements: str = Field(description="phono3py's YAML with the cells, the same as of the force constants.")
    force_constants: str = Field(description="Output of the stage that made the force constants.")
    mesh: Mesh = Field(description="Points of the mesh along each reciprocal lattice vector.")
    temperatures: Temperatures = Field(description="At which lifetimes are computed, K, in ascending order.")
    isotopes: bool = Field(False, description="Whether the natural isotopes scatter too.")
    finer_mesh: Mesh | None = Field(None, description="A second mesh, to tell what the first one lacks; default: none.")
    full_solution: bool = Field(
        False, description="Whether to solve the linearised equation too, to tell what relaxation times lack."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> PhononPropertiesSettings:
        if list(self.temperatures) != sorted(set(self.temperatures)):
            raise ValueError(f"'temperatures' are {list(self.temperatures)}; they must ascend")
        if self.finer_mesh and not all(fine > n for fine, n in zip(self.finer_mesh, self.mesh, strict=True)):
            raise ValueError(
                f"'finer_mesh' is {list(self.finer_mesh)}; it must be finer than {list(self.mesh)} each way"
            )
        return self


class BulkConductivitySettings(_Table):
    """The conductivity of the bulk over temperature."""

    phonons: str = Field(description="Output of the stage that computed the phonons.")


def second_order(output: str) -> str:
    """The file of force constants of second order beside a stage's output."""
    return str(PurePosixPath(output).with_suffix(".fc2.hdf5"))


def third_order(output: str) -> str:
    """The file of force constants of third order."""
    return str(PurePosixPath(output).with_suffix(".fc3.hdf5"))


def modes_file(output: str) -> str:
    """phono3py's own file of the phonons beside a stage's output."""
    return str(PurePosixPath(output).with_suffix(".hdf5"))
