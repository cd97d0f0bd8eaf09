"""What a rank sends in a window, and what it needs while the mappings are built, on ever more ranks.

    mpirun --oversubscribe -n 64 python benchmarks/scaling.py [n] [--plot docs/scaling.png]

Two surfaces of n points (default 100000) are cut into blocks, differently on each side, for P = 4, 8 … ranks in all,
as many as there are. Prints one JSON line: for each P and mapping the largest number over ranks of messages and of
bytes in a window (one scalar state), the number of neighbours, and the MiB by which a rank's resident memory grew at
the peak of the meeting, the mean over ranks.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from pydantic import TypeAdapter
from surfaces import blocks, share, surface

from suture.couplers.exchange import Flow, Side, connect
from suture.couplers.mapping_settings import MappingSettings
from suture.couplers.mesh import Mesh
from suture.couplers.waiting import wait

FEW = 5000
MAPPINGS = ("nearest-neighbour", "nearest-projection", "rbf")


def resident(field: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at its peak."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def forget_peak() -> None:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def own_share(name: str, n: int, rank: int, size: int) -> Mesh:
    """The whole mesh is forgotten."""
    whole = surface(name, n)
    return share(whole, rank, blocks(whole, size, axis=int(name == "staggered")))[0]


def measure(comm: MPI.Intracomm, n: int, kind: str) -> dict[str, float]:
    """Connect once; on all ranks alike."""
    half = comm.size // 2
    name = "square" if comm.rank < half else "staggered"
    own = own_share(name, n, comm.rank % half, half)
    mapping: Any = TypeAdapter(MappingSettings).validate_python({"kind": kind})
    flow = Flow("seam", "square", "staggered", ("temperature",), 0, mapping=mapping)
    members = {"square": tuple(range(half)), "staggered": tuple(range(half, 2 * half))}
    side = Side(flow, {"temperature": own}, {"temperature": 1.0})
    wait([comm.Ibarrier()], 600.0, "another rank")
    forget_peak()
    before = resident("VmRSS")
    (channel,) = connect(comm, name, [side], [flow], members, deadline=600.0)
    grown = resident("VmHWM") - before
    sizes = [buffer.nbytes for buffer in channel._flat.values()]
    return {
        "messages": comm.allreduce(len(sizes), op=MPI.MAX),
        "bytes": comm.allreduce(sum(sizes), op=MPI.MAX),
        "mean_messages": comm.allreduce(len(sizes)) / comm.size,
        "points": comm.allreduce(len(own), op=MPI.MAX),
        "setup_MiB": comm.allreduce(grown) / comm.size,
    }


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for axis, key, label in zip(
        axes,
        ("messages", "bytes", "setup_MiB"),
        (
            "messages a rank and window (largest)",
            "bytes a rank and window (largest)",
            "MiB a rank to build (mean)",
        ),
        strict=True,
    ):
        for kind in MAPPINGS:
            chosen = [row for row in rows if row["mapping"] == kind]
            axis.plot([row["ranks"] for row in chosen], [row[key] for row in chosen], "o-", label=kind)
        axis.set(xscale="log", xlabel="ranks", title=label)
        axis.set_xticks([row["ranks"] for row in rows], [str(row["ranks"]) for row in rows], minor=False)
        axis.minorticks_off()
        if key == "messages":
            axis.set_ylim(0, None)
        else:
            first = next(row for row in rows if row["mapping"] == MAPPINGS[-1])
            ranks = np.array(sorted({row["ranks"] for row in rows}))
            axis.plot(ranks, first[key] * first["ranks"] / ranks, "k:", label="1 / ranks")
            axis.set_yscale("log")
        axis.title.set_fontsize(9)
    axes[0].legend(fontsize=8)
    axes[2].legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", nargs="?", type=lambda text: int(float(text)), default=100_000)
    parser.add_argument("--plot", type=Path, help="where to write the figure")
    arguments = parser.parse_args()
    world = MPI.COMM_WORLD
    if world.rank == 0:
        for name in ("square", "staggered"):
            surface(name, arguments.n)
            surface(name, FEW)
    wait([world.Ibarrier()], 600.0, "another rank")
    rows: list[dict[str, Any]] = []
    ranks = 4
    while ranks <= world.size:
        comm = world.Split(int(world.rank >= ranks), world.rank)
        for kind in MAPPINGS:
            if world.rank < ranks:
                measure(comm, FEW, kind)  # MPI makes its own buffers for each partner once
                found = {key: float(f"{value:.4g}") for key, value in measure(comm, arguments.n, kind).items()}
                rows.append({"ranks": ranks, "mapping": kind} | found)
            wait([world.Ibarrier()], 600.0, "another rank")
        ranks *= 2
    if world.rank == 0:
        print(json.dumps({"benchmark": "scaling", "n": arguments.n, "rows": rows}))
        if arguments.plot:
            plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
