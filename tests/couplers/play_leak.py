"""Under mpirun: couples two slabs of one closed body over 1,000 windows to a loose tolerance, and prints what was lost.

    mpirun -n 2 -m tests.couplers.play_leak FOLDER

Once as it is; and once the way of couplers that use the last iterate and forget what was given instead of it. Then an
oscillating flux goes from steps of one length to steps of another.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
from mpi4py import MPI

from suture.couplers.case import load_case
from suture.couplers.errors import ConservationError
from suture.couplers.loop import run
from suture.couplers.participant import Participant
from suture.couplers.traffic import Inflow
from suture.couplers.world import World

WINDOWS = 1000

CASE = """
title = "A closed body in two parts, heated and cooled in turn"
[time]
window = 0.05
end = {end}
[scheme]
kind = "serial-implicit"
order = ["coat", "plate"]
samples = 1
acceleration = {{ kind = "constant", relaxation = 0.1 }}
convergence = {{ relative = 1e-3 }}
[ledger]
tolerance = {tolerance}
[participants.plate]
kind = "heat-slab"
[participants.plate.solver]
lower = [0, 0, 0]
upper = [1, 1, 1]
cells = 4
conductivity = 100.0
capacity = 1.0
initial = 1.0
source = "20*cos(3*t) + 10*sin(0.3*t*t)"
step = 0.05
boundaries = {{ lower = {{ kind = "flux", flux = 0.0 }}, upper = {{ kind = "seam" }} }}
[participants.coat]
kind = "heat-slab"
[participants.coat.solver]
lower = [1, 0, 0]
upper = [2, 1, 1]
cells = 4
conductivity = 1.0
capacity = 1.0
initial = 1.0
step = 0.05
boundaries = {{ lower = {{ kind = "seam" }}, upper = {{ kind = "flux", flux = 0.0 }} }}
[interfaces.seam.sides]
plate = {{ side = "upper", condition = "temperature" }}
coat = {{ side = "lower", condition = "flux" }}
"""


def forgetful() -> AbstractContextManager[Any]:
    """At a window's end what was given and not used is forgotten."""
    honest = Inflow.accept

    def accept(self: Inflow) -> None:
        honest(self)
        self.carried = {quantity: np.zeros_like(amount) for quantity, amount in self.carried.items()}

    return patch.object(Inflow, "accept", accept)


def play(folder: Path, tolerance: float, change: Callable[[], AbstractContextManager[Any]]) -> Any:
    comm = MPI.COMM_WORLD
    if comm.rank == 0:
        folder.mkdir()
        (folder / "case.toml").write_text(CASE.format(tolerance=tolerance, end=0.05 * WINDOWS))
    comm.Barrier()
    case = load_case(folder)
    with change():
        me = Participant(case, World.split(comm, {name: 1 for name in case.participants}), folder)
        try:
            run(me)
        except ConservationError as error:
            return {"message": str(error)}
    return {"worst": me.ledger.worst} | (measure(folder / "ledger.h5") if comm.rank == 0 else {})


def measure(path: Path) -> dict[str, Any]:
    """How far the heat of the whole is from what it should be, relative to the heat that crossed, by window."""
    with h5py.File(path) as file:
        (flow,) = file["flows"].values()
        sent, carry = np.abs(flow["sent"][:, 0]), flow["carry"][:, 0]
        held = sum(one["inventory"][:, 0] for one in file["participants"].values()) + carry
        made = sum(row[:, 0] for one in file["participants"].values() for row in one["rows"].values())
        iterations = np.abs(file["iterations"][:])
    lost = held[1:] - held[0] - np.cumsum(made)
    return {
        "lost": (lost / sent.sum()).tolist()[:: WINDOWS // 10],
        "last": float(lost[-1] / sent.sum()),
        "largest": float(np.abs(lost).max() / sent.sum()),
        "carry": float(np.abs(carry).max() / sent.mean()),
        "iterations": float(iterations.mean()),
    }


FLUX = """
title = "An oscillating flux"
units = "lj"
[time]
window = 0.15
end = 1.8
[scheme]
kind = "{scheme}"
samples = {samples}
[participants.source]
kind = "stub-source"
solver = {{ step = {steps[0]} }}
[participants.sink]
kind = "stub-sink"
solver = {{ step = {steps[1]} }}
[interfaces.seam.sides]
source = {{}}
sink = {{}}
"""


def oscillate(folder: Path, steps: tuple[int, int], samples: int, scheme: str) -> float:
    """Heat that the sink holds in the end, over the integral of 2.5 (1 + sin(2 pi t)), which the source knows."""
    comm, end = MPI.COMM_WORLD, 1.8
    if comm.rank == 0:
        folder.mkdir()
        lengths = [0.15 / count for count in steps]
        (folder / "case.toml").write_text(FLUX.format(steps=lengths, samples=samples, scheme=scheme))
    comm.Barrier()
    case = load_case(folder)
    me = Participant(case, World.split(comm, {name: 1 for name in case.participants}), folder)
    run(me)
    held = me.solver.inventory()["energy"].item() if me.name == "sink" and me.solver else 0.0
    return comm.allreduce(held) / (2.5 * (end + (1.0 - np.cos(2 * np.pi * end)) / (2 * np.pi)))


def main(folder: Path) -> None:
    results = {
        "kept": play(folder / "kept", 1e-12, nullcontext),
        "forgotten": play(folder / "seen", 1e-12, forgetful),
        "forgotten, and not audited": play(folder / "unseen", 1e3, forgetful),
    }
    for one, other in ((10, 1), (10, 3), (1, 10)):
        for samples, scheme in ((1, "serial-explicit"), (7, "serial-implicit"), (7, "parallel-implicit")):
            name = f"{one}:{other} {samples} {scheme}"
            results[name] = oscillate(folder / name, (one, other), samples, scheme)
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(results))


main(Path(sys.argv[1]))
