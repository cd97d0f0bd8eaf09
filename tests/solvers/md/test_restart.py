"""A LAMMPS that is resumed goes on as the one that was saved, with what its fixes remember."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.couplers.checkpoint import flatten, unflatten
from suture.solvers.errors import SolverError
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

SCRIPT = """
units lj
atom_modify map array
lattice fcc 0.8
region box block 0 4 0 4 0 6
create_box 2 box
create_atoms 1 box
region floor block INF INF INF INF INF 1.2
group wall region floor
set group wall type 2
group fluid subtract all wall
mass * 1.0
pair_style lj/cut 2.5
pair_modify shift yes
pair_coeff * * 1.0 1.0
neigh_modify exclude group wall wall
timestep 0.005
velocity all create 1.2 87287 loop geom
fix tether wall spring/self 150.0
compute peculiar wall temp
fix heat wall langevin 1.2 1.2 0.5 12345
fix_modify heat temp peculiar
fix still wall nve
{motion}
run 50
"""
MOTIONS = {
    "nose-hoover": "fix motion fluid nvt temp 1.2 1.2 0.3",
    "stochastic": "fix motion fluid nve\nfix warm fluid langevin 1.2 1.2 0.3 54321",
}


def make(folder: Path, motion: str, name: str) -> MolecularDynamics:
    script = folder / "in.fluid"
    script.write_text(SCRIPT.format(motion=motion))
    (folder / name).mkdir()
    settings = MolecularDynamicsSettings(script=str(script), fluid="fluid")
    return MolecularDynamics(settings, MPI.COMM_SELF, script, folder / name, 0.1)


def course(solver: MolecularDynamics, windows: int) -> np.ndarray:
    """Places and velocities in the order of the ids, after some windows."""
    for _ in range(windows):
        solver.advance(0.1)
    order = np.argsort(solver.lammps.integers("id"))
    return np.hstack([solver.lammps.atoms(name)[order] for name in ("x", "v")])


def through_a_file(state: dict) -> dict:
    return unflatten(flatten(state))


@pytest.mark.parametrize("motion", MOTIONS)
def test_it_goes_on_to_the_last_bit(tmp_path, motion):
    """Nosé's thermostat remembers its friction, springs where they hold, the others their random numbers."""
    first = make(tmp_path, MOTIONS[motion], "first")
    course(first, 2)
    first.save()  # an earlier checkpoint changes nothing of what a later one gives
    course(first, 2)
    state = through_a_file(first.save())
    went_on = course(first, 3)
    second = make(tmp_path, MOTIONS[motion], "second")
    second.restore(state)
    assert np.array_equal(course(second, 3), went_on)
    first.close(), second.close()


@pytest.mark.parametrize("what", ["whole", "atoms"])
def test_what_fixes_remember_matters(tmp_path, what):
    """With one fix's memory replaced by that of another time the course is another one."""
    first = make(tmp_path, MOTIONS["nose-hoover"], "first")
    early = through_a_file(first.save())
    course(first, 3)
    state = through_a_file(first.save())
    went_on = course(first, 2)
    if what == "whole":
        assert not np.array_equal(state["fixes"]["whole"]["motion"], early["fixes"]["whole"]["motion"])
        state["fixes"]["whole"]["motion"] = early["fixes"]["whole"]["motion"]
    else:
        state["fixes"]["atoms"]["tether"][:, 1:] += 0.01
    second = make(tmp_path, MOTIONS["nose-hoover"], "second")
    second.restore(state)
    assert not np.array_equal(course(second, 2), went_on)
    first.close(), second.close()


def test_another_script_is_refused(tmp_path):
    first = make(tmp_path, MOTIONS["nose-hoover"], "first")
    state = first.save()
    second = make(tmp_path, MOTIONS["stochastic"], "second")
    said = r"fixes with a state are tether, and the checkpoint has motion, tether; it has changed"
    with pytest.raises(SolverError, match=said):
        second.restore(state)
    first.close(), second.close()


def test_thermostats_draw_other_numbers_in_other_windows(tmp_path):
    """From the same places, the seed of another window gives another course."""
    first = make(tmp_path, MOTIONS["nose-hoover"], "first")
    state = first.save()
    courses = []
    for windows in (0, 1):
        again = make(tmp_path, MOTIONS["nose-hoover"], f"again{windows}")
        again.restore(state | {"windows": windows})
        courses.append(course(again, 1))
        again.close()
    assert not np.array_equal(*courses)
    first.close()
