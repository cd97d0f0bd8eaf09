"""Baths inside LAMMPS: their law, their books, the temperature they make, and the waves that a cold one sends back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from scipy import stats

from suture.couplers.blocking import Blocking
from suture.solvers.md.bath import Band, Bath
from suture.solvers.md.library import Lammps

from ...mpi import mpirun
from .baths import ABOVE, BAND, EVERYWHERE, HERE, INF, crystal, energy, momentum

SITES = 1101
REFLECTED = {0.02: 0.106, 0.05: 6.1e-3, 0.1: 2.1e-4, 0.2: 1.5e-5, 0.4: 2.9e-6}
"""Computed: energy that a band of 100 sites before a fixed end sends back at q/π, linear growth to 1, k = m = 1."""
BOLTZMANN, MVV2E = 8.617343e-5, 1.0364269e-4
"""LAMMPS' units metal (2021; later versions differ in the sixth digit)."""


@pytest.fixture
def lammps(tmp_path):
    made = []

    def make(script, **variables):
        (folder := tmp_path / str(len(made))).mkdir()
        made.append(Lammps(MPI.COMM_SELF, folder / "log.lammps", variables))
        made[-1].script(HERE / script)
        return made[-1]

    yield make
    for one in made:
        one.close()


class TestTheLaw:
    """Ornstein and Uhlenbeck's process over any time, in units in which neither k nor the unit of mass is 1."""

    def test_free_atoms_slow_down_exponentially(self, lammps):
        gas = lammps("gas.lmp")
        bath = Bath(gas, "bath", "heavy", Band(ABOVE, (INF, INF, 10.0), (0.0, 15.0), rate=3.0), key=1)
        gas.command("run 0 post no")
        gas.atoms("v")[:] = [1e-9, 2e-9, -3e-9]
        place, heavy = gas.atoms("x")[:, 2].copy(), gas.integers("type") == 2
        bath.begin(50)
        gas.run(50)
        inside = heavy & (place > 10.0) & (place < 25.0)
        expected = np.where(inside[:, None], np.exp(-3.0 * 0.1), 1.0) * np.array([1e-9, 2e-9, -3e-9])
        assert gas.atoms("v") == pytest.approx(expected, rel=1e-12)
        lost = 72.64 * inside.sum() * np.array([1e-9, 2e-9, -3e-9]) * np.expm1(-0.3)
        assert bath.take()[0, :3] == pytest.approx(lost, rel=1e-10)

    @pytest.mark.parametrize("steps", [1, 20])
    def test_atoms_at_rest_get_the_variance_of_the_time(self, lammps, steps):
        gas = lammps("gas.lmp")
        bath = Bath(gas, "bath", "all", Band(ABOVE, (INF, INF, -1.0), (0.0, INF), rate=5.0), key=3)
        bath.heat_to([300.0])
        gas.command("run 0 post no")
        bath.begin(steps)
        gas.run(steps)
        reached = -np.expm1(-2.0 * 5.0 * 0.002 * steps)
        drawn = gas.atoms("v") / np.sqrt(reached * BOLTZMANN * 300.0 / (MVV2E * gas.masses()))[:, None]
        assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in drawn.T)
        assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 5.0 / np.sqrt(len(drawn))
        kinetic = 0.5 * MVV2E * (gas.masses() @ gas.atoms("v") ** 2).sum()
        assert bath.take()[0, 3] == pytest.approx(kinetic, rel=1e-5)
        assert kinetic == pytest.approx(reached * 1.5 * 6000 * BOLTZMANN * 300.0, rel=5.0 * np.sqrt(2.0 / 18_000))

    def test_the_rate_grows_with_the_distance_from_a_box(self, lammps):
        gas = lammps("gas.lmp")
        band = Band((10.0, 10.0, -INF), (30.0, 30.0, INF), (0.0, 4.0, 11.0), rate=2.0, length=8.0, power=2.0)
        bath = Bath(gas, "bath", "all", band, key=1)
        gas.command("run 0 post no")
        gas.atoms("v")[:] = 1e-9
        off = np.maximum(np.abs(gas.atoms("x")[:, :2] - 20.0) - 10.0, 0.0)
        distance = np.hypot(*off.T)
        bath.begin(1)
        gas.run(1)
        rate = 2.0 * np.minimum(distance / 8.0, 1.0) ** 2 * (distance < 11.0)
        assert gas.atoms("v")[:, 1] == pytest.approx(1e-9 * np.exp(-0.002 * rate), rel=1e-9)
        slab = [(distance > 0.0) & (distance < 4.0), (distance >= 4.0) & (distance < 11.0)]
        lost = [(gas.masses() * (gas.atoms("v")[:, 0] - 1e-9))[chosen].sum() for chosen in slab]
        assert bath.take()[:, 0] == pytest.approx(lost, rel=1e-8)

    def test_it_rests_after_its_steps(self, lammps):
        gas = lammps("gas.lmp")
        bath = Bath(gas, "bath", "all", Band(ABOVE, (INF, INF, -1.0), (0.0, INF), rate=5.0), key=3)
        bath.heat_to([300.0])
        gas.command("run 0 post no")
        bath.begin(4)
        gas.run(4)
        before = gas.atoms("v").copy()
        assert np.any(bath.take() != 0.0)
        gas.run(4)
        assert np.array_equal(gas.atoms("v"), before)
        assert np.array_equal(bath.take(), np.zeros((1, 4)))


class TestTheBooks:
    """All that changes a crystal is its bath, and the integrator's error."""

    def test_momentum_to_round_off_and_energy_of_second_order(self, tmp_path):
        steps, missing = np.array([0.008, 0.004, 0.002]), []
        for step in steps:
            (folder := tmp_path / f"{step}").mkdir()
            lammps, bath = crystal(MPI.COMM_SELF, folder, BAND, step=step)
            held, found = energy(lammps), []
            for _ in range(40):
                pushed = momentum(lammps)
                bath.begin(round(0.08 / step))
                lammps.run(round(0.08 / step))
                given, now = bath.take().sum(axis=0), energy(lammps)
                scale = np.abs(lammps.masses() @ np.abs(lammps.atoms("v")))
                assert np.all(np.abs(momentum(lammps) - pushed - given[:3]) < 1e-12 * scale)
                found.append(now - held - given[3])
                held = now
            missing.append(np.abs(found).mean())
            lammps.close()
        order = np.polyfit(np.log(steps), np.log(missing), 1)[0]
        assert 1.8 < order < 2.2, (order, missing)

    def test_each_rank_has_its_share(self):
        found = []
        for ranks in (1, 2, 3):
            done = mpirun(ranks, "-m", "mpi4py", HERE / "play_bath.py")
            found.append({key: np.array(value) for key, value in json.loads(done.stdout.splitlines()[-1]).items()})
        for one in found:
            assert one["given"].sum(axis=0)[:3] == pytest.approx(one["momentum"], abs=1e-11)
            assert one["given"].sum(axis=0)[3] == pytest.approx(one["energy"], rel=0.01)
            assert one["velocities"] == pytest.approx(found[0]["velocities"], abs=1e-9)
            assert one["given"] == pytest.approx(found[0]["given"], abs=1e-9)
        assert np.all(np.abs(found[0]["given"][:, 3]) > 1.0)


def test_a_crystal_comes_to_the_temperature_of_the_bath(tmp_path):
    lammps, bath = crystal(MPI.COMM_SELF, tmp_path, EVERYWHERE, temperatures=[0.4], heat=0.1, step=0.004)
    blocking, atoms = Blocking(1), lammps.count
    for window in range(1200):
        bath.begin(5)
        lammps.run(5)
        if window >= 200:
            kinetic = float((lammps.masses() @ lammps.atoms("v") ** 2).sum()) / (3.0 * atoms)
            blocking.add(np.array([[kinetic]]))
    lammps.close()
    error = float(blocking.error()[0])
    assert error < 0.004
    assert float(blocking.mean()[0]) == pytest.approx(0.4, abs=4.0 * error)


def chain_file(folder: Path, sites: int) -> Path:
    """The chain's atoms and bonds, for ``sites.lmp``."""
    atoms = "\n".join(f"{i + 1} 1 1 {i} 0 0" for i in range(sites))
    bonds = "\n".join(f"{i} 1 {i} {i + 1}" for i in range(1, sites))
    head = f"chain\n\n{sites} atoms\n1 atom types\n{sites - 1} bonds\n1 bond types\n"
    box = f"-1 {sites} xlo xhi\n-3 3 ylo yhi\n-3 3 zlo zhi\n"
    path = folder / "chain.data"
    path.write_text(f"{head}\n{box}\nMasses\n\n1 1.0\n\nAtoms\n\n{atoms}\n\nBonds\n\n{bonds}\n")
    return path


def frequency(q):
    """Of velocity Verlet in steps of 0.2."""
    return np.arcsin(0.2 * np.sin(q / 2.0)) / 0.1


def amplitudes(chain, q, last):
    """Of the waves that travel upward, and downward, on the sites before ``last``: |Σ u exp(-iqx)|."""
    place, u, v = displaced(chain)
    phases = np.exp(-1j * q * place[:last])
    position, speed = phases @ u[:last], phases @ v[:last] / (np.sin(0.2 * frequency(q)) / 0.2)
    return 0.5 * abs(position + 1j * speed), 0.5 * abs(position - 1j * speed)


def displaced(chain):
    """Sites, displacements and velocities along the chain, by site."""
    order = np.argsort(chain.integers("id"))
    place = np.arange(float(len(order)))
    return place, chain.atoms("x")[order, 0] - place, chain.atoms("v")[order, 0]


@pytest.mark.parametrize("part", REFLECTED)
def test_what_a_stadium_of_real_atoms_sends_back(lammps, tmp_path, part):
    q = part * np.pi
    chain = lammps("sites.lmp", sites=SITES, chain=chain_file(tmp_path, SITES))
    stadium = Bath(chain, "bath", "moving", Band(ABOVE, (1000.0, INF, INF), (0.0, 100.5), 1.0, 100.0, 1.0), key=1)
    order = np.argsort(chain.integers("id"))
    place = np.arange(1000.0)
    shape = 1e-4 * np.exp(-0.5 * ((place - 520.0) / 60.0) ** 2) * np.cos(q * (place - 520.0))
    numbers = 2.0 * np.pi * np.fft.fftfreq(1000)
    omega = np.sign(numbers) * np.sin(0.2 * frequency(np.abs(numbers))) / 0.2
    chain.atoms("x")[order[:1000], 0] += shape
    chain.atoms("v")[order[:1000], 0] = np.fft.ifft(-1j * omega * np.fft.fft(shape)).real
    chain.command("run 0 post no")
    sent, _ = amplitudes(chain, q, 1000)
    opening = chain_energy(chain)
    steps = round(1060.0 / np.cos(q / 2.0) / 0.2)
    stadium.begin(steps)
    chain.run(steps)
    returned = (amplitudes(chain, q, 1000)[1] / sent) ** 2
    assert returned == pytest.approx(REFLECTED[part], rel=0.1)
    # Verlet keeps an energy that differs by (ω Δt)²/8 of a wave's.
    assert stadium.take()[0, 3] == pytest.approx(chain_energy(chain) - opening, rel=0.01)


def chain_energy(chain) -> float:
    _, u, v = displaced(chain)
    return float(0.5 * (v**2).sum() + 0.5 * (np.diff(u) ** 2).sum())
