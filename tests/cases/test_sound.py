"""A sound pulse through atoms: linear acoustics, a short coupled run on real engines, and the stored pairs of runs."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.audit import Books, read_books
from suture.solvers.navier_stokes import NavierStokesSettings
from suture.solvers.navier_stokes.closures import read_fluid_file

from ..mpi import suture
from .variants import ROOT, evaluation, variant

CASE = ROOT / "cases" / "sound"
SMALL = (
    ("end = 19.0", "end = 1.5"),
    ("seed = 1", "seed = 1, cells = 4, equilibration = 300"),
    ("12.0, 12.0,", "6.857142857142857, 6.857142857142857,"),
    ("settle = 80\naudit_every = 38", "settle = 4\naudit_every = 4"),
    # The middle of the pulse comes to the atoms at once.
    ("z + 55", "z - 0"),
)
"""Twelve windows of some 1,200 atoms."""


@pytest.fixture(scope="module")
def sound() -> ModuleType:
    return evaluation("sound")


@pytest.fixture(scope="module")
def fluid(sound: ModuleType) -> Any:
    return sound.measured_fluid()


def spectral(fluid: Any, sound: ModuleType, z: np.ndarray, time: float) -> np.ndarray:
    """r+ of the linearised equations for density, velocity and temperature, each wave by itself, by exponentials."""
    file = read_fluid_file(CASE / "measured" / "fluid.json")
    p, e, rho = file.equation_of_state.pressure, file.equation_of_state.energy, fluid.density
    stress = 4.0 / 3.0 * file.viscosity.polynomial["00"] + file.bulk_viscosity.polynomial["00"]
    conductivity = file.conductivity.polynomial["00"]
    shape = sound.AMPLITUDE * np.exp(-0.5 * ((z - sound.START) / sound.WIDTH) ** 2)
    per_velocity = rho / fluid.sound_speed
    start = np.fft.fft(np.stack((per_velocity * shape, shape, fluid.heating * per_velocity * shape)), axis=1)
    done = np.empty_like(start)
    for n, k in enumerate(2.0 * np.pi * np.fft.fftfreq(len(z), z[1] - z[0])):
        heat = fluid.heating * rho * 1j * k
        rates = np.array(
            [
                [0.0, -rho * 1j * k, 0.0],
                [-1j * k * p["10"] / rho, -stress / rho * k**2, -1j * k * p["01"] / rho],
                [0.0, -heat, -conductivity / (rho * e["01"]) * k**2],
            ]
        )
        values, vectors = np.linalg.eig(rates)
        done[:, n] = vectors @ (np.exp(values * time) * np.linalg.solve(vectors, start[:, n]))
    density, velocity, temperature = np.fft.ifft(done, axis=1).real
    pressure = p["10"] * density + p["01"] * temperature
    return 0.5 * (velocity + pressure / (rho * fluid.sound_speed))


def test_the_speed_of_sound_is_that_of_the_measured_fluid(fluid: Any) -> None:
    # c² = dp/drho + dp/dT (p/rho² - de/drho)/c_v, with the numbers of the file: 36.171 + 5.2455 · 8.1477/2.3368.
    assert fluid.sound_speed == pytest.approx((36.1708 + 5.24547 * 8.14768 / 2.33684) ** 0.5, rel=1e-5)


@pytest.mark.parametrize("time", [5.0, 11.5])
def test_the_pulse_is_that_of_the_linear_equations(sound: ModuleType, fluid: Any, time: float) -> None:
    z = np.arange(-400.0, 400.0, 0.5)
    difference = sound.pulse(fluid, z, time) - spectral(fluid, sound, z, time)
    # What is left is of second order in Gamma k/c.
    assert np.abs(difference).max() < 0.004 * sound.AMPLITUDE


def test_the_flow_alone_comes_to_the_pulse_in_second_order(
    sound: ModuleType, fluid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays = []
    for cell in (2.5, 1.25):
        monkeypatch.setattr(sound, "CELL", cell)
        delays.append(sound.fit(fluid, sound.pair_without_atoms()[2], sound.PLANES[1])[1])
    assert 0.0 < delays[1] < 0.3 * delays[0]
    assert delays[0] < 0.07, "of an arrival after 11.5"


def test_the_case_starts_with_a_simple_wave(sound: ModuleType) -> None:
    case = tomllib.loads((CASE / "case.toml").read_text())["participants"]["left"]["solver"]
    settings = NavierStokesSettings.model_validate(case)
    whole = sound.whole()
    cells = settings.cells[2]
    z = -115.0 + 2.5 * (np.arange(cells) + 0.5)
    np.testing.assert_allclose(settings.initial.density(z=z), whole.density.ravel()[:cells], rtol=1e-6)
    np.testing.assert_allclose(settings.initial.velocity[2](z=z), whole.velocity[2].ravel()[:cells], atol=1e-12)
    np.testing.assert_allclose(settings.initial.temperature(z=z), whole.temperature.ravel()[:cells], rtol=1e-6)


@pytest.fixture(scope="module")
def made_up(sound: ModuleType, fluid: Any) -> np.ndarray:
    """Pairs that have a reflection of 0.3 of the amplitude, and a tenth lost, one record (0.5) late; with noise."""
    clear = sound.pair_without_atoms()
    clear[1] += 0.3 * clear[0]
    clear[2] = 0.9 * np.roll(clear[2], 1)
    noise = 0.02 * np.random.default_rng(0).standard_normal((100, 2, *clear.shape))
    return np.stack((clear, -clear)) + noise


def test_a_made_up_reflection_is_found(sound: ModuleType, fluid: Any, made_up: np.ndarray) -> None:
    found = sound.pulses(fluid, made_up)
    for name, wanted in (("reflected_energy", 0.09), ("delay_by_the_atoms", 0.5), ("incoming_delay", 0.0)):
        assert abs(found[name] - wanted) < 3.0 * found[f"{name}_error"], name
    assert found["reflected_energy_error"] < 0.01
    ratio = found["amplitude_over_theory"] / found["amplitude_over_theory_without_atoms"]
    assert abs(ratio - 0.9) < 3.0 * found["amplitude_over_theory_error"] < 0.02


def test_noise_is_no_reflection(sound: ModuleType) -> None:
    noise = np.random.default_rng(2).standard_normal((2000, 40))
    # The mean's square alone is 40/2000; the estimate has a standard deviation of sqrt(2 · 40)/2000.
    assert abs(sound.unbiased_square(noise)) < 0.015
    assert sound.unbiased_square(noise + 1.0) == pytest.approx(40.0, rel=0.02)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant("sound", tmp_path_factory.mktemp("sound") / "sound", *SMALL)
    suture("run", folder)
    return folder / "RUN"


@pytest.fixture(scope="module")
def books(run: Path) -> Books:
    return read_books(run)


class TestAShortRun:
    """Twelve windows, the middle of the pulse at the plane where it enters."""

    def test_every_balance_closes(self, books: Books) -> None:
        assert books.complete
        assert books.windows == 12
        assert books.worst <= 1e-12
        assert not np.isnan([b.defect for b in [*books.participants, *books.flows, books.whole]]).any()

    def test_it_closes_with_both_planes_only(self, run: Path) -> None:
        with h5py.File(run / "ledger.h5") as file:
            change = np.diff(file["participants/atoms/inventory"][:], axis=0)
            sent = [file["flows"][flow]["sent"][:] for flow in file["flows"]]
        throughput = sum(np.abs(amount).sum(axis=0) for amount in sent)
        assert (np.abs(change + sum(sent)) <= 1e-12 * throughput).all()
        for amount in sent:
            assert (np.abs(change + amount).max(axis=0) > 1e-3 * throughput)[[0, 3, 4]].all()

    def test_the_audits_of_both_planes_agree(self, books: Books) -> None:
        assert len(books.audits) == 2
        for audit in books.audits.values():
            assert audit["windows"] == 3
            assert np.asarray(audit["relative"])[:4].max() <= 1e-12

    def test_atoms_come_and_go(self, run: Path) -> None:
        with h5py.File(run / "ledger.h5") as file:
            for flow in file["buffers"]:
                rows = file["buffers"][flow]["rows"]
                assert rows["insertion"][:, 0].sum() > 0.0 > rows["deletion"][:, 0].sum()

    def test_the_atoms_let_the_pulse_in(self, run: Path) -> None:
        # Next to the plane it is 0.1 at first and 0.075 after 1.5; where it could not enter, nothing would move.
        with h5py.File(run / "left" / "profiles.h5") as file:
            assert file["velocity"][:, -8:, 2].mean() > 0.04


@pytest.fixture(scope="module")
def pairs(sound: ModuleType, fluid: Any) -> dict[str, float]:
    return sound.pulses(fluid, sound.stored_pairs())


class TestTheStoredPairs:
    """Runs of independent seeds, with +A and -A, against the measured equation of state."""

    def test_the_pulse_arrives_when_it_should(self, pairs: dict[str, float]) -> None:
        assert pairs["arrival_over_theory_error"] < 0.005
        assert abs(pairs["arrival_over_theory"] - 1.0) + 2.0 * pairs["arrival_over_theory_error"] < 0.02

    def test_another_speed_of_sound_is_seen(self, sound: ModuleType, fluid: Any) -> None:
        faster = replace(fluid, sound_speed=1.03 * fluid.sound_speed)
        assert sound.pulses(faster, sound.stored_pairs()[:4])["arrival_over_theory"] > 1.02

    def test_little_is_reflected(self, pairs: dict[str, float]) -> None:
        assert pairs["reflected_energy_error"] < 0.01
        assert pairs["reflected_energy"] + 2.0 * pairs["reflected_energy_error"] < 0.05

    def test_the_pulse_passes_whole(self, pairs: dict[str, float]) -> None:
        assert pairs["amplitude_over_theory_error"] < 0.03
        assert pairs["amplitude_over_theory"] == pytest.approx(1.0, abs=0.05)

    def test_provenance(self) -> None:
        inputs = json.loads((CASE / "reference" / "ensemble.json").read_text())["provenance"]["inputs"]
        for name, digest in inputs.items():
            assert hashlib.sha256((CASE / name).read_bytes()).hexdigest() == digest, name
