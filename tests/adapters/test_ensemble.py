"""Ensembles of particles: the mean of the books closes as each member's do, while members come and go."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.ensemble_books import MeanBooks, spread
from suture.adapters.ensemble_checks import ROW
from suture.solvers.errors import SolverError

from ..complaints import edited
from ..mpi import mpirun, suture
from ..open_case import CASE, lay_out
from .ensembles import together
from .open_particles import opened

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""
MASS_AND_MOMENTUM, MOMENTUM = slice(0, 4), slice(1, 4)
STREAM = {"velocity": (0.1, 0.0, 0.2)}
ADAPTIVE = {"members": 2, "most": 8, "error": {"momentum": 1.0}, "over": 10**6}


@pytest.fixture
def play(tmp_path):
    made = []

    def make(ensemble, **arguments):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(together(MPI.COMM_SELF, folder, ensemble, **{"cells": 3, "equilibration": 100, **arguments}))
        return made[-1]

    yield make
    for one in made:
        one.solver.close()


@pytest.mark.parametrize(
    ("ranks", "groups", "how"), [(1, 1, ()), (2, 1, ()), (2, 2, ()), (4, 2, ()), (2, 2, ("resumed",))]
)
def test_books_close_while_members_come_and_go(ranks, groups, how):
    done = mpirun(ranks, "-m", "mpi4py", HERE / "play_ensemble.py", groups, *how)
    books = json.loads(done.stdout.splitlines()[-1])
    throughput = np.array(books["throughput"])
    assert np.all(np.abs(books["rest"]["interior"]) <= ROUND_OFF * throughput)
    for side in ("below", "above"):
        rest, rows = np.array(books["rest"][side]), books["rows"][side]
        assert np.all(np.abs(rest)[MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
        # Energy to the integrator's error.
        assert abs(rest[4]) < 0.02 * sum(abs(row[4]) for row in rows.values())
        # Without the row of those that came and went nothing would close.
        assert np.all(np.abs(rows[ROW])[MOMENTUM] > 1e-6 * throughput[MOMENTUM])
        assert rows["insertion"][0] > 2 and rows["deletion"][0] < -2
    assert np.all(np.abs(books["rows"]["interior"][ROW])[MOMENTUM] > 1e-6 * throughput[MOMENTUM])
    # What crosses is the mean of whole atoms.
    assert np.allclose(books["masses"], np.round(books["masses"]), rtol=0.0, atol=1e-12)
    assert len(books["audits"]) == 16
    assert np.all(np.abs(books["audits"])[:, MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])


def unexplained(one, numbers):
    """Of the interior and the buffer above, while there are so many members, two windows each: (names, columns)."""
    one.prepare(**STREAM)
    first, sent = one.books(), np.zeros(5)
    both = np.zeros(5)
    for number in numbers:
        one.solver.resize(number)
        for _ in range(2):
            amounts = one.run(**STREAM)
            both += sum(amounts[side][0] for side in amounts)
            sent += amounts["above"][0]
    last = one.books()
    rest = {
        name: last[name][0] - first[name][0] - sum(last[name][1][row] - first[name][1][row] for row in last[name][1])
        for name in ("interior", "above")
    }
    return rest["interior"] + both, rest["above"] - sent


class WithoutTheRow(MeanBooks):
    def rows(self):
        return {name: given for name, given in super().rows().items() if name != ROW}


class WithoutOffsets(MeanBooks):
    """Lets the means of the rows jump when members come and go."""

    def _means(self):
        self._offsets = {}
        return super()._means()


def test_a_jump_of_the_mean_that_is_not_booked_shows(play):
    good, bad = play(ADAPTIVE), play(ADAPTIVE)
    bad.solver._books.__class__ = WithoutTheRow
    for region in bad.regions.values():
        region.books.__class__ = WithoutTheRow
    for rest in unexplained(good, (3, 2)):
        assert np.abs(rest[MASS_AND_MOMENTUM]).max() < 1e-11
    for rest in unexplained(bad, (3, 2)):
        assert np.abs(rest[MASS_AND_MOMENTUM]).max() > 1e-3


def test_a_row_whose_mean_jumps_shows(play):
    one = play(ADAPTIVE)
    for region in one.regions.values():
        region.books.__class__ = WithoutOffsets
    assert np.abs(unexplained(one, (3, 2))[1][MASS_AND_MOMENTUM]).max() > 1e-3


def test_the_mean_does_not_jump_where_every_member_is_cloned(play):
    one = play(ADAPTIVE)
    one.prepare(**STREAM)
    one.run(**STREAM)
    before = one.books()
    one.solver.resize(4)
    after = one.books()
    for name, (held, _) in before.items():
        np.testing.assert_allclose(after[name][0], held, rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(after[name][1][ROW], 0.0, atol=1e-10)


def apart(one):
    """How much of momentum clones send differently from their parents, in the root mean square."""
    sent = np.hstack([of[:, 1:4] for of in one.sent.values()])
    return np.sqrt(np.mean((sent[2:] - sent[:2]) ** 2))


def test_clones_part(play):
    """From one state on, with other random numbers: alike for some windows, and no longer after a time of 2."""
    one = play(ADAPTIVE, equilibration=300)
    one.prepare()
    for _ in range(10):
        one.run()
    one.solver.resize(4)
    one.run()
    soon = apart(one)
    for _ in range(25):
        one.run()
    assert soon < 0.4 * apart(one)
    assert [m.settings.variables["seed"] for m in one.solver.members.values()] == [1, 2, 3, 4]
    assert one.solver.members[3].settings.variables["equilibration"] == 0


def test_one_member_is_the_participant_itself(play, tmp_path):
    one = play({"members": 1}, audit_every=1)
    alone = opened(MPI.COMM_SELF, tmp_path, thickness=2.5, cells=3, equilibration=100)
    one.prepare(**STREAM)
    alone.prepare(**STREAM)
    for _ in range(3):
        given, wanted = one.run(**STREAM), alone.run(**STREAM)
        for side in wanted:
            assert np.array_equal(given[side][0], wanted[side][0])
            assert np.array_equal(given[side][1], wanted[side][1])
    alone.solver.close()


def test_noise_falls_with_the_root_of_the_number(play):
    """Members are independent: the variance of their mean is 1/M of a member's, and the recorded error its root."""
    one = play({"members": 6}, equilibration=300)
    one.prepare()
    for _ in range(20):
        one.run()
    members = []
    for _ in range(100):
        one.run()
        members.append(np.hstack([one.sent["below"], one.sent["above"]]))
    members = np.array(members)
    single = members.var(axis=(0, 1))
    ratio = 6 * members.mean(axis=1).var(axis=0) / single
    # Ten columns, and some 30 independent samples of each.
    assert np.mean(ratio) == pytest.approx(1.0, abs=4 * np.sqrt(2.0 / 30 / 10))
    means, errors = spread([{"a": row} for row in members[-1]], MPI.COMM_SELF)
    assert errors["a"] == pytest.approx(members[-1].std(axis=0, ddof=1) / np.sqrt(6))
    assert means["a"] == pytest.approx(members[-1].mean(axis=0))


def test_figures_that_some_members_lack_are_those_of_the_others():
    means, errors = spread(
        [{"a": np.array([1.0, np.nan]), "b": 2.0}, {"a": np.array([3.0, 5.0]), "b": 2.0}], MPI.COMM_SELF
    )
    assert means["a"].tolist() == [2.0, 5.0]
    assert errors["a"][0] == pytest.approx(1.0) and np.isnan(errors["a"][1])
    assert means["b"] == 2.0 and errors["b"] == 0.0


def test_a_box_that_its_equilibration_makes_cannot_be_cloned(play, tmp_path):
    one = play(ADAPTIVE)
    one.prepare()
    one.run()
    create = one.solver._create

    def wider(number, changed):
        return create(number, {**changed, "length": 16.0})

    one.solver._create = wider
    with pytest.raises(SolverError, match="another one without its equilibration, so no member can be cloned"):
        one.solver.resize(3)


GROWING = "ensemble = { members = 2, most = 6, groups = 2, over = 2, error = { momentum = 0.1 } }\n"


def case(end: str) -> str:
    changes = (
        ("end = 1.2", f"end = {end}"),
        ("checkpoint_every = 4", "checkpoint_every = 17"),
        ("ranks = 1", "ranks = 2"),
        ('fluid = "fluid"\n', f'fluid = "fluid"\n{GROWING}'),
        ("variables = { seed = 1 }", "variables = { seed = 1, cells = 3 }"),
        (
            "[interfaces.below.sides.inlet]",
            '[interfaces.below]\nfilter = { kind = "kalman" }\n[interfaces.below.sides.inlet]',
        ),
        *[("6.857142857142857, 6.857142857142857", "5.142857142857142, 5.142857142857142")] * 2,
    )
    return edited(CASE, *changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A case with a filter, which grows twice, after 32 windows and after 36, and is stopped and resumed in between."""
    folder = lay_out(tmp_path_factory.mktemp("ensemble"), case("3.4"))
    suture("run", folder)
    lay_out(folder, case("4.0"))
    suture("run", folder, "--resume")
    return folder


def test_a_case_grows_by_its_own_measure_and_balances(run):
    books = json.loads(suture("ledger", run, "--json").stdout)
    assert books["balanced"] and books["windows"] == 40
    with h5py.File(run / "RUN" / "channel" / "profiles.h5") as file:
        members = file["members"][:]
        assert members.tolist() == [2] * 32 + [4] * 4 + [6] * 4
        assert file["sent_momentum_error"][:, 0, 2].mean() > 0.1
        assert file["density_error"].shape == file["density"].shape
        known = np.isfinite(file["velocity_error"][:]).all(axis=2)
        assert known.mean() > 0.9
    log = (run / "RUN" / "suture.log").read_text()
    assert "window 32: 2 members become 4: the standard error of the momentum in a window is" in log
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        masses = [file["flows"][flow]["sent"][:, 0] * members for flow in file["flows"] if flow.count("channel ->")]
        assert len(masses) == 2
        assert np.allclose(masses, np.round(masses), rtol=0.0, atol=1e-12)
        rows = file["participants/channel/rows"][ROW][:]
        # Every member is cloned as 2 become 4; as 4 become 6, half of them are.
        assert np.flatnonzero(np.abs(rows).max(axis=1) > 1e-9).tolist() == [36]
        for flow in file["buffers"]:
            assert np.abs(file["buffers"][flow]["rows"]["integration error"][:, 0]).max() < 1e-12


def test_members_have_folders_of_their_own(run):
    assert len(list((run / "RUN" / "channel").glob("member-00[0-5]/log.lammps"))) == 6
