"""Under mpirun: states and amounts between two meshes by every mapping; prints what arrived as JSON.

mpirun -n 2 python -m tests.couplers.play_mappings orders
mpirun -n 8 python -m tests.couplers.play_mappings ranks
mpirun -n 4 python -m tests.couplers.play_mappings misfits
mpirun -n 2 python -m tests.couplers.play_mappings automatic
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from mpi4py import MPI
from pydantic import TypeAdapter

from suture.couplers.cells import Array, Cells
from suture.couplers.errors import MappingError
from suture.couplers.exchange import Flow, Side, connect
from suture.couplers.mapping_settings import MappingSettings
from suture.couplers.mesh import Mesh
from suture.couplers.rendezvous import Discretisation, places

from . import surfaces
from .test_mapping import uniform

RANKS = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 3), (4, 4)]
NEAREST, PROJECTION, RADIAL = {"kind": "nearest-neighbour"}, {"kind": "nearest-projection"}, {"kind": "rbf"}
Parts = Callable[[Any, int, int, int], tuple[Discretisation, Array]]


def share(whole: Discretisation, rank: int, size: int, seed: int) -> tuple[Discretisation, Array]:
    """One rank's share of a mesh or of cells."""
    if isinstance(whole, Mesh):
        return surfaces.share(whole, rank, size, seed)
    own = np.flatnonzero(np.random.default_rng(seed).integers(0, size, len(whole)) == rank)
    return Cells(whole.lower[own], whole.upper[own]), own


def there_and_back(
    comm: MPI.Intracomm,
    ranks: tuple[int, int],
    a: Discretisation,
    b: Discretisation,
    settings: dict[str, Any],
    magnitude: float = 1.0,
) -> dict[str, Any] | str:
    """Map a state and an amount from A to B and back; what arrived, on rank 0, in the order of the whole meshes."""
    mapping: Any = TypeAdapter(MappingSettings).validate_python(settings)
    flows = [
        Flow("seam", "a", "b", ("temperature", "momentum"), 0, mapping=mapping),
        Flow("seam", "b", "a", ("velocity", "energy"), 0, mapping=mapping),
    ]
    name = "a" if comm.rank < ranks[0] else "b"
    members = {"a": tuple(range(ranks[0])), "b": tuple(range(ranks[0], sum(ranks)))}
    own, numbers = share({"a": a, "b": b}[name], members[name].index(comm.rank), len(members[name]), ord(name))
    sides = [Side(flow, dict.fromkeys(flow.quantities, own), dict.fromkeys(flow.quantities, 1.0)) for flow in flows]
    try:
        channels = connect(comm, name, sides, flows, members, deadline=60.0)
    except MappingError as error:
        return str(error)
    for channel in channels:
        if channel.flow.sender == name:
            given = {
                q: magnitude * np.repeat(surfaces.smooth(places(own))[:, None], 3, axis=1)
                for q in channel.flow.quantities
            }
            given = {q: v if q in ("momentum", "velocity") else v[:, :1].copy() for q, v in given.items()}
            channel.post(given)
    arrived: dict[str, Array] = {}
    for channel in channels:
        if channel.flow.receiver == name:
            arrived |= channel.collect()[0]
    for channel in channels:
        channel.flush()
    everyone = comm.gather((numbers, arrived))
    if everyone is None:
        return {}
    return {
        q: _in_order([(n, v[q]) for n, v in everyone if q in v]) for q in (*flows[0].quantities, *flows[1].quantities)
    }


def _in_order(parts: list[tuple[Array, Array]]) -> list[list[float]]:
    numbers = np.concatenate([n for n, _ in parts])
    return np.concatenate([v for _, v in parts])[np.argsort(numbers)].tolist()


def without_elements(mesh: Mesh) -> Mesh:
    return Mesh(mesh.points)


def pairs(kind: str, n: int) -> tuple[Discretisation, Discretisation]:
    """Two discretisations of the same thing."""
    if kind == "cells":
        return uniform(n), uniform(3 * n // 2)
    if kind == "particles":
        return without_elements(surfaces.square(4 * n, 1, height=0.0)), uniform(n)
    make = {"surface": surfaces.square, "volume": surfaces.cube, "line": surfaces.line}[kind.split()[-1]]
    a, b = make(n, seed=1), make(n * 4 // 3, seed=2)
    return (without_elements(a), without_elements(b)) if kind.startswith("cloud") else (a, b)


RANKS_CASES: dict[str, tuple[tuple[str, int], dict[str, Any]]] = {
    "nearest neighbour, surface": (("surface", 16), NEAREST),
    "nearest neighbour, volume": (("volume", 7), NEAREST),
    "nearest projection, surface": (("surface", 16), PROJECTION),
    "nearest projection, volume": (("volume", 7), PROJECTION),
    "nearest projection, line": (("line", 40), PROJECTION),
    "intersection, cells": (("cells", 8), {"kind": "intersection"}),
    "rbf, surface": (("cloud surface", 28), RADIAL),
    "rbf, volume": (("cloud volume", 7), RADIAL),
    "rbf, line": (("cloud line", 400), RADIAL),
    "binning": (("particles", 6), {"kind": "binning"}),
}


def ranks_matter(world: MPI.Intracomm) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for ranks in RANKS:
        comm = world.Split(int(world.rank >= sum(ranks)), world.rank)
        for name, (which, settings) in RANKS_CASES.items():
            if world.rank < sum(ranks):
                results.setdefault(name, {})["{} + {}".format(*ranks)] = there_and_back(
                    comm, ranks, *pairs(*which), settings
                )
    return results


ORDERS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "nearest neighbour, surface": ("surface", (16, 32, 64), NEAREST),
    "nearest neighbour, cloud volume": ("cloud volume", (4, 8, 16), NEAREST),
    "nearest projection, surface": ("surface", (16, 32, 64), PROJECTION),
    "nearest projection, volume": ("volume", (4, 8, 16), PROJECTION),
    "nearest projection, line": ("line", (40, 80, 160), PROJECTION),
    "rbf, surface": ("cloud surface", (16, 32, 64), RADIAL),
    "rbf, volume": ("cloud volume", (8, 16), RADIAL),
    **{
        f"rbf {kernel}, surface": ("cloud surface", (16, 32), RADIAL | {"kernel": kernel})
        for kernel in ("compact-c0", "compact-c2", "compact-c4", "thin-plate-spline", "gaussian")
    },
}


def orders(world: MPI.Intracomm) -> dict[str, Any]:
    """By mapping: the error of a state, the defects of sum, first moment and work, at each size."""
    results: dict[str, Any] = {}
    for name, (which, sizes, settings) in ORDERS.items():
        for n in sizes:
            a, b = pairs(which, n)
            got = there_and_back(world, (1, 1), a, b, settings)
            if world.rank == 0:
                assert isinstance(got, dict), got
                results.setdefault(name, []).append(measured(a, b, {q: np.array(v) for q, v in got.items()}))
    return results


def measured(a: Discretisation, b: Discretisation, got: dict[str, Array]) -> dict[str, float]:
    """Relative to what was given."""
    at_a, at_b = surfaces.smooth(places(a)), surfaces.smooth(places(b))
    amount = got["momentum"][:, 0]
    return {
        "error": float(np.linalg.norm(got["temperature"][:, 0] - at_b) / np.linalg.norm(at_b)),
        "sum": float(abs(amount.sum() - at_a.sum()) / np.abs(at_a).sum()),
        "moment": float(np.abs(amount @ places(b) - at_a @ places(a)).max() / (np.abs(at_a) @ np.abs(places(a))).max()),
        # the amount went from A to B by the transpose of what brought the velocity from B to A
        "work": float(
            abs(amount @ at_b - at_a @ got["velocity"][:, 0]) / (np.abs(at_a) @ np.abs(got["velocity"][:, 0]))
        ),
    }


CELLS = {"plate": uniform(4), "left half": Cells(uniform(4).lower[:8], uniform(4).upper[:8])}
CLOUD, PLATE = without_elements(surfaces.square(12, 1, height=0.0)), surfaces.square(8, 2, height=0.0)
MISFITS: dict[str, tuple[Discretisation, Discretisation, dict[str, Any]]] = {
    "projection from a cloud": (CLOUD, PLATE, PROJECTION),
    "binning between meshes": (PLATE, surfaces.square(9, 1), {"kind": "binning"}),
    "intersection with a cloud": (CELLS["plate"], CLOUD, {"kind": "intersection"}),
    "a cell without particles": (
        without_elements(surfaces.square(3, 1, height=0.0)),
        CELLS["plate"],
        {"kind": "binning"},
    ),
    "a particle outside": (CLOUD, CELLS["left half"], {"kind": "binning"}),
    "nothing on one side": (Mesh(np.zeros((0, 3))), PLATE, {"kind": "automatic"}),
}


def misfits(world: MPI.Intracomm) -> dict[str, Any]:
    """What everyone is told, on two ranks a side."""
    found: dict[str, Any] = {}
    for name, (a, b, settings) in MISFITS.items():
        told = world.allgather(there_and_back(world, (2, 2), a, b, settings))
        assert len(set(map(str, told))) == 1, told
        found[name] = told[0]
    return found


AUTOMATIC: dict[str, tuple[Discretisation, Discretisation]] = {
    "cells and cells": (CELLS["plate"], uniform(6)),
    "cells and a cloud": (CELLS["plate"], CLOUD),
    "cells and a mesh": (CELLS["plate"], PLATE),
    "two clouds": (CLOUD, without_elements(PLATE)),
    "two small clouds": (without_elements(surfaces.line(9, 1)), without_elements(surfaces.line(8, 2))),
    "a cloud and a mesh": (CLOUD, PLATE),
    "two meshes": (PLATE, surfaces.square(9, 1, height=0.0)),
    "a surface and a volume": (PLATE, surfaces.cube(4, 1)),
}


def automatic(world: MPI.Intracomm) -> dict[str, Any]:
    """Sums are kept and constants too, whatever is chosen; results of values of any magnitude are the same."""
    found: dict[str, Any] = {}
    for name, (a, b) in AUTOMATIC.items():
        for magnitude in (1.0, 1e-12, 1e12):
            got = there_and_back(world, (1, 1), a, b, {"kind": "automatic"}, magnitude)
            if world.rank == 0:
                found.setdefault(name, []).append(
                    got if isinstance(got, str) else {q: (np.array(v) / magnitude).tolist() for q, v in got.items()}
                )
    return found


def main() -> None:
    world = MPI.COMM_WORLD
    results = PLAYS[sys.argv[1]](world)
    if world.rank == 0:
        print(json.dumps(results))


PLAYS = {"ranks": ranks_matter, "orders": orders, "misfits": misfits, "automatic": automatic}

if __name__ == "__main__":
    main()
