"""The first iterate of a window, foreseen from the windows before by whatever has foreseen best so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cells import Array
from .global_sums import Total, products, sums_of

_CHANGES = 7
"""Changes from window to window that are remembered."""
_TERMS = 3
"""Earlier changes that linear prediction makes the next one of, at most."""
_CANDIDATES = ("held", "linear", "quadratic", "predicted")
_FORGETTING = 0.5
_ROUND_OFF = 1e-14
_SMALLEST = 1e-10
"""Smallest eigenvalue, relative to the largest, of normal equations that is not taken for noise."""


class Extrapolation:
    """Foresees a vector that is held in pieces, each field by itself.

    Four candidates are kept for each field: the held value; a line and a parabola through the last windows; and linear
    prediction (Makhoul 1975), which makes the next change of earlier ones, d_n = sum c_j d_(n-j), with the c that fit
    the remembered changes best: exact for sums of a few exponentials and sines, and close to the held value for
    noise. The next window starts from the candidate whose errors were smallest in the last windows.
    """

    def __init__(self, fields: Mapping[str, slice], total: Total) -> None:
        self._fields = list(fields.values())
        self._total = total
        self._last: Array | None = None
        self._held: Array | None = None
        self._changes = np.zeros((0, max((field.stop for field in self._fields), default=0)))
        """Changes of the accepted values, the newest first."""
        self._overlaps = np.zeros((len(fields), 0, 0))
        """Their scalar products in each field."""
        self._errors = np.full((len(fields), len(_CANDIDATES)), np.nan)
        """Mean squared error of each candidate, the last windows counting most; NaN before the first."""

    def guess(self, held: Array) -> Array:
        """The first iterate; ``held`` is what one would begin with if nothing were to change. Not collective.

        What is held in the first window is the value from which the run starts.
        """
        self._held, start = held.copy(), held.copy()
        if self._last is None:
            self._last = held.copy()
        best = np.argmin(np.where(np.isnan(self._errors), np.inf, self._errors), axis=1)
        for field, overlaps, candidate in zip(self._fields, self._overlaps, best, strict=True):
            c = _coefficients(_CANDIDATES[candidate], overlaps)
            if c is not None:
                start[field] = self._last[field] + c @ self._changes[: len(c), field]
        return start

    def accept(self, x: Array) -> None:
        """The value that the window came to, after ``guess``. Collective; calls ``total`` once."""
        assert self._last is not None and self._held is not None, "guess comes first"
        change, missed = x - self._last, x - self._held
        shares = [np.stack([self._changes[:, field] @ change[field] for field in self._fields])]
        shares += [products(self._fields, change, change), products(self._fields, missed, missed)]
        overlaps, squares, missed_squares = sums_of(self._total, shares)
        for f in range(len(self._fields)):
            self._judge(f, overlaps[f], squares[f], missed_squares[f])
        self._remember(x, change, overlaps, squares)

    def _judge(self, f: int, overlaps: Array, square: float, missed: float) -> None:
        """Score the candidates for what they would have foreseen."""
        known = self._overlaps[f]
        for number, candidate in enumerate(_CANDIDATES):
            error, c = missed, _coefficients(candidate, known)
            if number > 0:
                if c is None:
                    continue
                used = known[: len(c), : len(c)]
                error = square - 2.0 * c @ overlaps[: len(c)] + c @ used @ c
                # Candidates that are right to round-off differ by how much of it they gather.
                error = max(error, _ROUND_OFF * (square + c**2 @ np.diag(used)))
            before = self._errors[f, number]
            self._errors[f, number] = error if np.isnan(before) else error + _FORGETTING * (before - error)

    def _remember(self, x: Array, change: Array, overlaps: Array, squares: Array) -> None:
        count = min(len(self._changes) + 1, _CHANGES)
        grown = np.empty((len(self._fields), len(self._changes) + 1, len(self._changes) + 1))
        grown[:, 1:, 1:] = self._overlaps
        grown[:, 0, 1:] = grown[:, 1:, 0] = overlaps
        grown[:, 0, 0] = squares
        self._overlaps = grown[:, :count, :count].copy()
        self._changes = np.vstack([change, self._changes])[:count]
        self._last, self._held = x.copy(), None

    def save(self) -> dict[str, Any]:
        """What is remembered, between two windows; this rank's pieces."""
        last = {} if self._last is None else {"last": self._last}
        return {"changes": self._changes, "overlaps": self._overlaps, "errors": self._errors, **last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave on this rank."""
        self._changes, self._overlaps = np.array(state["changes"]), np.array(state["overlaps"])
        self._errors, self._held = np.array(state["errors"]), None
        self._last = np.array(state["last"]) if "last" in state else None


def _coefficients(candidate: str, overlaps: Array) -> Array | None:
    """What each earlier change contributes to the next one, the newest first; None before enough is known."""
    known = len(overlaps)
    if candidate == "held":
        return None
    if candidate == "linear":
        return np.ones(1) if known >= 1 else None
    if candidate == "quadratic":
        return np.array([2.0, -1.0]) if known >= 2 else None
    terms = min(_TERMS, known // 2)
    return _predictor(overlaps, terms) if terms else None


def _predictor(overlaps: Array, terms: int) -> Array:
    """The coefficients with which remembered changes foretell each other best, from their scalar products."""
    targets = range(len(overlaps) - terms)
    normal = sum((overlaps[i + 1 : i + 1 + terms, i + 1 : i + 1 + terms] for i in targets), np.zeros((terms, terms)))
    right = sum((overlaps[i + 1 : i + 1 + terms, i] for i in targets), np.zeros(terms))
    values, vectors = np.linalg.eigh(normal)
    sound = values > _SMALLEST * max(values[-1], np.finfo(float).tiny)
    return vectors[:, sound] @ ((vectors[:, sound].T @ right) / values[sound])
