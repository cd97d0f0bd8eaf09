"""Runs the small open region on the ranks that it is given, and prints its books as JSON.

play_open.py [resumed | IMPOSE]: with ``resumed`` the second half by a new solver that goes on from what the first one
saved; IMPOSE is how the state is imposed, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.adapters.open_particles import WIDTHS, opened

WINDOWS = 120
IMPOSED = {
    "below": {"velocity": (0.3, -0.1, 0.3), "temperature": 1.2},
    "above": {"velocity": (0.1, 0.2, 0.3), "density": 0.83, "pressure": 8.3},
}
"""A flow through the region, so that atoms come below and go above."""


def make(comm, impose=None):
    folder = comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None)
    return opened(comm, folder, audit_every=10, settings={"relaxation": 1.0}, impose=impose)


def go_on(play):
    """A new region that goes on from where this one is, as after a restart."""
    saved = play.solver.save(), {name: region.save() for name, region in play.regions.items()}
    new = make(play.comm)
    new.solver.restore(saved[0])
    for name, region in new.regions.items():
        region.restore(saved[1][name])
    new.index = play.index
    return new


def main(resumed: bool, impose: dict | None) -> None:
    comm = MPI.COMM_WORLD
    play = make(comm, impose)
    play.prepare(**IMPOSED)
    first, sides = play.books(), list(play.regions)
    sent, throughput = {side: np.zeros(5) for side in sides}, np.zeros(5)
    audits, masses = [], []
    for window in range(WINDOWS):
        if resumed and window == WINDOWS // 2:
            play = go_on(play)
        for side, (amounts, audit) in play.run(**IMPOSED).items():
            sent[side] += amounts
            throughput += np.abs(amounts)
            masses.append(amounts[0])
            if audit is not None:
                audits.append((amounts - audit).tolist())
    last = play.books()
    if comm.rank:
        return
    inside = last["interior"][0] - first["interior"][0] + sum(sent.values())
    rows = {side: {row: last[side][1][row] - first[side][1][row] for row in last[side][1]} for side in sides}
    buffers = {side: last[side][0] - first[side][0] - sent[side] - sum(rows[side].values()) for side in sides}
    events = {kind: play.events(kind) for kind in ("insertion", "deletion")}
    print(
        json.dumps(
            {
                "interior": inside.tolist(),
                "buffers": {side: rest.tolist() for side, rest in buffers.items()},
                "rows": {side: {row: given.tolist() for row, given in rows[side].items()} for side in sides},
                "throughput": throughput.tolist(),
                "audits": audits,
                "masses": masses,
                "sent": {side: amounts.tolist() for side, amounts in sent.items()},
                "events": events,
                "columns": list(WIDTHS),
            }
        )
    )


if __name__ == "__main__":
    resumed = "resumed" in sys.argv[1:]
    main(resumed, json.loads(sys.argv[1]) if sys.argv[1:] and not resumed else None)
