"""Run on any number of ranks: part of a flow, with the rest of it beyond a seam, against the whole on every rank.

Prints the largest difference of the rates of change, relative to the largest rate, by grid and side, as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.navier_stokes import NavierStokes
from tests.solvers.navier_stokes.flows import flow

WAVY = ["0.2*sin(2*pi*(x+y)/8)", "0.2*cos(2*pi*(y-z)/8)", "0.1*sin(2*pi*(x+z)/8)"]
CUT, ALL = 7, 12
"""Layers along z of the part, and of the whole."""


def box(comm: MPI.Comm, fluid: Any, cells: list[int], lower: float, upper: float, **sides: Any) -> NavierStokes:
    wall = {"kind": "wall", "velocity": [0, 0.3, 0.1], "temperature": 1.15}
    boundaries = {"x-lower": wall, "x-upper": wall} | {side.replace("_", "-"): kind for side, kind in sides.items()}
    return flow(
        cells,
        comm,
        lower=[0, 0, lower],
        upper=[8, 8, upper],
        fluid=fluid,
        initial={"density": "0.84 + 0.02*sin(2*pi*(x-z)/8)", "velocity": WAVY, "temperature": "1.1 + 0.02*cos(x+y+z)"},
        boundaries=boundaries,
    )


def difference(fluid: Any, cells: list[int], side: str) -> float:
    """Of the rates of change in the part next to ``side`` = z-upper or z-lower."""
    wall = {"kind": "wall", "velocity": [0.2, 0, 0], "temperature": 1.1}
    height = 8.0 / ALL
    whole = box(MPI.COMM_SELF, fluid, [*cells, ALL], 0.0, 8.0, z_lower=wall, z_upper=wall)
    if side == "z-upper":
        part = box(MPI.COMM_WORLD, fluid, [*cells, CUT], 0.0, CUT * height, z_lower=wall, z_upper={"kind": "seam"})
    else:
        ends = (ALL - CUT) * height, 8.0
        part = box(MPI.COMM_WORLD, fluid, [*cells, CUT], *ends, z_lower={"kind": "seam"}, z_upper=wall)
    part.open_seam(side)
    wanted = cells_of(whole, part.beyond_cells(side))
    part.set_seam_state(
        side, np.column_stack([f[wanted] for f in (whole.density, *whole.velocity, whole.temperature)]), 0.0
    )
    x, y, z = part.grid.centres()
    rates = whole.time_derivative()
    same = rates[index(z, whole, 2), index(y, whole, 1), index(x, whole, 0)]
    found = float(np.abs(part.time_derivative() - same).max() / np.abs(rates).max())
    return MPI.COMM_WORLD.allreduce(found, op=MPI.MAX)


def index(position: np.ndarray, whole: NavierStokes, axis: int) -> np.ndarray:
    return np.floor((position - whole.grid.lower[axis]) / whole.grid.spacing[axis]).astype(int)


def cells_of(whole: NavierStokes, boxes: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, ...]:
    middle = 0.5 * (boxes[0] + boxes[1])
    return tuple(index(middle[:, axis], whole, axis) for axis in (2, 1, 0))


def main() -> None:
    fluid = json.loads(sys.argv[1])
    grids = ([1, 1], [6, 1], [6, 5])
    found = {
        f"{cells} {side}": difference(fluid, list(cells), side) for cells in grids for side in ("z-upper", "z-lower")
    }
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found))


main()
