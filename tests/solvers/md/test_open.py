"""Atoms that come and go, the search for places, and the end that closes the box, against what LAMMPS says itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.errors import SolverError
from suture.solvers.md import _open
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

PARTICLES = Path(__file__).parents[2] / "adapters" / "particles"
LOWER, UPPER = 2.0, 13.0


@pytest.fixture
def make(tmp_path):
    made = []

    def particles(script="in.open", fluid="fluid", folder=PARTICLES, **variables):
        settings = MolecularDynamicsSettings(script=script, variables=variables, fluid=fluid)
        (output := tmp_path / str(len(made))).mkdir()
        made.append(MolecularDynamics(settings, MPI.COMM_SELF, folder / script, output, 0.1))
        return made[-1]

    yield particles
    for one in made:
        one.close()


def potential(solver):
    """LAMMPS' own energy of all pairs, after a setup of its own."""
    solver.lammps.command("thermo_style custom step pe")
    solver.lammps.command("thermo_modify norm no")
    solver.lammps.command("run 0 post no")
    return solver.lammps._lmp.get_thermo("pe")


def around(solver):
    return _open.Surroundings(solver.lammps.address, 2, LOWER, UPPER, 1)


def find(solver, surroundings, number, target, tolerance, seed=3):
    """Places for atoms, one after another: (n, 6) as ``search`` gives them."""
    low, high = (np.array(corner) for corner in solver.lammps.box)
    low[2], high[2] = LOWER, UPPER
    starts = low + (high - low) * np.random.default_rng(seed).random((number, 2000, 3))
    core, found = _open.core(solver.lammps.address, 1, 1e4), []
    for own in starts:
        found.append(surroundings.search(own, target, tolerance, 1e4, core, 0.15, 100, LOWER, UPPER))
        assert found[-1][0] >= 0.0, "no place was found"
        surroundings.add(found[-1][1:4])
    return np.array(found)


def test_usher_comes_to_the_energy_and_says_what_lammps_says(make):
    solver = make(pair="smooth", density=0.7)
    solver.open_fluid()
    solver.begin()
    before, target = potential(solver), -2.0
    found = find(solver, around(solver), 12, target, 1e-3 * abs(target))
    assert np.abs(found[:, 4] - target).max() <= 1e-3 * abs(target)
    solver.change_atoms([], found[:, 1:4], np.zeros((12, 3)))
    assert potential(solver) - before == pytest.approx(found[:, 4].sum(), abs=1e-10)


def test_energy_of_atoms_that_go_is_what_lammps_says(make):
    solver = make(pair="smooth")
    solver.open_fluid()
    solver.begin()
    before = potential(solver)
    x, ids = solver.lammps.atoms("x"), solver.lammps.integers("id")
    # Neighbours too, so that pairs of two that go count once.
    chosen = np.argsort(((x - np.array([3.0, 3.0, 7.0])) ** 2).sum(axis=1))[:20]
    leaving, momentum = ids[chosen].tolist(), solver.lammps.atoms("v")[chosen].sum(axis=0)
    gone = around(solver).remove(leaving)
    solver.change_atoms(leaving, np.zeros((0, 3)), np.zeros((0, 3)))
    assert potential(solver) - before == pytest.approx(-gone[:, 5].sum(), abs=1e-10)
    assert gone[:, 0].sum() == 20.0
    assert gone[:, 1:4].sum(axis=0) == pytest.approx(momentum, abs=1e-12)


def test_the_force_of_a_place_is_the_slope_of_its_energy(make):
    solver = make(pair="smooth", density=0.6)
    solver.begin()
    surroundings, place, step = around(solver), np.array([3.3, 2.9, 7.1]), 1e-6
    force = surroundings.look(place)[1:4]
    for k, shift in enumerate(step * np.eye(3)):
        slope = (surroundings.look(place + shift)[0] - surroundings.look(place - shift)[0]) / (2.0 * step)
        assert force[k] == pytest.approx(-slope, rel=1e-5, abs=1e-4)


def test_a_search_fails_rather_than_going_on_for_ever(make):
    solver = make()
    solver.begin()
    starts = np.array([[3.0, 3.0, 7.0]])
    core = _open.core(solver.lammps.address, 1, 1e4)
    low = around(solver).search(starts, -50.0, 1e-3, 1e4, core, 0.15, 100, LOWER, UPPER)
    assert low[0] == -1.0
    assert low[5] <= 100
    assert around(solver).search(starts, -50.0, 1e-3, 1e4, core, 0.15, 1, LOWER, UPPER)[5] == 1.0


def test_core_is_where_two_atoms_have_the_energy(make):
    solver = make()
    # 4 (r^-12 - r^-6) + 1 = 1e4
    inverse = 0.5 * (1.0 + np.sqrt(1.0 + 9999.0))
    assert _open.core(solver.lammps.address, 1, 1e4) == pytest.approx(inverse ** (-1.0 / 6.0), rel=1e-12)


def test_changed_atoms_are_set_up_as_lammps_would(make):
    solver = make(pair="smooth", density=0.7)
    atoms = solver.open_fluid()
    solver.begin()
    found = find(solver, around(solver), 5, -2.0, 2e-3)
    leaving = solver.lammps.integers("id")[:7].tolist()
    number, first = solver.lammps.count, atoms.next_id
    velocities = np.arange(15.0).reshape(5, 3)
    solver.change_atoms(leaving, found[:, 1:4], velocities)
    solver.lammps.renew()
    forces = by_id(solver, "f")
    assert solver.lammps.count == number - 2
    assert np.array_equal(np.array(sorted(forces)[-5:]), np.arange(first, first + 5))
    assert not set(leaving) & set(forces)
    assert all(np.array_equal(by_id(solver, "v")[first + k], velocities[k]) for k in range(5))
    assert solver.fluid().all()
    solver.lammps.command("run 0 post no")
    assert all(forces[k] == pytest.approx(force, abs=1e-10) for k, force in by_id(solver, "f").items())


def test_atoms_out_of_reach_feel_on_what_they_felt(make):
    """A thermostat's force too: new numbers for the second half of a kick would cool what it keeps warm."""
    solver = make()
    solver.lammps.command("fix bath fluid langevin 1.1 1.1 0.1 7")
    solver.open_fluid()
    solver.begin()
    solver.advance(0.1)
    before, places = by_id(solver, "f"), by_id(solver, "x")
    gone = int(solver.lammps.integers("id")[0])
    solver.change_atoms([gone], np.zeros((0, 3)), np.zeros((0, 3)))
    solver.lammps.renew()
    after, width = by_id(solver, "f"), solver.lammps.box[1][0]
    apart = {k: place - places[gone] for k, place in places.items() if k != gone}
    for vector in apart.values():
        vector[:2] -= width * np.round(vector[:2] / width)
    near = {k for k, vector in apart.items() if np.linalg.norm(vector) <= solver.lammps.cutoff()}
    assert 5 < len(near) < 30
    assert all(np.array_equal(before[k], after[k]) == (k not in near) for k in after)


def by_id(solver, name):
    return dict(zip(solver.lammps.integers("id").tolist(), solver.lammps.atoms(name).copy(), strict=True))


def test_windows_with_a_setup_in_between_go_on_as_without(make):
    """Setting up anew changes nothing but the order of sums."""
    solvers = [make("in.fluid", fluid="all", folder=Path(__file__).parent) for _ in range(2)]
    for solver in solvers:
        for _ in range(3):
            solver.begin()
            if solver is solvers[0]:
                solver.lammps.renew()
            solver.advance(0.1)
    ours, theirs = (by_id(solver, "x") for solver in solvers)
    assert max(np.abs(ours[k] - theirs[k]).max() for k in ours) < 1e-9
    assert solvers[0].inventory()["energy"] == pytest.approx(solvers[1].inventory()["energy"], abs=1e-9)


def test_energies_are_unknown_until_changed_atoms_are_set_up(make):
    solver = make()
    solver.open_fluid()
    solver.begin()
    solver.change_atoms(solver.lammps.integers("id")[:1].tolist(), np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(AssertionError, match="energies are not known"):
        solver.inventory()


def test_a_place_outside_of_the_box_is_an_error(make):
    solver = make()
    solver.open_fluid()
    solver.begin()
    with pytest.raises(SolverError, match="LAMMPS took 0 of 1 atoms into its box"):
        solver.change_atoms([], np.array([[1.0, 1.0, 99.0]]), np.zeros((1, 3)))


def test_a_fluid_of_two_types_is_refused(make):
    solver = make("in.small", fluid="all")
    with pytest.raises(SolverError, match=r"of one type; they are of \[1, 2\]"):
        solver.open_fluid()


def test_what_keeps_atoms_from_coming_and_going_is_named(make):
    solver = make()
    solver.lammps.command("run_style respa 2 2 pair 1")
    with pytest.raises(SolverError, match="cannot come and go in a LAMMPS with a run style that is not verlet"):
        solver.open_fluid()


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("velocity", [0.0, 0.2, -0.3])
def test_the_end_gives_what_it_says(make, sign, velocity):
    """Impulse and work of force and mirror, against momentum and energy of a gas that feels nothing else."""
    solver = make(step=0.001, density=0.3)
    _open.define(solver.lammps.address)
    for name, end in (("moved", sign), ("rest", -sign)):
        solver.lammps.command(f"fix {name} fluid suture/end 2 {end:g}")
    solver.lammps.command("pair_coeff * * 0.0 1.0")
    solver.lammps.command("thermo_style custom step ke")
    solver.begin()
    force = np.linspace(3.0, 0.0, 51)
    place = {1.0: 15.0, -1.0: 0.0}
    _open.set_end(solver.lammps.address, "moved", place[sign], velocity, force.tolist(), 1.5)
    _open.set_end(solver.lammps.address, "rest", place[-sign], 0.0, force.tolist(), 1.5)
    solver.lammps.renew()
    before, taken = moments(solver), np.zeros(5)
    solver.advance(0.1)
    for name in ("moved", "rest"):
        taken += _open.take_end(solver.lammps.address, name)
    gained = moments(solver) - before
    assert gained[0] == pytest.approx(0.001 * taken[0] + taken[2], abs=1e-11)
    assert gained[1] == pytest.approx(0.001 * taken[1] + 0.5 * taken[3], abs=0.02 * abs(taken).max() * 0.1)
    assert taken[2] != 0.0
    height = sign * (solver.lammps.atoms("x")[:, 2] - place[sign])
    assert height.max() <= sign * velocity * 0.1 + 1e-12


def moments(solver):
    """Momentum along the axis, and kinetic energy."""
    v = solver.lammps.atoms("v")
    return np.array([v[:, 2].sum(), 0.5 * (v**2).sum()])


def test_lots_are_even_and_a_function_of_key_and_id():
    drawn = _open.lots(7, list(range(100_000)))
    assert np.array_equal(drawn[:10], _open.lots(7, list(range(10))))
    assert not np.array_equal(drawn[:10], _open.lots(8, list(range(10))))
    counts = np.histogram(drawn, 50, (0.0, 1.0))[0]
    # Chi squared of 49 degrees of freedom: below 85 but for 0.1 %.
    assert ((counts - 2000.0) ** 2 / 2000.0).sum() < 85.0
