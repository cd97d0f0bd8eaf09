"""Fits pressure and energy, measured at states around a point, to one thermodynamically consistent surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EXPONENTS: tuple[tuple[int, int], ...] = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
"""(i, j) of the terms (ρ - ρ₀)^i (T - T₀)^j, in the order of all coefficient vectors here."""


@dataclass(frozen=True)
class MeasuredState:
    """One state of a fluid at fixed density and energy, and what was measured there.

    ``energy`` is per unit mass and free of noise, being conserved; ``covariance`` (2, 2) is that of the means of
    temperature and pressure, in this order.
    """

    density: float
    temperature: float
    pressure: float
    energy: float
    covariance: Array


@dataclass(frozen=True)
class EquationOfState:
    """p(ρ, T) and e(ρ, T) as second-order polynomials about (``density``, ``temperature``).

    ``pressure`` and ``energy`` are the coefficients in the order of ``EXPONENTS``, and ``covariance`` (12, 12) is
    that of both together, already widened by ``chi_squared`` per degree of freedom where that exceeds one.
    """

    density: float
    temperature: float
    pressure: Array
    energy: Array
    covariance: Array
    chi_squared: float
    degrees_of_freedom: int

    @property
    def standard_errors(self) -> tuple[Array, Array]:
        """Of the coefficients of pressure and of energy."""
        errors = np.sqrt(np.diag(self.covariance))
        return errors[:6], errors[6:]

    @property
    def maxwell_mismatch(self) -> tuple[float, float]:
        """ρ²(∂e/∂ρ)_T - p + T(∂p/∂T)_ρ at the state point, and its standard error.

        Zero by construction in a consistent fit; in a free one (``consistent=False``) it tests the measurement.
        """
        weights = np.zeros(12)
        weights[[0, 2, 7]] = -1.0, self.temperature, self.density**2
        mismatch = weights @ np.concatenate([self.pressure, self.energy])
        # In a consistent fit the variance is zero, and round-off may make it negative.
        return float(mismatch), float(np.sqrt(max(0.0, float(weights @ self.covariance @ weights))))


def fit_equation_of_state(
    states: Sequence[MeasuredState], density: float, temperature: float, consistent: bool = True
) -> EquationOfState:
    """Weighted least squares of all pressures and energies together.

    In a consistent fit both surfaces derive from one Helmholtz energy up to second order: the energy's coefficients
    10, 20 and 11 follow from the pressure's by ρ²(∂e/∂ρ)_T = p - T(∂p/∂T)_ρ. A state's error is that of its measured
    temperature and pressure carried to the surfaces, hence the repetition with better slopes. Raises ``ValueError``
    if there are fewer measured values than coefficients.
    """
    basis = _helmholtz_basis(density, temperature) if consistent else np.eye(12)
    freedom = 2 * len(states) - basis.shape[1]
    if freedom < 0:
        raise ValueError(f"{len(states)} states cannot determine {basis.shape[1]} coefficients")
    slopes = np.zeros(12)
    slopes[8] = 1.5  # An ideal gas' heat capacity, to start with.
    for _ in range(3):
        slopes = basis @ _solve(*_whitened(states, density, temperature, slopes), basis)
    rows, values = _whitened(states, density, temperature, slopes)
    design, found = rows @ basis, _solve(rows, values, basis)
    coefficients = basis @ found
    chi_squared = float(np.sum((values - design @ found) ** 2))
    covariance = basis @ np.linalg.inv(design.T @ design) @ basis.T * max(1.0, chi_squared / max(freedom, 1))
    return EquationOfState(density, temperature, coefficients[:6], coefficients[6:], covariance, chi_squared, freedom)


def _solve(rows: Array, values: Array, basis: Array) -> Array:
    return np.linalg.lstsq(rows @ basis, values, rcond=None)[0]


def _terms(x: float, y: float) -> Array:
    return np.array([x**i * y**j for i, j in EXPONENTS])


def _temperature_slope(coefficients: Array, x: float, y: float) -> float:
    return float(coefficients @ [j * x**i * y ** max(j - 1, 0) for i, j in EXPONENTS])


def _helmholtz_basis(density: float, temperature: float) -> Array:
    """(12, 9): coefficients of p and e from those of p and the energy's 00, 01 and 02.

    The Taylor expansion of (∂e/∂ρ)_T = (p - T p_T)/ρ² about the state point gives the other three.
    """
    basis = np.zeros((12, 9))
    basis[:6, :6] = np.eye(6)
    basis[[6, 8, 11], [6, 7, 8]] = 1.0
    basis[7, [0, 2]] = 1.0 / density**2, -temperature / density**2
    basis[9, [1, 4]] = 0.5 / density**2, -0.5 * temperature / density**2
    basis[9, [0, 2]] = -1.0 / density**3, temperature / density**3
    basis[10, 5] = -2.0 * temperature / density**2
    return basis


def _whitened(
    states: Sequence[MeasuredState], density: float, temperature: float, slopes: Array
) -> tuple[Array, Array]:
    """Rows of the design matrix and values, scaled so that the errors have unit covariance."""
    rows, values = [], []
    for state in states:
        x, y = state.density - density, state.temperature - temperature
        p_slope, e_slope = (_temperature_slope(one, x, y) for one in (slopes[:6], slopes[6:]))
        jacobian = np.array([[-p_slope, 1.0], [-e_slope, 0.0]])
        whiten = np.linalg.inv(np.linalg.cholesky(jacobian @ state.covariance @ jacobian.T))
        terms, none = _terms(x, y), np.zeros(6)
        rows.append(whiten @ np.array([[*terms, *none], [*none, *terms]]))
        values.append(whiten @ [state.pressure, state.energy])
    return np.concatenate(rows), np.concatenate(values)
