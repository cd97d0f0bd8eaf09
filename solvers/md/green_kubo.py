"""Transport coefficients as time integrals of equilibrium correlations (Green 1954, Kubo 1957)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Array = NDArray[np.float64]

CURVE_POINTS = 16
"""Points of the running integral that are kept."""


@dataclass(frozen=True)
class TimeIntegral:
    """∫₀^cut of an autocorrelation function, with what is needed to judge it."""

    value: float
    cut: float
    """Where the integral was ended."""
    statistical: float
    """Standard error from the scatter over independent blocks."""
    truncation: float
    """What the integral changes while the cut is doubled: the error of ending it where we did."""
    curve: tuple[tuple[float, float, float], ...]
    """Time, integral up to it, and its statistical error, at some times: to see the plateau."""

    @property
    def standard_error(self) -> float:
        """Both errors together."""
        return float(np.hypot(self.statistical, self.truncation))


def autocorrelation(flux: Array, lags: int) -> Array:
    """⟨J(0) J(t)⟩ averaged over time origins and components, unbiased: (samples, components) to (lags,).

    The flux must have zero expectation; it is not removed here, since removing a sample mean biases the integral.
    """
    samples = len(flux)
    if not 0 < lags <= samples:
        raise ValueError(f"{lags} lags asked of {samples} samples")
    # asarray, since SciPy's transforms carry no types of their own.
    spectrum = np.asarray(rfft(flux, n=next_fast_len(samples + lags, real=True), axis=0))
    power = np.mean(np.abs(spectrum) ** 2, axis=1)
    sums = np.asarray(irfft(power, n=next_fast_len(samples + lags, real=True)))[:lags]
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


def time_integral(fluxes: Array, spacing: float, longest: float, accuracy: float = 0.0) -> TimeIntegral:
    """∫₀^∞⟨J(0) J(t)⟩ dt of a flux given in independent blocks, (blocks, samples, components).

    Where to end the integral follows from the noise: at 3t/2 with the lag t of ``settled``, or later, as long as the
    statistical error stays below ``accuracy`` times the integral. Slow tails that no single doubling shows add up; what
    a run has to spare in statistics is spent on them. What the integral changes when the cut is doubled counts as
    error beside the scatter of the blocks: against processes with a known integral these errors cover, while the
    scatter alone is too small, since the end was chosen by it. ``longest`` bounds the doubled cut; at most half of a
    block.
    """
    blocks, samples, _ = fluxes.shape
    lags = min(round(longest / spacing), samples // 2) + 1
    integrals = running_integral(np.array([autocorrelation(block, lags) for block in fluxes]), spacing)
    mean, error = integrals.mean(axis=0), integrals.std(axis=0, ddof=1) / np.sqrt(blocks)
    lag = settled(integrals)
    half = (lags - 1) // 2
    affordable = np.flatnonzero(error[: half + 1] <= accuracy * np.abs(mean[: half + 1]))
    cut = min(half, max([lag + lag // 2, *affordable[-1:]]))
    shown = np.unique(np.geomspace(1, lags - 1, CURVE_POINTS).round().astype(int))
    return TimeIntegral(
        value=float(mean[cut]),
        cut=cut * spacing,
        statistical=float(error[cut]),
        truncation=float(abs(mean[2 * cut] - mean[cut])),
        curve=tuple((float(k * spacing), float(mean[k]), float(error[k])) for k in shown),
    )


def settled(integrals: Array) -> int:
    """The lag from which running integrals (blocks, lags) stay on their plateau as far as the noise lets us see.

    It is the first lag t such that for all t' from t to 3t/2 the integral to 2t' differs from that to t' by no more
    than the standard error of that difference: what is left out is below the noise, and more sampling moves t outward.
    Without such a lag it is the longest that can be doubled.
    """
    blocks, lags = integrals.shape
    half = (lags - 1) // 2
    change = integrals[:, 0 : 2 * half + 1 : 2] - integrals[:, : half + 1]
    quiet = np.abs(change.mean(axis=0)) <= change.std(axis=0, ddof=1) / np.sqrt(blocks)
    loud = np.concatenate([[0], np.cumsum(~quiet)])
    for lag in range(1, 2 * half // 3 + 1):
        if loud[lag + lag // 2 + 1] == loud[lag]:
            return lag
    return half
