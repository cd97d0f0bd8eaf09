"""The lock-in signal from the response to one pulse: a linear sample answers a train of pulses by the sum.

A pulse ``m`` periods earlier has left g(tau + m T_s), and its modulation lags by exp(-i omega_0 (tau + m T_s)):

    Z(tau) = sum over m >= 0 of g(tau + m T_s) exp(-i omega_0 (tau + m T_s))        without the pump's phase.

Times T_s times it agrees with ``multilayer.signal`` (Poisson's sum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from ..errors import SolverError
from .multilayer import Measurement

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class LockIn:
    """A signal with what the end of the simulated response may have cost."""

    signal: Complex
    """(delays,), times the period: as of ``multilayer.signal`` where the response is per absorbed energy."""
    bound: Array
    """(delays,) the most that the truncated tail can change of it."""


def lock_in(
    times: ArrayLike, values: ArrayLike, measurement: Measurement, delays: ArrayLike, pump_phase: bool = False
) -> LockIn:
    """Sum the response ``values`` (n,) to one pulse at ``times`` (n,) over the train, at ``delays`` (m,).

    Between samples the logarithm of the response over that of time is a cubic spline. After the last sample the sum is
    continued by its leading term, g q^M / (1 - q) with q the phase of a period; for a response that falls, and falls
    ever slower, the rest is at most |g_M - g_M+1| / (|1 - q| |sin(omega_0 T_s / 2)|). Raises ``SolverError`` for
    samples that do not span a delay and two periods, are not ascending or not positive.
    """
    t, g, tau = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (times, values, delays))
    period = 1.0 / measurement.repetition
    _check(t, g, tau, period)
    spline = CubicSpline(np.log(t), np.log(g))
    angle = 2.0 * np.pi * measurement.modulation * period
    q = np.exp(-1j * angle)
    sine = abs(np.sin(angle / 2.0))
    if sine < 1e-6:
        raise SolverError("the modulation is a multiple of the pulses' rate: there is nothing to lock in to")
    signal, bound = np.zeros(len(tau), dtype=np.complex128), np.zeros(len(tau))
    for number, delay in enumerate(tau):
        m = np.arange(int((t[-1] - delay) / period) + 1)
        known = np.exp(spline(np.log(delay + m * period)))
        signal[number] = (known[:-1] * q ** m[:-1]).sum() + known[-1] * q ** m[-1] / (1.0 - q)
        bound[number] = abs(known[-2] - known[-1]) / (abs(1.0 - q) * sine)
    phase = 1.0 if pump_phase else np.exp(-2j * np.pi * measurement.modulation * tau)
    return LockIn(period * signal * phase, period * bound)


def _check(t: Array, g: Array, tau: Array, period: float) -> None:
    if t.shape != g.shape or len(t) < 4:
        raise SolverError(f"{len(t)} times for {len(g)} values of the response; they must be as many, at least 4")
    if not (np.diff(t) > 0.0).all() or not t[0] > 0.0:
        raise SolverError("the times of the response must be positive and ascend")
    if not (g > 0.0).all():
        raise SolverError(f"the response is {g.min():g} at {t[g.argmin()]:g} s; it must be positive")
    if tau.min() < t[0] or t[-1] < tau.max() + 2.0 * period:
        raise SolverError(
            f"a response from {t[0]:g} to {t[-1]:g} s; delays from {tau.min():g} to {tau.max():g} s need one that "
            f"begins before them and lasts {tau.max() + 2.0 * period:g} s, two periods of the pulses longer"
        )
