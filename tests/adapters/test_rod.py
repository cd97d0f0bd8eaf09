"""A solid that exchanges heat alone: its books and their audit, on several ranks, after a restart, with faults."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.heat_bath import HeatBath
from suture.solvers.errors import SolverError
from suture.solvers.md.dynamics import MolecularDynamics

from ..mpi import mpirun
from .rod import IMPOSED, ONLY_HEAT, PLANES, rod

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""
MOMENTUM = slice(1, 4)


@pytest.fixture
def play(tmp_path):
    made = []

    def make(**arguments):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(rod(MPI.COMM_SELF, folder, **arguments))
        made[-1].prepare(**IMPOSED)
        return made[-1]

    yield make
    for one in made:
        one.solver.close()


@pytest.fixture(scope="module")
def runs():
    """Books of the same rod on 1, 2 and 3 ranks, and on 2 with a restart half-way."""
    runs = {ranks: (ranks, ()) for ranks in (1, 2, 3)} | {"resumed": (2, ("resumed",))}
    return {
        name: json.loads(mpirun(ranks, "-m", "mpi4py", HERE / "play_rod.py", *more).stdout.splitlines()[-1])
        for name, (ranks, more) in runs.items()
    }


@pytest.mark.parametrize("name", [1, 2, 3, "resumed"])
def test_books_and_audits_close(runs, name):
    books = runs[name]
    throughput = sum(np.abs(amounts).sum(axis=0) for amounts in books["sent"].values())
    assert np.all(np.abs(books["interior"]) <= ROUND_OFF * throughput)
    audits = np.array(books["audits"])
    assert len(audits) == 10
    assert np.all(audits[:, 0] == 0.0)
    assert np.all(np.abs(audits)[:, MOMENTUM] <= ROUND_OFF * throughput[MOMENTUM])
    assert np.all(np.abs(audits)[:, 4] <= 0.01 * throughput[4])
    for side, rest in books["buffers"].items():
        assert rest[0] == 0.0
        assert np.all(np.abs(rest)[MOMENTUM] <= ROUND_OFF * throughput[MOMENTUM])
        assert abs(rest[4]) < 0.01 * throughput[4]
        assert set(books["rows"][side]) == {"bath", "lower" if side == "below" else "upper"}
        assert abs(books["rows"][side]["bath"][4]) > 10.0


@pytest.mark.parametrize("name", [2, 3, "resumed"])
def test_ranks_and_a_restart_change_nothing(runs, name):
    for side, amounts in runs[1]["sent"].items():
        assert np.array(runs[name]["sent"][side]) == pytest.approx(np.array(amounts), abs=1e-6)


def test_audited_energy_is_second_order_in_the_time_step(play):
    steps, means = np.array([0.008, 0.004, 0.002]), []
    for step in steps:
        one = play(step=step, window=0.08)
        found = [sent[4] - audit[4] for _ in range(40) for sent, audit in one.run(**IMPOSED).values()]
        means.append(np.abs(found).mean())
    order = np.polyfit(np.log(steps), np.log(means), 1)[0]
    assert 1.7 < order < 2.4, (order, means)


def test_a_potential_of_triplets_is_told_by_its_atoms_energies(tmp_path):
    """Silicon: what the interior lost is what the buffers got beside their baths, to second order in the time step."""
    script = HERE / "particles" / "in.silicon"
    at = {"planes": {"below": 16.293, "above": 27.155}, "thickness": 5.431, "audit_every": 0, "window": 0.016}
    hot, cold = ({name: ONLY_HEAT | {"temperature": t}} for name, t in (("below", 700.0), ("above", 300.0)))
    steps, means = np.array([0.002, 0.001, 0.0005]), []
    for step in steps:
        (folder := tmp_path / f"{step}").mkdir()
        one = rod(MPI.COMM_SELF, folder, script=script, impose={"kind": "langevin", "rate": 20.0}, step=step, **at)
        one.prepare(**hot | cold)
        missing, heat = [], 0.0
        for _ in range(60):
            before = one.books()
            crossed = one.run(**hot | cold)
            after = one.books()
            got = 0.0
            for side in at["planes"]:
                got += after[side][0][4] - before[side][0][4]
                got -= sum(given[4] - before[side][1][row][4] for row, given in after[side][1].items())
                heat += abs(crossed[side][0][4])
            missing.append(sum(crossed[side][0][4] for side in at["planes"]) - got)
        assert heat > 1.0
        means.append(np.abs(missing).mean())
        one.solver.close()
    order = np.polyfit(np.log(steps), np.log(means), 1)[0]
    assert 1.7 < order < 2.4, (order, means)


class NoHeat(HeatBath):
    """Books no energy."""

    @property
    def rows(self):
        return {name: row | {"energy": np.zeros(1)} for name, row in super().rows.items()}


def audited(one, windows=10):
    """Largest difference of energy from its audit, and the throughput of a plane."""
    found = np.array([[sent[4], audit[4]] for _ in range(windows) for sent, audit in one.run(**IMPOSED).values()])
    return np.abs(found[:, 0] - found[:, 1]).max(), np.abs(found[:, 0]).mean()


def test_the_audit_shows_heat_that_is_not_booked(play):
    one = play(step=0.002)
    for region in one.regions.values():
        region.buffer.__class__ = NoHeat
    difference, crossed = audited(one)
    assert difference > 0.5 * crossed
    difference, crossed = audited(play(step=0.002))
    assert difference < 0.02 * crossed


def test_the_audit_shows_an_end_that_is_counted_inside(play, monkeypatch):
    """Pairs with the ends are the buffers' energy, or what they exchange would seem to pass the planes."""
    monkeypatch.setattr(MolecularDynamics, "_find_walls_beyond", lambda self: {})
    difference, crossed = audited(play(step=0.002))
    assert difference > 0.2 * crossed


def test_one_plane_alone_has_its_other_end_inside(play):
    one = play(planes={"above": PLANES["above"]})
    held = one.total(one.solver.inventory())
    rows = one.solver.rows()
    sent = sum(one.run(**IMPOSED)["above"][0] for _ in range(10))
    pushed = one.total(one.solver.rows()["lower"]) - one.total(rows["lower"])
    assert set(rows) == {"lower"}
    assert one.total(one.solver.inventory()) - held == pytest.approx(pushed - sent, abs=1e-10)
    assert abs(pushed[3]) > 0.1


def test_heat_flows_down_and_the_buffers_have_their_temperatures(play):
    one = play(audit_every=0, impose={"kind": "langevin", "rate": 4.0, "power": 1.0})
    for _ in range(50):
        one.run(**IMPOSED)
    sent, seen = [], []
    for _ in range(300):
        crossed = one.run(**IMPOSED)
        sent.append([crossed[side][0][4] for side in PLANES])
        seen.append([region.profiles.latest["temperature"] for region in one.regions.values()])
    below, above = np.mean(sent, axis=0)
    assert below < 0.0 < above
    assert below == pytest.approx(-above, rel=0.2)
    # A bin between two atomic planes has no temperature.
    lower, upper = (np.array([row[k] for row in seen]) for k in (0, 1))
    assert np.nanmean(lower[:, :3]) == pytest.approx(0.5, abs=0.03)
    assert np.nanmean(upper[:, -3:]) == pytest.approx(0.2, abs=0.03)


def test_an_audit_changes_nothing(play):
    seen, unseen = (play(audit_every=every) for every in (1, 0))
    for _ in range(5):
        one, other = seen.run(**IMPOSED), unseen.run(**IMPOSED)
        for side in PLANES:
            assert other[side][1] is None
            assert one[side][0] == pytest.approx(other[side][0], abs=1e-9)


def test_a_continuum_below_zero_is_refused(play):
    one = play(audit_every=0)
    with pytest.raises(SolverError, match=r"the bath of what is above z = 8\.8 is to have a temperature of -0\.1"):
        one.run(**IMPOSED | {"above": ONLY_HEAT | {"temperature": -0.1}})


def test_a_partner_without_temperature_is_refused(tmp_path):
    one = rod(MPI.COMM_SELF, tmp_path, planes={"above": PLANES["above"]})
    with pytest.raises(SolverError, match="a particle region needs its partner's temperature"):
        one.prepare(above=ONLY_HEAT | {"temperature": None})
    one.solver.close()
