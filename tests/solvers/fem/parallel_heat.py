"""Under mpirun: heat in a square and in gmsh's body; rank 0 prints probes, rows and inventories as JSON.

mpirun -n 3 -m tests.solvers.fem.parallel_heat
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.solvers.fem.output import Probes

from .bodies import given, heat, held, rows, square
from .test_heat import MIXED
from .test_meshes import GMSH
from .test_variable_conductivity import VARIABLE, curve_file

PLACES = {"a": (0.4, 0.6), "b": (0.8, 0.2), "corner": (1.0, 1.0)}


def main() -> None:
    comm, found = MPI.COMM_WORLD, {}
    radiating = MIXED | {"y-upper": {"kind": "radiation", "coefficient": 0.5, "temperature": "1 + t"}}
    folder = curve_file(Path(tempfile.mkdtemp()))
    bodies = {
        "square": heat(square(10), comm, order=2, initial="1 + x*y", source="exp(-x)", boundaries=MIXED),
        "iterative": heat(square(10), comm, initial="1 + x*y", linear_solver="iterative", boundaries=MIXED),
        "radiating": heat(square(10), comm, initial="1 + x*y", boundaries=radiating),
        "variable": heat(square(10), comm, folder, initial="1 + x*y", boundaries=MIXED, **VARIABLE),
        "gmsh": heat(
            {"kind": "file", "file": "arc-left-coarse.msh"}, comm, GMSH, order=2, conductivity={"body": "1 + x"},
            initial="1 + x*y", boundaries=given("1 + t", "cut", "end") | {"top": {"kind": "flux", "flux": 1.0}},
        ),
    }  # fmt: skip
    for name, body in bodies.items():
        body.advance(0.23)
        probes = Probes(body.space, PLACES).values(body.temperature)
        figures = [*(probes[place][0] for place in PLACES), *rows(body).values(), held(body)]
        found[name] = np.array(figures, dtype=float).tolist()
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
