"""Standard errors of correlated series, on noise whose correlation is known."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from suture.couplers.blocking import Blocking

Array = np.ndarray[Any, np.dtype[np.float64]]


def autoregressive(decay: float, length: int, series: int, seed: int = 1) -> Array:
    """Stationary x(n) = decay x(n-1) + ξ, (length, series), about 100; its mean has mean 100.

    The variance of the mean is 1 / (1 - decay)² / length for long series.
    """
    rng = np.random.default_rng(seed)
    start = rng.standard_normal(series) / np.sqrt(1.0 - decay**2)
    values, _ = lfilter([1.0], [1.0, -decay], rng.standard_normal((length, series)), axis=0, zi=decay * start[None])
    return 100.0 + values


def blocked(values: Array) -> Blocking:
    blocking = Blocking(values.shape[1])
    blocking.add(values)
    return blocking


@pytest.mark.parametrize(("decay", "length"), [(0.0, 1000), (0.5, 2000), (0.9, 8000), (0.98, 16000)])
def test_the_error_covers_and_the_naive_one_does_not(decay, length):
    """z = (mean - truth) / error of 1,000 series has a spread of 1, whose own error is 1 / √2000 = 0.022."""
    blocking = blocked(autoregressive(decay, length, 1000))
    miss = blocking.mean() - 100.0
    z = miss / blocking.error()
    assert np.std(z) == pytest.approx(1.0, abs=0.06)
    assert np.mean(np.abs(z) < 1.0) == pytest.approx(0.683, abs=0.035)
    naive = np.std(miss / blocking.naive_error())
    assert naive == pytest.approx(np.sqrt((1.0 + decay) / (1.0 - decay)), rel=0.06)


def test_the_error_is_that_of_theory():
    blocking = blocked(autoregressive(0.9, 2**16, 50))
    assert blocking.error().mean() == pytest.approx(10.0 / 256.0, rel=0.03)


def test_it_does_not_matter_in_which_portions_values_come():
    values = autoregressive(0.8, 1000, 3)
    whole, parts = blocked(values), Blocking(3)
    ends = [0, 1, 2, 3, 7, 8, 60, 61, 188, 700, 1000]
    for begin, end in itertools.pairwise(ends):
        parts.add(values[begin:end])
    assert whole.count == parts.count == 1000
    np.testing.assert_allclose(parts.mean(), values.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(parts.error(), whole.error(), rtol=1e-9)
    np.testing.assert_allclose(whole.naive_error(), values.std(axis=0, ddof=1) / np.sqrt(1000), rtol=1e-9)


def test_memory_grows_as_the_logarithm():
    assert len(blocked(autoregressive(0.5, 2**14, 1))._levels) == 15


def test_what_cannot_be_told_is_no_number():
    assert np.isnan(Blocking(2).mean()).all() and np.isnan(Blocking(2).error()).all()
    assert np.isnan(blocked(np.ones((4, 1))).error()).all()
    trend = blocked(np.arange(1000.0)[:, None])
    assert np.isnan(trend.error()[0]) or trend.error()[0] > 50.0
    assert blocked(np.full((100, 1), 3.0)).error()[0] == 0.0
