"""Axis-aligned cells as finite elements, so that they can be intersected with those of a mesh.

The function that is one on a cell and zero elsewhere is the sum of the shape functions of a rectangle, or a segment,
whose nodes belong to no other. So the integrals of a cell are the sums of those of its own nodes.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from .cells import Cells
from .mesh import CORNERS, Mesh
from .rendezvous import Discretisation, Meeting

KINDS = {1: "line", 2: "quad"}
"""Elements that cells of one or two dimensions are; boxes would be hexahedra, which are not intersected."""


def elements_of(meeting: Meeting, own: Discretisation) -> Mesh:
    """The elements of a mesh, or those that cells are: two or four points of its own for each."""
    if not isinstance(own, Cells):
        return own
    axes = np.flatnonzero(~meeting.flat)
    kind = KINDS[len(axes)]
    corner = np.zeros((CORNERS[kind], 3), dtype=np.bool_)
    # Around the cell, as the nodes of an element go.
    corner[:, axes[0]] = [False, True, True, False][: len(corner)]
    if len(axes) == 2:
        corner[:, axes[1]] = [False, False, True, True]
    points = np.where(corner, own.upper[:, None], own.lower[:, None]).reshape(-1, 3)
    return Mesh(points, {kind: np.arange(len(points)).reshape(-1, len(corner))})


def points_of_each(meeting: Meeting, side: str) -> int:
    """Points that one value of a side belongs to: the corners of a cell, or a mesh's point itself."""
    if not any(summary.cells for summary in meeting.side(side).values()):
        return 1
    return CORNERS[KINDS[int((~meeting.flat).sum())]]


def add_rows(matrix: csr_matrix, each: int) -> csr_matrix:
    """Sums of ``each`` successive rows."""
    ends = np.arange(0, matrix.shape[0] + 1, each)
    ones = np.ones(matrix.shape[0])
    return csr_matrix((ones, np.arange(len(ones)), ends), shape=(len(ends) - 1, len(ones))) @ matrix
