"""Set-up, application, memory and error of the mappings between two wavy surfaces of n points each.

    mpirun -n 2 python benchmarks/mapping.py [n ...]        # default 100000; one rank a side
    mpirun -n 4 python benchmarks/mapping.py 1000000        # two ranks a side

Prints one JSON line. Times are in units of ``tree`` too: building scipy's k-d tree on the one surface and looking up
every point of the other one, on one rank in the same run. ``setup`` is the building of the operator on both sides with
all its messages, ``init`` everything between having the meshes and the first window, ``apply`` the product with a
scalar field. ``extra_memory_MiB`` is the growth of the larger rank's resident memory at its peak during ``init``.
The peer is preCICE 3.4.1.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from mpi4py import MPI
from pydantic import TypeAdapter
from scipy.spatial import cKDTree
from surfaces import franke, mean_edge, nodal_areas, share, strips, surface

from suture.couplers.choice import Acquaintance
from suture.couplers.exchange import Flow, Side, connect
from suture.couplers.mapping_settings import MappingSettings
from suture.couplers.waiting import wait

PEER = {
    "columns": ["setup_per_tree", "init_per_tree", "apply_per_tree", "extra_memory_MiB", "relative_l2_error"],
    "nearest-neighbour": {100_000: [1.5, 2.0, 0.002, 43, 3.465e-3], 1_000_000: [1.3, 1.6, 0.002, 379, 1.088e-3]},
    "nearest-projection": {100_000: [6.9, 12.6, 0.005, 93, 5.753e-5], 1_000_000: [7.0, 12.1, 0.0045, 887, 5.753e-6]},
    "rbf": {100_000: [17.0, 19.0, 1.3, 614, 1.527e-7], 1_000_000: [30.0, 32.0, 1.2, 6120, 1.648e-8]},
}
REPEATS = 3


def best(repeats: int, run: Callable[[], Any]) -> float:
    """Seconds of the quickest run."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def meet_sleeping(world: MPI.Intracomm) -> None:
    """A barrier that leaves the processor to who still works."""
    wait([world.Ibarrier()], 600.0, "another rank")


def resident(field: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at its peak."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def forget_peak() -> None:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def timed_map(spent: dict[str, float]) -> Callable[..., Any]:
    """``Acquaintance.map`` that adds up its seconds."""
    plain = Acquaintance.map

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return plain(*args, **kwargs)
        finally:
            spent["setup"] = spent.get("setup", 0.0) + time.perf_counter() - start

    return timed


def measure(world: MPI.Intracomm, n: int, settings: dict[str, Any], amounts: bool, memory: bool) -> dict[str, float]:
    """A state or amounts from the square to the staggered surface, on all ranks alike."""
    half = world.size // 2
    name = "square" if world.rank < half else "staggered"
    whole = surface(name, n)
    own, numbers = share(whole, world.rank % half, strips(whole, half))
    sender, receiver = "square", "staggered"
    mapping: Any = TypeAdapter(MappingSettings).validate_python(settings)
    flow = Flow("seam", sender, receiver, ("energy" if amounts else "temperature",), 0, mapping=mapping)
    side = Side(flow, {q: own for q in flow.quantities}, {q: 1.0 for q in flow.quantities})
    members = {"square": tuple(range(half)), "staggered": tuple(range(half, 2 * half))}
    spent: dict[str, float] = {}
    plain = Acquaintance.map
    Acquaintance.map = timed_map(spent)  # type: ignore[method-assign]
    meet_sleeping(world)
    if memory:
        forget_peak()
    before = resident("VmRSS")
    start = time.perf_counter()
    (channel,) = connect(world, name, [side], [flow], members, deadline=600.0)
    result = {"init_s": time.perf_counter() - start, "setup_s": spent["setup"]}
    result["extra_memory_MiB"] = resident("VmHWM") - before
    Acquaintance.map = plain  # type: ignore[method-assign]
    given = franke(own.owned_points) * (nodal_areas(whole)[numbers] if amounts else 1.0)
    (quantity,) = flow.quantities
    if name == sender:
        channel.post({quantity: given[:, None]})
        channel.flush()
        result["apply_s"] = application(channel, quantity, given) if amounts else 0.0
        errors = {}
    else:
        arrived = channel.collect()[0][quantity][:, 0]
        result["apply_s"] = 0.0 if amounts else application(channel, quantity, arrived)
        errors = {"arrived": arrived}
    result = {key: world.allreduce(value, op=MPI.MAX) for key, value in result.items()}
    sums = np.zeros(6)
    if amounts and name == sender:
        sums[:4] = given.sum(), *(given @ own.owned_points)
    elif amounts:
        sums[:4] = -errors["arrived"].sum(), *(-errors["arrived"] @ own.owned_points)
    elif name == receiver:
        exact = franke(own.owned_points)
        sums[4:] = ((errors["arrived"] - exact) ** 2).sum(), (exact**2).sum()
    total, size = np.zeros(6), np.zeros(6)
    world.Allreduce(sums, total)
    world.Allreduce(np.abs(sums), size)
    if amounts:
        return result | {
            "sum": abs(total[0]) / (size[0] / 2),
            "moment": float(np.abs(total[1:4]).max() / (size[1:4].max() / 2)),
        }
    return result | {"relative_l2_error": float(np.sqrt(total[4] / total[5]))}


def application(channel: Any, quantity: str, values: np.ndarray) -> float:
    """Seconds of the product with the operator, or its transpose."""
    end = (channel._packs or channel._unpacks)[quantity]
    operator = end.pull.operator
    x, y = np.zeros((operator.columns, 1)), values[:, None].copy()
    if channel._packs:
        return best(10, lambda: operator.apply_transposed(y, x))
    return best(10, lambda: operator.apply(x, y))


def tree_yardstick(world: MPI.Intracomm, n: int) -> float:
    seconds = 0.0
    if world.rank == 0:
        a, b = surface("square", n).points, surface("staggered", n).points
        seconds = best(1, lambda: cKDTree(a).query(b))
    meet_sleeping(world)
    return world.bcast(seconds)


def mappings(n: int, half: float) -> dict[str, dict[str, Any]]:
    radius = 20.0 * half
    return {
        "nearest-neighbour": {"kind": "nearest-neighbour"},
        "nearest-projection": {"kind": "nearest-projection"},
        "rbf": {"kind": "rbf", "kernel": "compact-c6", "support_radius": radius, "cluster": 50},
    }


def rows(world: MPI.Intracomm, n: int) -> list[dict[str, Any]]:
    for family in ("square", "staggered"):
        if world.rank == 0:
            surface(family, n)
    meet_sleeping(world)
    found = []
    for name, settings in mappings(n, mean_edge(surface("square", n))).items():
        trees, repeats = [], []
        for _ in range(REPEATS):  # in turn, so that both see the same neighbours on the machine
            trees.append(tree_yardstick(world, n))
            repeats.append(measure(world, n, settings, amounts=False, memory=False))
        tree = min(trees)
        row = min(repeats, key=lambda each: each["init_s"]) | {"apply_s": min(each["apply_s"] for each in repeats)}
        # Apart from the times: looking at the memory makes the pages that are touched next slow.
        row["extra_memory_MiB"] = measure(world, n, settings, amounts=False, memory=True)["extra_memory_MiB"]
        back = measure(world, n, settings, amounts=True, memory=False)
        row |= {"sum_defect": back["sum"], "moment_defect": back["moment"], "apply_transposed_s": back["apply_s"]}
        row |= {f"{key}_per_tree": row[f"{key}_s"] / tree for key in ("setup", "init", "apply", "apply_transposed")}
        peer = dict(zip(PEER["columns"], PEER[name].get(n, []), strict=False))
        shown = {key: float(f"{value:.4g}") for key, value in row.items()}
        found.append(
            {"mapping": name, "n": n, "ranks_a_side": world.size // 2, "tree_s": round(tree, 4)}
            | shown
            | {"peer": peer}
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", nargs="*", type=lambda text: int(float(text)), default=[100_000])
    sizes = parser.parse_args().n
    world = MPI.COMM_WORLD
    found = [row for n in sizes for row in rows(world, n)]
    if world.rank == 0:
        versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
        print(json.dumps({"benchmark": "mapping", "rows": found, "versions": versions}))


if __name__ == "__main__":
    main()
