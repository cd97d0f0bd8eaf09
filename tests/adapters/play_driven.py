"""Runs the small region whose buffers take amounts on the ranks that it is given, and prints its books as JSON.

play_driven.py [resumed]: with ``resumed`` the second half by a new solver that goes on from what the first one saved.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.adapters.driven_particles import driven

WINDOWS = 40
FLUXES = {
    "below": {"pressure": 9.0, "mass": 0.25, "shear": -0.3, "energy": 1.0},
    "above": {"pressure": 8.0, "mass": -0.3, "shear": 0.4, "energy": -1.2},
}
"""A flow through the region and along it, so that whole atoms and fractions are due."""


def make(comm):
    folder = comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None)
    return driven(comm, folder)


def go_on(play):
    """A new region that goes on from where this one is, as after a restart."""
    saved = play.solver.save(), {side: region.save() for side, region in play.regions.items()}
    new = make(play.comm)
    new.solver.restore(saved[0])
    for side, region in new.regions.items():
        region.restore(saved[1][side])
    new.index = play.index
    return new


def main(resumed: bool) -> None:
    comm = MPI.COMM_WORLD
    play = make(comm)
    play.prepare()
    amounts = {side: play.pressing(side, **fluxes) for side, fluxes in FLUXES.items()}
    first, received, windows = play.held(), {side: np.zeros(5) for side in amounts}, []
    for window in range(WINDOWS):
        if resumed and window == WINDOWS // 2:
            play = go_on(play)
        carry = play.carry()
        states = play.run(amounts)
        took, left = play.received(), play.carry()
        windows.extend((amounts[side] - took[side] - (left[side] - carry[side])).tolist() for side in amounts)
        for side in amounts:
            received[side] += took[side]
    balance = play.held() - first - sum(received.values())
    error, carry = play.error(), play.carry()
    if comm.rank:
        return
    events = {side: region.open_end.events for side, region in play.regions.items()}
    print(
        json.dumps(
            {
                "interfaces": windows,
                "balance": balance.tolist(),
                "error": error,
                "throughput": (WINDOWS * sum(np.abs(amount) for amount in amounts.values())).tolist(),
                "received": {side: amount.tolist() for side, amount in received.items()},
                "sent": {side: (WINDOWS * amount).tolist() for side, amount in amounts.items()},
                "carry": {side: amount.tolist() for side, amount in carry.items()},
                "events": events,
                "states": {name: values.tolist() for name, values in states["above"].items()},
            }
        )
    )


if __name__ == "__main__":
    main("resumed" in sys.argv[1:])
