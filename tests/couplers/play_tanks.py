"""Under mpirun: couples the tanks in many ways, honest and not, and prints what came of each as JSON.

    mpirun -n 5 python -m tests.couplers.play_tanks FOLDER

Each run takes the first ranks of the world that its case needs, and leaves its books in FOLDER/NAME.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from mpi4py import MPI

from suture.adapters.tank_face import SinkFace, SourceFace
from suture.couplers.bookkeeping import Bookkeeper
from suture.couplers.case import load_case
from suture.couplers.errors import ConservationError
from suture.couplers.loop import run
from suture.couplers.participant import Participant
from suture.couplers.world import World
from suture.solvers.stubs.tank import Sink

CASE = """
title = "Tanks"
units = "{units[0]}"
[time]
window = 0.25
end = {end}
[scheme]
kind = "{scheme}"
{more}
[participants.a]
kind = "stub-source"
ranks = {ranks[0]}
units = {units[1]}
[participants.a.solver]
cells = [3, 4]
step = {steps[0]}
{faults[0]}
[participants.b]
kind = "stub-sink"
ranks = {ranks[1]}
units = {units[2]}
[participants.b.solver]
cells = [5, 2]
step = {steps[1]}
{faults[1]}
[interfaces.seam.sides]
a = {{}}
b = {{}}
"""
LJ = ("lj", '"lj"', '"lj"')
METAL_REAL = ("real", '"metal"', '"real"')
SERIAL = {
    "scheme": "serial-explicit",
    "more": "",
    "end": 5.0,
    "ranks": (1, 1),
    "units": LJ,
    "steps": (0.03, 0.1),
    "faults": ("", ""),
}
PARALLEL = SERIAL | {"scheme": "parallel-explicit"}


def keeps(cls: type, method: str, change: Callable[[Any], Any]) -> Any:
    """Let a method return a changed value."""
    honest = getattr(cls, method)
    return patch.object(cls, method, lambda self, *args, **more: change(honest(self, *args, **more)))


def scaled(factor: float) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda amounts: {quantity: value * factor for quantity, value in amounts.items()}


def without(kind: str) -> Callable[[Mapping[Any, Any]], dict[Any, Any]]:
    return lambda shares: {entry: value for entry, value in shares.items() if entry[0] != kind}


@contextmanager
def heated(row: float) -> Iterator[None]:
    """A sink with a heater, of which the books are told the fraction ``row``."""
    advance = Sink.advance

    def heat(self: Sink, dt: float) -> None:
        advance(self, dt)
        self.held[:, 4] += 0.1 * dt

    def rows(self: Sink) -> dict[str, dict[str, Any]]:
        return {"heater": {"energy": np.array([row * 0.1 * self.time * len(self.held)])}}

    with patch.object(Sink, "advance", heat), patch.object(Sink, "rows", rows):
        yield


def nothing() -> Any:
    return nullcontext()


RUNS: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
    "serial": (SERIAL, nothing),
    "serial on 2 + 3": (SERIAL | {"ranks": (2, 3)}, nothing),
    "parallel": (PARALLEL, nothing),
    "parallel on 3 + 2": (PARALLEL | {"ranks": (3, 2)}, nothing),
    "parallel on 1 + 3": (PARALLEL | {"ranks": (1, 3)}, nothing),
    "serial, 1000 windows": (SERIAL | {"end": 250.0}, nothing),
    "parallel, 1000 windows": (PARALLEL | {"end": 250.0}, nothing),
    "serial, metal to real": (SERIAL | {"units": METAL_REAL, "steps": (3e-5, 0.1)}, nothing),
    "parallel, metal to real": (PARALLEL | {"units": METAL_REAL, "steps": (3e-5, 0.1)}, nothing),
    "heater": (SERIAL | {"ranks": (1, 2)}, lambda: heated(1.0)),
    "serial, samples": (SERIAL | {"more": "samples = 4", "ranks": (2, 1)}, nothing),
    "parallel, samples": (PARALLEL | {"more": "samples = 3\nextrapolation = 'quadratic'", "ranks": (2, 2)}, nothing),
    "serial, implicit": (SERIAL | {"scheme": "serial-implicit", "ranks": (2, 1)}, nothing),
    "parallel, implicit": (
        SERIAL | {"scheme": "parallel-implicit", "ranks": (2, 2), "more": "samples = 5\nextrapolation = 'linear'"},
        nothing,
    ),
    # What the books must find.
    "received is dropped": (SERIAL, lambda: keeps(SinkFace, "received", lambda amounts: {})),
    "received is altered": (SERIAL, lambda: keeps(SinkFace, "received", scaled(1 + 1e-10))),
    "sent is altered": (PARALLEL, lambda: keeps(SourceFace, "send", scaled(1 - 1e-10))),
    "transit is dropped": (PARALLEL, lambda: keeps(Bookkeeper, "_sender_shares", without("carry"))),
    "opening is dropped": (PARALLEL, lambda: keeps(Bookkeeper, "opening", without("carry"))),
    "sink leaks": (PARALLEL | {"faults": ("", 'fault = {kind = "leak", window = 5}')}, nothing),
    "one rank leaks": (
        SERIAL | {"ranks": (2, 3), "faults": ("", 'fault = {kind = "leak", window = 5, rank = 2}')},
        nothing,
    ),
    "heater is left out": (SERIAL, lambda: heated(0.0)),
    "heater is 1e-9 too weak": (SERIAL, lambda: heated(1.0 - 1e-9)),
}


def play(
    comm: MPI.Comm, folder: Path, setting: Mapping[str, Any], change: Callable[[], Any], text: str = CASE
) -> dict[str, Any]:
    """One run on ``comm``, which has the ranks that it needs."""
    if comm.rank == 0:
        folder.mkdir()
        (folder / "case.toml").write_text(text.format(**setting))
    comm.Barrier()
    case = load_case(folder)
    world = World.split(comm, {name: p.ranks for name, p in case.participants.items()})
    with change():
        me = Participant(case, world, folder)
        try:
            run(me)
        except ConservationError as error:
            return {"message": str(error), "worst": me.ledger.worst}
    return {"message": "", "worst": me.ledger.worst}


def main(folder: Path) -> None:
    world = MPI.COMM_WORLD
    results = {}
    for name, (setting, change) in RUNS.items():
        ranks = sum(setting["ranks"])
        comm = world.Split(0 if world.rank < ranks else 1)
        if world.rank < ranks:
            results[name] = play(comm, folder / name, setting, change)
            alike = comm.allgather(results[name]["message"])
            assert len(set(alike)) == 1, f"{name}: the ranks differ: {alike}"
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
