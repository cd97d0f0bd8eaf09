"""Runs the short rod on the ranks that it is given, and prints its books as JSON.

play_rod.py [resumed]: with ``resumed`` the second half by a new solver that goes on from what the first one saved.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.adapters.rod import IMPOSED, rod

WINDOWS = 20


def make(comm):
    return rod(comm, comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None), audit_every=4)


def go_on(play):
    """A new rod that goes on from where this one is, as after a restart."""
    saved = play.solver.save(), {name: region.save() for name, region in play.regions.items()}
    new = make(play.comm)
    new.solver.restore(saved[0])
    for name, region in new.regions.items():
        region.restore(saved[1][name])
    new.index = play.index
    return new


def main(resumed: bool) -> None:
    play = make(MPI.COMM_WORLD)
    play.prepare(**IMPOSED)
    first, sides = play.books(), list(play.regions)
    sent, audits = {side: [] for side in sides}, []
    for window in range(WINDOWS):
        if resumed and window == WINDOWS // 2:
            play = go_on(play)
        for side, (amounts, audit) in play.run(**IMPOSED).items():
            sent[side].append(amounts.tolist())
            if audit is not None:
                audits.append((amounts - audit).tolist())
    last = play.books()
    if play.comm.rank:
        return
    away = {side: np.sum(sent[side], axis=0) for side in sides}
    rows = {side: {row: last[side][1][row] - first[side][1][row] for row in last[side][1]} for side in sides}
    found = {
        "interior": last["interior"][0] - first["interior"][0] + sum(away.values()),
        "buffers": {side: last[side][0] - first[side][0] - away[side] - sum(rows[side].values()) for side in sides},
        "rows": rows,
        "sent": sent,
        "audits": audits,
    }
    print(json.dumps(found, default=np.ndarray.tolist))


if __name__ == "__main__":
    main("resumed" in sys.argv[1:])
