"""Speed of phonon transport: unknowns a second, memory, sweeps against source iteration, scaling; prints one JSON line.

    .venv/bin/python benchmarks/bte.py [--cells N]

An unknown is a value of one band in one direction at one vertex of a cell. A film at Kn = 0.01 is solved to 1e-6 with
both iterations in one process; a square of 2 N^2 cells of 40 bands is swept on one rank, and on two, divided by space,
by direction and by band: ``efficiency`` is the time on one rank over twice that on two.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from mpi4py import MPI

from suture.solvers.bte.settings import PhononSettings
from suture.solvers.bte.solver import PhononTransport

WAYS = {"space": {}, "directions": {"directions": 2}, "bands": {"bands": 2}}


def wall(temperature: float) -> dict:
    return {"kind": "temperature", "temperature": temperature}


def film(iteration: str) -> tuple[float, int]:
    """Seconds and sweeps of a gray film at Kn = 0.01."""
    settings = PhononSettings.model_validate(
        {
            "mesh": {"kind": "film", "lower": [0, 0, 0], "upper": [1, 1, 1]},
            "material": {"kind": "gray", "heat_capacity": 1.0, "velocity": 1.0, "mean_free_path": 0.01},
            "initial": 0.5,
            "time_integration": "steady",
            "tolerance": 1e-6,
            "iteration": iteration,
            "boundaries": {"x-lower": wall(1.0), "x-upper": wall(0.0)},
        }
    )
    solver = PhononTransport(settings, MPI.COMM_SELF, Path())
    begin = time.perf_counter()
    solver.advance(1.0)
    return time.perf_counter() - begin, solver.iterations


def square(cells: int, ranks: dict, transient: bool = False) -> tuple[float, int, float]:
    """Seconds of a sweep, unknowns, and bytes an unknown of this process's growth; collective."""
    bands = 40  # as silicon has by default
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = PhononSettings.model_validate(
        {
            "mesh": {"kind": "box", "lower": [0, 0], "upper": [1, 1], "cells": [cells, cells]},
            "material": {
                "kind": "bands",
                "heat_capacity": [1.0 / bands] * bands,
                "velocity": [1.0] * bands,
                "mean_free_path": [0.01 * 1.4**b for b in range(bands)],
            },
            "directions": {"polar": 2, "azimuthal": 32},
            "initial": 0.0,
            **({"step": 0.1} if transient else {"time_integration": "steady"}),
            "ranks": ranks,
            "boundaries": {f"{axis}-{end}": wall(float(end == "upper")) for axis in "xy" for end in ("lower", "upper")},
        }
    )
    solver = PhononTransport(settings, MPI.COMM_WORLD, Path())
    unknowns = 2 * cells * cells * 3 * 64 * bands
    transport, part = solver.problem.transport, solver.problem.part
    transport.set_rate(0.0 if not transient else 10.0)
    flat = transport.zero().flat() + 1.0
    transport.apply(flat)
    MPI.COMM_WORLD.Barrier()
    begin = time.perf_counter()
    for _ in range(4):
        transport.apply(flat)
    MPI.COMM_WORLD.Barrier()
    seconds = (time.perf_counter() - begin) / 4
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert part.owned > 0
    return seconds, unknowns, 1024.0 * grown / unknowns


def played(ranks: int, *arguments: str) -> dict:
    """Run this file on some ranks."""
    environment = os.environ | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), sys.executable, __file__, *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=48)
    parser.add_argument("--play", choices=[*WAYS, "one", "transient"])
    arguments = parser.parse_args()
    if arguments.play:
        found = square(arguments.cells, WAYS.get(arguments.play, {}), arguments.play == "transient")
        if MPI.COMM_WORLD.rank == 0:
            print(json.dumps(found))
        return
    size = ["--cells", str(arguments.cells)]
    accelerated, plain = film("gmres"), film("source")
    one = played(1, "--play", "one", *size)
    result = {
        "unknowns": one[1],
        "unknowns_per_s_and_core": round(one[1] / one[0]),
        "bytes_per_unknown_steady": round(one[2], 1),
        "bytes_per_unknown_transient": round(played(1, "--play", "transient", *size)[2], 1),
        "film_s": round(accelerated[0], 4),
        "film_sweeps": accelerated[1],
        "source_iteration_sweeps": plain[1],
        "source_iteration_over_ours": round(plain[0] / accelerated[0], 1),
    }
    for way in WAYS:
        two = played(2, "--play", way, *size)
        result[f"efficiency_{way}"] = round(one[0] / two[0] / 2.0, 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
