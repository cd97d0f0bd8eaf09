"""A particle region's books, its audit and the faults that the audit must show, and what is imposed on its buffer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.buffer import rescaling
from suture.adapters.particle_region import ParticleRegionSettings
from suture.adapters.seam_profiles import cross_section
from suture.couplers.series import flush_all, read_series
from suture.solvers.errors import SolverError
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.walls import WallBook

from ..mpi import mpirun
from .small_particles import AT, small

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""
MASS_AND_MOMENTUM = slice(0, 4)


@pytest.fixture
def play(tmp_path):
    made = []

    def make(**arguments):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(small(MPI.COMM_SELF, folder, **arguments))
        return made[-1]

    yield make
    for one in made:
        one.solver.close()


def residuals(play, windows, **states):
    """Control volume less method of planes in each window, (windows, 5), and the throughput in all."""
    runs = [play.run(**states) for _ in range(windows)]
    sent, audits = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    return sent - audits, np.abs(sent).sum(axis=0)


@pytest.mark.parametrize(("ranks", "newton"), [(1, "on"), (2, "on"), (3, "on"), (1, "off"), (3, "off")])
def test_books_and_audit_close_on_any_number_of_ranks(ranks, newton):
    done = mpirun(ranks, "-m", "mpi4py", HERE / "play_particles.py", newton)
    books = {name: np.array(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}
    throughput = books["throughput"]
    assert np.all(np.abs(books["interior"]) <= ROUND_OFF * throughput)
    assert len(books["audits"]) == 4
    assert np.all(np.abs(books["audits"])[:, MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
    assert np.all(np.abs(books["audits"])[:, 4] <= 0.05 * throughput[4])
    # Walls, piston, constraint and thermostat are all that changes the box; energy to the integrator's error.
    assert np.all(np.abs(books["box"])[MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
    rows = ("bottom", "piston", "constraint", "thermostat")
    assert abs(books["box"][4]) < 0.02 * sum(abs(books[row][4]) for row in rows)
    assert all(np.any(books[row] != 0) for row in rows)
    assert books["piston"][4] != 0


def test_audited_energy_is_second_order_in_the_time_step(play):
    steps = np.array([0.008, 0.004, 0.002])
    means = []
    for step in steps:
        one = play(step=step, pair="smooth", window=0.08)
        one.prepare()
        found, throughput = residuals(one, 40)
        assert np.all(np.abs(found)[:, MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
        means.append(np.abs(found[:, 4]).mean())
    order = np.polyfit(np.log(steps), np.log(means), 1)[0]
    assert 1.7 < order < 2.4, (order, means)


class HalvedWall(MolecularDynamics):
    def rows(self):
        return {n: {**r, "momentum": 0.5 * r["momentum"]} for n, r in super().rows().items()}


class NoHalfSteps(MolecularDynamics):
    """Books the wall's force on the steps 1 … N in full, without Verlet's weights at the ends."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        for wall in self.walls.values():
            wall._weighted = lambda begin, total, end: total


@pytest.mark.parametrize("solver", [HalvedWall, NoHalfSteps])
def test_audit_shows_a_wrong_wall_impulse(play, solver):
    one = play(solver=solver)
    one.prepare()
    found, throughput = residuals(one, 4)
    assert np.abs(found[:, 1:4]).max() > 1e-5 * throughput[1:4].max()


def test_audit_shows_a_thermostat_that_touches_the_interior(play):
    one = play()
    one.prepare()
    one.region.buffer._bins[0] = AT - 1.0
    found, throughput = residuals(one, 4, velocity=(0.3, 0.0, 0.0))
    assert np.abs(found[:, 1]).max() > 1e-3 * throughput[1]
    assert np.abs(found[:, 4]).max() > 0.2 * throughput[4] / 4


def test_buffer_gets_the_mean_velocity_and_interior_atoms_are_untouched(play):
    one = play()
    one.prepare()
    solver, buffer = one.solver, one.region.buffer
    wanted = np.array([[0.4, -0.2, 0.1], [0.1, 0.3, -0.1]])
    inside = solver.fluid() & (solver.lammps.atoms("x")[:, 2] < AT)
    before = solver.lammps.atoms("v")[inside].copy()
    buffer.impose(wanted, np.array([1.0, 1.4]), (1, 0))
    z, v = solver.lammps.atoms("x")[:, 2], solver.lammps.atoms("v")
    for k, chosen in enumerate((solver.fluid() & (z >= 5.0) & (z < 7.5), solver.fluid() & (z >= 7.5))):
        assert v[chosen].mean(axis=0) == pytest.approx(wanted[k], abs=1e-13)
    assert np.array_equal(v[inside], before)


def test_buffer_takes_the_imposed_temperature(play, tmp_path):
    one = play(audit_every=0, window=0.05)
    one.prepare(temperature=1.6)
    for _ in range(120):
        one.run(temperature=1.6)
    flush_all()
    with read_series(tmp_path / "0" / "profiles.h5") as file:
        buffered = file["edges"][:-1] >= AT
        temperature = file["temperature"][40:][:, buffered]
        number = file["number"][40:][:, buffered]
    # Heat flows to the wall at 1.107, so only the mean over the buffer, and that roughly.
    assert np.nansum(temperature * number) / number.sum() == pytest.approx(1.6, rel=0.06)


def test_rescaling_draws_the_canonical_kinetic_energy():
    generator, freedom, kT = np.random.default_rng(5), 30, 1.3
    kinetic, seen = 1.0, []
    for _ in range(40_000):
        kinetic *= rescaling(generator, kinetic, freedom, kT) ** 2
        seen.append(kinetic)
    seen = np.array(seen[100:])
    # Gamma distribution; successive values are correlated by MEMORY = 1/e, so 1/(1+2Σe^-k) of them are independent.
    independent = len(seen) / 2.16
    mean, variance = 0.5 * freedom * kT, 0.5 * freedom * kT**2
    assert seen.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / independent))
    assert seen.var() == pytest.approx(variance, rel=4 * np.sqrt((2 + 6 / (0.5 * freedom)) / independent))


def test_the_same_window_draws_the_same_numbers(play):
    results = []
    for _ in range(2):
        one = play()
        one.prepare()
        one.run(velocity=(0.2, 0.0, 0.0))
        results.append(one.solver.lammps.atoms("v").copy())
    assert np.array_equal(*results)


def test_piston_follows_the_continuum_and_its_work_is_booked(play):
    one = play(audit_every=0)
    one.prepare()
    piston = one.region.piston
    start = piston.position
    for _ in range(5):
        one.run(velocity=(0.0, 0.0, -0.2))
    assert piston.position == pytest.approx(start - 5 * 0.1 * 0.2, abs=1e-12)
    assert one.solver.lammps.variable("piston") == pytest.approx(piston.position, abs=1e-12)
    # It pushes against the pressure: about p A distance.
    assert piston.rows["energy"][0] == pytest.approx(-0.2 * piston.rows["momentum"][2], rel=1e-9)
    assert piston.rows["momentum"][2] < 0 < piston.rows["energy"][0]


def test_piston_that_leaves_the_box_is_an_error(play):
    one = play(audit_every=0)
    one.prepare()
    with pytest.raises(SolverError, match=r"piston 'piston' moves to 21, out of the box \[-2, 12\.5\]"):
        one.run(velocity=(0.0, 0.0, 100.0))


def test_settling_reaches_the_continuums_density(play):
    one = play(audit_every=0, settle=240, window=0.25)
    one.prepare(density=0.80)
    densities = []
    for _ in range(80):
        one.run(density=0.80)
        densities.append(one.region.layer.density())
    assert np.mean(densities) == pytest.approx(0.80, rel=0.02)


def test_amounts_are_momentum_flux_even_at_rest(play):
    one = play(audit_every=0)
    one.prepare()
    sent = np.mean([one.run()[0] for _ in range(40)], axis=0)
    pressure = sent[3] / one.window / cross_section(one.solver, 2)
    assert 5.0 < pressure < 10.0  # a dense WCA fluid: about 7 at density 0.84, temperature 1.1


def test_settings_refuse_a_buffer_without_slabs():
    with pytest.raises(ValueError, match="slabs"):
        ParticleRegionSettings(at=5.0, slabs=0, thickness=1.0)


def test_wall_book_is_what_its_docstring_says():
    book = WallBook.__new__(WallBook)
    forces = [4.0, 1.0, 2.0, 6.0]
    assert book._weighted(forces[0], sum(forces[1:]), forces[-1]) == 2.0 + 1.0 + 2.0 + 3.0
