"""Every rank plays the foreign participant whose turn it is in the case, and writes down what it waited for.

mpirun -n RANKS python play_waits.py CASE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

import suture
from suture.couplers.case import load_case
from suture.couplers.exchange import Channel
from suture.couplers.traffic import Outflow

CELLS = 40
"""Along each edge: messages are then larger than what MPI takes without a receiver."""


def cells(part: int, parts: int) -> tuple[Any, Any]:
    """Lower and upper corners of this rank's share of a square."""
    corner = np.stack(np.meshgrid(*(np.arange(CELLS),) * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    own = np.pad(np.array_split(corner, parts)[part], ((0, 0), (0, 1))) / CELLS
    return own, own + np.array([1.0, 1.0, 0.0]) / CELLS


def watch(steps: list[tuple[str, str]]) -> None:
    """Write down what channels do; that the message before has left is part of giving the next."""
    give, collect, flush = Outflow.post, Channel.collect, Channel.flush
    first, giving = Channel.post, [False]

    def given(self: Outflow) -> None:
        giving[0] = True
        give(self)
        giving[0] = False

    def posted(self: Channel, values: Any) -> None:
        steps.append(("give", self.flow.name))
        outer, giving[0] = giving[0], True
        first(self, values)
        giving[0] = outer

    def collected(self: Channel) -> Any:
        steps.append(("take", self.flow.name))
        return collect(self)

    def flushed(self: Channel) -> float:
        if not giving[0]:
            steps.append(("clear", self.flow.name))
        return flush(self)

    Outflow.post, Channel.post, Channel.collect, Channel.flush = given, posted, collected, flushed


def main(case: Path) -> None:
    loaded, rank = load_case(case), MPI.COMM_WORLD.rank
    names = [name for name, one in loaded.participants.items() for _ in range(one.ranks)]
    name = names[rank]
    first = names.index(name)
    steps: list[tuple[str, str]] = []
    watch(steps)
    place = cells(rank - first, names.count(name))
    with suture.join(case, name) as me:
        sides = {each: me.side(each, amounts=place, states=place) for each in loaded.interfaces_of(name)}
        me.rewind(lambda: {"nothing": 0.0}, lambda state: None)
        count = 0.0
        for side in sides.values():
            side.give(temperature=1.0)
        for window in me.windows():
            me.receive(window)
            for side in sides.values():
                side.book(**{q: v.sum(axis=0) for q, v in side.arrived.items() if q == "energy"})
                count += 1.0  # nothing ever converges
                side.give(temperature=count, energy=count)
            me.send(window)
            me.close(window)
    if rank == first:
        (case / f"{name}.json").write_text(json.dumps(steps))


main(Path(sys.argv[1]))
