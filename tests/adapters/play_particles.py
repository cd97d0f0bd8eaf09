"""Runs the small particle region on the ranks that it is given, and prints its books as JSON: play_particles.py [off]

``off`` is LAMMPS' `newton`: then a pair of two ranks is listed by both.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parent))
from small_particles import small

WINDOWS = 12
IMPOSED = {"velocity": (0.3, -0.1, 0.05), "temperature": 1.2}


def whole_box(play):
    """What the box holds, and what was given to it by name."""
    held = play.total(play.solver.inventory()) + play.total(play.region.buffer_inventory())
    rows = {**play.solver.rows(), **play.region.buffer_rows()}
    return held, {name: play.total(row) for name, row in rows.items()}


def main() -> None:
    comm = MPI.COMM_WORLD
    folder = comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None)
    play = small(comm, folder, audit_every=3, newton=sys.argv[1] if len(sys.argv) > 1 else "on")
    play.prepare()
    inside, (held, given) = play.total(play.solver.inventory()), whole_box(play)
    throughput, sent, audited = np.zeros(5), np.zeros(5), []
    for _ in range(WINDOWS):
        amounts, audit = play.run(**IMPOSED)
        throughput += np.abs(amounts)
        sent += amounts
        if audit is not None:
            audited.append((amounts - audit).tolist())
    now, rows = whole_box(play)
    rows = {name: row - given[name] for name, row in rows.items()}
    interior = play.total(play.solver.inventory()) - inside - rows["bottom"] + sent
    if comm.rank == 0:
        box = now - held - sum(rows.values())
        books = {"interior": interior, "box": box, "throughput": throughput, **rows}
        print(json.dumps({"audits": audited} | {name: value.tolist() for name, value in books.items()}))


if __name__ == "__main__":
    main()
