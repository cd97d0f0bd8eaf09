"""Run on any number of ranks: three flows with every kind of boundary, put together on rank 0 and saved."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.adapters.finite_volume_face import FiniteVolumeFace, FiniteVolumeFaceSettings
from suture.couplers.window import Window
from suture.solvers.navier_stokes import NavierStokes
from tests.solvers.navier_stokes.flows import flow, liquid, own_flux

WAVY = ["0.2*sin(2*pi*(x+y)/8)", "0.2*cos(2*pi*(y-z)/8)", "0.1*sin(2*pi*(x+z)/8)"]
BOUNDARIES = {
    "x-lower": {"kind": "wall", "velocity": [0, 0.3, 0.1], "temperature": 1.15},
    "x-upper": {"kind": "reservoir", "pressure": 7.2, "temperature": 1.05},
    "z-lower": {"kind": "seam"},
    "z-upper": {"kind": "wall", "velocity": [0.2, 0, 0], "slip_length": 0.05},
}


def together(comm: MPI.Comm, cells: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """All ranks' values, ordered by position."""
    positions, gathered = comm.gather(cells), comm.gather(values)
    if comm.rank:
        return None
    where = np.concatenate(positions)
    return np.concatenate(gathered)[np.lexsort(np.round(where, 9).T)]


def results(solver: NavierStokes, comm: MPI.Comm) -> dict[str, np.ndarray | None]:
    face = FiniteVolumeFace(solver, FiniteVolumeFaceSettings(side="z-lower", layers=3))
    for index in range(5):
        window = Window(index, 0.0, 2.2 * solver.max_dt)
        flux = own_flux(solver, "z-lower")
        lower, upper = solver.seam_cells("z-lower")
        area = (upper[:, 0] - lower[:, 0]) * (upper[:, 1] - lower[:, 1])
        flux[:, 4] += 0.1 * np.sin(lower[:, 0])
        amounts = flux * area[:, None] * window.dt
        face.receive(window, {"mass": amounts[:, :1], "momentum": amounts[:, 1:4], "energy": amounts[:, 4:]})
        for dt in window.steps(lambda: solver.max_dt):
            solver.advance(dt)
            face.account(dt)
    centres = np.stack([c.ravel() for c in solver.grid.centres()], axis=1)
    found = {
        "state": together(comm, centres, solver.grid.state.reshape(-1, 5)),
        "seam": together(comm, face.cells("mass").centres, solver.seam_amounts("z-lower")),
        "sent": together(comm, face.cells("velocity").centres, np.hstack(list(face.send(window).values()))),
    }
    book = [*face.received().values(), *solver.inventory().values()]
    book += [value for row in solver.rows().values() for value in row.values()]
    found["book"] = comm.reduce(np.concatenate(book))
    return found


def main() -> None:
    comm, output = MPI.COMM_WORLD, Path(sys.argv[1])
    fluid = liquid(output) if comm.rank == 0 else None
    fluid = comm.bcast(fluid)
    saved = {}
    for cells in ([1, 1, 9], [6, 1, 9], [6, 5, 7]):
        solver = flow(
            cells,
            comm,
            upper=[8, 8, 8],
            fluid=fluid,
            initial={"density": 0.84, "velocity": WAVY, "temperature": "1.1 + 0.02*cos(2*pi*(x+y+z)/8)"},
            boundaries=BOUNDARIES,
            body_force=["0.1*cos(2*pi*x/8)", 0.2, "sin(t)"],
        )
        name = "x".join(map(str, cells))
        saved |= {f"{name} {key}": value for key, value in results(solver, comm).items()}
        solver.write_fields(output / name)
    if comm.rank == 0:
        np.savez(output / "results.npz", **saved)


main()
