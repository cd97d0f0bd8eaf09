"""Keeps values of atoms by id, and relaxes a ball of copper, on all ranks: play_solid_atoms FOLDER prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.solvers.md.homes import Homes

from .solid_atoms import ball, blended, waved


def of_ids(ids: np.ndarray) -> np.ndarray:
    """Two numbers that tell an id from all others."""
    return np.column_stack([np.sin(ids), np.sqrt(ids)])


def homes(comm: MPI.Comm, count: int) -> float:
    """The largest error of values of ``count`` atoms that go home and come back, as the atoms move between ranks."""
    random = np.random.default_rng(0)
    ids = 1 + 3 * random.permutation(count)  # with gaps, as where atoms were deleted
    worst = 0.0
    places = Homes(comm, ids[random.integers(comm.size, size=count) == comm.rank])
    assert comm.allreduce(len(places.ids)) == count
    for _ in range(3):
        here = ids[random.integers(comm.size, size=count) == comm.rank]
        found = places.bring(here, of_ids(here))
        back = places.ask(here, of_ids(places.ids))
        for values, whose in ((found, places.ids), (back, here)):
            worst = max(worst, float(np.abs(values - of_ids(whose)).max(initial=0.0)))
    lost = here[here % 2 == 0]
    half = places.bring(lost, np.ones((len(lost), 1)))[:, 0]
    worst = max(worst, float(np.abs(half - (places.ids % 2 == 0)).max(initial=0.0)))
    return comm.allreduce(worst, op=MPI.MAX)


def main() -> None:
    """The command line."""
    comm = MPI.COMM_WORLD
    found = {"homes": [homes(comm, count) for count in (0, 2, 50)]}
    atoms = ball(Path(sys.argv[1]), comm, tolerance=1e-10)
    atoms.displacement = np.where(atoms.led[:, None], waved(atoms.places), 0.0)
    atoms.relax()
    sums = np.append(atoms.potential(), (atoms.force**2).sum(axis=0))
    found["relaxed"] = [*comm.allreduce(sums), atoms.largest_force()]
    everyone = np.concatenate(comm.allgather(np.column_stack([np.round(atoms.places, 6), atoms.force])))
    by_place = np.lexsort(everyone[:, :3].T)  # LAMMPS' numbers depend on the ranks
    found["forces"] = everyone[by_place, 3:].ravel().tolist()
    few = ball(Path(sys.argv[1]), comm, variables={"core": 2.0})
    few.weigh(blended(few.places))
    few.lead(waved(few.places), np.ones_like(few.led))
    few.feel()
    everyone = np.concatenate(comm.allgather(np.column_stack([np.round(few.places, 6), few.force])))
    found["weighed"] = everyone[np.lexsort(everyone[:, :3].T), 3:].ravel().tolist()
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
