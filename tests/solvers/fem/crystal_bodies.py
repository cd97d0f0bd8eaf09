"""Bodies that are crystals, for the tests of finite elements."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from .solids import mixed, solid

COPPER: dict[str, Any] = {
    "structure": "fcc", "constant": 3.615,
    "potential": {"kind": "eam", "file": "Cu_mishin1.eam.alloy", "element": "Cu"},
}  # fmt: skip
SILICON: dict[str, Any] = {
    "structure": "diamond", "constant": 5.43095, "orientation": [[1, 1, -2], [1, 1, 1], [1, -1, 0]],
    "potential": {"kind": "stillinger-weber", "file": "Si.sw", "element": "Si"},
}  # fmt: skip
SHEET: dict[str, Any] = {
    "structure": "triangular", "constant": 1.1161531533181533,
    "potential": {"kind": "lennard-jones", "epsilon": 1.0, "sigma": 1.0, "cutoff": 2.5},
}  # fmt: skip
"""At its constant without stress."""
MODULI_FROM_ATOMS: dict[str, Any] = {"young": None, "poisson": None, "material": "cauchy-born"}
BLOCK = 30.0
"""Edge of the block, in Å."""


def block(folder: Path, n: int = 3) -> dict[str, Any]:
    """The mesh of a cube of tetrahedra whose inner points are anywhere."""
    import meshio

    axis = np.linspace(0.0, BLOCK, n + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    inner = (np.abs(points - 0.5 * BLOCK) < 0.49 * BLOCK).all(axis=1)
    points[inner] += 0.2 * BLOCK / n * np.random.default_rng(1).uniform(-1, 1, (inner.sum(), 3))
    stride = np.array([(n + 1) ** 2, n + 1, 1])
    corner = (np.stack(np.meshgrid(*3 * [np.arange(n)], indexing="ij"), axis=-1) @ stride).ravel()
    # Along each edge path from corner to corner of a little cube there is one tetrahedron.
    paths = [np.cumsum([0, *(stride[axis] for axis in path)]) for path in permutations(range(3))]
    cells = np.concatenate([corner[:, None] + path for path in paths])
    meshio.write(folder / "block.xdmf", meshio.Mesh(points, {"tetra": cells}))
    return {"kind": "file", "file": "block.xdmf"}


def crystal(mesh: dict[str, Any], of: dict[str, Any], folder: Path = Path(), **settings: Any) -> Any:
    return solid(mesh, directory=folder, crystal=of, **(MODULI_FROM_ATOMS | settings))


def sheet(comm: MPI.Comm = MPI.COMM_SELF, **more: Any) -> Any:
    """The body with every kind of boundary and load, as a plane lattice."""
    return mixed("cauchy-born", comm, young=None, poisson=None, crystal=SHEET, **more)


def uniform(body: Any, gradient: np.ndarray) -> np.ndarray:
    """The displacement of a uniform gradient, at owned dofs."""
    d = len(gradient)
    return (body.space.points[: body.space.owned, :d] @ gradient.T).ravel()
