"""Interface quasi-Newton methods: the next iterate from differences of earlier ones.

With the residual r(x) = H(x) - x, pairs v = dr, w = dx~ of changes between iterations, and J the map from v to w that
they suggest, the next iterate is x~ - J r: the output that the map would give where the residual is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .acceleration_settings import AccelerationSettings
from .cells import Array
from .field_weights import FieldWeights
from .global_sums import Total, sums_of
from .secant_filter import Fit, create_judge, fit
from .secants import Observed, Rows, SecantPairs

MOST_COLUMNS = 100
"""Pairs, or directions of a Jacobian in a field, that are kept at most: what bounds memory and time."""


class _QuasiNewton:
    """What both methods have in common."""

    def __init__(self, settings: AccelerationSettings, fields: Mapping[str, slice], total: Total) -> None:
        self._settings = settings
        self._total = total
        length = max((field.stop for field in fields.values()), default=0)
        self._pairs = SecantPairs(list(fields.values()), length, total)
        self._weights = FieldWeights(len(fields))
        self._windows = np.zeros(0, dtype=np.int64)
        """For each pair the window that it is of."""
        self._window = 0
        """Number of the present window, counting only those that made pairs."""

    def begin(self) -> None:
        """A window begins."""
        self._pairs.begin()

    def save(self) -> dict[str, Any]:
        """What was learnt, between two windows; this rank's pieces."""
        return {**self._pairs.save(), **self._weights.save(), "window": self._window, "windows": self._windows}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave on this rank."""
        self._pairs.restore(state)
        self._weights.restore(state)
        self._window, self._windows = int(state["window"]), np.array(state["windows"])

    def _observe(self, x: Array, x_tilde: Array) -> tuple[Observed, Array]:
        """What is known of this iteration, and the weights of the fields."""
        observed = self._pairs.observe(x, x_tilde)
        added = len(self._pairs) - len(self._windows)
        self._windows = np.append(self._windows, np.full(added, self._window))
        return observed, self._weights.update(observed.residual_squares, observed.value_squares)

    @property
    def _recent(self) -> NDArray[np.bool_]:
        """The pairs of the present window."""
        return self._windows == self._window

    def _keep(self, chosen: Sequence[int] | NDArray[np.intp]) -> None:
        self._pairs.keep(chosen)
        self._windows = self._windows[np.asarray(chosen, dtype=np.intp)]

    def _fit(self, weights: Array) -> Fit:
        """Least squares over the pairs; what the filter drops is forgotten."""
        pairs = self._pairs
        columns = np.vstack([w * c for w, c in zip(weights, pairs.residuals, strict=True)])
        overlaps = np.tensordot(weights**2, pairs.overlaps, axes=1)
        return fit(columns, create_judge(self._settings, columns, overlaps))

    def _relaxed(self, x: Array, x_tilde: Array) -> Array:
        assert self._settings.relaxation is not None, "quasi-Newton methods have one"
        return x + self._settings.relaxation * (x_tilde - x)


class InverseLeastSquares(_QuasiNewton):
    """IQN-ILS (Degroote, Bathe, Vierendeels 2009): J from least squares over the pairs of this and earlier windows."""

    def update(self, x: Array, x_tilde: Array) -> Array:
        """The next iterate. Collective; calls ``total`` once in the first iteration of a window, else twice."""
        observed, weights = self._observe(x, x_tilde)
        self._forget()
        found = self._fit(weights)
        self._keep(found.kept)
        if not found.kept:
            return self._relaxed(x, x_tilde)
        residual = np.concatenate([w * c for w, c in zip(weights, observed.residual, strict=True)])
        share = found.combinations[found.kept] @ (found.directions.T @ residual)
        return x_tilde - share @ self._pairs.outputs.values

    def accept(self, x: Array, x_tilde: Array) -> None:
        """The window is done with this pair. Collective; calls ``total`` twice, or never after a single iteration."""
        if not self._pairs.fresh:
            self._observe(x, x_tilde)
        if self._recent.any():
            self._window += 1
        self._forget()
        self._pairs.compress()
        self._weights.end_window()

    def _forget(self) -> None:
        reused = self._settings.reused_windows or 0
        # In the first iteration the pairs of the last window are all that is known.
        oldest = self._window - (reused if self._recent.any() else max(reused, 1))
        self._keep(np.flatnonzero(self._windows >= oldest)[-MOST_COLUMNS:])


class MultiVectorJacobian(_QuasiNewton):
    """IQN-IMVJ (Lindner, Mehl, Scheufele, Uekermann 2015): J departs as little as may be from that of the last window.

    J = Jp + (W - Jp V) V^+, where Jp is the J at the end of the last window. J = Y^T B, with the orthonormal bases B of
    all residuals' changes, so that it is never formed, and needs no restart: an update changes Y alone, on each rank
    by itself. When a basis has grown too large its least important directions, by the singular values of Y, go.
    """

    def __init__(self, settings: AccelerationSettings, fields: Mapping[str, slice], total: Total) -> None:
        super().__init__(settings, fields, total)
        self._length = self._pairs.outputs.values.shape[1]
        self._jacobian = [Rows(self._length) for _ in fields]
        """Y: for each vector of a field's basis what Jp makes of it."""

    def update(self, x: Array, x_tilde: Array) -> Array:
        """The next iterate. Collective; calls ``total`` once in the first iteration of a window, else twice."""
        observed, weights = self._observe(x, x_tilde)
        self._keep(np.arange(len(self._pairs))[-MOST_COLUMNS:])
        self._grow()
        found = self._fit(weights)
        self._keep(found.kept)
        if not found.kept and self._window == 0:
            return self._relaxed(x, x_tilde)
        residual = np.concatenate([w * c for w, c in zip(weights, observed.residual, strict=True)])
        share = found.combinations[found.kept] @ (found.directions.T @ residual)
        step = share @ self._pairs.outputs.values
        for rows, c, columns in zip(self._jacobian, observed.residual, self._pairs.residuals, strict=True):
            step += (c - columns @ share) @ rows.values
        return x_tilde - step

    def accept(self, x: Array, x_tilde: Array) -> None:
        """The window is done with this pair. Collective; calls ``total`` twice or thrice, or not at all."""
        if not self._pairs.fresh:
            _, weights = self._observe(x, x_tilde)
            self._grow()
            self._absorb(weights)
        self._weights.end_window()

    def save(self) -> dict[str, Any]:
        """What was learnt, between two windows; this rank's pieces."""
        return super().save() | {f"jacobian {f}": rows.values.copy() for f, rows in enumerate(self._jacobian)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave on this rank."""
        super().restore(state)
        for f, rows in enumerate(self._jacobian):
            rows.values = state[f"jacobian {f}"]

    def _grow(self) -> None:
        for rows, size in zip(self._jacobian, self._pairs.bases.sizes, strict=True):
            while len(rows.values) < size:
                rows.append(np.zeros(self._length))

    def _absorb(self, weights: Array) -> None:
        """The J of this window becomes Jp; its pairs have done their duty."""
        inverse, pairs = self._fit(weights).inverse, self._pairs
        self._window += bool(self._recent.any())
        missing = pairs.outputs.values.copy()
        for columns, rows in zip(pairs.residuals, self._jacobian, strict=True):
            missing -= columns.T @ rows.values
        start = 0
        for weight, rows in zip(weights, self._jacobian, strict=True):
            part = weight * inverse[:, start : start + len(rows.values)]
            rows.values = rows.values + part.T @ missing
            start += len(rows.values)
        self._keep([])
        self._truncate()

    def _truncate(self) -> None:
        large = [f for f, size in enumerate(self._pairs.bases.sizes) if size > MOST_COLUMNS]
        if not large:
            return
        shares = [self._jacobian[f].values @ self._jacobian[f].values.T for f in large]
        for f, squares in zip(large, sums_of(self._total, shares), strict=True):
            rotation = np.linalg.eigh(squares)[1][:, -(3 * MOST_COLUMNS // 4) :]
            self._pairs.bases.rotate(f, rotation)
            self._pairs.residuals[f] = np.zeros((rotation.shape[1], 0))
            self._jacobian[f].values = rotation.T @ self._jacobian[f].values
