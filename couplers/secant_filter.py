"""Least squares over secant pairs, newest first, and the filters that drop what depends on newer pairs.

QR1 and QR2: Haelterman, Bogaers, Scheufele, Uekermann, Mehl 2016, "Improving the performance of the partitioned QN-ILS
procedure for fluid-structure interaction problems: filtering".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .acceleration_settings import AccelerationSettings
from .cells import Array

_ROUND_OFF = 1e-13
_DEPENDENT = 1e-7
"""The automatic filter drops a column of which less than this share is left: its gain cannot be told from round-off."""
_SOUND = 0.3
"""Share that must be left of a column for its gain to be trusted."""
_OUT_OF_PROPORTION = 5.0
"""Gain, relative to the largest trusted one, above which the automatic filter drops a column."""

Judge = Callable[[int, float, float, Array], bool]
"""``judge(column, left, length, combination)``: whether to keep a column of which ``left`` of its ``length`` is outside
the newer ones; ``combination`` of the columns has the length one and the direction of what is left."""


@dataclass(frozen=True)
class Fit:
    """The columns that were kept, and the orthonormal directions that they span."""

    kept: list[int]
    combinations: Array
    """(columns, directions): the columns times these are the directions."""
    directions: Array
    """(coordinates, directions)."""

    @property
    def inverse(self) -> Array:
        """The pseudo-inverse of the kept columns, (columns, coordinates); its rows are 0 for dropped columns."""
        return self.combinations @ self.directions.T


def fit(columns: Array, judge: Judge) -> Fit:
    """Orthogonalise ``columns`` (coordinates, columns), the last one first, keeping those that ``judge`` lets pass."""
    rows, count = columns.shape
    directions, combinations, kept = np.empty((rows, count)), np.zeros((count, count)), []
    for j in reversed(range(count)):
        done, left = len(kept), columns[:, j].copy()
        share, length = np.zeros(done), float(np.linalg.norm(left))
        for _ in range(2):
            part = left @ directions[:, :done]
            left -= directions[:, :done] @ part
            share += part
        remainder = float(np.linalg.norm(left))
        if remainder <= _ROUND_OFF * length:
            continue
        combination = -combinations[:, :done] @ share
        combination[j] += 1.0
        combination /= remainder
        if judge(j, remainder, length, combination):
            directions[:, done], combinations[:, done] = left / remainder, combination
            kept.append(j)
    return Fit(sorted(kept), combinations[:, : len(kept)], directions[:, : len(kept)])


def create_judge(settings: AccelerationSettings, columns: Array, overlaps: Array) -> Judge:
    """The filter that the settings ask for.

    ``overlaps`` are the scalar products of the outputs, in the weights of ``columns``.
    """
    limit = settings.filter_limit
    if limit is None:
        return _Automatic(overlaps)
    if settings.filter == "qr1":
        least = limit * float(np.linalg.norm(columns))
        return lambda j, left, length, combination: left >= least
    return lambda j, left, length, combination: left >= limit * length


class _Automatic:
    """Drops a column that contradicts newer ones, instead of one that merely depends on them.

    What is left of a column v outside the newer ones, and of its w, gives the Jacobian in a new direction. In a linear
    problem that is right however little is left; in a nonlinear or noisy one w departs from linearity, which divided by
    a small remainder makes a Jacobian out of proportion. A column is dropped when little of it is left and its gain
    |dw| / |dv| is far above that of the columns before it.
    """

    def __init__(self, overlaps: Array) -> None:
        self._overlaps = overlaps
        self._gain = 1.0

    def __call__(self, j: int, left: float, length: float, combination: Array) -> bool:
        if left < _DEPENDENT * length:
            return False
        # Cancellation may leave a little less than zero.
        gain = max(float(combination @ self._overlaps @ combination), 0.0) ** 0.5
        if left > _SOUND * length:
            self._gain = max(self._gain, gain)
            return True
        return gain <= _OUT_OF_PROPORTION * self._gain
