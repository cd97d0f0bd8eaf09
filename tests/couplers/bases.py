"""Meshes of every element type for the tests of the L2 intersection, and the serial projection between two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mpi4py import MPI

from suture.couplers.cells import Array
from suture.couplers.ghosts import Ghosts
from suture.couplers.integrals import Basis, Intersection, intersect
from suture.couplers.mesh import Mesh
from suture.couplers.multipliers import Extension
from suture.couplers.projection import Projection

from . import surfaces

EDGES = {
    "line": ((0, 1),),
    "triangle": ((0, 1), (1, 2), (2, 0)),
    "quad": ((0, 1), (1, 2), (2, 3), (3, 0)),
    "tetra": ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)),
}


def quadratic(mesh: Mesh, kind: str, onto: Callable[[Array], Array] = lambda x: x) -> Mesh:
    """The same elements with nodes on their edges (and in the middle of a quad9), put ``onto`` a curved shape."""
    ((linear, nodes),) = mesh.elements.items()
    edges = np.sort(np.concatenate([nodes[:, list(edge)] for edge in EDGES[linear]]), axis=1)
    different, number = np.unique(edges, axis=0, return_inverse=True)
    points = [mesh.points, onto(mesh.points[different].mean(axis=1))]
    columns = [nodes, len(mesh.points) + number.reshape(len(EDGES[linear]), -1).T]
    if kind == "quad9":
        points.append(onto(mesh.points[nodes].mean(axis=1)))
        columns.append(len(mesh.points) + len(different) + np.arange(len(nodes))[:, None])
    return Mesh(np.vstack(points), {kind: np.hstack(columns)})


def quads(n: int, seed: int, jitter: float = 0.2, height: float = 0.0) -> Mesh:
    """n by n points of a surface like that of ``surfaces.square``, with quadrilaterals."""
    xy = surfaces.square(n, seed, jitter, height).points
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    return Mesh(xy, {"quad": np.column_stack((corner, corner + 1, corner + n + 1, corner + n))})


def segment(n: int, seed: int) -> Mesh:
    """n points on the straight unit interval, in a direction of space."""
    mesh = surfaces.line(n, seed)
    return Mesh(mesh.points[:, :1] * np.array([[0.6, 0.0, 0.8]]), mesh.elements)


def flat(kind: str, n: int, seed: int) -> Mesh:
    """A mesh of the straight unit segment, square or cube, with elements of ``kind``."""
    if kind.startswith("line"):
        mesh = segment(n, seed)
    elif kind.startswith("triangle"):
        mesh = surfaces.square(n, seed, height=0.0)
    elif kind.startswith("quad"):
        mesh = quads(n, seed, jitter=0.0)
    else:
        mesh = surfaces.cube(n, seed)
    return mesh if kind in EDGES else quadratic(mesh, kind)


def project(mine: Mesh, near: Mesh) -> tuple[Projection, Intersection]:
    """The projection on ``mine`` of what ``near`` has, all on one rank."""
    basis, other = (Basis.of(mesh, mine.dimension) for mesh in (mine, near))
    found = intersect(basis, other)
    ghosts = Ghosts(MPI.COMM_SELF, mine)
    return Projection.of(basis, found.matrix, ghosts, Extension(basis, mine.outer, ghosts)), found


def state(projection: Projection, values: Array) -> Array:
    """Map one state, (columns,) to (rows,)."""
    out = np.empty((projection.rows, 1))
    projection.apply(np.ascontiguousarray(values[:, None]), out)
    return out[:, 0]


def amount(projection: Projection, values: Array) -> Array:
    """Map one amount, (rows,) to (columns,)."""
    out = np.empty((projection.columns, 1))
    projection.apply_transposed(np.ascontiguousarray(values[:, None]), out)
    return out[:, 0]
