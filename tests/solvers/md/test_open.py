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


def wanted(solver, target, tolerance, iterations=100):
    return _open.Search(target, tolerance, 1e4, _open.core(solver.lammps.address, 1, 1e4), 0.15, iterations, 2000)


def find(solver, surroundings, number, target, tolerance, seed=3):
    """Places for atoms, one after another, and their energies: (n, 4)."""
    corners, found = np.array(solver.lammps.box), []
    corners[:, 2] = LOWER, UPPER
    for key in range(seed, seed + number):
        row = surroundings.search(key, 1, 2000, corners, wanted(solver, target, tolerance))
        assert row[0, 0] >= 0.0, "no place was found"
        found.append(surroundings.accept(row)[0])
    return np.array(found)


def opened(make, **variables):
    solver = make(pair="smooth", **variables)
    solver.open_fluid()
    solver.begin()
    return solver


def exchange(solver, call):
    """Run a window in which ``call`` lets atoms come and go."""
    solver.at_exchange = call
    solver.advance(0.1)


def test_usher_comes_to_the_energy_and_says_what_lammps_says(make):
    solver, target, found = opened(make, density=0.7), -2.0, []
    solver.lammps.command("timestep 0.0")
    before = potential(solver)

    def come():
        surroundings = around(solver)
        found.append(find(solver, surroundings, 12, target, 1e-3 * abs(target)))
        solver.change_atoms([], found[0][:, :3], surroundings.enter(np.zeros((12, 3))))

    exchange(solver, come)
    energies = found[0][:, 3]
    assert np.abs(energies - target).max() <= 1e-3 * abs(target)
    assert potential(solver) - before == pytest.approx(energies.sum(), abs=1e-10)


def test_energy_of_atoms_that_go_is_what_lammps_says(make):
    solver, gone = opened(make), []
    solver.lammps.command("timestep 0.0")
    before = potential(solver)
    x, ids = solver.lammps.atoms("x"), solver.lammps.integers("id")
    # Neighbours too, so that pairs of two that go count once.
    chosen = np.argsort(((x - np.array([3.0, 3.0, 7.0])) ** 2).sum(axis=1))[:20]
    leaving, momentum = ids[chosen].tolist(), solver.lammps.atoms("v")[chosen].sum(axis=0)

    def go():
        gone.append(around(solver).remove(leaving))
        solver.change_atoms(leaving, np.zeros((0, 3)), np.zeros((0, 3)))

    exchange(solver, go)
    assert potential(solver) - before == pytest.approx(-gone[0][5], abs=1e-10)
    assert gone[0][0] == 20.0
    assert gone[0][1:4] == pytest.approx(momentum, abs=1e-12)


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
    corners = np.array(solver.lammps.box)
    corners[:, 2] = LOWER, UPPER
    low = around(solver).search(1, 1, 1, corners, wanted(solver, -50.0, 1e-3))[0]
    assert low[0] == -1.0
    assert 1 <= low[5] <= 100
    assert around(solver).search(1, 1, 1, corners, wanted(solver, -50.0, 1e-3, iterations=1))[0, 5] == 1.0


def test_of_two_places_that_reach_each_other_one_is_taken(make):
    solver = make()
    solver.begin()
    width = solver.lammps.box[1][0]
    found = np.array(
        [
            [0.0, 0.1, 3.0, 7.0, 1.0, 5.0],
            [-1.0, 6.0, 3.0, 7.0, 0.0, 5.0],  # not found
            [4.0, width - 0.1, 3.0, 7.0, 2.0, 5.0],  # near the first, across the box's side
            [2.0, width + 3.0, 3.0, 7.0, 3.0, 5.0],
        ]
    )
    taken = np.array([[0.1, 3.0, 7.0, 1.0], [3.0, 3.0, 7.0, 3.0]])
    assert around(solver).accept(found) == pytest.approx(taken, abs=1e-12)


def test_core_is_where_two_atoms_have_the_energy(make):
    solver = make()
    # 4 (r^-12 - r^-6) + 1 = 1e4
    inverse = 0.5 * (1.0 + np.sqrt(1.0 + 9999.0))
    assert _open.core(solver.lammps.address, 1, 1e4) == pytest.approx(inverse ** (-1.0 / 6.0), rel=1e-12)


def test_atoms_come_and_go_as_between_two_steps(make):
    """Against a run that ends where they do, LAMMPS' own commands, and a run with a setup of its own."""
    one, other = opened(make, density=0.7), opened(make, density=0.7)
    first, number = one.open_fluid().next_id, one.lammps.count
    x = one.lammps.atoms("x")
    # Two that are neighbours, of which the second is kicked by the first before it goes.
    leaving = one.lammps.integers("id")[np.argsort(((x - np.array([3.0, 3.0, 7.0])) ** 2).sum(axis=1))[:2]].tolist()
    velocities, seen = np.array([[1.0, -0.5, 0.2], [0.3, 0.7, -1.1], [0.0, 0.4, 0.9]]), {}

    def call():
        surroundings = around(one)
        surroundings.remove(leaving)
        seen.update(step=one.lammps.step, places=find(one, surroundings, 3, -2.0, 2e-3)[:, :3])
        one.change_atoms(leaving, seen["places"], surroundings.enter(velocities))

    exchange(one, call)
    assert 0 < seen["step"] < one.steps
    other.lammps.run(seen["step"])
    other.lammps.command(f"group gone id {leaving[0]} {leaving[1]}")
    other.lammps.command("delete_atoms group gone compress no")
    mask = int(other.lammps.integers("mask")[0])
    new = list(range(first, first + 3))
    assert _open.create(other.lammps.address, new, [1, 1, 1], seen["places"], velocities, mask) == 3
    other.lammps.command(f"run {one.steps - seen['step']} post no")
    assert one.lammps.count == number + 1
    assert one.fluid().all()
    for name in ("x", "v", "f"):
        ours, theirs = by_id(one, name), by_id(other, name)
        assert set(new) < set(ours) == set(theirs)
        assert max(np.abs(ours[k] - theirs[k]).max() for k in ours) < 1e-8


def test_a_thermostat_draws_no_numbers_anew(make):
    """Half of a kick by old numbers and half by new ones would cool what it keeps warm."""
    solvers = [make(), make()]
    for solver in solvers:
        solver.lammps.command("fix bath fluid langevin 1.1 1.1 0.1 7")
        solver.open_fluid()
        solver.begin()
    called = []
    exchange(solvers[0], lambda: called.append(solvers[0].lammps.step))
    solvers[1].advance(0.1)
    assert 0 < called[0] < solvers[0].steps
    for name in ("x", "v", "f"):
        ours, theirs = (by_id(solver, name) for solver in solvers)
        assert all(np.array_equal(ours[k], theirs[k]) for k in theirs)


def by_id(solver, name):
    return dict(zip(solver.lammps.integers("id").tolist(), solver.lammps.atoms(name).copy(), strict=True))


def test_neighbours_are_listed_at_the_windows_end_at_the_latest(make):
    solver, steps = opened(make), []
    solver.lammps.command("timestep 0.0")
    solver.lammps.command("run 0 post no")
    exchange(solver, lambda: steps.append(solver.lammps.step))
    assert steps == [solver.steps]
    solver.advance(0.1)
    assert len(steps) == 1


def test_atoms_come_and_go_while_neighbours_are_listed_only(make):
    solver = opened(make)
    with pytest.raises(AssertionError, match="while neighbours are listed"):
        solver.change_atoms(solver.lammps.integers("id")[:1].tolist(), np.zeros((0, 3)), np.zeros((0, 3)))


def test_a_place_outside_of_the_box_is_an_error(make):
    solver = opened(make)
    with pytest.raises(SolverError, match="LAMMPS took 0 of 1 atoms into its box"):
        exchange(solver, lambda: solver.change_atoms([], np.array([[1.0, 1.0, 99.0]]), np.zeros((1, 3))))


def test_a_fluid_of_two_types_is_refused(make):
    solver = make("in.small", fluid="all")
    with pytest.raises(SolverError, match=r"of one type; they are of \[1, 2\]"):
        solver.open_fluid()


def test_what_keeps_atoms_from_coming_and_going_is_named(make):
    solver = make()
    solver.lammps.command("change_box all boundary p p s")
    with pytest.raises(SolverError, match=r"a box without an end that is fixed \('f' in `boundary`\)"):
        solver.open_fluid()
    solver.lammps.command("change_box all boundary p p f")
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
    # A force that falls linearly: half of it as a table, and half as what that lacks.
    force = np.linspace(1.5, 0.0, 51)
    place = {1.0: 15.0, -1.0: 0.0}
    for name, side, moves in (("moved", sign, velocity), ("rest", -sign, 0.0)):
        _open.put_end(solver.lammps.address, name, place[side])
        _open.move_end(solver.lammps.address, name, moves, force, 1.5, 1.5)
    solver.lammps.command("run 0 post no")
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
    drawn = _open.lots(7, np.arange(100_000))
    assert np.array_equal(drawn[:10], _open.lots(7, np.arange(10)))
    assert not np.array_equal(drawn[:10], _open.lots(8, np.arange(10)))
    counts = np.histogram(drawn, 50, (0.0, 1.0))[0]
    # Chi squared of 49 degrees of freedom: below 85 but for 0.1 %.
    assert ((counts - 2000.0) ** 2 / 2000.0).sum() < 85.0
