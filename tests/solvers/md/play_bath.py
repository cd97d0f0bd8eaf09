"""Run under mpirun by test_bath: a crystal with a bath in a part of it, the same on any number of ranks."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

sys.path.insert(0, str(Path(__file__).parent))
from baths import BAND, crystal, energy, momentum

STEPS = 60


def main() -> None:
    comm = MPI.COMM_WORLD
    folder = Path(comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None))
    lammps, bath = crystal(comm, folder, BAND)
    before = energy(lammps), momentum(lammps)
    bath.begin(STEPS)
    lammps.run(STEPS)
    given = comm.allreduce(bath.take())
    gained = energy(lammps) - before[0], momentum(lammps) - before[1]
    rows = comm.gather(np.column_stack([lammps.integers("id"), lammps.atoms("v")]))
    if comm.rank == 0:
        velocities = np.concatenate(rows)
        velocities = velocities[np.argsort(velocities[:, 0]), 1:]
        found = {"given": given, "velocities": velocities, "momentum": gained[1]}
        print(json.dumps({"energy": gained[0]} | {name: value.tolist() for name, value in found.items()}))


if __name__ == "__main__":
    main()
