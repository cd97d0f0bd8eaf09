"""Two families of triangulations of one wavy surface over the unit square, and a smooth function on it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from suture.couplers.mesh import Mesh

Array = NDArray[np.float64]


def height(xy: Array) -> Array:
    """z = 0.78 + cos(10 (x + y)) / 10."""
    return 0.78 + np.cos(10.0 * (xy[:, 0] + xy[:, 1])) / 10.0


def square_lattice(n: int) -> Array:
    """About n points of the square's rows and columns, those inside jittered by a quarter of the spacing."""
    side = round(np.sqrt(n))
    h = 1.0 / (side - 1)
    x, y = np.meshgrid(np.linspace(0.0, 1.0, side), np.linspace(0.0, 1.0, side))
    xy = np.column_stack((x.ravel(), y.ravel()))
    jitter = np.random.default_rng(1).uniform(-0.25 * h, 0.25 * h, xy.shape)
    inside = ((xy > 0.5 * h) & (xy < 1.0 - 0.5 * h)).all(axis=1)
    return np.where(inside[:, None], xy + jitter, xy)


def staggered_lattice(n: int) -> Array:
    """About n points in rows that are shifted by half a spacing, those inside jittered by a tenth of it."""
    spacing = np.sqrt(2.0 / (np.sqrt(3.0) * n))
    rows = round(1.0 / (spacing * np.sqrt(3.0) / 2.0)) + 1
    columns = round(n / rows)
    across, up = 1.0 / (columns - 1), 1.0 / (rows - 1)
    even = np.linspace(0.0, 1.0, columns)
    odd = np.concatenate(([0.0], (np.arange(columns - 1) + 0.5) * across, [1.0]))
    lines = [odd if row % 2 else even for row in range(rows)]
    xy = np.column_stack((np.concatenate(lines), np.repeat(np.arange(rows) * up, [len(line) for line in lines])))
    jitter = np.random.default_rng(2).uniform(-0.1, 0.1, xy.shape) * np.array([across, up])
    edge = 0.4 * min(across, up)
    inside = ((xy > edge) & (xy < 1.0 - edge)).all(axis=1)
    return np.where(inside[:, None], xy + jitter, xy)


LATTICES = {"square": square_lattice, "staggered": staggered_lattice}


def surface(family: str, n: int) -> Mesh:
    """The triangulation of about n points; kept in the system's folder of temporary files."""
    path = Path(tempfile.gettempdir()) / "suture-benchmark" / f"{family}-{n}.npz"
    if not path.exists():
        xy = LATTICES[family](n)
        triangles = Delaunay(xy).simplices
        a, b = xy[triangles[:, 1]] - xy[triangles[:, 0]], xy[triangles[:, 2]] - xy[triangles[:, 0]]
        area = 0.5 * np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
        path.parent.mkdir(exist_ok=True)
        # without the slivers along the border
        np.savez(path, points=np.column_stack((xy, height(xy))), triangles=triangles[area > 1e-4 / n].astype(np.int32))
    with np.load(path) as stored:
        return Mesh(stored["points"], {"triangle": stored["triangles"]})


def strips(mesh: Mesh, size: int) -> NDArray[np.int64]:
    """Owner of each point: ``size`` strips along x."""
    return np.clip((mesh.points[:, 0] * size).astype(int), 0, size - 1)


def blocks(mesh: Mesh, size: int, axis: int) -> NDArray[np.int64]:
    """Owner of each point: halves of halves, along x and y in turn, of equal numbers of points; a power of two."""
    owner = np.zeros(len(mesh.points), dtype=np.int64)
    parts = 1
    while parts < size:
        for part in range(parts):
            (own,) = np.nonzero(owner == part)
            upper = own[np.argsort(mesh.points[own, axis], kind="stable")[len(own) // 2 :]]
            owner[upper] += parts
        parts, axis = 2 * parts, 1 - axis
    return owner


def share(mesh: Mesh, rank: int, owner: NDArray[np.int64]) -> tuple[Mesh, NDArray[np.int64]]:
    """What ``rank`` has, with ghosts, and the numbers of its own points."""
    if not owner.any():
        return mesh, np.arange(len(mesh))
    own = np.flatnonzero(owner == rank)
    triangles = mesh.elements["triangle"]
    triangles = triangles[owner[triangles[:, 0]] == rank]
    ids = np.concatenate((own, np.setdiff1d(np.unique(triangles), own)))
    local = np.full(len(mesh.points), -1, dtype=np.int32)
    local[ids] = np.arange(len(ids))
    return Mesh(mesh.points[ids], {"triangle": local[triangles]}, owned=len(own), ids=ids), own


def mean_edge(mesh: Mesh) -> float:
    """Mean length of the triangles' sides."""
    corners = mesh.points[mesh.elements["triangle"]]
    return float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).mean())


def nodal_areas(mesh: Mesh) -> Array:
    """A third of the area of the triangles around each point."""
    triangles = mesh.elements["triangle"]
    a, b, c = (mesh.points[triangles[:, k]] for k in range(3))
    third = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    return np.bincount(triangles.ravel(), np.repeat(third, 3), len(mesh.points))


def franke(p: Array) -> Array:
    """Franke's function in three variables (Renka 1988, ACM TOMS 14, 139)."""
    x, y, z = 9.0 * p.T
    return (
        0.75 * np.exp(-((x - 2) ** 2 + (y - 2) ** 2 + (z - 2) ** 2) / 4)
        + 0.75 * np.exp(-((x + 1) ** 2 / 49 + (y + 1) / 10 + (z + 1) / 10))
        + 0.5 * np.exp(-((x - 7) ** 2 + (y - 3) ** 2 + (z - 5) ** 2) / 4)
        - 0.2 * np.exp(-((x - 4) ** 2 + (y - 7) ** 2 + (z - 5) ** 2))
    )
