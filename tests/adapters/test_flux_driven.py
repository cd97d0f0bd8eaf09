"""Buffers that take amounts: what was sent is what was received and carried, and what was received is what is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.driven_buffer import DrivenBuffer
from suture.adapters.flux_driven import FluxDrivenRegion
from suture.adapters.open_end import OpenEnd

from ..mpi import mpirun
from .driven_particles import driven

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""


@pytest.fixture
def play(tmp_path):
    made = []

    def make(**arguments):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(driven(MPI.COMM_SELF, folder, **arguments))
        return made[-1]

    yield make
    for one in made:
        one.solver.close()


@pytest.mark.parametrize(("ranks", "resumed"), [(1, False), (2, False), (1, True)])
def test_sent_is_received_and_carried_and_received_is_there(ranks, resumed):
    done = mpirun(ranks, "-m", "mpi4py", HERE / "play_driven.py", *(["resumed"] if resumed else []), timeout=240.0)
    books = json.loads(done.stdout.splitlines()[-1])
    throughput = np.array(books["throughput"])
    # The second momentum does not flow: its books are those of sums of atoms' momenta.
    throughput[2] = throughput[1]
    assert len(books["interfaces"]) == 80
    assert np.all(np.abs(books["interfaces"]) <= ROUND_OFF * throughput)
    balance = np.array(books["balance"])
    assert balance[0] == 0.0
    assert np.all(np.abs(balance[:4]) <= ROUND_OFF * throughput[:4])
    # For energy LAMMPS' count and the devices' differ by the integrator's error, which is a row.
    assert balance[4] == pytest.approx(books["error"], abs=1e-9)
    assert sum(books["events"]["below"].values()) > 10
    for side, received in books["received"].items():
        # Whole atoms came, to the last one; the first momentum is given as it comes, and the second kept at 0, but for
        # what atoms brought and took in the last window: ten of them sqrt(10 kT), here within four standard deviations.
        assert received[0] == round(received[0])
        assert received[1] == pytest.approx(books["sent"][side][1], abs=14.0)
        assert abs(received[2]) < 14.0
    assert all(np.isfinite(values).all() for values in books["states"].values())


class NoMassOfTheInserted(OpenEnd):
    def _add(self, name, mass, momentum, energy):
        super()._add(name, 0.0 if name == "insertion" else mass, momentum, energy)


class NoPotentialOfTheInserted(OpenEnd):
    def _book_insertion(self, velocities, energies):
        super()._book_insertion(velocities, 0.0 * energies)


class NoMomentumOfTheDeleted(OpenEnd):
    def _book_deletion(self, number, taken):
        super()._book_deletion(number, [taken[0], 0.0, 0.0, 0.0, *taken[4:]])


class NoShift(DrivenBuffer):
    def give(self, momentum, energy):
        before = self.rows["shift"]["momentum"]
        super().give(momentum, energy)
        self.rows["shift"]["momentum"] = before


class NoScaling(DrivenBuffer):
    def give(self, momentum, energy):
        before = self.rows["scaling"]["energy"]
        super().give(momentum, energy)
        self.rows["scaling"]["energy"] = before


def _flow(one):
    return {
        "below": one.pressing("below", pressure=9.0, mass=0.4, shear=-0.5, energy=2.0),
        "above": one.pressing("above", pressure=8.0, mass=-0.4, shear=0.5, energy=-1.0),
    }


def _missing(one, windows):
    """What is there less what was received, (5,): mass, momentum, energy."""
    one.prepare()
    first, received = one.held(), np.zeros(5)
    for _ in range(windows):
        one.run(_flow(one))
        received += sum(one.received().values())
    return one.held() - first - received


FAULTS = {
    NoMassOfTheInserted: 0,
    NoMomentumOfTheDeleted: 1,
    NoShift: 1,
    NoPotentialOfTheInserted: 4,
    NoScaling: 4,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_booked_is_missing(play, fault):
    """By more than a tenth of an atom's share; it is nothing for mass and momentum where all is booked."""
    good, bad = play(pair="smooth", step=0.002), play(pair="smooth", step=0.002)
    for region in bad.regions.values():
        device = region.buffer if issubclass(fault, DrivenBuffer) else region.open_end
        device.__class__ = fault
    found = np.abs([_missing(one, 8)[FAULTS[fault]] for one in (good, bad)])
    assert found[1] > 0.1
    assert found[0] < (1e-9 if FAULTS[fault] < 4 else 0.05)


class NoCarry(FluxDrivenRegion):
    """What could not be given at once is forgotten."""

    def _owed(self):
        return np.zeros(5)


def test_a_carry_that_is_forgotten_is_lost(play):
    """Half an atom a window: with the carry one comes every other window, and without it never."""
    came, lost = [], []
    for kind in (FluxDrivenRegion, NoCarry):
        one = play(density=0.7)  # where each atom finds a place
        for region in one.regions.values():
            region.__class__ = kind
        one.prepare()
        half = 0.5 / (one.window * one.area)
        amounts = {side: one.pressing(side, 3.5, mass=mass) for side, mass in (("below", half), ("above", -half))}
        received = np.zeros(2)
        for _ in range(10):
            one.run(amounts)
            received += [took[0] for took in one.received().values()]
        came.append(received.tolist())
        lost.append([5.0 - received[0] - one.carry()["below"][0], -5.0 - received[1] - one.carry()["above"][0]])
    assert came == [[5.0, -5.0], [0.0, 0.0]]
    assert np.allclose(lost, [[0.0, 0.0], [4.5, -4.5]], atol=1e-12)


def test_error_of_the_integrator_is_of_second_order(play):
    """At rest, by the pressure alone: the row is what the integration added in a window of 0.08."""
    steps, errors = np.array([0.008, 0.004, 0.002]), []
    for step in steps:
        one = play(step=step, pair="smooth", window=0.08)
        one.prepare()
        amounts = {side: one.pressing(side, 8.5) for side in one.regions}
        series = [0.0]
        for _ in range(60):
            one.run(amounts)
            series.append(one.error())
        errors.append(np.abs(np.diff(series)).mean())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 1.6 < order < 2.4, (order, errors)


def test_more_than_a_window_may_bring_comes_later(play):
    """A jerk of about the thermal velocity of all atoms is given in parts, and all of it."""
    one = play()
    one.prepare()
    amounts = {side: one.pressing(side, 8.5) for side in one.regions}
    one.run(amounts)
    mass = one.regions["above"].buffer.look().mass
    jerk = amounts["above"].copy()
    jerk[1] = mass
    one.run(amounts | {"above": jerk})
    first = one.received()["above"][1]
    assert 0.0 < first < 0.3 * jerk[1]
    total = first
    for _ in range(15):
        one.run(amounts)
        total += one.received()["above"][1]
    assert total == pytest.approx(jerk[1], rel=1e-9)


def test_opening_amounts_are_the_pressure(play):
    """Of the structure; the fluid of cases/couette has 8.56 at its own state, and this one is warmer, or cooler."""
    one = play(equilibration=2000)
    for side, sign in (("below", 1.0), ("above", -1.0)):
        region = one.regions[side]
        amounts = region.initial_amounts(type("Window", (), {"dt": 0.1}))
        temperature = region.buffer.look().temperature
        pressure = sign * amounts["momentum"][0, 2] / (0.1 * one.area)
        # (dp/dT) at this density is some 6 (measured/fluid.json).
        assert pressure == pytest.approx(8.56 + 6.0 * (temperature - 1.107), rel=0.15)
        assert amounts["mass"] == amounts["energy"] == 0.0
