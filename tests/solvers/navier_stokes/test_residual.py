"""The whole discrete right-hand side against the exact one of a manufactured state.

The state's fields are trigonometric polynomials and so is every flux, so that derivatives by FFT are exact.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .flows import flow, liquid, order


def derivative(field: np.ndarray, axis: int) -> np.ndarray:
    """Exact derivative along x, y or z (axis 0, 1, 2) of a periodic field (z, y, x) on the unit box."""
    n = field.shape[2 - axis]
    if n == 1:
        return np.zeros_like(field)
    k = 2j * np.pi * np.fft.fftfreq(n, 1.0 / n)
    shape = [1, 1, 1]
    shape[2 - axis] = n
    return np.fft.ifft(np.fft.fft(field, axis=2 - axis) * k.reshape(shape), axis=2 - axis).real


def exact_rate(density, u, temperature, fluid) -> np.ndarray:
    """-div of the exact fluxes, (z, y, x, 5)."""
    p, e = fluid.pressure(density, temperature), fluid.energy(density, temperature)
    mu, bulk = fluid.viscosity(density, temperature), fluid.bulk_viscosity(density, temperature)
    kappa = fluid.conductivity(density, temperature)
    gradient = [[derivative(u[i], j) for j in range(3)] for i in range(3)]
    divergence = sum(gradient[i][i] for i in range(3))
    rate = np.zeros((*density.shape, 5))
    for j in range(3):
        stress = [mu * (gradient[i][j] + gradient[j][i]) for i in range(3)]
        stress[j] = stress[j] + (bulk - 2.0 / 3.0 * mu) * divergence
        heat = -kappa * derivative(temperature, j)
        total = density * (e + 0.5 * sum(component**2 for component in u)) + p
        fluxes = [density * u[j]]
        fluxes += [density * u[i] * u[j] + (p if i == j else 0.0) - stress[i] for i in range(3)]
        fluxes += [total * u[j] - sum(stress[i] * u[i] for i in range(3)) + heat]
        for equation, flux in enumerate(fluxes):
            rate[..., equation] -= derivative(flux, j)
    return rate


def error(cells: list[int], fluid: dict) -> np.ndarray:
    """Largest relative error of the rate of each conserved variable."""
    solver = flow(cells, fluid=fluid, initial={"density": 0.84, "velocity": [0, 0, 0], "temperature": 1.1})
    x, y, z = (2 * np.pi * c for c in solver.grid.centres())
    active = [2 * np.pi * 0 + c if n > 1 else 0 * c for c, n in zip((x, y, z), cells, strict=True)]
    a, b, c = active
    density = 0.84 + 0.03 * np.sin(a + b - c) + 0.02 * np.cos(b)
    temperature = 1.1 + 0.05 * np.cos(a - b + c) + 0.04 * np.sin(c)
    u = [0.5 * np.sin(a + b + c) + 0.2, 0.4 * np.cos(a - b) + 0.3 * np.sin(c), 0.6 * np.sin(b - c) + 0.2 * np.cos(a)]
    solver.set_state(density, u, temperature)
    exact = exact_rate(density, u, temperature, solver.fluid)
    return np.abs(solver.time_derivative() - exact).max(axis=(0, 1, 2)) / np.abs(exact).max(axis=(0, 1, 2))


@pytest.mark.parametrize("axes", ["x", "y", "z", "xy", "yz", "xz", "xyz"])
def test_right_hand_side_is_second_order(axes: str, tmp_path: Path) -> None:
    fluid = liquid(tmp_path)
    errors = [error([n if axis in axes else 1 for axis in "xyz"], fluid) for n in (16, 32)]
    for equation in range(5):
        assert 1.9 < order([e[equation] for e in errors]) < 2.1, (equation, errors)
    assert errors[-1].max() < 0.1
