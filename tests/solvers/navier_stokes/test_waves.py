"""Sound with viscosity and heat conduction against the dispersion relation of the linearised equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suture.solvers.navier_stokes import NavierStokes

from .flows import GAS, flow, liquid, order, run

AMPLITUDE = 1e-6


def sound_mode(solver: NavierStokes, density: float, temperature: float, k: float) -> tuple[complex, np.ndarray]:
    """Growth rate and amplitudes (density, longitudinal velocity, temperature) of exp(ikx + st) moving to the right.

    Derivatives of the equation of state by central differences: independent of the closure's own sound speed.
    """
    rho, t = np.array([density]), np.array([temperature])
    h = 1e-5

    def slopes(function) -> tuple[float, float]:
        by_density = (function(rho + h, t) - function(rho - h, t))[0] / (2 * h)
        return by_density, (function(rho, t + h) - function(rho, t - h))[0] / (2 * h)

    fluid = solver.fluid
    (p_rho, p_t), (e_rho, e_t) = slopes(fluid.pressure), slopes(fluid.energy)
    p = fluid.pressure(rho, t)[0]
    mu, bulk, kappa = (
        float(np.ravel(f(rho, t))[0]) for f in (fluid.viscosity, fluid.bulk_viscosity, fluid.conductivity)
    )
    matrix = np.array(
        [
            [0, -1j * k * density, 0],
            [-1j * k * p_rho / density, -(4 / 3 * mu + bulk) * k**2 / density, -1j * k * p_t / density],
            [0, -1j * k * (p / density - density * e_rho) / e_t, -kappa * k**2 / (density * e_t)],
        ]
    )
    rates, modes = np.linalg.eig(matrix)
    right = np.argmin(rates.imag)
    return rates[right], modes[:, right] / modes[0, right]


def measured_rate(
    solver: NavierStokes, direction: np.ndarray, density: float, temperature: float
) -> tuple[complex, complex]:
    """Growth rate of the mode as it ran, and the exact one; ``direction`` in whole waves along x, y, z."""
    k_vector = 2 * np.pi * direction
    k = np.linalg.norm(k_vector)
    rate, mode = sound_mode(solver, density, temperature, k)
    phase = np.exp(1j * sum(kc * c for kc, c in zip(k_vector, solver.grid.centres(), strict=True)))
    wave = [AMPLITUDE * (m * phase).real for m in mode]
    solver.set_state(density + wave[0], [n * wave[1] for n in k_vector / k], temperature + wave[2])
    time = 1.0 / abs(rate.imag)

    def amplitude() -> complex:
        return complex(np.mean((solver.density - density) * phase.conj()))

    start = amplitude()
    run(solver, time)
    return np.log(amplitude() / start) / time, rate


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 0, 1), (1, -1, 0), (0, 2, 1), (1, 1, 1)])
def test_sound_in_a_gas(direction: tuple[int, int, int]) -> None:
    three = all(direction)
    grids = (12, 24) if three else (24, 48)
    errors = []
    for n in grids:
        cells = [n if d else 1 for d in direction]
        solver = flow(cells, fluid=GAS | {"bulk_viscosity": 0.03})
        found, exact = measured_rate(solver, np.array(direction), 1.0, 1.0)
        errors.append(np.array([abs(found.imag / exact.imag - 1), abs(found.real / exact.real - 1)]))
    for part in range(2):  # speed, attenuation
        assert 1.8 < order([e[part] for e in errors]) < 2.3, errors
    assert errors[-1].max() < (0.06 if three else 0.03), errors


def test_sound_in_a_measured_liquid(tmp_path: Path) -> None:
    errors = []
    for n in (32, 64):
        solver = flow(
            [1, 1, n],
            upper=[1, 1, 40],
            fluid=liquid(tmp_path),
            initial={"density": 0.84, "velocity": [0, 0, 0], "temperature": 1.1},
            cfl=0.2,  # the damping is weak: at full steps that of the time integration would mix in
        )
        found, exact = measured_rate(solver, np.array([0, 0, 1 / 40]), 0.84, 1.1)
        errors.append(np.array([abs(found.imag / exact.imag - 1), abs(found.real / exact.real - 1)]))
    assert errors[-1].max() < 0.01
    assert all(1.8 < order([e[part] for e in errors]) < 2.2 for part in range(2)), errors


def test_sound_speed_of_the_closures(tmp_path: Path) -> None:
    """The step limit's sound speed is that of the dispersion relation without dissipation."""
    none = {"polynomial": {}}
    still = liquid(tmp_path, viscosity=none, bulk_viscosity=none, conductivity=none)
    for fluid, density, temperature in ((GAS | {"viscosity": 0, "conductivity": 0}, 1.3, 0.9), (still, 0.86, 1.2)):
        initial = {"density": density, "velocity": [0, 0, 0], "temperature": temperature}
        solver = flow([4, 1, 1], fluid=fluid, initial=initial)
        rate, _ = sound_mode(solver, density, temperature, 1.0)
        speed = solver.fluid.sound_speed(np.array([density]), np.array([temperature]))[0]
        assert abs(-rate.imag / speed - 1) < 1e-8
