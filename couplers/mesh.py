"""The discretisation that one side gives of an interface: points, with or without elements between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .cells import Array

NODES: Mapping[str, int] = MappingProxyType(
    {
        "line": 2,
        "line3": 3,
        "triangle": 3,
        "triangle6": 6,
        "quad": 4,
        "quad8": 8,
        "quad9": 9,
        "tetra": 4,
        "tetra10": 10,
        "hexahedron": 8,
    }
)
"""Nodes of each element type, by meshio's name and in its order: corners first, then edges, then the interior."""

CORNERS: Mapping[str, int] = MappingProxyType(
    {"line": 2, "line3": 2, "triangle": 3, "triangle6": 3, "quad": 4, "quad8": 4, "quad9": 4}
    | {"tetra": 4, "tetra10": 4, "hexahedron": 8}
)
"""Corners of each element type: its first nodes."""

DIMENSION: Mapping[str, int] = MappingProxyType(
    {"line": 1, "line3": 1, "triangle": 2, "triangle6": 2, "quad": 2, "quad8": 2, "quad9": 2}
    | {"tetra": 3, "tetra10": 3, "hexahedron": 3}
)
"""Dimension of each element type: 1 for lines, 2 for surfaces, 3 for volumes."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points with values, and the elements between them: this rank's share of one side's discretisation.

    Values are given and taken at owned points, in their order. Every element belongs to one rank, and may name points
    that another rank owns: ghosts, which follow the owned ones in ``points``. Without elements it is a cloud of points.
    Raises ``ValueError`` when shapes or numbers do not fit.
    """

    points: Array
    """(n, 3), in the participant's own length unit, owned points first; a problem in two dimensions has z = 0."""
    elements: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    """(k, nodes) rows of ``points`` by element type, named and ordered as in meshio; see ``NODES``."""
    owned: int | None = None
    """Number of owned points; default: all."""
    ids: NDArray[np.int64] | None = None
    """(n,) number of each point in the participant's whole mesh; needed where there are ghosts."""
    outer: NDArray[np.bool_] | None = None
    """(owned,) whether an outer Dirichlet boundary sets the point too; default: none."""

    def __post_init__(self) -> None:
        points = np.ascontiguousarray(self.points, dtype=np.float64)
        if points.size == 0:
            points = points.reshape(0, 3)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points have shape {points.shape}; it must be (n, 3), with z = 0 in two dimensions")
        if not np.isfinite(points).all():
            raise ValueError(f"point {int(np.argmax(~np.isfinite(points).all(axis=1)))} is not finite")
        owned = len(points) if self.owned is None else int(self.owned)
        if not 0 <= owned <= len(points):
            raise ValueError(f"owned is {owned}; it must be between 0 and the number of points, {len(points)}")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "owned", owned)
        elements = {kind: _connectivity(kind, nodes, len(points)) for kind, nodes in self.elements.items()}
        object.__setattr__(self, "elements", {kind: nodes for kind, nodes in elements.items() if len(nodes)})
        object.__setattr__(self, "ids", _ids(self.ids, len(points), owned))
        object.__setattr__(self, "outer", _mask(self.outer, owned))

    def __len__(self) -> int:
        """Number of owned points: the rows of this rank's values."""
        assert self.owned is not None, "set when the mesh is made"
        return self.owned

    @property
    def owned_points(self) -> Array:
        """Owned points, (owned, 3)."""
        return self.points[: self.owned]

    @property
    def dimension(self) -> int:
        """Largest dimension of this rank's elements; 0 without any (then another rank may still have some)."""
        return max((DIMENSION[kind] for kind in self.elements), default=0)

    def scaled(self, factor: float) -> Mesh:
        """The same mesh with all lengths multiplied by ``factor``."""
        return self if factor == 1.0 else replace(self, points=self.points * factor)


def _connectivity(kind: str, nodes: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    if kind not in NODES:
        raise ValueError(f"elements of type {kind!r} are not known; known: {', '.join(NODES)}")
    given = np.asarray(nodes)
    if given.size == 0:
        return np.zeros((0, NODES[kind]), dtype=np.int32)
    if given.ndim != 2 or given.shape[1] != NODES[kind] or given.dtype.kind not in "iu":
        raise ValueError(
            f"elements {kind!r} have shape {given.shape} of {given.dtype}; they must be (k, {NODES[kind]}) of integers"
        )
    if given.min() < 0 or given.max() >= n:
        bad = int(given.min() if given.min() < 0 else given.max())
        raise ValueError(f"an element {kind!r} names point {bad}; there are {n} points, numbered from 0")
    return np.ascontiguousarray(given, dtype=np.int32)


def _ids(ids: NDArray[np.int64] | None, n: int, owned: int) -> NDArray[np.int64] | None:
    if ids is None:
        if owned < n:
            raise ValueError(f"{n - owned} points are ghosts: give ids, the number of each point in the whole mesh")
        return None
    given = np.asarray(ids)
    if given.shape != (n,) or (n and given.dtype.kind not in "iu"):
        raise ValueError(f"ids have shape {given.shape} of {given.dtype}; they must be ({n},) of integers")
    if len(np.unique(given)) < n:
        raise ValueError("two points of this rank have the same id")
    return np.ascontiguousarray(given, dtype=np.int64)


def _mask(outer: NDArray[np.bool_] | None, owned: int) -> NDArray[np.bool_]:
    if outer is None:
        return np.zeros(owned, dtype=np.bool_)
    given = np.asarray(outer)
    if given.shape != (owned,) or (owned and given.dtype != np.bool_):
        raise ValueError(f"outer has shape {given.shape} of {given.dtype}; it must be ({owned},) of booleans")
    return given
