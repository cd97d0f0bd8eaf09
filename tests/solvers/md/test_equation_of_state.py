"""The fit of an equation of state against Helmholtz energies that are known."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.md.equation_of_state import MeasuredState, fit_equation_of_state

DENSITY, TEMPERATURE = 0.8, 1.1
COVARIANCE = np.array([[1e-6, -2e-6], [-2e-6, 9e-6]])


def quadratic_pressure(density: float, temperature: float) -> tuple[float, float]:
    """p and e of f = -T ln T 3/2 + a(ρ) + T b(ρ), whose p is linear in T: consistent, and not a polynomial."""
    a, b = 4.0 * density**3 - 3.0 * density, 2.0 * density**2
    da, db = 12.0 * density**2 - 3.0, 4.0 * density
    return density**2 * (da + temperature * db) + density * temperature, a + 1.5 * temperature + 0.0 * b


def states(half: float, noise: np.random.Generator | None = None, function=quadratic_pressure) -> list[MeasuredState]:
    """A grid of states of relative half-width ``half``; noise is on the measured temperature and pressure."""
    made = []
    for x in (-1.0, -0.5, 0.0, 0.5, 1.0):
        for y in (-1.0, 0.0, 1.0):
            density, temperature = DENSITY * (1 + half * x), TEMPERATURE * (1 + half * y)
            pressure, energy = function(density, temperature)
            dT, dp = noise.multivariate_normal([0.0, 0.0], COVARIANCE) if noise else (0.0, 0.0)
            made.append(MeasuredState(density, temperature + dT, pressure + dp, energy, COVARIANCE))
    return made


def taylor(function, key: str) -> tuple[float, float]:
    """A coefficient of p and of e by high-order finite differences."""
    h = 1e-3
    d = lambda i, j: np.array(function(DENSITY + i * h, TEMPERATURE + j * h))  # noqa: E731
    found = {
        "00": d(0, 0),
        "10": (8 * (d(1, 0) - d(-1, 0)) - (d(2, 0) - d(-2, 0))) / (12 * h),
        "01": (8 * (d(0, 1) - d(0, -1)) - (d(0, 2) - d(0, -2))) / (12 * h),
        "20": 0.5 * (d(1, 0) - 2 * d(0, 0) + d(-1, 0)) / h**2,
        "11": 0.25 * (d(1, 1) - d(1, -1) - d(-1, 1) + d(-1, -1)) / h**2,
        "02": 0.5 * (d(0, 1) - 2 * d(0, 0) + d(0, -1)) / h**2,
    }[key]
    return float(found[0]), float(found[1])


def test_free_fit_recovers_polynomials_exactly():
    rng = np.random.default_rng(1)
    p, e = rng.normal(size=6), rng.normal(size=6)
    e[2] = 2.0

    def polynomials(density: float, temperature: float) -> tuple[float, float]:
        x, y = density - DENSITY, temperature - TEMPERATURE
        terms = np.array([1.0, x, y, x * x, x * y, y * y])
        return float(p @ terms), float(e @ terms)

    fit = fit_equation_of_state(states(0.05, function=polynomials), DENSITY, TEMPERATURE, consistent=False)
    np.testing.assert_allclose(fit.pressure, p, atol=1e-9)
    np.testing.assert_allclose(fit.energy, e, atol=1e-9)


@pytest.mark.parametrize(("key", "order"), [("00", 3.9), ("10", 1.9), ("01", 1.9), ("20", 0.9)])
def test_consistent_fit_converges_to_a_helmholtz_energy(key: str, order: float):
    """Errors fall at least as the first neglected term, seen through the fit, with the width of the grid."""
    index = ("00", "10", "01", "20").index(key)
    errors = []
    for half in (0.08, 0.04, 0.02):
        fit = fit_equation_of_state(states(half), DENSITY, TEMPERATURE)
        p, e = taylor(quadratic_pressure, key)
        errors.append(abs(fit.pressure[index] - p) + abs(fit.energy[index] - e))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(orders > order) or errors[-1] < 1e-7


def test_consistent_fit_fulfils_the_maxwell_relation_and_a_free_one_tests_it():
    rng = np.random.default_rng(2)
    consistent = fit_equation_of_state(states(0.05, rng), DENSITY, TEMPERATURE)
    assert consistent.maxwell_mismatch[0] == pytest.approx(0.0, abs=1e-12)

    free = fit_equation_of_state(states(0.05, rng), DENSITY, TEMPERATURE, consistent=False)
    mismatch, error = free.maxwell_mismatch
    assert abs(mismatch) < 4.0 * error

    def inconsistent(density: float, temperature: float) -> tuple[float, float]:
        p, e = quadratic_pressure(density, temperature)
        return p, e + 0.5 * (density - DENSITY)

    free = fit_equation_of_state(states(0.05, rng, inconsistent), DENSITY, TEMPERATURE, consistent=False)
    mismatch, error = free.maxwell_mismatch
    assert mismatch == pytest.approx(0.5 * DENSITY**2, abs=4.0 * error)
    assert mismatch > 5.0 * error


def test_standard_errors_are_those_of_repeated_measurements():
    rng = np.random.default_rng(3)
    fits = [fit_equation_of_state(states(0.02, rng), DENSITY, TEMPERATURE) for _ in range(200)]
    found = np.array([np.concatenate([fit.pressure, fit.energy]) for fit in fits])
    said = np.sqrt(np.mean([np.diag(fit.covariance) for fit in fits], axis=0))
    np.testing.assert_allclose(found.std(axis=0), said, rtol=0.25)
    np.testing.assert_allclose(np.mean([fit.chi_squared for fit in fits]), fits[0].degrees_of_freedom, rtol=0.1)


def test_consistency_makes_the_energy_more_certain():
    rng = np.random.default_rng(4)
    measured = states(0.05, rng)
    tied = fit_equation_of_state(measured, DENSITY, TEMPERATURE)
    free = fit_equation_of_state(measured, DENSITY, TEMPERATURE, consistent=False)
    assert np.all(tied.standard_errors[1] <= free.standard_errors[1] * 1.05)


def test_too_few_states():
    with pytest.raises(ValueError, match="3 states cannot determine 9 coefficients"):
        fit_equation_of_state(states(0.05)[:3], DENSITY, TEMPERATURE)
