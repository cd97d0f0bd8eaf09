"""Filters in time: what came in the last windows is turned into what this window uses, cell by cell.

Amounts are conserved, so a filter may delay them and never lose them: what it has not passed on yet is *held*, and the
books count it. There are two ways to do so.

    weights     what came in a window is paid out over the windows that follow, in shares that add up to one. A steady
                flow is held for the mean of the delays; the run opens as if its opening amounts had always flowed.
    estimates   any estimate of the signal, which need not add up, and a share of all that it has left out so far,
                given = estimate + share (held + new - estimate). What is held, h <- (1 - share)(h + new - estimate),
                stays within max|new - estimate| / share, and is nothing on average where the estimate is right.

States are smoothed by the same weights and estimates, and nothing is held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .cells import Array
from .filter_model import FilterSettings, Gaussian, Kalman, MovingWindow, Pod
from .global_sums import Total
from .pod_filter import PodFilter

_CUT = 4.0
"""Widths after which a bell has no weight."""
_GAINS = 2.0 ** (-0.5 * np.arange(15))
"""Among which a Kalman filter that measures its noise chooses: to 1/128, which is a mean over some 250 windows."""
_MEMORY = 400.0
"""Windows over which it remembers how well each has foretold."""
_OWED = 0.25
"""Share of its gain at which a Kalman filter pays what its estimate has left out: slower, and noise gets through less;
much slower, and more is held."""


class Filter(Protocol):
    """A filter of one quantity of one flow; arrays have shape (points, columns), any columns."""

    def open(self, value: Array) -> Array:
        """Begin as if ``value`` had come in every window so far; returns what is then held of an amount."""
        ...

    def step(self, new: Array, held: Array | None) -> Array:
        """What this window uses. ``held`` are amounts that were not passed on yet, None for a state. Collective."""
        ...

    def save(self) -> dict[str, Any]:
        """What is remembered; not changed later on."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        ...


def create_filter(settings: FilterSettings, total: Total, whose: str) -> Filter:
    """The filter that the case names; ``total`` sums over the ranks, ``whose`` names it in errors."""
    match settings:
        case MovingWindow():
            return WeightedMean(np.full(settings.windows, 1.0 / settings.windows))
        case Gaussian():
            return WeightedMean(bell(settings.width))
        case Pod():
            return PodFilter(settings.windows, None if settings.modes == "automatic" else settings.modes, total, whose)
        case Kalman():
            return KalmanFilter(settings.drift, total)


def bell(width: float) -> Array:
    """Weights of a causal Gaussian of standard deviation ``width``, the present window first; they add up to one."""
    ages = np.arange(math.ceil(_CUT * width) + 1)
    weights = np.exp(-0.5 * (ages / width) ** 2)
    return weights / weights.sum()


class WeightedMean:
    """A weighted mean of this window and those before.

    White noise of variance 1 has the variance sum w² after it, and the mean delay is sum age w: 1/n and (n - 1)/2
    windows for n equal weights.
    """

    def __init__(self, weights: Array) -> None:
        self._weights = weights
        self._past = np.zeros((len(weights), 0, 0))
        """The last windows, each in a place of its own, which the next one after the oldest takes."""
        self._next = 0

    def open(self, value: Array) -> Array:
        """See ``Filter``."""
        self._past = np.repeat(value[None], len(self._weights), axis=0)
        return float(self._weights @ np.arange(len(self._weights))) * value

    def step(self, new: Array, held: Array | None) -> Array:
        """See ``Filter``; the same for amounts and states."""
        self._past[self._next] = new
        ages = (self._next - np.arange(len(self._past))) % len(self._past)
        self._next = (self._next + 1) % len(self._past)
        return np.tensordot(self._weights[ages], self._past, axes=1)

    def save(self) -> dict[str, Any]:
        """See ``Filter``."""
        return {"past": self._past.copy(), "next": self._next}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See ``Filter``."""
        self._past, self._next = np.array(state["past"]), int(state["next"])


def riccati_gain(drift: float) -> float:
    """The gain at which a Kalman filter of a random walk under white noise ends, by drift: K² / (1 - K) = drift²."""
    return 0.5 * (drift * math.sqrt(drift**2 + 4.0) - drift**2)


def drift_of(gain: Array) -> Array:
    """The drift whose Riccati gain is given."""
    return gain / np.sqrt(np.maximum(1.0 - gain, 1e-12))


class KalmanFilter:
    """The Kalman filter of a random walk x(w) = x(w-1) + drift ξ, seen as x + η, with white ξ and η of one variance.

    The gain depends on the drift alone: it is 1 in the first window, where nothing is known, and ends at the Riccati
    gain. Where the drift is not given, filters of fifteen drifts run side by side, and each component of the quantity
    uses the one that has foretold its values best, in the mean square over all cells and the last windows: the right
    drift makes the innovations smallest.
    """

    def __init__(self, drift: float | None, total: Total) -> None:
        drifts = drift_of(_GAINS) if drift is None else np.array([drift])
        self._squares = drifts**2
        self._total = total
        self._variance = np.full(len(drifts), np.inf)
        """Of each estimate's error, relative to that of the noise."""
        self._estimates = np.zeros((len(drifts), 0, 0))
        self._misses = np.zeros((len(drifts), 0))
        """Mean square innovation by drift and column, the last windows counting most."""

    @property
    def _several(self) -> bool:
        return len(self._squares) > 1

    def open(self, value: Array) -> Array:
        """See ``Filter``; the first window counts alone, whatever flowed before."""
        self._estimates = np.zeros((len(self._squares), *value.shape))
        self._misses = np.zeros((len(self._squares), value.shape[1]))
        return np.zeros_like(value)

    def step(self, new: Array, held: Array | None) -> Array:
        """See ``Filter``."""
        gains = self._gains()
        miss = new - self._estimates
        if self._several and np.isfinite(self._variance).all():
            squares = self._total(np.square(miss).sum(axis=1))
            self._misses += (squares - self._misses) / _MEMORY
        self._variance = gains
        self._estimates += gains[:, None, None] * miss
        best = self._misses.argmin(axis=0)
        estimate = self._estimates[best, :, np.arange(new.shape[1])].T
        if held is None:
            return estimate
        share = _OWED * gains[best]
        return estimate + share * (held + new - estimate)

    def _gains(self) -> Array:
        """K = P / (P + 1) with the variance P before the measurement; after it, the variance is K. The noise has 1."""
        before = self._variance + self._squares
        return np.where(np.isinf(before), 1.0, 1.0 / (1.0 + 1.0 / before))

    def save(self) -> dict[str, Any]:
        """See ``Filter``."""
        return {
            "variance": self._variance.copy(),
            "estimates": self._estimates.copy(),
            "misses": self._misses.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See ``Filter``."""
        self._variance, self._estimates = np.array(state["variance"]), np.array(state["estimates"])
        self._misses = np.array(state["misses"])
