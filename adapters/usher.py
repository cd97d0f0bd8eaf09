"""Places for new atoms at a wanted energy: USHER, on all ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md._open import Search, Surroundings

BATCH = 250
"""Starts that an atom gets before the ranks tell each other what they found."""


@dataclass
class Tally:
    """What searching took so far, over all ranks."""

    inserted: int = 0
    failed: int = 0
    attempts: int = 0
    iterations: float = 0.0


class Usher:
    """Finds places between two corners (Delgado-Buscalioni and Coveney, J. Chem. Phys. 119, 978, 2003).

    A search runs on the rank in whose part of the box it starts, with the neighbours' copies, and fails where it leaves
    that part by more than half of the neighbour list's skin: what lies beyond is not known there. All atoms of a window
    are looked for at once; of two that come too near to each other, the second is looked for again, and sees the first.
    """

    def __init__(self, comm: MPI.Comm) -> None:
        self._comm = comm
        self.tally = Tally()

    def find(
        self,
        surroundings: Surroundings,
        number: int,
        corners: Array,
        search: Search,
        generator: np.random.Generator,
    ) -> tuple[Array, Array]:
        """Up to ``number`` places, (n, 3), and their energies, (n,), the same on all ranks. Collective.

        ``corners`` of the region, (2, 3).
        """
        pending, found = number, []
        for _ in range(math.ceil(search.attempts / BATCH)):
            if not pending:
                break
            own = surroundings.search(int(generator.integers(2**62)), pending, BATCH, corners, search)
            found.append(surroundings.accept(self._gathered(own)))
            pending -= len(found[-1])
        self.tally.inserted += number - pending
        self.tally.failed += pending
        rows = found[0] if len(found) == 1 else np.concatenate([np.zeros((0, 4)), *found])
        return rows[:, :3], rows[:, 3]

    def _gathered(self, found: Array) -> Array:
        """Of what each rank found for the pending atoms, (n, 6), what counts."""
        if self._comm.size > 1:
            everyone = np.empty((self._comm.size, *found.shape))
            self._comm.Allgather(found, everyone)
            # The first of an atom's starts that came there, whoever has seen it.
            order = np.where(everyone[:, :, 0] < 0.0, np.inf, everyone[:, :, 0])
            found = everyone[np.argmin(order, axis=0), np.arange(everyone.shape[1])]
            found[:, 5] = everyone[:, :, 5].sum(axis=0)
        # In plain floats: arrays of a few atoms would take several times as long.
        rows = found.tolist()
        self.tally.iterations += sum(row[5] for row in rows)
        self.tally.attempts += sum(int(row[0]) + 1 if row[0] >= 0.0 else BATCH for row in rows)
        return found
