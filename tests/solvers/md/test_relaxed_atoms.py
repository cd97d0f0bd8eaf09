"""Atoms of a solid in equilibrium, against a minimisation by other means; kept by id on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.errors import SolverError
from suture.solvers.md.library import Lammps
from suture.solvers.md.relaxed_atoms import RelaxedAtoms
from suture.solvers.md.solid_settings import SolidAtomsSettings

from ...mpi import mpirun
from .solid_atoms import HERE, ball, relaxed, waved

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    command = ("-m", "tests.solvers.md.play_solid_atoms", tmp_path_factory.mktemp("atoms"))
    return {ranks: json.loads(mpirun(ranks, *command, cwd=ROOT).stdout.splitlines()[-1]) for ranks in (1, 2, 3)}


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_values_of_atoms_find_their_homes_and_back(ranks: int, runs: dict[int, dict[str, Any]]) -> None:
    """Of no atoms, fewer than ranks, and many, with gaps in the ids; an atom that nobody has is 0."""
    assert runs[ranks]["homes"] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("ranks", [2, 3])
def test_equilibrium_on_any_number_of_ranks(ranks: int, runs: dict[int, dict[str, Any]]) -> None:
    assert runs[1]["relaxed"] == pytest.approx(runs[ranks]["relaxed"], rel=1e-9, abs=1e-9)
    assert np.allclose(runs[1]["forces"], runs[ranks]["forces"], rtol=0.0, atol=1e-9 * np.max(runs[1]["forces"]))
    assert np.allclose(runs[1]["weighed"], runs[ranks]["weighed"], rtol=0.0, atol=1e-12 * np.max(runs[1]["weighed"]))


def plain(folder: Path) -> tuple[float, np.ndarray]:
    """Energy and places, by id, of the same ball, by LAMMPS' own commands and damped dynamics."""
    lammps = Lammps(MPI.COMM_SELF, folder / "log.plain", {})
    lammps.script(HERE / "in.block")
    free = (lammps.integers("mask") & lammps.group_bit("free")) != 0
    own = lammps.atoms("x")
    own[:] = np.where(free[:, None], own, own + waved(own))
    for line in (
        "group others subtract all free",
        "fix held others setforce 0 0 0",
        "min_style fire",
        "minimize 0 1e-10 100000 100000",
        "variable e equal pe",
        "run 0",
    ):
        lammps.command(line)
    order = np.argsort(lammps.integers("id"))
    found = lammps.variable("e"), lammps.atoms("x")[order].copy()
    lammps.close()
    return found


def test_equilibrium_is_that_of_another_minimiser(tmp_path: Path) -> None:
    atoms = ball(tmp_path)
    atoms.displacement = np.where(atoms.led[:, None], waved(atoms.places), 0.0)
    atoms.weight[:] = 1.0
    atoms.advance(2.0)
    energy, places = plain(tmp_path)
    found = atoms.save()["positions"]
    assert atoms.time == 2.0 and atoms.largest_force() < 1e-9
    assert atoms.potential() == pytest.approx(energy, abs=1e-9)
    assert np.abs(found - places).max() < 1e-8
    assert np.array_equal(found[atoms.led], (atoms.places + atoms.displacement)[atoms.led])
    assert np.abs(found - atoms.places)[~atoms.led].max() > 0.05
    atoms.close()


def test_equilibrium_of_thousands_of_atoms(tmp_path: Path) -> None:
    """A vacancy, from the lattice at rest: the round-off of the energy of 7,000 atoms hides what forces still tell."""
    script = ROOT / "cases" / "vacancy" / "in.core"
    variables = {"radius": 27.0, "half": 29.0}
    settings = SolidAtomsSettings.model_validate({"script": script.name, "free": "free", "variables": variables})
    atoms = RelaxedAtoms(settings, MPI.COMM_SELF, script, tmp_path)
    assert len(atoms.places) == 6962
    atoms.relax()
    assert atoms.largest_force() < 1e-9
    atoms.close()


def test_what_is_restored_is_found_again(tmp_path: Path) -> None:
    """From where the free atoms were, to the last bit; and the energy that counts is weighted."""
    atoms = ball(tmp_path)
    atoms.displacement = 0.5 * waved(atoms.places)
    atoms.relax()
    kept, found = atoms.save(), []
    for _ in range(2):
        atoms.restore(kept)
        atoms.displacement = waved(atoms.places)
        atoms.relax()
        found.append((atoms.potential(), atoms.force.tolist()))
    assert found[0] == found[1]
    alone = atoms.potential()
    atoms.weight[:] = 1.0
    assert atoms.potential() < alone < 0.0
    atoms.close()


def test_atoms_of_a_plane_count_per_depth(tmp_path: Path) -> None:
    """The box is 3 deep: what is on one atom counts by a third."""
    found = []
    for plane in (True, False):
        atoms = relaxed("in.sheet", tmp_path, plane=plane)
        atoms.displacement = np.column_stack([0.02 * atoms.places[:, 0], -0.01 * atoms.places[:, 0], 0 * atoms.led])
        atoms.relax()
        found.append((atoms.depth, atoms.potential(), atoms.force))
        atoms.close()
    assert found[0][0] == 3.0 and found[1][0] == 1.0
    assert 3.0 * found[0][1] == pytest.approx(found[1][1], rel=1e-12)
    assert np.allclose(3.0 * found[0][2], found[1][2], rtol=1e-12, atol=1e-12)


def test_too_few_evaluations_are_an_error(tmp_path: Path) -> None:
    atoms = ball(tmp_path, evaluations=3)
    atoms.displacement = waved(atoms.places)
    with pytest.raises(
        SolverError, match="found no equilibrium in 3 evaluations of the forces by each method, .* is left on one"
    ):
        atoms.relax()
    atoms.close()
