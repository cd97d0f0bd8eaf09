"""Other ways to bring a state upon the buffer, relaxation and a Maxwellian reservoir: what they do, what they book."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from scipy import stats

from suture.adapters.reservoir import Reservoir, normal_numbers

from ..mpi import mpirun
from .open_particles import opened

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""
MASS_AND_MOMENTUM = slice(0, 4)

RELAXATION = {"kind": "relaxation", "strength": 0.1}
MAXWELLIAN = {"kind": "maxwellian"}


@pytest.fixture
def play(tmp_path):
    made = []

    def make(**arguments):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(opened(MPI.COMM_SELF, folder, **arguments))
        return made[-1]

    yield make
    for one in made:
        one.solver.close()


@pytest.mark.parametrize(("impose", "row"), [(RELAXATION, "constraint"), (MAXWELLIAN, "reservoir")])
def test_books_close_on_two_ranks(impose, row):
    done = mpirun(2, "-m", "mpi4py", HERE / "play_open.py", json.dumps(impose), timeout=240.0)
    books = json.loads(done.stdout.splitlines()[-1])
    throughput, audits = np.array(books["throughput"]), np.array(books["audits"])
    assert np.all(np.abs(books["interior"]) <= ROUND_OFF * throughput)
    assert np.all(np.abs(audits)[:, MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
    for side, rest in books["buffers"].items():
        assert rest[0] == 0.0
        assert np.all(np.abs(rest)[MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
        assert abs(rest[4]) < 0.02 * sum(abs(given[4]) for given in books["rows"][side].values())
        assert np.abs(books["rows"][side][row]).max() > 1.0


class NoMomentumOfTheReservoir(Reservoir):
    def impose(self, velocity, temperature, draw):
        before = self.rows["reservoir"]["momentum"]
        super().impose(velocity, temperature, draw)
        self.rows["reservoir"]["momentum"] = before


class NoEnergyOfTheReservoir(Reservoir):
    def impose(self, velocity, temperature, draw):
        before = self.rows["reservoir"]["energy"]
        super().impose(velocity, temperature, draw)
        self.rows["reservoir"]["energy"] = before


@pytest.mark.parametrize(
    ("fault", "column"), [(NoMomentumOfTheReservoir, slice(1, 4)), (NoEnergyOfTheReservoir, slice(4, 5))]
)
def test_audit_shows_what_the_reservoir_did_not_book(play, fault, column):
    """What passes one of two planes is told by its buffer's balance, so it is wrong by what is missing there."""
    found = {}
    for kind in (Reservoir, fault):
        one = play(impose=MAXWELLIAN, pair="smooth", step=0.002)
        for region in one.regions.values():
            region.buffer.__class__ = kind
        one.prepare()
        runs = [one.run() for _ in range(5)]
        found[kind] = max(np.abs(sent - audit)[column].max() for run in runs for sent, audit in run.values())
    # Energy's audit differs by the integrator's error, 0.007 in the mean.
    assert found[fault] > 1.0 > 10.0 * found[Reservoir]


def test_drawn_numbers_are_normal_and_independent():
    drawn = normal_numbers(7, np.arange(1, 40_001))
    assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in drawn.T)
    again = np.column_stack([drawn[:-1], drawn[1:], normal_numbers(8, np.arange(1, 40_000))])
    correlation = np.corrcoef(again.T) - np.eye(9)
    assert np.abs(correlation).max() < 5.0 / np.sqrt(40_000)


def test_a_number_is_its_atoms_whoever_asks():
    ids = np.array([5, 900, 17])
    assert np.array_equal(normal_numbers(3, ids)[1:], normal_numbers(3, ids[1:]))


def _buffer_velocities(one):
    """Of the atoms above the upper plane, with their masses 1."""
    return one.solver.lammps.atoms("v")[one.solver.lammps.atoms("x")[:, 2] >= 10.0]


def test_a_reservoir_is_maxwellian_at_once_and_leaves_the_interior_alone(play):
    one = play(impose=MAXWELLIAN, cells=7)
    one.prepare()
    inside = one.solver.lammps.atoms("x")[:, 2] < 10.0
    before = one.solver.lammps.atoms("v")[inside].copy()
    region = one.regions["above"]
    mean, temperature = np.array([0.4, -0.2, 0.1]), 1.3
    drawn = []
    for window in range(20):
        region.buffer.impose(np.tile(mean, (2, 1)), np.full(2, temperature), (1, window))
        drawn.append(_buffer_velocities(one).copy())
    assert np.array_equal(one.solver.lammps.atoms("v")[inside], before)
    of_all = (np.concatenate(drawn) - mean) / np.sqrt(temperature)
    assert len(of_all) > 10_000
    assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in of_all.T)


def test_each_slab_of_a_reservoir_has_its_own_state(play):
    for side, sign in (("above", 1.0), ("below", -1.0)):
        one = play(impose=MAXWELLIAN, cells=7)
        one.prepare()
        velocity = np.array([[5.0, 0.0, 0.0], [-5.0, 0.0, 0.0]])
        one.regions[side].buffer.impose(velocity, np.array([1e-6, 1e-6]), (1, 0))
        place, own = one.solver.lammps.atoms("x")[:, 2], one.solver.lammps.atoms("v")[:, 0]
        distance = sign * (place - (10.0 if side == "above" else 5.0))
        assert np.allclose(own[(distance >= 0.0) & (distance < 2.5)], 5.0, atol=0.01)
        assert np.allclose(own[distance >= 2.5], -5.0, atol=0.01)


def test_relaxation_goes_its_part_of_the_way(play):
    one = play(impose=RELAXATION)
    one.prepare()
    buffer, wanted = one.regions["above"].buffer, np.array([0.4, -0.2, 0.1])
    edges = np.array([10.0, 12.5, np.inf])
    for window in range(3):
        before = _means(one, edges)
        buffer.impose(np.tile(wanted, (2, 1)), np.full(2, 1.107), (1, window))
        assert np.allclose(_means(one, edges), before + 0.1 * (wanted - before), atol=1e-14)


def _means(one, edges):
    sums = one.solver.moments(2, edges)
    return sums[:, 2:5] / sums[:, 1:2]


@pytest.mark.parametrize("impose", [RELAXATION, {"kind": "constraint"}, MAXWELLIAN])
def test_mean_velocities_fluctuate_as_in_equilibrium(play, impose):
    """Variance kT/M of a slab's mean velocity, whatever the strength; drawn velocities have it by themselves."""
    one = play(impose=impose, settings={"fluctuations": impose is not MAXWELLIAN}, audit_every=0)
    one.prepare()
    buffer, edges, seen = one.regions["above"].buffer, np.array([10.0, 12.5, np.inf]), []
    for window in range(2000):
        buffer.impose(np.zeros((2, 3)), np.full(2, 1.107), (1, window))
        seen.append(_means(one, edges))
    mass = one.solver.moments(2, edges)[:, 1]
    variance = (np.square(seen[100:]).mean(axis=0) * mass[:, None] / 1.107).mean()
    # Under relaxation successive values are correlated by 0.9: some 600 independent ones.
    assert variance == pytest.approx(1.0, abs=0.25 if impose is RELAXATION else 0.08)
