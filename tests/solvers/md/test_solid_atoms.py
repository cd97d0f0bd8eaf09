"""Atoms of a solid that begin displaced: the free ones, by formulas, from the lattice at rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.solvers.errors import SolverError
from suture.solvers.md.relaxed_atoms import RelaxedAtoms
from suture.solvers.md.solid_settings import SolidAtomsSettings

SCRIPT = """
units lj
atom_modify map array
lattice fcc 1.0
region box block -3 3 -3 3 -3 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/smooth/linear 2.0
pair_coeff 1 1 1.0 1.0
region core sphere 0 0 0 1.1
group free region core
"""


def test_free_atoms_begin_where_formulas_say_and_led_ones_where_they_are_led(tmp_path: Path) -> None:
    (tmp_path / "in.core").write_text(SCRIPT)
    settings = SolidAtomsSettings.model_validate(
        {"script": "in.core", "free": "free", "displacement": ["0.01*y", 0.02, "0.03*sqrt(abs(z))"]}
    )
    atoms = RelaxedAtoms(settings, MPI.COMM_SELF, tmp_path / "in.core", tmp_path)
    here = atoms.homes.bring(atoms.lammps.integers("id"), atoms.lammps.atoms("x"))
    _, y, z = atoms.places.T
    wanted = np.stack([0.01 * y, np.full_like(y, 0.02), 0.03 * np.sqrt(np.abs(z))], axis=1)
    assert 10 < np.count_nonzero(~atoms.led) < 100
    np.testing.assert_allclose(here, atoms.places + wanted * ~atoms.led[:, None], atol=1e-14)
    atoms.close()


def test_a_formula_without_a_number_for_a_free_atom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.core").write_text(SCRIPT)
    settings = SolidAtomsSettings.model_validate(
        {"script": "in.core", "free": "free", "displacement": ["x/abs(x)", 0.0, 0.0]}
    )
    with pytest.raises(SolverError, match=r"'core': 'displacement' is not finite for the free atom at \(0, .*\)"):
        RelaxedAtoms(settings, MPI.COMM_SELF, tmp_path / "in.core", tmp_path, "core")


ROW = """
units lj
atom_modify map array
boundary f f f
region box block -1 6 -1 1 -1 1
create_box 1 box
create_atoms 1 single 0.0 0.0 0.0
create_atoms 1 single 1.12 0.0 0.0
create_atoms 1 single 2.24 0.0 0.0
mass 1 1.0
pair_style lj/smooth/linear 2.0
pair_coeff 1 1 1.0 1.0
group free id 2
"""


def pulled(atoms: RelaxedAtoms, way: float) -> float:
    """Where the free atom in the middle goes as the last one goes ``way``."""
    atoms.displacement[2, 0] = way
    atoms.advance(1.0)
    return float(atoms.homes.bring(atoms.lammps.integers("id"), atoms.lammps.atoms("x"))[1, 0])


def test_what_broke_in_an_iteration_stays_broken_in_the_next_and_a_resumed_run_is_where_it_was(tmp_path: Path) -> None:
    """A row of three, drawn out: both bonds are stretched, until one breaks and the middle stays with one neighbour."""
    (tmp_path / "in.core").write_text(ROW)
    settings = SolidAtomsSettings.model_validate({"script": "in.core", "free": "free", "tolerance": 1e-8})
    atoms = RelaxedAtoms(settings, MPI.COMM_SELF, tmp_path / "in.core", tmp_path)
    stretched = pulled(atoms, 0.1)
    assert stretched == pytest.approx(1.17, abs=1e-6)
    state = atoms.save()
    repeated = pulled(atoms, 0.12)
    atoms.restore(state)
    assert pulled(atoms, 0.12) == pytest.approx(repeated, abs=1e-7)
    atoms.restore(state)
    atoms.lammps.atoms("x")[1, 0] += 0.9  # to the last one, from which it would part by itself
    assert pulled(atoms, 1.0) > 1.62 + 0.4
    atoms.restore(state)
    assert pulled(atoms, 0.4) > 1.32 + 0.1
    atoms.time = 0.0
    atoms.restore(state)
    assert pulled(atoms, 0.1) == pytest.approx(stretched, abs=1e-6)
    assert pulled(atoms, 0.4) < 1.32 - 0.1
    atoms.close()


def test_formulas_of_time_are_refused() -> None:
    with pytest.raises(ValidationError, match="unknown name 't'"):
        SolidAtomsSettings.model_validate({"script": "in", "free": "free", "displacement": ["t", 0.0, 0.0]})
