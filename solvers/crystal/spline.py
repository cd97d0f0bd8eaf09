"""The piecewise cubic that LAMMPS lays through a table of the embedded-atom method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Spline:
    """Cubics between values at equal steps from 0, with slopes at the values from differences of fourth order.

    At the second value from either end the differences are central, at the ends one-sided (``pair_eam`` of LAMMPS). It
    has no continuous second derivative. Where the table ends, the last cubic's end is kept.
    """

    def __init__(self, step: float, values: Array) -> None:
        """``values``: (k,), at least 5."""
        self._step = step
        slope = np.empty_like(values)
        slope[[0, -1]] = values[1] - values[0], values[-1] - values[-2]
        slope[[1, -2]] = 0.5 * (values[2] - values[0]), 0.5 * (values[-1] - values[-3])
        slope[2:-2] = ((values[:-4] - values[4:]) + 8.0 * (values[3:-1] - values[1:-3])) / 12.0
        rise = values[1:] - values[:-1]
        square = 3.0 * rise - 2.0 * slope[:-1] - slope[1:]
        cube = slope[:-1] + slope[1:] - 2.0 * rise
        self._cubics = np.stack([values[:-1], slope[:-1], square, cube], axis=1)

    def __call__(self, x: Array) -> tuple[Array, Array, Array]:
        """Value, slope and second derivative, each of the shape of ``x``."""
        place = x / self._step
        row = np.clip(place.astype(np.intp), 0, len(self._cubics) - 1)
        p = np.minimum(place - row, 1.0)
        a, b, c, d = np.moveaxis(self._cubics[row], -1, 0)
        value = ((d * p + c) * p + b) * p + a
        slope = ((3.0 * d * p + 2.0 * c) * p + b) / self._step
        return value, slope, (6.0 * d * p + 2.0 * c) / self._step**2
