"""Thermal fluctuations of a cell, against ideal gases and the published forms."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers import fluctuations

DENSITY, TEMPERATURE = 0.813, 1.1
"""Of a Lennard-Jones liquid, k = m = 1."""


@pytest.mark.parametrize(("edge", "deviation"), [(2.5, 0.294), (5.0, 0.104)])
def test_a_sample_of_the_velocity_of_a_small_cell(edge, deviation):
    """σ = √(kT / (ρ V)), worked out by hand."""
    assert fluctuations.velocity(TEMPERATURE, DENSITY, edge**3) == pytest.approx(deviation, abs=5e-4)


def test_one_per_cent_of_a_slow_flow_needs_thousands_of_samples():
    """(0.294 / (0.01 · 0.5))² = 3,460 for U = 0.5 and a cell of 2.5³."""
    deviation = fluctuations.velocity(TEMPERATURE, DENSITY, 2.5**3)
    assert fluctuations.samples(deviation, 0.01 * 0.5) == pytest.approx(3460, rel=2e-3)


def test_a_monatomic_ideal_gas():
    """N atoms: σ_ρ/ρ = 1/√N (Poisson), σ_T/T = √(2 / 3N), σ_P/P = √(γ/N); k = m = 1."""
    density, temperature, volume, gamma = 0.2, 1.7, 90.0, 5.0 / 3.0
    atoms = density * volume
    assert fluctuations.density(temperature, density, temperature, volume) == pytest.approx(density / np.sqrt(atoms))
    deviation = fluctuations.temperature(temperature, temperature, density, 1.5, volume)
    assert deviation == pytest.approx(temperature * np.sqrt(2.0 / (3.0 * atoms)))
    deviation = fluctuations.pressure(temperature, density, np.sqrt(gamma * temperature), volume)
    assert deviation == pytest.approx(density * temperature * np.sqrt(gamma / atoms))


def test_a_liquid_in_the_published_form():
    """σ_ρ/ρ = √(κ/κ_ideal) / √N and σ_P = n kT (c/c_ideal) √(γ/N), both against an ideal gas of this n and T."""
    stiffness, sound, volume, gamma = 21.12, 5.6, 27.0, 5.6**2 / 21.12
    atoms = DENSITY * volume
    compressibility, ideal = 1.0 / (DENSITY * stiffness), 1.0 / (DENSITY * TEMPERATURE)
    published = DENSITY * np.sqrt(compressibility / ideal / atoms)
    assert fluctuations.density(TEMPERATURE, DENSITY, stiffness, volume) == pytest.approx(published)
    acoustic = sound / np.sqrt(gamma * TEMPERATURE)
    published = DENSITY * TEMPERATURE * acoustic * np.sqrt(gamma / atoms)
    assert fluctuations.pressure(TEMPERATURE, DENSITY, sound, volume) == pytest.approx(published)


def test_all_of_a_region_forgets_in_a_twelfth_of_its_diffusion_time():
    """Σ n⁻⁴ / Σ n⁻² over odd n is π²/12, so the time is L² / (12 D)."""
    assert fluctuations.diffusion_time(0.5, 3.0, 3.0) == pytest.approx(9.0 / (12.0 * 0.5), rel=1e-4)
    thin, thick = (fluctuations.diffusion_time(0.5, edge, 30.0) for edge in (1.0, 10.0))
    assert thin < thick < fluctuations.diffusion_time(0.5, 30.0, 30.0)


def test_the_time_of_a_layer_is_that_of_a_field_on_a_grid():
    """Fluctuating diffusion on 40 cells between walls, each mode an Ornstein-Uhlenbeck process, summed exactly."""
    cells, layer = 40, slice(18, 22)
    laplacian = 2.0 * np.eye(cells) - np.eye(cells, k=1) - np.eye(cells, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 3.0  # the walls are half a cell away
    rates, modes = np.linalg.eigh(laplacian)
    shares = np.square(modes[layer].sum(axis=0))
    exact = np.sum(shares / rates) / np.sum(shares)
    assert fluctuations.diffusion_time(1.0, 4.0, 40.0) == pytest.approx(exact, rel=0.01)
