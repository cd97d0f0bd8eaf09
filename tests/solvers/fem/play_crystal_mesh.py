"""Meshes of a crystal's places on all ranks, and what the body says of them, as JSON: play_crystal_mesh FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.fem import start

from .crystal_bodies import COPPER, SHEET, crystal, uniform

SPACE = {
    "kind": "crystal", "lower": [-14.46] * 3, "upper": [14.46] * 3,
    "core": "sqrt(x*x + y*y + z*z) - 5", "grades": [4.0], "void": "12 - x + y",
}  # fmt: skip
PLANE = {
    "kind": "crystal", "lower": [-12.0] * 2, "upper": [12.0] * 2,
    "core": "sqrt(x*x + y*y) - 3", "grades": [4.0], "void": "10 - x + y",
}  # fmt: skip


def told(body: Any) -> list[float]:
    """Nodes, volume, what is covered, area of each rim, strain energy and force under a uniform strain."""
    comm, d = body.domain.comm, body.space.components
    corners = body.space.points[body.material._cells][:, :, :d]
    owned = body.domain.mesh.topology.index_map(d).size_local
    sizes = np.abs(np.linalg.det(corners[:owned, 1:] - corners[:owned, :1])) / (2 if d == 2 else 6)
    moved = uniform(body, 0.02 * np.arange(d * d).reshape(d, d) / d**2)
    force = body.material.force(moved).reshape(-1, d)
    inner = np.ones(body.space.owned, dtype=bool)
    inner[body.space.on_facets(body.domain.exterior)] = False
    sums = [body.space.owned, sizes.sum(), body.covered().sum(), inner.sum()]
    sums += [(force**2).sum(), (force[inner] ** 2).sum()]
    sums += [len(body.domain.facets(name, None)) for name in ("outer", "core", "void")]
    body.displacement[:] = moved
    return [*(float(comm.allreduce(each)) for each in sums), body.energies()["strain"]]


def main() -> None:
    """The command line."""
    comm = MPI.COMM_WORLD
    start()
    found = {"space": told(crystal(SPACE, COPPER, comm=comm)), "plane": told(crystal(PLANE, SHEET, comm=comm))}
    if comm.rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
