"""Run on any number of ranks: a flow between two walls of a partner, in space and time unlike; prints JSON.

Heat and impulse by face in the order of the faces, and the books, by grid.
"""

from __future__ import annotations

import json

import numpy as np
from mpi4py import MPI

from tests.solvers.navier_stokes.flows import flow

WAVY = ["0.2*sin(2*pi*(x+y)/8)", "0.2*cos(2*pi*(y-z)/8)", "0.1*sin(2*pi*(x+z)/8)"]
SIDES = ("x-upper", "z-lower")


def by_face(comm: MPI.Comm, centres: np.ndarray, values: np.ndarray) -> list[list[float]]:
    """All ranks' values, ordered by position; on rank 0."""
    gathered = comm.gather((centres, values))
    if gathered is None:
        return []
    order = np.lexsort(np.round(np.concatenate([c for c, _ in gathered]), 9).T)
    return np.concatenate([v for _, v in gathered])[order].tolist()


def results(comm: MPI.Comm, cells: list[int]) -> dict[str, list]:
    wall = {"kind": "wall", "velocity": [0.0, 0.2, 0.0], "temperature": 1.1}
    solver = flow(
        cells,
        comm,
        upper=[8, 8, 8],
        initial={"density": "1 + 0.02*sin(2*pi*(x-z)/8)", "velocity": WAVY, "temperature": "1 + 0.02*cos(x+y+z)"},
        boundaries={"x-lower": wall, "x-upper": {"kind": "seam"}, "z-lower": {"kind": "seam"}, "z-upper": wall},
    )
    sides = [side for side in SIDES if cells["xyz".index(side[0])] > 1]
    for side in sides:
        solver.close_seam(side)
    crossed = {}
    for index in range(5):
        dt = 2.2 * solver.max_dt
        for side in sides:
            centres = 0.5 * sum(solver.seam_cells(side))
            warm = 1.0 + 0.1 * np.sin(index + centres @ [1.0, 0.7, 0.3])
            solver.set_wall_temperature(side, warm, solver.time + dt)
        solver.advance(dt)
        for side in sides:
            crossed[side] = crossed.get(side, 0.0) + solver.seam_amounts(side)
    found = {side: by_face(comm, 0.5 * sum(solver.seam_cells(side)), crossed[side]) for side in sides}
    books = [*solver.inventory().values(), *(v for row in solver.rows().values() for v in row.values())]
    total = comm.reduce(np.concatenate(books))
    return found | {"books": [] if total is None else total.tolist()}


def main() -> None:
    comm = MPI.COMM_WORLD
    found = {}
    for cells in ([1, 1, 9], [6, 1, 7], [6, 5, 7]):
        found |= {f"{cells} {name}": value for name, value in results(comm, cells).items()}
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
