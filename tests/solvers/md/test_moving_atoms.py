"""Atoms that are led move the free ones, and what these lose is what was pushed on the led ones: to round-off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.errors import SolverError
from suture.solvers.md.moving_atoms import MovingAtoms
from suture.solvers.md.solid_settings import SolidAtomsSettings

SCRIPT = Path(__file__).parents[3] / "cases" / "wave" / "in.core"
WINDOWS, WINDOW = 20, 0.02


def disc(folder: Path, window: float = WINDOW, **settings) -> MovingAtoms:
    """A small disc of a triangular lattice."""
    variables = {"core": 5.0, "radius": 9.0}
    given = SolidAtomsSettings(script=str(SCRIPT), variables=variables, free="free", plane=True, **settings)
    return MovingAtoms(given, MPI.COMM_SELF, SCRIPT, folder, window)


def swing(atoms: MovingAtoms, windows: int = WINDOWS) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Momentum gained, impulse on led atoms, energy gained and work on led atoms, as the led atoms sway and shear."""
    atoms.begin()
    first, impulse, work = atoms.inventory(), np.zeros(3), 0.0
    led = atoms.led
    for window in range(1, windows + 1):
        sway = 0.05 * np.sin(3.0 * window * WINDOW * windows / windows)
        atoms.displacement[led] = sway * np.column_stack(
            [1.0 + 0.1 * atoms.places[led, 1], 0.05 * atoms.places[led, 0], np.zeros(led.sum())]
        )
        covered = (1.0 - atoms.weight) @ atoms._energies
        atoms.advance(atoms.max_dt)
        impulse = impulse + atoms.mean_force[led].sum(axis=0) * atoms.max_dt
        work += float((atoms.mean_force[led] * atoms.path[led]).sum())
        work += float((1.0 - atoms.weight) @ atoms._energies - covered)
    last = atoms.inventory()
    return last["momentum"] - first["momentum"], impulse, float(last["energy"][0] - first["energy"][0]), work


def test_momentum_lost_is_impulse_on_the_led(tmp_path: Path) -> None:
    atoms = disc(tmp_path)
    gained, impulse, _, _ = swing(atoms)
    assert np.abs(impulse).max() > 0.5
    assert gained == pytest.approx(-impulse, abs=1e-11 * atoms.gross()["momentum"][0])


def test_a_dropped_end_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Verlet's half weights at a window's ends the books are wrong by far more than round-off."""
    atoms = disc(tmp_path)
    look = MovingAtoms._look

    def without_ends(self):
        before = self.force[self.led]
        return look(self) - 0.5 * (before - self.force[self.led]) / self.steps

    monkeypatch.setattr(MovingAtoms, "_look", without_ends)
    gained, impulse, _, _ = swing(atoms)
    assert np.abs(gained + impulse).max() > 1e-6


def test_energy_lost_is_work_on_the_led_to_second_order(tmp_path: Path) -> None:
    errors = []
    for name, timestep in (("one", 0.01), ("half", 0.005), ("quarter", 0.0025)):
        (tmp_path / name).mkdir()
        atoms = disc(tmp_path / name)
        atoms.lammps.command(f"timestep {timestep}")
        atoms.lammps._constants.clear()
        atoms.steps = round(WINDOW / timestep)
        _, _, gained, work = swing(atoms)
        errors.append(abs(gained + work))
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2.0, 2.0], abs=0.35), errors


def test_baths_are_booked(tmp_path: Path) -> None:
    band = {"lower": (-2, -2, -np.inf), "upper": (2, 2, np.inf), "length": 3.0, "rate": 5.0, "temperature": 0.1}
    atoms = disc(tmp_path, baths={"rim": band})
    gained, impulse, energy, work = swing(atoms)
    given = atoms.heat["rim"]
    assert np.abs(given[:2]).min() > 1e-3 and abs(given[3]) > 0.1
    assert gained == pytest.approx(given[:3] - impulse, abs=1e-11 * atoms.gross()["momentum"][0])
    assert energy == pytest.approx(given[3] - work, abs=2e-3 * abs(given[3]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baths": {"x": {"lower": (0, 0, 0), "upper": (0, 1, 1), "length": 1, "rate": 1}}}, "along x 'lower' is 0"),
        (
            {"baths": {"x": {"lower": (0, 0, 0), "upper": (1, 1, 1), "length": 1, "rate": 1}},
             "time_integration": "quasi-static"},
            "'baths' act on velocities; there are none where time_integration is 'quasi-static'",
        ),
        (
            {"baths": {"integration error": {"lower": (0, 0, 0), "upper": (1, 1, 1), "length": 1, "rate": 1}}},
            "a bath has the name 'integration error', which is a row of the books",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SolidAtomsSettings(script="in.core", free="free", **settings)


def test_windows_that_are_no_steps(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match="a window of 0.013 is not a whole number of the LAMMPS script's time steps"):
        disc(tmp_path, 0.013)
    atoms = disc(tmp_path)
    with pytest.raises(SolverError, match="atoms advance by whole windows of 0.02, not by 0.03"):
        atoms.advance(0.03)
