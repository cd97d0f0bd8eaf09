"""Transport coefficients as time integrals of equilibrium correlations (Green 1954, Kubo 1957)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TimeIntegral:
    """∫₀^cut of an autocorrelation function, with what is needed to judge it."""

    value: float
    standard_error: float
    """From the scatter over independent blocks."""
    cut: float
    """Where the integral was ended."""
    change: float
    """What integrating twice as far would add; compare with ``change_error``."""
    change_error: float
    """Standard error of ``change``."""


def autocorrelation(flux: Array, lags: int) -> Array:
    """⟨J(0) J(t)⟩ averaged over time origins and components, unbiased: (samples, components) to (lags,).

    The flux must have zero expectation; it is not removed here, since removing a sample mean biases the integral.
    """
    samples = len(flux)
    if not 0 < lags <= samples:
        raise ValueError(f"{lags} lags asked of {samples} samples")
    spectrum = rfft(flux, n=next_fast_len(samples + lags, real=True), axis=0)
    power = np.mean(np.abs(spectrum) ** 2, axis=1)
    sums = irfft(power, n=next_fast_len(samples + lags, real=True))[:lags]
    return sums / (samples - np.arange(lags))


def running_integral(correlation: Array, spacing: float) -> Array:
    """∫₀^t C by the trapezoidal rule along the last axis, at every lag.

    C is even and smooth, so the rule converges faster than any power of ``spacing`` once that resolves the fastest
    motion.
    """
    middle = 0.5 * (correlation[..., 1:] + correlation[..., :-1]) * spacing
    integral = np.zeros_like(correlation)
    np.cumsum(middle, axis=-1, out=integral[..., 1:])
    return integral


def time_integral(fluxes: Array, spacing: float, longest: float) -> TimeIntegral:
    """∫₀^∞⟨J(0) J(t)⟩ dt of a flux given in independent blocks, (blocks, samples, components).

    Where to end the integral follows from the noise (``plateau``). ``longest`` is the longest time considered, at most
    half of a block.
    """
    blocks, samples, _ = fluxes.shape
    lags = min(round(longest / spacing), samples // 2) + 1
    integrals = running_integral(np.array([autocorrelation(block, lags) for block in fluxes]), spacing)
    cut = plateau(integrals)
    changes = integrals[:, 2 * cut] - integrals[:, cut]
    return TimeIntegral(
        value=float(integrals[:, cut].mean()),
        standard_error=float(integrals[:, cut].std(ddof=1) / np.sqrt(blocks)),
        cut=cut * spacing,
        change=float(changes.mean()),
        change_error=float(changes.std(ddof=1) / np.sqrt(blocks)),
    )


def plateau(integrals: Array) -> int:
    """The lag at which running integrals (blocks, lags) have reached their plateau as far as the noise lets us see.

    It is the first lag t such that for all t' from t to 3t/2 an integral to 2t' differs from that to t' by no more than
    the standard error of that difference. So the part left out is below the noise, and more sampling moves the cut
    outward. Without such a lag it is the longest that can be doubled.
    """
    blocks, lags = integrals.shape
    half = (lags - 1) // 2
    change = integrals[:, 0 : 2 * half + 1 : 2] - integrals[:, : half + 1]
    settled = np.abs(change.mean(axis=0)) <= change.std(axis=0, ddof=1) / np.sqrt(blocks)
    unsettled = np.concatenate([[0], np.cumsum(~settled)])
    for lag in range(1, 2 * half // 3 + 1):
        if unsettled[lag + lag // 2 + 1] == unsettled[lag]:
            return lag
    return half
