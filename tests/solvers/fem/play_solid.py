"""Moves some bodies on all ranks and writes what came out, as JSON: python -m tests.solvers.fem.play_solid FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.solvers.fem import start
from suture.solvers.fem.output import Probes

from .crystal_bodies import SILICON, crystal, sheet, uniform
from .solids import LAWS, held, imbalance, mixed, solid

GRADIENT = np.array([[0.02, 0.01], [-0.01, 0.015]])


def main() -> None:
    """The command line."""
    comm = MPI.COMM_WORLD
    start()
    found: dict[str, list[float]] = {"rest": []}
    bodies = {law: mixed(law, comm, spectral_radius=0.8) for law in LAWS}
    bodies["in space"] = solid(
        {"kind": "box", "lower": [0, 0, 0], "upper": [2, 1, 1], "cells": [4, 2, 2]}, comm, order=2,
        linear_solver="iterative", body_force=[0, "sin(t)", 1], boundaries={
            "x-lower": {"kind": "displacement", "x": 0, "y": 0, "z": 0},
            "x-upper": {"kind": "displacement", "z": "0.01*t"},
        },
    )  # fmt: skip
    bodies["sheet"] = sheet(comm)
    silicon = crystal({"kind": "box", "lower": [0, 0], "upper": [30, 20], "cells": [6, 4]}, SILICON, comm=comm)
    moved = uniform(silicon, GRADIENT) + 0.1 * np.sin(silicon.space.points[: silicon.space.owned, :2]).ravel()
    found["shift"] = [float(comm.allreduce(part)) for part in (silicon.material.shift(moved) ** 2).sum(axis=0)]
    for name, body in bodies.items():
        rest, through, brought = imbalance(body)
        probes = Probes(body.space, {"tip": body.settings.mesh.upper})
        tip = comm.bcast(probes.values(body.displacement)["tip"])
        found["rest"] += (abs(rest[through > 0]) / through[through > 0]).tolist()
        found[name] = [*tip, *held(body), *(value for row in brought.values() for value in row)]
    if comm.rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
