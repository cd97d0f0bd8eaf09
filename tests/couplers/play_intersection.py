"""Under mpirun: the L2 intersection on several numbers of ranks, and where it is refused; prints JSON.

mpirun -n 8 python -m mpi4py -m tests.couplers.play_intersection
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.couplers.cells import Cells
from suture.couplers.mesh import Mesh
from suture.couplers.rendezvous import Discretisation

from . import surfaces
from .bases import flat, quadratic, quads
from .play_cells import pairs
from .play_mappings import measured, there_and_back
from .test_mapping import grid, uniform

RANKS = [(1, 1), (2, 1), (1, 2), (3, 3), (4, 4)]

INTERSECTION = {"kind": "intersection"}


def ending(mesh: Mesh) -> Mesh:
    """An outer Dirichlet boundary at the lowest x."""
    return replace(mesh, outer=mesh.points[:, 0] < mesh.points[:, 0].min() + 1e-9)


def holed(mesh: Mesh) -> Mesh:
    """Without the element nearest to a place off the middle."""
    ((kind, nodes),) = mesh.elements.items()
    distance = np.linalg.norm(mesh.points[nodes].mean(axis=1)[:, :2] - [0.4, 0.55], axis=1)
    return replace(mesh, elements={kind: np.delete(nodes, np.argmin(distance), axis=0)})


def mixed(mesh: Mesh) -> Mesh:
    """With a line among other elements."""
    return replace(mesh, elements={**mesh.elements, "line": np.array([[0, 1]])})


def level(n: int, seed: int) -> Mesh:
    """A triangulation of the flat unit square."""
    return surfaces.square(n, seed, height=0.0)


FEW, HALF = uniform(4), Cells(uniform(4).lower[:8], uniform(4).upper[:8])
WIDE = grid([np.linspace(0.0, 2.0, 9), np.linspace(0.0, 1.0, 5), np.zeros(1)])
BOXES = Cells(FEW.lower, FEW.upper + np.array([0.0, 0.0, 0.1]))

CASES: dict[str, tuple[Discretisation, Discretisation]] = {
    "triangle and triangle": (surfaces.square(12, 1), surfaces.square(16, 2)),
    "triangle6 and quad, outer": (ending(flat("triangle6", 7, 1)), quads(12, 2)),
    "line3 and line": (flat("line3", 25, 1), flat("line", 40, 2)),
    "tetra and tetra10, outer": (ending(flat("tetra", 4, 1)), ending(flat("tetra10", 4, 2))),
    "curved quad9 and triangle": (quadratic(quads(6, 1, height=0.1), "quad9"), surfaces.square(12, 2)),
    "cells and triangle": (uniform(7), level(12, 2)),
    "triangle6, outer, and cells": (ending(flat("triangle6", 7, 1)), uniform(9)),
    "cells and line": pairs()["line"],
}
REFUSED: dict[str, tuple[Discretisation, Discretisation]] = {
    "hole": (surfaces.square(12, 1), holed(surfaces.square(12, 2))),
    "part": (surfaces.square(12, 1), replace(surfaces.square(12, 2), points=0.5 * surfaces.square(12, 2).points)),
    "mixed": (surfaces.square(8, 1), mixed(surfaces.square(8, 2))),
    "outer only": (replace(surfaces.square(5, 1), outer=np.ones(25, dtype=bool)), surfaces.square(6, 2)),
    "cloud": (surfaces.square(8, 1), Mesh(surfaces.square(8, 2).points)),
    "cells over a hole": (FEW, holed(level(12, 2))),
    "mesh over half of the cells": (HALF, level(12, 2)),
    "cells beyond the mesh": (level(12, 2), WIDE),
    "boxes": (BOXES, level(12, 2)),
}


def results(world: MPI.Intracomm) -> dict[str, Any]:
    """By case and numbers of ranks what arrived or the error; the defects of some."""
    found: dict[str, Any] = {"measured": {}}
    for ranks in RANKS:
        comm = world.Split(int(world.rank >= sum(ranks)), world.rank)
        if world.rank >= sum(ranks):
            continue
        refused = REFUSED if ranks in ((1, 1), (2, 1), (4, 4)) else {}
        for name, (a, b) in {**CASES, **refused}.items():
            got = there_and_back(comm, ranks, a, b, INTERSECTION)
            found.setdefault(name, {})["{} + {}".format(*ranks)] = got
            if comm.rank == 0 and name in CASES:
                assert isinstance(got, dict), got
                found["measured"].setdefault(name, []).append(measured(a, b, {q: np.array(v) for q, v in got.items()}))
    return found


def main() -> None:
    world = MPI.COMM_WORLD
    found = results(world)
    if world.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
