"""Correlation integrals and their error bars against processes whose integrals are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from suture.solvers.md.green_kubo import autocorrelation, running_integral, settled, time_integral
from suture.solvers.md.statistics import block_means, covariance_of_mean, standard_error

PARTS = ((0.9, 0.15), (0.1, 0.6))
"""Variance and relaxation time of two Ornstein-Uhlenbeck processes whose sum relaxes like a dense fluid's stress."""
EXACT = sum(variance * time for variance, time in PARTS)


def ornstein_uhlenbeck(rng: np.random.Generator, shape: tuple[int, ...], variance: float, time: float, spacing: float):
    """Exact samples along axis 1 with C(t) = variance exp(-t/time)."""
    keep = np.exp(-spacing / time)
    noise = rng.normal(size=shape) * np.sqrt(variance * (1.0 - keep**2))
    noise[:, 0] = rng.normal(size=noise[:, 0].shape) * np.sqrt(variance)
    return lfilter([1.0], [1.0, -keep], noise, axis=1)


def flux(rng: np.random.Generator, length: float, spacing: float = 0.02, blocks: int = 32) -> np.ndarray:
    shape = (blocks, round(length / blocks / spacing), 5)
    return sum(ornstein_uhlenbeck(rng, shape, *part, spacing) for part in PARTS)


def test_autocorrelation_is_the_direct_sum():
    series = np.random.default_rng(1).normal(size=(50, 2))
    direct = [np.mean(np.sum(series[: 50 - k] * series[k:], axis=0) / (50 - k)) for k in range(20)]
    np.testing.assert_allclose(autocorrelation(series, 20), direct, rtol=1e-12)


def test_autocorrelation_refuses_more_lags_than_samples():
    with pytest.raises(ValueError, match="60 lags asked of 50 samples"):
        autocorrelation(np.zeros((50, 1)), 60)


def test_running_integral_is_second_order_on_a_function_with_a_cusp():
    errors = []
    for spacing in (0.1, 0.05, 0.025):
        times = np.arange(0.0, 20.0, spacing)
        errors.append(abs(running_integral(np.exp(-times), spacing)[-1] - 1.0))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.02)


def test_running_integral_converges_exponentially_on_a_smooth_even_function():
    """What a fluid's correlations are, once the spacing resolves the fastest motion."""
    exact = np.sqrt(np.pi) / 2.0
    errors = [abs(running_integral(np.exp(-(np.arange(0.0, 10.0, h) ** 2)), h)[-1] - exact) for h in (1.6, 0.8)]
    assert errors[1] < 1e-5 < 1e-2 < errors[0]


def test_error_bars_cover_the_known_integral():
    rng = np.random.default_rng(2)
    found = [time_integral(flux(rng, 1000.0), 0.02, 10.0) for _ in range(60)]
    deviations = np.array([(one.value - EXACT) / one.standard_error for one in found])
    assert abs(deviations.mean()) < 0.4
    assert 0.75 < np.sqrt(np.mean(deviations**2)) < 1.3


def test_error_falls_with_the_length_and_the_cut_moves_outward():
    rng = np.random.default_rng(3)
    found = [[time_integral(flux(rng, length), 0.02, 10.0) for _ in range(6)] for length in (500.0, 8000.0)]
    short, long = (
        {"error": np.mean([one.standard_error for one in f]), "cut": np.mean([one.cut for one in f])} for f in found
    )
    assert 2.0 < short["error"] / long["error"] < 6.0
    assert long["cut"] > short["cut"]
    assert all(abs(one.value - EXACT) < 4.0 * one.standard_error for one in found[1])


def test_plateau_without_noise_is_where_the_integral_ends():
    times = np.arange(0.0, 10.0, 0.01)
    noise = 1e-4 * np.random.default_rng(4).normal(size=(32, 1))
    integrals = np.minimum(times, 2.0) + noise * times
    assert times[settled(integrals)] == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("time", [0.5, 5.0, 50.0])
def test_standard_error_honours_correlation(time: float):
    """Var(mean) = 2 variance time / length for a series much longer than its correlation."""
    rng = np.random.default_rng(5)
    length, spacing, runs = 5000.0, 0.1, 40
    series = ornstein_uhlenbeck(rng, (runs, round(length / spacing)), 1.0, time, spacing)
    exact = np.sqrt(2.0 * time / length)
    found = np.sqrt(np.mean([standard_error(one) ** 2 for one in series]))
    # A block of 156 holds three correlation times of 50: the error is then 20 % small, and that is the worst.
    assert found == pytest.approx(exact, rel=0.1 if time < 50.0 else 0.3)
    assert found > series[0].std() / np.sqrt(series.shape[1])


def test_block_means_drop_the_beginning():
    np.testing.assert_allclose(block_means(np.arange(10.0), 3), [2.0, 5.0, 8.0])
    with pytest.raises(ValueError, match="2 samples cannot be divided into 3 blocks"):
        block_means(np.zeros(2), 3)


def test_covariance_of_mean_of_independent_blocks():
    rng = np.random.default_rng(6)
    truth = np.array([[1.0, 0.6], [0.6, 2.0]])
    means = rng.multivariate_normal([0.0, 0.0], truth, size=20000)
    np.testing.assert_allclose(covariance_of_mean(means) * 20000, truth, atol=0.06)
