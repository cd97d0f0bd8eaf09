"""Runs a small ensemble on the ranks that it is given, with members that come and go, and prints its books as JSON.

play_ensemble.py GROUPS [resumed]: with ``resumed`` the last part by a new ensemble that goes on from what the first one
saved.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.adapters.ensembles import together
from tests.adapters.open_particles import WIDTHS

PARTS = ((4, 6), (6, 6), (2, 6), (4, 6))
"""Members, and windows with them."""
IMPOSED = {
    "below": {"velocity": (0.3, -0.1, 0.3), "temperature": 1.2},
    "above": {"velocity": (0.1, 0.2, 0.3), "density": 0.83, "pressure": 8.3},
}
"""A flow through the region, so that atoms come below and go above."""


def make(comm, groups):
    folder = comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None)
    # They come and go by hand: no comparison comes within the run.
    ensemble = {"members": PARTS[0][0], "most": 6, "groups": groups, "error": {"momentum": 1.0}, "over": 10**6}
    return together(comm, folder, ensemble, audit_every=3, cells=3, equilibration=200)


def go_on(play, groups):
    """A new ensemble that goes on from where this one is, as after a restart."""
    saved = play.solver.save(), {name: region.save() for name, region in play.regions.items()}
    new = make(play.comm, groups)
    new.solver.restore(saved[0])
    for name, region in new.regions.items():
        region.restore(saved[1][name])
    new.index = play.index
    return new


def main(groups: int, resumed: bool) -> None:
    comm = MPI.COMM_WORLD
    play = make(comm, groups)
    play.prepare(**IMPOSED)
    first, sides = play.books(), list(play.regions)
    sent, throughput = {side: np.zeros(5) for side in sides}, np.zeros(5)
    audits, masses = [], []
    for part, (members, windows) in enumerate(PARTS):
        if resumed and part == len(PARTS) - 1:
            play = go_on(play, groups)
        if part:
            play.solver.resize(members)
        for _ in range(windows):
            for side, (amounts, audit) in play.run(**IMPOSED).items():
                sent[side] += amounts
                throughput += np.abs(amounts)
                masses.append(amounts[0] * members)
                if audit is not None:
                    audits.append((amounts - audit).tolist())
    last = play.books()
    if comm.rank:
        return
    rows = {name: {row: last[name][1][row] - first[name][1][row] for row in last[name][1]} for name in last}
    rest = {name: last[name][0] - first[name][0] - sum(rows[name].values()) for name in last}
    rest["interior"] += sum(sent.values())
    for side in sides:
        rest[side] -= sent[side]
    print(
        json.dumps(
            {
                "rest": {name: values.tolist() for name, values in rest.items()},
                "rows": {name: {row: given.tolist() for row, given in of.items()} for name, of in rows.items()},
                "throughput": throughput.tolist(),
                "audits": audits,
                "masses": masses,
                "columns": list(WIDTHS),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), "resumed" in sys.argv[2:])
