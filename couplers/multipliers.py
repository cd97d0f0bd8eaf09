"""The space of multipliers where an interface ends at an outer Dirichlet boundary.

A point that an outer Dirichlet boundary sets has no multiplier of its own: its reaction belongs to that boundary. The
space keeps the functions whose values there follow from the neighbours' (E u: u at all other points): on each element
the polynomial of one degree less that fits the element's other nodes best, the mean of all elements at the point.
So constants stay in the space, and of quadratic elements straight lines. Bernardi, Maday & Patera (1994); Wohlmuth,
SIAM J. Numer. Anal. 38 (2000) 989; Puso & Laursen, Comput. Methods Appl. Mech. Engrg. 193 (2004) 601.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from . import _intersection
from .cells import Array
from .ghosts import Ghosts
from .integrals import LINEAR, SIZES, Basis

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Level:
    """Points whose values follow from those that are known by now."""

    places: NDArray[np.intp]
    """Owned points that become known."""
    share: Array
    """One over the number of elements that say something about each, (places, 1)."""
    weights: csr_matrix
    """Sums over this rank's elements, (local, local)."""


class Extension:
    """E and its transpose, on a distributed mesh; the identity without outer points. All methods are collective."""

    def __init__(self, basis: Basis, outer: Mask, ghosts: Ghosts) -> None:
        """``outer`` (owned,) marks the points without a multiplier."""
        self._ghosts = ghosts
        self.outer = outer
        self._levels: list[_Level] = []
        unknown = outer.copy()
        left = ghosts.comm.allreduce(int(unknown.sum()))
        unique = True
        while left:
            level = self._next(basis, unknown, unique)
            unknown[level.places] = False
            before, left = left, ghosts.comm.allreduce(int(unknown.sum()))
            if left < before:
                self._levels.append(level)
            elif unique:
                unique = False
            else:
                break
        self.unresolved = left > 0
        """Whether some outer points have no path to another point: then there is no multiplier at all for them."""

    def _next(self, basis: Basis, unknown: Mask, unique: bool) -> _Level:
        """What follows from elements that know enough: for a ``unique`` polynomial, or just something."""
        everywhere = self._ghosts.copy(unknown[:, None].astype(np.float64))[:, 0] > 0.5
        weights, count = _weights(basis, everywhere, unique)
        count = self._ghosts.add(count[:, None])
        places = np.flatnonzero(unknown & (count[:, 0] > 0.0))
        return _Level(places, 1.0 / count[places], weights)

    def extend(self, values: Array) -> Array:
        """E: (owned, components), of which those at outer points are not used, to values at all owned points."""
        return self._up(values, absolute=False)

    def restrict(self, values: Array) -> Array:
        """Transpose of E: what is given at outer points goes to their neighbours, and the sum stays the same."""
        return self._down(values, absolute=False)

    def majorant(self, diagonal: Array) -> Array:
        """A diagonal (owned, 1) that E^T D E does not exceed outside of D's own part: \\|E_o\\|^T D_o \\|E_o\\| 1."""
        if not self._levels:
            return np.zeros_like(diagonal)
        inside = (~self.outer).astype(np.float64)[:, None]
        sums = self._up(inside, absolute=True)
        return self._down(diagonal * sums * self.outer[:, None], absolute=True)

    def _up(self, values: Array, absolute: bool) -> Array:
        if not self._levels:
            return values
        out = np.where(self.outer[:, None], 0.0, values)
        for level in self._levels:
            weights = abs(level.weights) if absolute else level.weights
            out[level.places] = self._ghosts.add(weights @ self._ghosts.copy(out))[level.places] * level.share
        return out

    def _down(self, values: Array, absolute: bool) -> Array:
        if not self._levels:
            return values
        out = values.copy()
        for level in reversed(self._levels):
            moved = np.zeros_like(out)
            moved[level.places] = out[level.places] * level.share
            out[level.places] = 0.0
            weights = abs(level.weights) if absolute else level.weights
            out += self._ghosts.add(weights.T @ self._ghosts.copy(moved))
        return out


def _weights(basis: Basis, unknown: Mask, unique: bool) -> tuple[csr_matrix, Array]:
    """Extrapolation on each element from its known to its unknown nodes, summed over elements, and their number."""
    n = len(basis.points)
    rows, columns, values = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)], [np.zeros(0)]
    first = basis.first[:-1]
    for code in np.unique(basis.kinds):
        nodes = basis.nodes[first[basis.kinds == code][:, None] + np.arange(int(SIZES[code]))]
        masks = unknown[nodes]
        touched = np.flatnonzero(masks.any(axis=1) & ~masks.all(axis=1))
        patterns, which = np.unique(masks[touched], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            here = nodes[touched[which.ravel() == number]]
            to, of, weight = _extrapolation(int(code), tuple(pattern.tolist()), unique)
            rows.append(here[:, to].ravel())
            columns.append(here[:, of].ravel())
            values.append(np.broadcast_to(weight, (len(here), len(weight))).ravel())
    data, row, column = np.concatenate(values), np.concatenate(rows), np.concatenate(columns)
    matrix = csr_matrix((data, (row, column)), shape=(n, n))
    # Each extrapolation's weights sum to one.
    return matrix, np.bincount(row, data, n).round().astype(np.float64)


@cache
def _extrapolation(
    code: int, unknown: tuple[bool, ...], unique: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Unknown node, known node, and weight, of an element of type ``code``; they depend on its reference only.

    Constants for linear elements; for quadratic ones the least-squares line. Where that is not unique, nothing if it
    must be, else the one of least slope.
    """
    to, of = np.flatnonzero(unknown), np.flatnonzero(~np.array(unknown))
    weights = np.full((len(to), len(of)), 1.0 / len(of))
    if code not in LINEAR:
        nodes = _intersection.reference_nodes(code)
        middle = nodes[of].mean(axis=0)
        if unique and np.linalg.matrix_rank(nodes[of] - middle, tol=1e-9) < np.linalg.matrix_rank(nodes - middle):
            to, weights = to[:0], weights[:0]
        weights = weights + (nodes[to] - middle) @ np.linalg.pinv(nodes[of] - middle, rcond=1e-9)
    row, column = np.meshgrid(to, of, indexing="ij")
    return row.ravel(), column.ravel(), weights.ravel()
