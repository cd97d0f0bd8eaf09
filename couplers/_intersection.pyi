"""Types of the compiled kernel; its comments stand in ``_intersection.cpp``."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int32]
Entries = tuple[Array, Index, Index]
"""Values, columns and starts of the rows of a sparse matrix."""

def intersect(
    dimension: int,
    points_a: Array,
    kinds_a: Index,
    nodes_a: Index,
    points_b: Array,
    kinds_b: Index,
    nodes_b: Index,
    rule: Array,
    fine: Array,
    mass_rule: Array,
    gauss: Array,
    reach: float,
) -> tuple[Entries, Array, Array, Array]:
    """Mixed mass matrix; covered part and widest partner of A's elements; covering part of B's."""

def mass(
    dimension: int, points: Array, kinds: Index, nodes: Index, rule: Array, gauss: Array
) -> tuple[Entries, Array, NDArray[np.uint8]]:
    """Mass matrix; the elements' own matrices, flat; which elements are affine images of their reference."""

def cover(dimension: int, points: Array, kinds: Index, nodes: Index, reach: float, group: int) -> Array:
    """Boxes around groups of elements, (boxes, 6)."""

def near(dimension: int, points: Array, kinds: Index, nodes: Index, reach: float, boxes: Array) -> NDArray[np.bool_]:
    """Which elements meet any of the boxes."""

def diameters(points: Array, kinds: Index, nodes: Index) -> Array:
    """Longest distance between two corners of each element."""

def reference_nodes(kind: int) -> Array:
    """Reference coordinates of an element type's nodes, (nodes, 3)."""
