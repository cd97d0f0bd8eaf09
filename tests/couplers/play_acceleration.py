"""Three windows of a nonlinear problem, shared out among all ranks of a run; rank 0 prints the iterates.

mpirun -n N python -m tests.couplers.play_acceleration KIND
"""

from __future__ import annotations

import json
import sys

import numpy as np
from mpi4py import MPI

from suture.couplers.cells import Array

from .fixed_points import accelerate, linear


def main(kind: str, world: MPI.Comm) -> None:
    n = 12
    matrix, source = linear(2 * n, radius=0.8)
    # The second field lives on the last rank alone, the first on all.
    owner = np.concatenate((np.arange(n) * world.size // n, np.full(n, world.size - 1)))
    mine = np.flatnonzero(owner == world.rank)
    firsts = int(np.sum(mine < n))
    calls = []

    def total(share: Array) -> Array:
        calls.append(share.size)
        return np.asarray(world.allreduce(share))

    def whole(piece: Array) -> Array:
        x = np.zeros(2 * n)
        x[mine] = piece
        return np.asarray(world.allreduce(x))

    acceleration = accelerate({"a": slice(0, firsts), "b": slice(firsts, len(mine))}, total, kind=kind)
    x, iterates = np.zeros(len(mine)), []
    for index in range(3):
        acceleration.begin()
        for _ in range(8):
            z = whole(x)
            iterates.append(z.tolist())
            given = (matrix @ z + 0.3 * np.sin(3.0 * z) + (1.0 + index) * source)[mine]
            last, x = x, acceleration.update(x, given)
        acceleration.accept(last, given)
    decisions = world.gather(calls)
    if world.rank == 0:
        assert all(each == calls for each in decisions), "every rank calls total alike"
        print(json.dumps(iterates))


if __name__ == "__main__":
    main(sys.argv[1], MPI.COMM_WORLD)
