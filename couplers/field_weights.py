"""Weights that make fields of different units, and with residuals of different sizes, count alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cells import Array

_SMALLEST = 1e-3
"""Smallest share of the residual that a field is taken to have, relative to the largest share: a field that starts
converged would otherwise rule the norm."""
_FORGETTING = 0.5


class FieldWeights:
    """The residual-sum preconditioner (Uekermann 2016): a field counts by one over the sum of its residual's shares.

    The shares are of residuals relative to the norm of their field, so that units do not matter. They are summed over
    iterations, and half forgotten from window to window, so that the weights follow a problem that changes.
    """

    def __init__(self, fields: int) -> None:
        self._norms = np.zeros(fields)
        self._shares = np.zeros(fields)

    def update(self, residual_squares: Array, value_squares: Array) -> Array:
        """The weight of each field, after an iteration with these squared norms of x~ - x and of x~."""
        residuals = np.sqrt(residual_squares)
        self._norms = np.maximum(self._norms, np.maximum(np.sqrt(value_squares), residuals))
        scale = np.where(self._norms > 0.0, self._norms, 1.0)
        relative = residuals / scale
        if relative.any():
            self._shares = self._shares + relative / np.sqrt(relative @ relative)
        largest = self._shares.max(initial=0.0)
        return 1.0 / (scale * np.maximum(self._shares, _SMALLEST * largest)) if largest > 0.0 else 1.0 / scale

    def end_window(self) -> None:
        """A window is done."""
        self._norms = _FORGETTING * self._norms
        self._shares = _FORGETTING * self._shares

    def save(self) -> dict[str, Array]:
        """What the weights rest on."""
        return {"norms": self._norms, "shares": self._shares}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._norms, self._shares = np.array(state["norms"]), np.array(state["shares"])
