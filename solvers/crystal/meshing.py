"""Meshes whose nodes are the places of a lattice near a core of atoms, and fewer and fewer of them farther away.

Delaunay's triangulation of a lattice is not unique, since many of its points lie on one sphere. It is taken in a
metric that differs from space's own by little (``_SKEW``): there hardly any do, and all parts of the lattice are cut
alike. No element has a corner in the core, whose atoms move by themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from ..errors import SolverError

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Field = Callable[[Array], Array]
"""From places (n, dim) to values, (n,)."""
RIMS = ("outer", "core", "void")

_SKEW = np.array([[1.0, 0.031, 0.017], [0.0, 1.013, 0.027], [0.0, 0.0, 0.989]])
_FLAT = 1e-6
"""Volume of an element, relative to that of a lattice cell, that is none."""
_STEPS = np.array(list(itertools.product(range(-4, 5), repeat=3)))
"""Enough of the steps along primitive vectors to find the shortest ones in a plane."""


@dataclass(frozen=True)
class LatticeMesh:
    """Triangles or tetrahedra, and what is beyond each facet of the rim."""

    points: Array
    """(n, dim)."""
    elements: Numbers
    """(m, dim + 1)."""
    facets: Numbers
    """Of the rim, (k, dim)."""
    beyond: Numbers
    """Of each facet, a place in ``RIMS``, (k,)."""


def plane_cell(cell: Array) -> tuple[Array, float]:
    """The lattice of primitive vectors ``cell`` (3, 3), rows, as seen along z.

    Its own primitive vectors in the plane, (2, 2), and the period along z. Raises ``SolverError`` where it has none
    that is short.
    """
    vectors = _STEPS @ cell
    flat = np.linalg.norm(vectors[:, :2], axis=1)
    none = flat < 1e-9 * np.abs(cell).max()
    depths = np.abs(vectors[none, 2])
    depths = depths[depths > 1e-9 * np.abs(cell).max()]
    if not len(depths):
        raise SolverError("the lattice has no short period along z; turn another direction of the crystal there")
    order = np.flatnonzero(~none)[np.argsort(flat[~none], kind="stable")]
    first = vectors[order[0], :2]
    turned = vectors[order, :2] @ np.array([-first[1], first[0]])
    second = vectors[order[np.flatnonzero(turned > 1e-6 * first @ first)[0]], :2]
    return np.array([first, second]), float(depths.min())


def cell_volume(cell: Array, dimension: int) -> float:
    """Of a primitive cell; as seen in a plane, of its area there."""
    return abs(float(np.linalg.det(plane_cell(cell)[0] if dimension == 2 else cell)))


def lattice_mesh(
    cell: Array, lower: Sequence[float], upper: Sequence[float], core: Field, grades: Sequence[float], void: Field
) -> LatticeMesh:
    """A mesh of the box from ``lower`` to ``upper`` around a core.

    ``cell`` (dim, dim) has the primitive vectors of the lattice as rows, one of whose points is 0. ``core`` is the
    distance from the core, not above 0 in it, and ``void`` below 0 in the middle of elements that are not to be there.
    Up to the distance ``grades[0]`` every point of the lattice is a node, up to ``grades[1]`` every second along each
    vector, up to ``grades[2]`` every fourth, and so on; beyond the last, twice as coarse again. The mesh ends at the
    outermost nodes inside of the box. Raises ``SolverError`` where the core leaves no elements.
    """
    points = _graded(cell, np.asarray(lower, dtype=float), np.asarray(upper, dtype=float), core, grades)
    dim = len(cell)
    elements = Delaunay(points @ _SKEW[:dim, :dim]).simplices.astype(np.int64)
    size = np.linalg.det(points[elements[:, 1:]] - points[elements[:, :1]])
    elements[size < 0.0] = elements[size < 0.0][:, [1, 0, *range(2, dim + 1)]]
    elements = elements[np.abs(size) > _FLAT * abs(np.linalg.det(cell))]
    apart = (core(points)[elements] > 0.0).all(axis=1)
    kept = apart & (void(points[elements].mean(axis=1)) >= 0.0)
    if not kept.any():
        raise SolverError("the core leaves no room for elements in the box of the mesh")
    facets, beyond = _rim(elements, kept, apart)
    used, rows = np.unique(elements[kept], return_inverse=True)
    return LatticeMesh(points[used], rows.reshape(-1, dim + 1), np.searchsorted(used, facets), beyond)


def _rim(elements: Numbers, kept: NDArray[np.bool_], apart: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Facets that the ``kept`` elements have with no other of these, and what is beyond each."""
    count, corners = elements.shape
    sides = [[k for k in range(corners) if k != left] for left in range(corners)]
    facets = np.sort(np.concatenate([elements[:, side] for side in sides]), axis=1)
    owner = np.tile(np.arange(count), corners)
    facets, facet = np.unique(facets, axis=0, return_inverse=True)
    facet = facet.ravel()
    inside, hidden, there = (
        np.bincount(facet, weights=chosen[owner].astype(float), minlength=len(facets))
        for chosen in (kept, ~apart, np.ones(count, dtype=bool))
    )
    rim = inside == 1.0
    beyond = np.where(there == 1.0, 0, np.where(hidden > 0.0, 1, 2))
    return facets[rim], beyond[rim].astype(np.int64)


def _graded(cell: Array, lower: Array, upper: Array, core: Field, grades: Sequence[float]) -> Array:
    dim = len(cell)
    corners = np.array(list(itertools.product(*zip(lower, upper, strict=True))))
    spans = corners @ np.linalg.inv(cell)
    ranges = [np.arange(np.floor(a), np.ceil(b) + 1) for a, b in zip(spans.min(axis=0), spans.max(axis=0), strict=True)]
    counts = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, dim).astype(np.int64)
    points = counts @ cell
    slack = 1e-9 * float(np.abs(cell).max())
    inside = ((points >= lower - slack) & (points <= upper + slack)).all(axis=1)
    counts, points = counts[inside], points[inside]
    distance = core(points)
    kept = np.zeros(len(points), dtype=bool)
    for level, reach in enumerate((*grades, np.inf)):
        kept |= (counts % 2**level == 0).all(axis=1) & (distance <= reach)
    return points[kept]
