"""Meshes of simplices: who is whose neighbour across which face, and which faces lie on the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True)
class Simplices:
    """Intervals, triangles or tetrahedra with straight edges. Face f of a cell lies opposite to its vertex f."""

    points: Array
    """(points, d)."""
    cells: Index
    """(cells, d + 1), rows of ``points``."""
    region: Index
    """(cells,) number of each cell's region."""
    regions: tuple[str, ...]
    """Their names."""
    groups: Mapping[str, Index] = field(default_factory=dict)
    """By name of a boundary, its facets, (n, d), rows of ``points``."""
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """(points,) number of each in the whole mesh; empty where this is the whole mesh."""

    @property
    def dimension(self) -> int:
        """1, 2 or 3."""
        return self.points.shape[1]

    def corners(self) -> Array:
        """Places of the vertices of the cells, (cells, d + 1, d)."""
        return self.points[self.cells]


@dataclass(frozen=True)
class Topology:
    """Measures and neighbours of the cells of a mesh.

    Of an axisymmetric mesh, triangles in the distance from the axis and the height, ``volume`` and ``area`` are those
    of the plane; integrals are over an angle of one radian. Raises ``SolverError`` where a cell has no volume or a face
    has more than two cells.
    """

    volume: Array
    """(cells,)."""
    area: Array
    """(cells, d + 1, d) outward normal of each face times its area."""
    neighbour: Index
    """(cells, d + 1) the cell beyond each face, or -1 less the number of the boundary face."""
    across: NDArray[np.int8]
    """(cells, d + 1, d + 1) local number beyond face f of the vertex j; of no meaning where j = f."""
    owner: Index
    """(boundary faces,) the cell of each."""
    place: Index
    """(boundary faces,) its local number there."""

    facing: Index
    """(boundary faces,) the boundary face at the same place of a region that is cut off, or -1."""
    radius: Array
    """(cells, 3) distances from the axis of the vertices of an axisymmetric mesh; else empty."""

    @classmethod
    def of(
        cls,
        mesh: Simplices,
        apart: NDArray[np.bool_] | None = None,
        owned: int | None = None,
        axisymmetric: bool = False,
    ) -> Topology:
        """From a mesh; faces between cells of regions that ``apart``, (regions, regions), holds apart are cut in two.

        Cells beyond the first ``owned`` are other ranks', and have no boundary faces.
        """
        volume, area = _measures(mesh)
        cut = np.zeros((len(mesh.regions), len(mesh.regions)), dtype=bool) if apart is None else apart
        radius = mesh.corners()[:, :, 0] if axisymmetric else np.zeros(0)
        neighbours = _neighbours(mesh, cut, len(mesh.cells) if owned is None else owned)
        return cls(volume, area, *neighbours, np.ascontiguousarray(np.maximum(radius, 0.0)))

    def face_vertices(self, mesh: Simplices) -> Index:
        """(boundary faces, d) rows of ``mesh.points``, in ascending order of their local number."""
        local = face_corners(self.place, mesh.dimension)
        return np.take_along_axis(mesh.cells[self.owner], local, axis=1)

    def normals(self) -> tuple[Array, Array]:
        """Outward unit normals of the boundary faces, (faces, d), and their areas, (faces,)."""
        vectors = self.area[self.owner, self.place]
        sizes = np.linalg.norm(vectors, axis=1)
        return vectors / sizes[:, None], sizes

    @property
    def on_axis(self) -> NDArray[np.bool_]:
        """(boundary faces,) whether a face of an axisymmetric mesh lies on the axis, where there is no boundary."""
        if not self.radius.size:
            return np.zeros(len(self.owner), dtype=bool)
        ends = np.take_along_axis(self.radius[self.owner], face_corners(self.place, 2), axis=1)
        return (ends <= ON_AXIS * self.radius.max(initial=0.0)).all(axis=1)

    @cached_property
    def cell_masses(self) -> Array:
        """(cells, d + 1, d + 1) integrals of products of the cells' linear functions."""
        if not self.radius.size:
            return self.volume[:, None, None] * mass(self.area.shape[1])
        r = self.radius
        each = r.sum(axis=1)[:, None, None] + r[:, :, None] + r[:, None, :]
        return self.volume[:, None, None] / 60.0 * each * (1.0 + np.eye(3))

    def face_masses(self, cell: NDArray[np.integer[Any]], face: NDArray[np.integer[Any]]) -> Array:
        """(n, d + 1, d + 1) integrals of products of a cell's functions over its faces ``face`` (n,)."""
        corners = self.area.shape[1]
        size = np.linalg.norm(self.area[cell, face], axis=1)
        on = 1.0 - np.eye(corners)[face]
        pairs = on[:, :, None] * on[:, None, :] * size[:, None, None]
        if not self.radius.size:
            return pairs * (1.0 + np.eye(corners)) / (corners * (corners - 1))
        r = self.radius[cell] * on
        return pairs * (r.sum(axis=1)[:, None, None] + 2.0 * np.eye(3) * r[:, :, None]) / 12.0

    @cached_property
    def _face_masses(self) -> Array:
        whole = self.face_masses(self.owner, self.place)
        local = face_corners(self.place, self.area.shape[2])
        return whole[np.arange(len(local))[:, None, None], local[:, :, None], local[:, None, :]]

    def over_cells(self, values: Array, cells: slice | None = None) -> Array:
        """Integrals of values (n, d + 1) with the vertices' functions; of the first n cells or ``cells``."""
        return np.einsum("nij,nj->ni", self.cell_masses[cells or slice(len(values))], values)

    def over_faces(self, values: Array, faces: NDArray[np.integer[Any]] | None = None) -> Array:
        """Integrals of values at vertices (n, d) of boundary faces, all of them or ``faces``, with their functions."""
        return np.einsum("nij,nj->ni", self._face_masses if faces is None else self._face_masses[faces], values)


ON_AXIS = 1e-12
"""Distance from the axis, over the largest, that is none."""


def face_corners(place: NDArray[np.integer[Any]], dimension: int) -> NDArray[np.int64]:
    """(n, d) local numbers of the vertices of faces that are opposite to the vertices ``place`` (n,), ascending."""
    corner = np.arange(dimension)
    return corner + (corner >= place[:, None])


def mass(vertices: int) -> Array:
    """Integrals of products of the linear functions of a simplex of unit measure, (vertices, vertices)."""
    return (np.ones((vertices, vertices)) + np.eye(vertices)) / (vertices * (vertices + 1))


def _measures(mesh: Simplices) -> tuple[Array, Array]:
    corners, d = mesh.corners(), mesh.dimension
    edges = corners[:, 1:] - corners[:, :1]
    determinant = np.linalg.det(edges)
    if not (np.abs(determinant) > 0.0).all():
        raise SolverError(f"cell {int(np.argmin(np.abs(determinant)))} of the mesh has no volume")
    volume = np.abs(determinant) / float(np.prod(np.arange(1, d + 1)))
    # Gradients of the barycentric coordinates: columns of the inverse of the edges; face f's outward area is -d V grad.
    inverse = np.linalg.inv(edges)
    gradients = np.concatenate([-inverse.sum(axis=2, keepdims=True), inverse], axis=2).transpose(0, 2, 1)
    return volume, np.ascontiguousarray(-d * volume[:, None, None] * gradients)


def _neighbours(
    mesh: Simplices, apart: NDArray[np.bool_], owned: int
) -> tuple[Index, NDArray[np.int8], Index, Index, Index]:
    cells, region = mesh.cells, mesh.region
    count, corners = cells.shape
    faces = cells[:, face_corners(np.arange(corners), corners - 1)].reshape(count * corners, corners - 1)
    order = np.lexsort(np.sort(faces, axis=1).T)
    ranked = np.sort(faces, axis=1)[order]
    same = (ranked[1:] == ranked[:-1]).all(axis=1)
    if (same[1:] & same[:-1]).any():
        raise SolverError("a face of the mesh belongs to more than two cells")
    first, second = order[:-1][same], order[1:][same]
    beyond = np.full(count * corners, -1, dtype=np.int64)
    beyond[first], beyond[second] = second, first
    opposite = beyond.copy()
    inner = np.flatnonzero(beyond >= 0)
    beyond[inner[apart[region[inner // corners], region[beyond[inner] // corners]]]] = -1
    boundary = np.flatnonzero(beyond[: owned * corners] < 0)
    number = np.full(count * corners, -1, dtype=np.int32)
    number[boundary] = np.arange(len(boundary), dtype=np.int32)
    facing = np.where(opposite[boundary] >= 0, number[opposite[boundary]], -1).astype(np.int32)
    neighbour = np.where(beyond < 0, -1, beyond // corners).astype(np.int32)
    neighbour[boundary] = -1 - np.arange(len(boundary), dtype=np.int32)
    across = np.zeros((count * corners, corners), dtype=np.int8)
    inner = np.flatnonzero(beyond >= 0)
    match = cells[inner // corners][:, :, None] == cells[beyond[inner] // corners][:, None, :]
    across[inner] = np.argmax(match, axis=2)
    return (
        neighbour.reshape(count, corners),
        across.reshape(count, corners, corners),
        (boundary // corners).astype(np.int32),
        (boundary % corners).astype(np.int32),
        facing,
    )
