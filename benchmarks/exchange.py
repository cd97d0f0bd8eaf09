"""Round trip of m doubles in a serial-explicit window, as two Python participants see it, against a raw Sendrecv.

    mpirun -n 2 python benchmarks/exchange.py

Prints one JSON line: for each m the microseconds of a round trip (m doubles there, m back), raw and through channels
(mapping, packing, waiting, unpacking), and of a window with everything that the loop does in it: both exchanges, the
steps and the closing of the books. Each is the best of several batches.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mpi4py
import numpy as np
from mpi4py import MPI

from suture.couplers.case import load_case
from suture.couplers.cells import Cells
from suture.couplers.exchange import Flow, Side, connect
from suture.couplers.foreign import ForeignParticipant
from suture.couplers.world import World

SIZES = [10**k for k in range(2, 7)]
BATCHES = 5
CASE = """
title = "Round trip"
units = "lj"
[time]
window = 1
end = {windows}
[participants]
a = {{ kind = "foreign" }}
b = {{ kind = "foreign" }}
[interfaces.seam.sides]
a = {{}}
b = {{}}
[[interfaces.seam.exchange]]
from = "a"
to = "b"
amounts = ["energy"]
[[interfaces.seam.exchange]]
from = "b"
to = "a"
states = ["temperature"]
"""


def best(world: MPI.Comm, trip: Callable[[], None], repeats: int) -> float:
    """Microseconds of one trip: the best batch, on the slower rank."""
    batches = []
    for _ in range(BATCHES):
        world.Barrier()
        start = time.perf_counter()
        for _ in range(repeats):
            trip()
        batches.append(world.allreduce((time.perf_counter() - start) / repeats, op=MPI.MAX))
    return 1e6 * min(batches)


def row_of_cells(m: int) -> Cells:
    x = np.arange(m + 1.0) / m
    flat = np.zeros(m)
    return Cells(np.column_stack((x[:-1], flat, flat)), np.column_stack((x[1:], flat + 1, flat)))


def raw_trip(world: MPI.Comm, m: int) -> Callable[[], None]:
    there, back, other = np.ones(m), np.empty(m), 1 - world.rank

    def trip() -> None:
        if world.rank == 0:
            world.Send(there, other)
            world.Recv(back, other)
        else:
            world.Recv(back, other)
            world.Send(there, other)

    return trip


def channel_trip(world: MPI.Comm, m: int) -> Callable[[], None]:
    flows = [Flow("seam", "a", "b", ("energy",), 0), Flow("seam", "b", "a", ("temperature",), 0)]
    name, cells = "ab"[world.rank], row_of_cells(m)
    sides = [Side(flow, {q: cells for q in flow.quantities}, {q: 1.0 for q in flow.quantities}) for flow in flows]
    there, back = connect(world.Dup(), name, sides, flows, {"a": (0,), "b": (1,)}, deadline=60.0)
    values = {"energy": np.ones((m, 1)), "temperature": np.ones((m, 1))}

    def trip() -> None:
        if name == "a":
            there.post(values)
            back.collect()
        else:
            there.collect()
            back.post(values)

    return trip


def window(world: MPI.Comm, m: int, windows: int) -> float:
    """Microseconds of a window; the books are kept and written."""
    folder = Path(world.bcast(tempfile.mkdtemp() if world.rank == 0 else None))
    if world.rank == 0:
        (folder / "case.toml").write_text(CASE.format(windows=windows))
    world.Barrier()
    case = load_case(folder)
    cells, energy = row_of_cells(m), np.ones((m, 1))
    with ForeignParticipant(case, World.split(world, {"a": 1, "b": 1}), folder) as me:
        corners = (cells.lower, cells.upper)
        seam = me.side("seam", amounts=corners, states=corners)
        held = np.zeros(1)
        me.books(inventory=lambda: {"energy": held})
        seam.give(temperature=1.0)
        first, last = 0.0, 0.0
        for each in me.windows():
            if each.index == windows // 5:
                first = time.perf_counter()
            me.receive(each)
            if me.name == "a":
                held = held - energy.sum()
                seam.give(energy=energy)
            else:
                held = held + seam.arrived["energy"].sum()
                seam.book(energy=seam.arrived["energy"].sum())
                seam.give(temperature=energy)
            me.send(each)
            me.close(each)
            last = time.perf_counter()
    return 1e6 * world.allreduce((last - first) / (windows - windows // 5), op=MPI.MAX)


def main() -> None:
    world = MPI.COMM_WORLD
    rows = []
    for m in SIZES:
        repeats = max(3, 200_000 // (m + 500))
        row = {"doubles": m, "raw_us": best(world, raw_trip(world, m), repeats)}
        row["channel_us"] = best(world, channel_trip(world, m), repeats)
        row["window_us"] = window(world, m, max(10, repeats))
        rows.append({key: round(value, 1) for key, value in row.items()})
    if world.rank == 0:
        versions = {"python": platform.python_version(), "mpi4py": mpi4py.__version__, "numpy": np.__version__}
        library = MPI.Get_library_version().split(",")[0]
        print(json.dumps({"benchmark": "exchange", "trips": rows, "versions": versions | {"mpi": library}}))


if __name__ == "__main__":
    main()
