"""Secant pairs of a fixed-point map, held in pieces by all ranks and known to each by small coordinates.

A pair is the change v of the residual and the change w of the output between two iterations. The v are kept as
coordinates in orthonormal bases, one per field, that grow with every pair; every rank knows all coordinates. Least
squares over the v are therefore small dense problems, solved by orthogonal factorisations with full accuracy (nothing
is squared), under any weights of the fields, without another word between the ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import Array
from .global_sums import Total, products, sums_of

_NEGLIGIBLE = 1e-14
"""What is left of a vector outside the basis, relative to it, is round-off below this."""


class Rows:
    """A matrix with this rank's piece of one vector a row; rows are added at its end."""

    def __init__(self, width: int) -> None:
        self._buffer = np.empty((4, width))
        self._count = 0

    @property
    def values(self) -> Array:
        """The rows, shape (rows, width)."""
        return self._buffer[: self._count]

    @values.setter
    def values(self, rows: Array) -> None:
        self._buffer, self._count = np.array(rows), len(rows)

    def append(self, row: Array) -> None:
        """Add a row at the end."""
        if self._count == len(self._buffer):
            grown = np.empty((2 * self._count + 4, self._buffer.shape[1]))
            grown[: self._count] = self._buffer
            self._buffer = grown
        self._buffer[self._count] = row
        self._count += 1


class Bases:
    """One orthonormal basis per field, grown by Gram–Schmidt twice over (Kahan and Parlett: twice is enough)."""

    def __init__(self, fields: Sequence[slice], total: Total) -> None:
        self.fields = fields
        self._total = total
        self._vectors = [Rows(field.stop - field.start) for field in fields]

    @property
    def sizes(self) -> list[int]:
        """Number of basis vectors of each field."""
        return [len(rows.values) for rows in self._vectors]

    def shares(self, vector: Array) -> list[Array]:
        """This rank's share of a vector's coordinates in each field's basis."""
        return [rows.values @ vector[field] for rows, field in zip(self._vectors, self.fields, strict=True)]

    def extend(self, vector: Array, its: list[Array], squares: Array, other: Array, others: list[Array]) -> None:
        """Extend the bases so that they hold ``vector``; complete its and another vector's coordinates in place.

        ``its`` and ``others`` are the summed coordinates of both in the bases so far, ``squares`` the vector's squared
        norms by field. Calls ``total`` once.
        """
        rest = self._without(vector, its)
        *corrections, lengths, overlaps = sums_of(
            self._total,
            [*self.shares(rest), products(self.fields, rest, rest), products(self.fields, rest, other)],
        )
        rest = self._without(rest, corrections)
        for f, (rows, field, correction) in enumerate(zip(self._vectors, self.fields, corrections, strict=True)):
            its[f] = its[f] + correction
            left = lengths[f] - correction @ correction
            if left > 0.25 * lengths[f] and lengths[f] > _NEGLIGIBLE**2 * squares[f]:
                length = np.sqrt(left)
                rows.append(rest[field] / length)
                its[f] = np.append(its[f], length)
                others[f] = np.append(others[f], (overlaps[f] - correction @ others[f]) / length)

    def _without(self, vector: Array, coordinates: Sequence[Array]) -> Array:
        rest = vector.copy()
        for rows, field, c in zip(self._vectors, self.fields, coordinates, strict=True):
            rest[field] -= c @ rows.values
        return rest

    def rotate(self, f: int, rotation: Array) -> None:
        """Replace a field's basis by combinations of its vectors: the orthonormal columns of ``rotation``."""
        self._vectors[f].values = rotation.T @ self._vectors[f].values

    def save(self) -> dict[str, Array]:
        """This rank's pieces of the vectors, by the number of the field."""
        return {f"basis {f}": rows.values.copy() for f, rows in enumerate(self._vectors)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        for f, rows in enumerate(self._vectors):
            rows.values = state[f"basis {f}"]


@dataclass(frozen=True)
class Observed:
    """What all ranks know of one iteration."""

    residual: list[Array]
    """Coordinates of x~ - x in the basis of each field; what lies outside the bases is not in them."""
    residual_squares: Array
    """Squared norm of x~ - x in each field."""
    value_squares: Array
    """Squared norm of x~ in each field."""


class SecantPairs:
    """The pairs (v, w), oldest first."""

    def __init__(self, fields: Sequence[slice], length: int, total: Total) -> None:
        self.fields = fields
        self.bases = Bases(fields, total)
        self._total = total
        self.outputs = Rows(length)
        """The w, one a row."""
        self.residuals = [np.zeros((0, 0)) for _ in fields]
        """The v, one a column: their coordinates in the basis of each field."""
        self.overlaps = np.zeros((len(fields), 0, 0))
        """Scalar products of the w with each other, in each field."""
        self._last: tuple[Array, Array] | None = None

    def __len__(self) -> int:
        return len(self.outputs.values)

    @property
    def fresh(self) -> bool:
        """Whether the next iteration is the first of a window, which makes no pair with the one before."""
        return self._last is None

    def begin(self) -> None:
        """A window begins: its first iteration solves another problem than the last iteration of the one before."""
        self._last = None

    def observe(self, x: Array, x_tilde: Array) -> Observed:
        """Take one iteration, and the pair that it makes with the one before.

        Calls ``total`` once in the first iteration of a window, else twice.
        """
        residual = x_tilde - x
        norms = [products(self.fields, residual, residual), products(self.fields, x_tilde, x_tilde)]
        last, self._last = self._last, (residual, x_tilde.copy())
        shares = [*self.bases.shares(residual), *norms]
        if last is None:
            *coordinates, squares, values = sums_of(self._total, shares)
            return Observed(coordinates, squares, values)
        v, w = residual - last[0], x_tilde - last[1]
        shares += [*self.bases.shares(v), products(self.fields, v, v), self._overlaps_with(w)]
        sums, n = sums_of(self._total, shares), len(self.fields)
        coordinates, squares, values, column = sums[:n], sums[n], sums[n + 1], sums[n + 2 : 2 * n + 2]
        v_squares, overlaps = sums[-2:]
        if np.any(v_squares > 0.0):
            self.bases.extend(v, column, v_squares, residual, coordinates)
            self._append(column, w, overlaps)
        return Observed(coordinates, squares, values)

    def _overlaps_with(self, w: Array) -> Array:
        rows = self.outputs.values
        return np.stack([np.append(rows[:, field] @ w[field], w[field] @ w[field]) for field in self.fields])

    def _append(self, column: Sequence[Array], w: Array, overlaps: Array) -> None:
        count = len(self)
        for f, (old, new) in enumerate(zip(self.residuals, column, strict=True)):
            self.residuals[f] = np.zeros((len(new), count + 1))
            self.residuals[f][: len(old), :count] = old
            self.residuals[f][:, count] = new
        grown = np.zeros((len(self.fields), count + 1, count + 1))
        grown[:, :count, :count] = self.overlaps
        grown[:, count, :] = grown[:, :, count] = overlaps
        self.overlaps = grown
        self.outputs.append(w)

    def keep(self, chosen: Sequence[int] | NDArray[np.intp]) -> None:
        """Drop all pairs but these."""
        if len(chosen) == len(self):
            return
        kept = np.asarray(chosen, dtype=np.intp)
        self.residuals = [columns[:, kept] for columns in self.residuals]
        self.overlaps = self.overlaps[:, kept][:, :, kept]
        self.outputs.values = self.outputs.values[kept]

    def compress(self) -> None:
        """Take out of the bases what no pair needs, once it is a quarter of them."""
        for f, columns in enumerate(self.residuals):
            if len(columns) > 1.25 * columns.shape[1] + 4:
                rotation, self.residuals[f] = np.linalg.qr(columns)
                self.bases.rotate(f, rotation)

    def save(self) -> dict[str, Array]:
        """The pairs, to be taken up at the beginning of a window."""
        columns = {f"residuals {f}": columns for f, columns in enumerate(self.residuals)}
        outputs = {"outputs": self.outputs.values.copy(), "overlaps": self.overlaps}
        return self.bases.save() | columns | outputs

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, between two windows."""
        self.bases.restore(state)
        self.residuals = [np.array(state[f"residuals {f}"]) for f in range(len(self.fields))]
        self.outputs.values, self.overlaps = state["outputs"], np.array(state["overlaps"])
        self._last = None
