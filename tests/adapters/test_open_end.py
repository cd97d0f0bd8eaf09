"""Open ends: books of atoms that come and go, the division between two planes, the faults that both must show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.boundary_force import BoundaryForce
from suture.adapters.open_end import OpenEnd
from suture.adapters.open_settings import OpenEndSettings
from suture.adapters.particle_region import ParticleRegionSettings
from suture.adapters.population import Extent, Outside, Population
from suture.solvers.errors import SolverError

from ..mpi import mpirun
from .open_particles import opened

HERE = Path(__file__).parent
ROUND_OFF = 1e-12
"""Of throughput: the conservation contract."""
MASS_AND_MOMENTUM = slice(0, 4)


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


def differences(one, windows, **states):
    """Control volumes less methods of planes, (windows, planes, 5), and the throughput in all."""
    runs = [one.run(**states) for _ in range(windows)]
    sent = np.array([[sent for sent, _ in run.values()] for run in runs])
    audits = np.array([[audit for _, audit in run.values()] for run in runs])
    return sent - audits, np.abs(sent).sum(axis=(0, 1))


@pytest.mark.parametrize(("ranks", "resumed"), [(1, False), (2, False), (3, False), (1, True), (2, True)])
def test_books_and_audit_close_while_atoms_come_and_go(ranks, resumed):
    done = mpirun(ranks, "-m", "mpi4py", HERE / "play_open.py", *(["resumed"] if resumed else []))
    books = json.loads(done.stdout.splitlines()[-1])
    throughput, audits = np.array(books["throughput"]), np.array(books["audits"])
    assert np.all(np.abs(books["interior"]) <= ROUND_OFF * throughput)
    assert len(audits) == 2 * 12
    assert np.all(np.abs(audits)[:, MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
    assert np.abs(audits)[:, 4].max() <= 0.002 * throughput[4]
    # Hundreds of atoms came and went, whole ones all of them: their mass is 1.
    assert books["events"]["insertion"] > 100
    assert books["events"]["deletion"] > 100
    assert books["masses"] == np.round(books["masses"]).tolist()
    for side, rest in books["buffers"].items():
        assert rest[0] == 0.0
        assert np.all(np.abs(rest)[MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
        rows = books["rows"][side]
        assert abs(rest[4]) < 0.02 * sum(abs(row[4]) for row in rows.values())
        assert rows["insertion"][0] >= 0.0 >= rows["deletion"][0]
    # The flow of 0.3 through an area of 47 at a density of 0.84, over a time of 12, and its fluctuation.
    for side, sign in (("below", -1.0), ("above", 1.0)):
        assert sign * books["sent"][side][0] == pytest.approx(0.3 * 47.0 * 0.84 * 12.0, rel=0.2)


def test_energy_is_divided_to_second_order(play):
    """Each plane gets half of the integrator's errors, of which none is of first order, mirroring included."""
    steps, means = np.array([0.008, 0.004, 0.002]), []
    for step in steps:
        one = play(step=step, pair="smooth", window=0.08)
        one.prepare(pressure=None)
        found, throughput = differences(one, 40, pressure=None)
        assert np.all(np.abs(found)[..., MASS_AND_MOMENTUM] <= ROUND_OFF * throughput[MASS_AND_MOMENTUM])
        means.append(np.abs(found[..., 4]).mean())
    order = np.polyfit(np.log(steps), np.log(means), 1)[0]
    assert 1.6 < order < 2.4, (order, means)


class NoMomentumOfTheDeleted(OpenEnd):
    def _book_deletion(self, number, taken):
        super()._book_deletion(number, [taken[0], 0.0, 0.0, 0.0, *taken[4:]])


class NoMassOfTheInserted(OpenEnd):
    def _add(self, name, mass, momentum, energy):
        super()._add(name, 0.0 if name == "insertion" else mass, momentum, energy)


class NoPotentialOfTheInserted(OpenEnd):
    def _book_insertion(self, velocities, energies):
        super()._book_insertion(velocities, 0.0 * energies)


class TwiceThePotentialOfTheDeleted(OpenEnd):
    def _book_deletion(self, number, taken):
        super()._book_deletion(number, [*taken[:5], 2.0 * taken[5]])


class NoMirror(OpenEnd):
    def close_window(self):
        before = self.rows["boundary force"]["momentum"].copy()
        super().close_window()
        # All that the force gave less a thousandth.
        self.rows["boundary force"]["momentum"] -= 1e-3 * (self.rows["boundary force"]["momentum"] - before)


@pytest.mark.parametrize(
    ("end", "column", "least"),
    [
        (NoMomentumOfTheDeleted, slice(1, 4), 0.05),
        (NoMassOfTheInserted, slice(0, 1), 0.4),
        (NoPotentialOfTheInserted, slice(4, 5), 0.4),
        (TwiceThePotentialOfTheDeleted, slice(4, 5), 0.4),
        (NoMirror, slice(3, 4), 1e-3),
    ],
)
def test_audit_shows_a_term_that_is_dropped(play, end, column, least):
    one = play(end=end, settings={"relaxation": 1.0}, pair="smooth", step=0.002)
    one.prepare()
    found, _ = differences(one, 10)
    assert one.events("insertion") > 0
    assert one.events("deletion") > 0
    # By the least that the term is in a window.
    assert np.abs(found[..., column]).max() > least
    good = play(settings={"relaxation": 1.0}, pair="smooth", step=0.002)
    good.prepare()
    assert np.abs(differences(good, 10)[0][..., column]).max() < 0.3 * least


def test_the_other_plane_shows_it_with_the_opposite_sign(play):
    one = play(settings={"relaxation": 1.0})
    one.regions["below"].open_end.__class__ = NoMassOfTheInserted
    one.prepare()
    found, _ = differences(one, 10)
    assert np.abs(found[..., 0]).max() >= 0.5
    assert np.abs(found[..., 0].sum(axis=1)).max() < 1e-12


class Truncated(Population):
    def _fraction(self, due, whole):
        return 0.0


EXTENT = Extent(area=10.0, outer=2.0, quiet=2.0)
AT_REST = Outside(np.zeros(3), 1.0, 0.5, None)


@pytest.mark.parametrize(("population", "came"), [(Population, 4), (Truncated, 0)])
def test_fractions_of_atoms_are_carried(population, came):
    """Four tenths of an atom are due in each of eleven windows."""
    one = population(EXTENT, 1.0, 1.0)
    one._learn = lambda excess: None
    whole = [one.due(AT_REST, 0.0, count=9.6, quiet=10.0) for _ in range(11)]
    assert sum(whole) == came
    assert set(whole) <= {0, 1}


@pytest.mark.parametrize("travel", [0.3, -0.3])
def test_what_flows_through_the_end_comes_or_goes_at_once(travel):
    """At the right density in the middle of the window, so many atoms as the fluid's travel holds."""
    one = Population(EXTENT, 1.0, 3.0)
    one._learn = lambda excess: None
    # 0.5 atoms per volume; half a window before its middle.
    count = 0.5 * 10.0 * (2.0 + 0.5 * travel) + 0.5 * 0.5 * 10.0 * travel
    due = [one.due(AT_REST, travel, count, 10.0) for _ in range(10)]
    assert sum(due) + one.carry == pytest.approx(-10 * 0.5 * 10.0 * travel, abs=1e-12)


def test_the_excess_at_the_end_is_left_to_it():
    """Layers hold half an atom more than their volume at the density next to the plane, which is too low by a tenth."""
    one = Population(EXTENT, 1.0, 1.0)
    for _ in range(1000):
        one.due(AT_REST, 0.0, count=9.5, quiet=9.0)
    assert one.excess == pytest.approx(0.5, rel=0.06)


def test_atoms_come_and_go_beyond_the_reach_of_the_plane_only(play):
    one = play(settings={"relaxation": 1.0}, audit_every=0)
    one.prepare()
    reach, seen = one.solver.lammps.cutoff(), []
    change = one.solver.change_atoms

    def watched(leaving, places, velocities):
        gone = np.isin(one.solver.lammps.integers("id"), leaving)
        seen.extend([*one.solver.lammps.atoms("x")[gone, 2], *places[:, 2]])
        change(leaving, places, velocities)

    one.solver.change_atoms = watched
    for _ in range(40):
        one.run()
    assert len(seen) > 40
    assert np.all((np.array(seen) < 5.0 - reach) | (np.array(seen) > 10.0 + reach))


def test_a_flow_through_an_end_comes_and_goes_at_once(play):
    """Atoms that the end took along are gone as the next window begins; where it came inward, atoms came."""
    one = play(audit_every=0, window=0.25)
    one.prepare()
    through = {"velocity": (0.0, 0.0, 0.4)}
    for _ in range(20):
        one.run(**through)
    net = {}
    for side, region in one.regions.items():
        before = dict(region.open_end.events)
        for _ in range(20):
            one.run(**through)
        came, went = (region.open_end.events[kind] - before[kind] for kind in ("insertion", "deletion"))
        net[side] = came - went
    # 0.4 through an area of 47 at a density of 0.8442, over a time of 5.
    assert net["below"] == pytest.approx(79.0, abs=15.0)
    assert net["above"] == pytest.approx(-79.0, abs=15.0)


def test_the_buffers_density_follows_the_continuums(play):
    one = play(audit_every=0, window=0.25)
    one.prepare()
    for _ in range(150):
        one.run(density=0.80, pressure=7.0)
    densities = []
    for _ in range(100):
        one.run(density=0.80, pressure=7.0)
        densities.append([region.layer.density() for region in one.regions.values()])
    assert np.mean(densities) == pytest.approx(0.80, rel=0.02)


def test_boundary_force_gives_the_virial_pressure():
    """In a fluid of the distances r alike, a mean force of (n/6) Σ S r over all distances from the end."""
    force = BoundaryForce(MPI.COMM_SELF, 2.5)
    force._number, force._sums = 10.0, np.exp(-np.arange(500) / 100.0)
    places = np.linspace(0.0, 2.5, 101)
    mean = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
    assert 0.8 * mean(force.force(), places) == pytest.approx(force.virial_pressure(0.8), rel=1e-3)
    more = force.lacking(0.8, 3.0) * (1.0 - places / 2.5)
    assert 0.8 * mean(force.force() + more, places) == pytest.approx(3.0, rel=1e-12)


def test_structure_gives_the_pressure_of_the_fluid(play):
    """The virial of the layer next to the plane is that of the equation of state, less nkT (measured/fluid.json)."""
    one = play(audit_every=0, window=0.25, settle=200)
    one.prepare()
    region = one.regions["above"]
    density = np.mean([measured_density(one) for _ in range(60)])
    virial = region.open_end._force.virial_pressure(density)
    expected = 8.5577 + 36.17 * (density - 0.8442) - density * 1.107
    assert virial == pytest.approx(expected, rel=0.05)


def measured_density(one):
    one.run()
    return one.regions["above"].layer.density()


def test_a_region_below_its_plane_is_the_mirror_of_one_above(play):
    """One plane, the interior above it."""
    one = play(planes={"below": 7.0}, script=HERE / "particles" / "in.half")
    one.prepare()
    found, throughput = differences(one, 10, velocity=(0.2, 0.0, 0.0))
    # The script's lid is no wall of the case: what it gives along the axis is in the remainder, and not in the audit.
    assert np.all(np.abs(found)[..., :3] <= ROUND_OFF * throughput[:3])
    (_, audit), *_ = one.run().values()
    # Pressure pushes the interior up, so it loses downward momentum.
    assert audit[3] < 0.0


def test_planes_that_reach_each_other_are_refused(play):
    one = play(planes={"below": 7.0, "above": 8.0})
    with pytest.raises(SolverError, match=r"two planes are 1 apart, no more than pairs reach, 1\.42"):
        one.prepare()


def test_an_end_that_leaves_the_box_is_an_error(play):
    one = play(audit_every=0)
    one.prepare()
    with pytest.raises(SolverError, match=r"the open end at 15 moves to 17 in one window, out of the box \[-1, 16\]"):
        one.run(velocity=(0.0, 0.0, 20.0))


def test_an_open_end_needs_the_density(play):
    one = play()
    with pytest.raises(SolverError, match="needs its partner's density"):
        one.prepare(density=None)


def test_a_restart_with_another_script_is_refused(play):
    one, other = play(), play(density=0.7)
    one.prepare()
    one.run()
    saved = one.solver.save()
    saved["atoms"]["type"][:] = 2
    with pytest.raises(SolverError, match="does not make the atoms that the checkpoint has"):
        other.solver.restore(saved)


def test_settings_name_their_defaults():
    side = ParticleRegionSettings.model_validate({"at": 1.0, "thickness": 1.0, "open": {}})
    assert side.open == OpenEndSettings(
        relaxation=1.0, fluctuations=False, tolerance=1e-3, iterations=100, attempts=1000
    )
