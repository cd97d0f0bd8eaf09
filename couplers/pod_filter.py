"""Window proper orthogonal decomposition (Grinberg, J. Comput. Phys. 231, 8245, 2012): keep what all cells do together.

The last windows are the columns of a matrix X = sum σ_k u_k v_k^T. A signal that varies smoothly over cells and windows
fills a few modes with large σ_k; white noise fills all of them alike. The estimate is the last column of the sum of the
kept modes, so it is of the present window, and not delayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cells import Array
from .errors import FilterError
from .global_sums import Total


class PodFilter:
    """The kept modes of the last windows, and of an amount what they left out, paid in ``1 / windows`` a window.

    The decomposition comes from the scalar products of the windows with each other, of which a new window adds as many
    as windows are remembered: that is all that the ranks sum.
    """

    def __init__(self, windows: int, modes: int | None, total: Total, whose: str) -> None:
        """``modes`` None chooses those that stand out of the noise; see ``stand_out``."""
        self._windows = windows
        self._modes = modes
        self._total = total
        self._whose = whose
        self._past = np.zeros((0, 0, 0))
        self._products = np.zeros((0, 0))
        """Of the windows in ``_past``, with each other, (windows, windows)."""
        self._values = 0
        """That a window has, on all ranks together."""

    def open(self, value: Array) -> Array:
        """See ``Filter``; raises ``FilterError`` where a window has too few values to tell a signal from noise."""
        self._values = int(self._total(np.array([float(value.size)]))[0])
        least = 1 + (self._modes or 1)
        if self._values < least:
            raise FilterError(
                f'{self._whose}: a filter of kind "pod" finds what many cells do together, and there '
                f"{'is' if self._values == 1 else 'are'} {self._values} of the {least} values that it needs at least; "
                'use "moving-window", "gaussian" or "kalman"'
            )
        self._past = np.zeros((0, *value.shape))
        self._products = np.zeros((0, 0))
        return np.zeros_like(value)

    def step(self, new: Array, held: Array | None) -> Array:
        """See ``Filter``."""
        self._remember(new)
        estimate = np.tensordot(self._last_column(), self._past, axes=1)
        if held is None:
            return estimate
        return estimate + (held + new - estimate) / self._windows

    def _remember(self, new: Array) -> None:
        first = max(len(self._past) + 1 - self._windows, 0)
        self._past = np.concatenate((self._past[first:], new[None]))
        known = len(self._past)
        grown = np.empty((known, known))
        grown[:-1, :-1] = self._products[first:, first:]
        grown[-1] = grown[:, -1] = self._total(np.tensordot(self._past, new, axes=2))
        self._products = grown

    def _last_column(self) -> Array:
        """Weights of the remembered windows whose sum is the last column of the kept modes: sum v_k v_k[last]."""
        squares, vectors = np.linalg.eigh(self._products)
        sizes = np.sqrt(np.maximum(squares[::-1], 0.0))[: min(self._values, len(squares))]
        kept = min(self._modes or stand_out(sizes, self._values, len(squares)), len(sizes))
        chosen = vectors[:, ::-1][:, :kept]
        return chosen @ chosen[-1]

    def save(self) -> dict[str, Any]:
        """See ``Filter``."""
        return {"past": self._past.copy(), "products": self._products.copy(), "values": self._values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See ``Filter``."""
        self._past, self._products = np.array(state["past"]), np.array(state["products"])
        self._values = int(state["values"])


def stand_out(sizes: Array, rows: int, columns: int) -> int:
    """How many singular values of a (rows, columns) matrix stand out of white noise of unknown strength; at least one.

    ``sizes`` in descending order. The optimal hard threshold of Gavish and Donoho (IEEE Trans. Inf. Theory 60, 5040,
    2014), ω(β) times the median with β = rows / columns or its inverse.
    """
    β = min(rows, columns) / max(rows, columns)
    threshold = (0.56 * β**3 - 0.95 * β**2 + 1.82 * β + 1.43) * np.median(sizes)
    return max(int(np.sum(sizes > threshold)), 1)
