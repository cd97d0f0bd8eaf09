"""Integrals of products of finite-element bases: over one mesh, and over two meshes that do not match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from . import _intersection
from .cells import Array
from .mesh import DIMENSION, Mesh
from .quadrature import simplex_rule

Index32 = NDArray[np.int32]

CODES: Mapping[str, int] = {
    "line": 0, "line3": 1, "triangle": 2, "triangle6": 3, "quad": 4, "quad8": 5, "quad9": 6, "tetra": 7, "tetra10": 8
}  # fmt: skip
"""Element types that can be integrated, by the kernel's number."""

DEGREE: Mapping[str, int] = {
    "line": 1, "line3": 2, "triangle": 1, "triangle6": 2, "quad": 2, "quad8": 3, "quad9": 4, "tetra": 1, "tetra10": 2
}  # fmt: skip
"""Degree of the polynomials on each."""

LINEAR = tuple(CODES[kind] for kind in ("line", "triangle", "quad", "tetra"))
"""Types with nodes at their corners only."""

_EXTRA = 4
"""Degrees that the quadrature has beyond the two bases' where an element is not straight: they are no polynomials."""

REACH = 0.25
"""Two elements meet when they are nearer, along the normal, than this fraction of the sum of their diameters."""


@dataclass(frozen=True)
class Basis:
    """The elements of one mesh, of one dimension, one after the other."""

    dimension: int
    points: Array
    kinds: Index32
    """Number of each element's type."""
    nodes: Index32
    """Rows of ``points`` that the elements name, flat."""

    @classmethod
    def of(cls, mesh: Mesh, dimension: int) -> Basis:
        """The mesh's elements, which all have ``dimension``, in the order of its table."""
        kinds = [np.full(len(nodes), CODES[kind], dtype=np.int32) for kind, nodes in mesh.elements.items()]
        nodes = [nodes.ravel() for nodes in mesh.elements.values()]
        none = np.zeros(0, dtype=np.int32)
        assert all(DIMENSION[kind] == dimension for kind in mesh.elements), "checked before"
        return cls(dimension, mesh.points, np.concatenate([none, *kinds]), np.concatenate([none, *nodes]))

    def __len__(self) -> int:
        """Number of elements."""
        return len(self.kinds)

    @property
    def first(self) -> NDArray[np.int64]:
        """Where each element's nodes start in ``nodes``, and where the last one's end, (elements + 1,)."""
        return np.concatenate(([0], np.cumsum(SIZES[self.kinds])))

    def degree(self) -> int:
        """Highest degree of the basis; 1 without elements."""
        return max((DEGREE[kind] for kind, code in CODES.items() if np.any(self.kinds == code)), default=1)

    def _arguments(self) -> tuple[int, Array, Index32, Index32]:
        return self.dimension, self.points, self.kinds, self.nodes

    def diameters(self) -> Array:
        """Longest distance between two corners of each element."""
        return _intersection.diameters(self.points, self.kinds, self.nodes)

    def cover(self, group: int = 64) -> Array:
        """Boxes around all elements and what they reach along their normals, ``group`` elements a box, (boxes, 6)."""
        return _intersection.cover(*self._arguments(), REACH, group)

    def near(self, boxes: Array) -> NDArray[np.bool_]:
        """Which elements, with their reach, meet any of ``boxes`` (n, 6)."""
        return _intersection.near(*self._arguments(), REACH, boxes)

    def select(self, chosen: NDArray[np.bool_]) -> tuple[Basis, Index32]:
        """The ``chosen`` elements with the points that they name, and which of the points these are."""
        nodes = self.nodes[np.repeat(chosen, SIZES[self.kinds])]
        mask = np.zeros(len(self.points), dtype=bool)
        mask[nodes] = True
        named = np.flatnonzero(mask).astype(np.int32)
        number = (np.cumsum(mask) - 1).astype(np.int32)
        return Basis(self.dimension, self.points[named], self.kinds[chosen], number[nodes]), named


SIZES = np.array([len(_intersection.reference_nodes(code)) for code in CODES.values()], dtype=np.int64)
"""Nodes of an element, by the number of its type."""


def mass_matrix(basis: Basis) -> tuple[csr_matrix, tuple[float, float]]:
    """Integrals of phi_i phi_k over all elements, (points, points), and bounds on its eigenvalues by its diagonal's.

    The bounds hold for the inverse diagonal times the matrix, also when other elements are added to it whose bounds
    are no wider (Wathen, IMA J. Numer. Anal. 7 (1987) 449): they are those of single elements. (inf, 0) without any.
    """
    n = len(basis.points)
    rule, gauss = _mass_rules(basis)
    entries, blocks, affine = _intersection.mass(*basis._arguments(), rule, gauss)
    return csr_matrix(entries, shape=(n, n)), _bounds(basis.kinds, blocks, affine.astype(bool))


def _mass_rules(basis: Basis) -> tuple[Array, Array]:
    """On simplices, and along each axis of a quadrilateral."""
    linear = basis.degree() == 1
    return simplex_rule(basis.dimension, 2 if linear else 2 * basis.degree() + _EXTRA), simplex_rule(1, 7)


def _bounds(kinds: Index32, blocks: Array, affine: NDArray[np.bool_]) -> tuple[float, float]:
    first = np.concatenate(([0], np.cumsum(SIZES[kinds] ** 2)))
    low, high = np.inf, 0.0
    for code in np.unique(kinds):
        n = int(SIZES[code])
        here = np.flatnonzero(kinds == code)
        # Straight simplices and parallelograms of one type differ by a factor, which the diagonal takes out.
        straight = here[affine[here]][:1]
        chosen = np.concatenate((straight, here[~affine[here]]))
        mass = blocks[first[chosen][:, None] + np.arange(n * n)].reshape(-1, n, n)
        scale = 1.0 / np.sqrt(np.einsum("kaa->ka", mass))
        values = np.linalg.eigvalsh(mass * scale[:, :, None] * scale[:, None, :])
        low, high = min(low, float(values[:, 0].min())), max(high, float(values[:, -1].max()))
    return low, high


@dataclass(frozen=True)
class Intersection:
    """What one mesh's basis and another's have in common."""

    matrix: csr_matrix
    """Integrals over ``mine`` of its phi_i times phi_j of ``near``, (points of mine, points of near)."""
    covered: Array
    """Fraction of each element of ``mine`` that ``near`` covers."""
    widest: Array
    """Diameter of the widest element of ``near`` on each element of ``mine``."""
    covers: Array
    """Fraction of each element of ``near`` that covers some of ``mine``."""


def intersect(mine: Basis, near: Basis) -> Intersection:
    """Integrate two bases over the intersections of their elements; see the compiled kernel.

    Where an element of ``mine`` is covered only in part, the rest of its integrals goes to the functions of ``near``
    that it meets. So rows sum to the integrals of phi_i, unless nothing covers an element.
    """
    degree = mine.degree() + near.degree()
    rules = simplex_rule(mine.dimension, degree), simplex_rule(mine.dimension, degree + _EXTRA)
    entries, covered, widest, covers = _intersection.intersect(
        *mine._arguments(), *near._arguments()[1:], *rules, *_mass_rules(mine), REACH
    )
    matrix = csr_matrix(entries, shape=(len(mine.points), len(near.points)))
    return Intersection(matrix, covered, widest, covers)
