"""Quadrature on simplices, exact for polynomials of a given degree."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import roots_jacobi

from .cells import Array


@cache
def simplex_rule(dimension: int, degree: int) -> Array:
    """Points and weights on a simplex of ``dimension`` 1, 2 or 3, (points, dimension + 2).

    Each row holds the barycentric coordinates and the weight; weights are positive and sum to one. Symmetric rules up
    to degree 4 (triangles: Strang & Fix 1973, Dunavant 1985) or 5 (tetrahedra: Walkington 2000), else Gauss and
    Jacobi's points of a collapsed cube.
    """
    if dimension == 2 and degree <= 2:
        return _normalised(_symmetric(3, [((2 / 3, 1 / 6), 1 / 3)]))
    if dimension == 2 and degree <= 4:
        a, b = 0.44594849091596488632, 0.091576213509770743460
        return _normalised(
            _symmetric(3, [((1 - 2 * a, a), 0.22338158967801146570), ((1 - 2 * b, b), 0.10995174365532186764)])
        )
    if dimension == 3 and degree <= 2:
        b = 0.13819660112501051518
        return _normalised(_symmetric(4, [((1 - 3 * b, b), 0.25)]))
    if dimension == 3 and degree <= 5:
        return _tetrahedron_of_degree_5()
    return _collapsed(dimension, degree // 2 + 1)


def _symmetric(corners: int, orbits: list[tuple[tuple[float, float], float]]) -> Array:
    """One coordinate unlike all others, at each corner in turn."""
    rows = []
    for (one, others), weight in orbits:
        for corner in range(corners):
            rows.append([one if k == corner else others for k in range(corners)] + [weight])
    return np.array(rows)


def _tetrahedron_of_degree_5() -> Array:
    a, b = 0.31088591926330060980, 0.092735250310891226402
    corners = _symmetric(4, [((1 - 3 * a, a), 0.11268792571801585080), ((1 - 3 * b, b), 0.073493043116361949544)])
    c, weight = 0.045503704125649649492, 0.042546020777081466438
    edges = [[c if k in (i, j) else 0.5 - c for k in range(4)] + [weight] for i in range(4) for j in range(i)]
    rows = np.vstack((corners, edges))
    return _normalised(rows)


def _collapsed(dimension: int, points: int) -> Array:
    """Tensor product on a cube that is collapsed to the simplex; exact up to degree 2 points - 1."""
    coordinates, weights = np.zeros((1, 0)), np.ones(1)
    left = np.ones(1)
    for axis in range(dimension):
        x, w = roots_jacobi(points, dimension - 1 - axis, 0)
        x, w = 0.5 * (1 + x), w / w.sum()
        here = np.multiply.outer(left, x)
        coordinates = np.column_stack((np.repeat(coordinates, points, axis=0), here.ravel()))
        left = np.multiply.outer(left, 1 - x).ravel()
        weights = np.multiply.outer(weights, w).ravel()
    return _normalised(np.column_stack((1 - coordinates.sum(axis=1), coordinates, weights)))


def _normalised(rows: Array) -> Array:
    """Coordinates, and weights, that sum to one in the last digit too."""
    rows = rows.copy()
    rows[:, 0] = 1.0 - rows[:, 1:-1].sum(axis=1)
    rows[:, -1] /= rows[:, -1].sum()
    rows.setflags(write=False)
    return rows
