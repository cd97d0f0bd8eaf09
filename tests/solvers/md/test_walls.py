"""Impulse and work of a wall, summed by the fix inside LAMMPS, against the same sums over what LAMMPS shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.errors import SolverError
from suture.solvers.md import _inside
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

SCRIPT = Path(__file__).parents[2] / "adapters" / "particles" / "in.small"


def particles(folder, force="wallforce"):
    wall = {"group": "wall"} | ({"force": force} if force else {})
    settings = MolecularDynamicsSettings(script=str(SCRIPT), fluid="fluid", walls={"bottom": wall})
    return MolecularDynamics(settings, MPI.COMM_SELF, SCRIPT, folder, 0.1)


@pytest.mark.parametrize("force", ["wallforce", None])
def test_impulse_and_work_are_verlets_sums(tmp_path, force):
    solver = particles(tmp_path, force)
    solver.begin()
    lammps = solver.lammps
    bit = lammps.group_bit("wall")
    seen = []

    def look():
        of_wall = (lammps.integers("mask") & bit) != 0
        acting = lammps._lmp.numpy.extract_fix(force, 1, 2) if force else lammps.atoms("f")
        acting, velocity = acting[: lammps.count][of_wall], lammps.atoms("v")[of_wall]
        seen.append([*acting.sum(axis=0), np.sum(acting * velocity)])

    solver.on_step = look
    booked = []
    for _ in range(3):
        seen.clear()
        before = np.append(solver.walls["bottom"].impulse, solver.walls["bottom"].work)
        solver.advance(0.1)
        booked.append(np.append(solver.walls["bottom"].impulse, solver.walls["bottom"].work) - before)
        expected = -solver.timestep * (np.sum(seen, axis=0) - 0.5 * (np.array(seen[0]) + seen[-1]))
        assert booked[-1] == pytest.approx(expected, rel=1e-11, abs=1e-12)
        assert len(seen) == solver.steps + 1
    assert np.all(np.array(booked) != 0)
    solver.close()


def test_without_a_step_seen_the_sums_are_the_same(tmp_path):
    rows = []
    for index, on_step in enumerate((None, lambda: None)):
        (folder := tmp_path / str(index)).mkdir()
        solver = particles(folder)
        solver.on_step = on_step
        for _ in range(3):
            solver.advance(0.1)
        rows.append(solver.rows()["bottom"])
        solver.close()
    assert np.array_equal(rows[0]["momentum"], rows[1]["momentum"])
    assert np.array_equal(rows[0]["energy"], rows[1]["energy"])


def test_another_version_of_lammps_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_inside, "VERSION", 20010101)
    with pytest.raises(SolverError, match=r"built with the headers of LAMMPS 20010101, but LAMMPS 20\d{6} is loaded"):
        particles(tmp_path)


def test_a_force_that_the_script_does_not_define_is_refused(tmp_path):
    with pytest.raises(SolverError, match="'fix nowhere', which the script does not define"):
        particles(tmp_path, "nowhere")


def test_a_fix_that_is_not_there_is_named(tmp_path):
    solver = particles(tmp_path)
    with pytest.raises(KeyError, match="no fix 'motion' of that style"):
        _inside.take(solver.lammps.address, "motion")
    solver.close()
