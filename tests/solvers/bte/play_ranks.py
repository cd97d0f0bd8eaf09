"""Under mpirun: solves some problems on all ranks, and prints rows, inventories and sweeps of each as JSON.

mpirun -n 2 -m tests.solvers.bte.play_ranks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mpi4py import MPI

from suture.solvers.bte.settings import PhononSettings
from suture.solvers.bte.solver import PhononTransport

from .bodies import box, film, fixed, gray

TWO = {"kind": "bands", "heat_capacity": [0.5, 0.5], "velocity": [1.0, 2.0], "mean_free_path": [0.1, 3.0]}
MIXED = {
    "x-lower": fixed(1.0),
    "x-upper": {"kind": "flux", "flux": "-0.1*y", "transmissivity": 0.6},
    "y-lower": {"kind": "surface", "specularity": 0.5},
    "y-upper": {"kind": "surface"},
}
PERIODIC = {
    "x-lower": {"kind": "periodic"},
    "x-upper": {"kind": "periodic"},
    "y-lower": fixed("sin(6*x)", transmissivity=0.4),
    "y-upper": fixed(0.0),
}
LAYERS = film()["mesh"] | {"layers": {"left": [0.0, 0.4], "right": [0.4, 1.0]}}
PROBLEMS: dict[str, dict[str, Any]] = {
    "square": box([9, 8], 0.3),
    "mixed": box([9, 8], material=TWO, boundaries=MIXED),
    "periodic": box([9, 8], material=TWO, boundaries=PERIODIC),
    "cube": box([4, 4, 3], 0.2, directions={"polar": 2, "azimuthal": 8}),
    "layers": film(mesh=LAYERS, material={"left": gray(0.3), "right": gray(0.2, 2.0, 0.7)}),
    "transient-axis": box(
        [9, 8],
        material=TWO,
        axisymmetric=True,
        boundaries={"x-upper": fixed("y", transmissivity=0.4), "y-lower": {"kind": "surface"}, "y-upper": fixed(0.0)},
        directions={"polar": 4, "azimuthal": 16},
        time_integration="sdirk2",
        step=0.1,
        initial="0.1*y",
    ),
    "transient": box(
        [9, 8], material=TWO, boundaries=PERIODIC, time_integration="sdirk2", step=0.1, source="x*t", initial="0.1*y"
    ),
}
ON_FOUR = ("mixed", "layers", "transient")
"""On four ranks, the fewest for all three divisions together, a few are enough: the tests' machines have two cores."""


def solve(comm: MPI.Comm, settings: dict[str, Any]) -> dict[str, float]:
    made = PhononTransport(PhononSettings.model_validate(settings), comm, Path())
    made.advance(0.2)
    books = {name: float(book["energy"][0]) for name, book in made.rows().items()}
    books["inventory"] = float(made.inventory()["energy"][0])
    return {name: comm.allreduce(value) for name, value in books.items()} | {"sweeps": float(made.iterations)}


def main() -> None:
    comm = MPI.COMM_WORLD
    ways: list[dict[str, int]] = [{}]
    if comm.size % 2 == 0:
        ways.append({"directions": 2})
    if comm.size == 4:
        ways.append({"directions": 2, "bands": 2})
    found = {}
    for way in ways:
        for name, settings in PROBLEMS.items():
            if way.get("bands", 1) > 1 and settings["material"] != TWO:
                continue
            if comm.size == 4 and name not in ON_FOUR:
                continue
            found[f"{name} {way}"] = solve(comm, settings | {"ranks": way})
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
