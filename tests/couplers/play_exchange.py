"""Under mpirun: one exchange between two participants on several numbers of ranks; prints what arrived as JSON.

mpirun -n 6 python -m tests.couplers.play_exchange
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.couplers.cells import Array, Cells
from suture.couplers.errors import CommunicationError, MappingError
from suture.couplers.exchange import Channel, Flow, Side, connect

from .test_mapping import random_grid

RANKS = [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3)]
FLOWS = [
    Flow("seam", "a", "b", ("mass", "momentum", "temperature"), lag=0),
    Flow("seam", "b", "a", ("velocity", "energy"), lag=1),
]
FACTORS = {"mass": 2.0, "momentum": 0.3, "temperature": 7.0, "velocity": 0.5, "energy": 3e-5}
WIDTHS = {"mass": 1, "momentum": 3, "temperature": 1, "velocity": 3, "energy": 1}


def own_cells(name: str, rank: int, size: int) -> tuple[Cells, Array]:
    """This rank's cells, scattered at random among the ranks, and their numbers in the whole grid."""
    cells = random_grid(np.random.default_rng(ord(name)), (0, 2), most=12)
    owners = np.random.default_rng(3).integers(0, size, len(cells))
    if size == 3:
        owners[owners == 1] = 0  # a rank may have no cells
    own = np.flatnonzero(owners == rank)
    return Cells(cells.lower[own], cells.upper[own]), own


def values(quantity: str, numbers: Array, turn: int) -> Array:
    """The same for every cell, whoever owns it."""
    return np.cos(turn + numbers[:, None] * 0.7 + len(quantity) * np.arange(1, WIDTHS[quantity] + 1))


def play(comm: MPI.Comm, ranks: tuple[int, int], shrink: float = 1.0) -> dict[str, Any] | str:
    """Exchange three times; what arrived in the last turn, by quantity, in the order of the whole grid."""
    name = "a" if comm.rank < ranks[0] else "b"
    members = {"a": tuple(range(ranks[0])), "b": tuple(range(ranks[0], sum(ranks)))}
    cells, numbers = own_cells(name, members[name].index(comm.rank), len(members[name]))
    if name == "b":
        cells = Cells(cells.lower * [shrink, 1, 1], cells.upper * [shrink, 1, 1])
    sides = [Side(flow, {q: cells for q in flow.quantities}, FACTORS) for flow in FLOWS]
    try:
        channels = connect(comm, name, sides, FLOWS, members, deadline=20.0)
    except MappingError as error:
        return str(error)
    arrived: dict[str, Array] = {}
    buffers = [addresses(channel) for channel in channels]
    for turn in range(3):
        for channel in channels:
            if channel.flow.sender == name:
                channel.post({q: values(q, numbers, turn) for q in channel.flow.quantities})
        for channel in channels:
            if channel.flow.receiver == name:
                arrived.update(channel.collect()[0])
        for channel in channels:
            channel.flush()
    assert buffers == [addresses(channel) for channel in channels], "messages go from buffers that are reused"
    check_silence(channels, name)
    everyone = comm.allgather((numbers, arrived))
    return {q: in_order([(n, got[q]) for n, got in everyone if q in got]) for q in WIDTHS}


def addresses(channel: Channel) -> list[int]:
    """Where the messages lie."""
    return [flat.ctypes.data for flat in channel._flat.values()]


def check_silence(channels: list[Channel], name: str) -> None:
    """Nobody sends any more: a receiver with a neighbour finds out after its deadline."""
    for channel in channels:
        channel.deadline = 0.05
        if channel.flow.receiver == name and channel._flat:
            try:
                channel.collect()
            except CommunicationError as error:
                assert f"no word from participant {channel.flow.sender!r} on seam" in str(error)
            else:
                raise AssertionError("a message that nobody sent")


def in_order(parts: list[tuple[Array, Array]]) -> list[list[float]]:
    """All cells' values in the order of the whole grid."""
    numbers = np.concatenate([n for n, _ in parts])
    return np.concatenate([v for _, v in parts])[np.argsort(numbers)].tolist()


def main() -> None:
    world = MPI.COMM_WORLD
    results: dict[str, Any] = {}
    for ranks in RANKS:
        comm = world.Split(0 if world.rank < sum(ranks) else 1)
        if world.rank < sum(ranks):
            results["{} + {}".format(*ranks)] = play(comm, ranks)
            message = play(comm.Dup(), ranks, shrink=0.9)
            assert len(set(comm.allgather(message))) == 1, "the ranks differ"
            results["{} + {}, half covered".format(*ranks)] = message
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
