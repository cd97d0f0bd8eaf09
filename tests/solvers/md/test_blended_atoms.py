"""Atoms whose energies count by weights: forces are the gradient of that sum; what cannot be weighed is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.crystal.potential_files import FOLDER
from suture.solvers.errors import SolverError
from suture.solvers.md.relaxed_atoms import RelaxedAtoms
from suture.solvers.md.solid_settings import SolidAtomsSettings

from .solid_atoms import blended, waved

SCRIPT = """
units metal
boundary s s s
atom_modify map array
newton {newton}
lattice {lattice}
region all sphere 0 0 0 {radius} units box
region box block -40 40 -40 40 -40 40 units box
create_box 1 box
create_atoms 1 region all
mass 1 50.0
pair_style {style}
pair_coeff * * {coefficients}
region core sphere 0 0 0 2.0 units box
group free region core
"""
FCC, BCC = "fcc 3.615", "bcc 2.8553"
STYLES = {
    "eam/alloy": (FCC, 15.0, "eam/alloy", f"{FOLDER}/Cu_mishin1.eam.alloy Cu"),
    "eam": (FCC, 14.0, "eam", f"{FOLDER}/Cu_u3.eam"),
    "eam/fs": (BCC, 14.0, "eam/fs", f"{FOLDER}/AlFe_mm.eam.fs Fe"),
    "lj/cut": (FCC, 14.0, "lj/cut 5.0", "0.3 2.3"),
    "lj/smooth/linear": (FCC, 14.0, "lj/smooth/linear 5.0", "0.3 2.3"),
    "sw": ("diamond 5.43095", 12.0, "sw", f"{FOLDER}/Si.sw Si"),
}


def atoms(name: str, folder: Path, newton: str = "on") -> RelaxedAtoms:
    lattice, radius, style, coefficients = STYLES[name]
    text = SCRIPT.format(newton=newton, lattice=lattice, radius=radius, style=style, coefficients=coefficients)
    (folder / "in.ball").write_text(text)
    settings = SolidAtomsSettings.model_validate({"script": "in.ball", "free": "free"})
    return RelaxedAtoms(settings, MPI.COMM_SELF, folder / "in.ball", folder, "core")


def energy(of: RelaxedAtoms, displacement: np.ndarray) -> float:
    """That counts, of all atoms displaced."""
    of.lead(displacement, np.ones_like(of.led))
    of.feel()
    return of.potential()


@pytest.mark.parametrize("newton", ["on", "off"])
@pytest.mark.parametrize("name", ["eam/alloy", "eam", "eam/fs", "lj/cut", "lj/smooth/linear"])
def test_forces_are_the_gradient_of_what_counts(name: str, newton: str, tmp_path: Path) -> None:
    """Along any displacement, by central differences; they sum to zero; LAMMPS' own are another energy's."""
    of = atoms(name, tmp_path, newton)
    path = np.random.default_rng(0).normal(size=of.places.shape)
    energy(of, waved(of.places))
    own = of.force.copy()
    of.weigh(blended(of.places))
    energy(of, waved(of.places))
    force, h = of.force / of.momentum_by_time, 1e-5
    measured = (energy(of, waved(of.places) - h * path) - energy(of, waved(of.places) + h * path)) / (2.0 * h)
    assert float((force * path).sum()) == pytest.approx(measured, rel=1e-6)
    assert float((own / of.momentum_by_time * path).sum()) != pytest.approx(measured, rel=0.1)
    assert np.abs(force.sum(axis=0)).max() < 1e-11 * np.abs(force).max()
    of.close()


def test_styles_of_angles_are_refused(tmp_path: Path) -> None:
    of = atoms("sw", tmp_path)
    message = "participant 'core': the energy of its atoms cannot be blended.*'eam', 'eam/alloy', 'eam/fs'"
    with pytest.raises(SolverError, match=message):
        of.weigh(blended(of.places))
    of.close()


def test_free_atoms_must_not_feel_blended_ones(tmp_path: Path) -> None:
    of = atoms("eam/alloy", tmp_path)
    of.weigh(blended(of.places, begin=5.0))
    with pytest.raises(SolverError, match="participant 'core': free atoms feel some.*as far from the group 'free' as"):
        of.feel()
    of.close()


def test_weights_come_back_with_what_was_saved(tmp_path: Path) -> None:
    """As a run that is resumed needs it."""
    of = atoms("eam/alloy", tmp_path)
    of.weigh(blended(of.places))
    of.displacement = np.where(of.led[:, None], waved(of.places), 0.0)
    of.relax()
    kept, force = of.save(), of.force.copy()
    of.close()
    again = atoms("eam/alloy", tmp_path)
    again.restore(kept)
    again.feel()
    assert np.abs(again.force - force).max() < 1e-10 * np.abs(force).max()
    assert again.potential() == pytest.approx(kept["weight"] @ kept["energies"], rel=1e-13)
    again.close()
