"""Non-matching meshes for the tests of mappings, whole or as one rank's share."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay

from suture.couplers.cells import Array
from suture.couplers.mesh import Mesh


def square(n: int, seed: int, jitter: float = 0.2, height: float = 0.1) -> Mesh:
    """About n by n points of a wavy surface over the unit square, jittered inside, with triangles."""
    x = np.linspace(0.0, 1.0, n)
    xy = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    inner = np.all((xy > 0.0) & (xy < 1.0), axis=1)
    xy[inner] += np.random.default_rng(seed).uniform(-jitter / n, jitter / n, (inner.sum(), 2))
    z = height * np.cos(5.0 * (xy[:, 0] + xy[:, 1]))
    return Mesh(np.column_stack((xy, z)), {"triangle": Delaunay(xy).simplices})


def cube(n: int, seed: int) -> Mesh:
    """About n^3 points of the unit cube with tetrahedra."""
    x = np.linspace(0.0, 1.0, n)
    p = np.stack(np.meshgrid(x, x, x), axis=-1).reshape(-1, 3)
    inner = np.all((p > 0.0) & (p < 1.0), axis=1)
    p[inner] += np.random.default_rng(seed).uniform(-0.2 / n, 0.2 / n, (inner.sum(), 3))
    tets = Delaunay(p).simplices
    a, b, c, d = (p[tets[:, k]] for k in range(4))
    volume = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a))
    return Mesh(p, {"tetra": tets[np.abs(volume) > 1e-3 / n**3]})


def line(n: int, seed: int) -> Mesh:
    """n points of a curve, joined in a row."""
    t = np.linspace(0.0, 1.0, n)
    t[1:-1] += np.random.default_rng(seed).uniform(-0.2 / n, 0.2 / n, n - 2)
    return Mesh(
        np.column_stack((t, 0.1 * np.cos(4 * t), 0 * t)), {"line": np.column_stack((np.arange(n - 1), np.arange(1, n)))}
    )


def share(mesh: Mesh, rank: int, size: int, seed: int = 0) -> tuple[Mesh, Array]:
    """What ``rank`` of ``size`` has of a whole mesh, with ghosts, and the numbers of its owned points.

    Strips along x with ragged borders; of three ranks the middle one has nothing.
    """
    ragged = mesh.points[:, 0] + np.random.default_rng(seed).uniform(-0.05, 0.05, len(mesh.points))
    owner = np.clip((ragged * size).astype(int), 0, size - 1)
    if size == 3:
        owner[owner == 1] = 2
    own = np.flatnonzero(owner == rank)
    elements = {kind: nodes[owner[nodes[:, 0]] == rank] for kind, nodes in mesh.elements.items()}
    named = np.unique(np.concatenate([np.zeros(0, int), *(nodes.ravel() for nodes in elements.values())]))
    ids = np.concatenate((own, np.setdiff1d(named, own)))
    local = np.full(len(mesh.points), -1)
    local[ids] = np.arange(len(ids))
    parts = {kind: local[nodes] for kind, nodes in elements.items()}
    return Mesh(mesh.points[ids], parts, owned=len(own), ids=ids, outer=mesh.outer[own]), own


def smooth(p: Array) -> Array:
    """A function of the points (n, 3) with no symmetry."""
    x, y, z = p.T
    return np.exp(x) * np.sin(2 * y + 1) + np.cos(2 * z - x)
