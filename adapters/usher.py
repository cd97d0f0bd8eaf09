"""Places for new atoms at a wanted energy: USHER, on all ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md._open import Surroundings

BATCH = 64
"""Starts that an atom gets before the ranks tell each other what they found."""


@dataclass(frozen=True)
class Search:
    """What is looked for, in the participant's units."""

    target: float
    """Potential energy of the new atom with all its neighbours."""
    tolerance: float
    """How far its energy may be from that."""
    overlap: float
    """Energy above which atoms overlap, and steps are by distances."""
    core: float
    """Distance of two atoms with that energy."""
    step: float
    """Longest step elsewhere."""
    iterations: int
    """Most steps from one start."""
    attempts: int
    """Most starts for one atom."""


@dataclass
class Tally:
    """What searching took so far, over all ranks."""

    inserted: int = 0
    failed: int = 0
    attempts: int = 0
    iterations: float = 0.0


class Usher:
    """Finds places between two heights (Delgado-Buscalioni and Coveney, J. Chem. Phys. 119, 978, 2003).

    A search runs on the rank in whose part of the box it starts, with the neighbours' copies, and fails where it leaves
    that part by more than half of the neighbour list's skin: what lies beyond is not known there. All atoms of a window
    are looked for at once; of two that come too near to each other, the second is looked for again, and sees the first.
    """

    def __init__(self, comm: MPI.Comm, axis: int, corners: Array, periodic: tuple[bool, bool, bool]) -> None:
        """``corners`` of the region, (2, 3)."""
        self._comm = comm
        self._axis = axis
        self._corners = corners
        self._period = np.where(periodic, corners[1] - corners[0], np.inf)
        self.tally = Tally()

    def find(
        self, surroundings: Surroundings, number: int, search: Search, generator: np.random.Generator
    ) -> tuple[Array, Array]:
        """Up to ``number`` places, (n, 3), and their energies, (n,), the same on all ranks. Collective."""
        pending, places, energies = number, np.zeros((0, 3)), np.zeros(0)
        for _ in range(math.ceil(search.attempts / BATCH)):
            if not pending:
                break
            found = self._try(surroundings, pending, search, generator)
            accepted = self._apart(found[found[:, 0] >= 0.0, 1:5], surroundings.cutoff)
            for place in accepted:
                surroundings.add(place[:3])
            places, energies = np.concatenate((places, accepted[:, :3])), np.append(energies, accepted[:, 3])
            pending -= len(accepted)
        self.tally.inserted += len(places)
        self.tally.failed += pending
        return places, energies

    def _try(self, surroundings: Surroundings, pending: int, search: Search, generator: np.random.Generator) -> Array:
        """For each pending atom which start came to the energy, or -1, the place and its energy, (pending, 5)."""
        lower, upper = self._corners
        starts = lower + (upper - lower) * generator.random((pending, BATCH, 3))
        bounds = (float(lower[self._axis]), float(upper[self._axis]))
        own = np.array(
            [
                surroundings.search(
                    start,
                    search.target,
                    search.tolerance,
                    search.overlap,
                    search.core,
                    search.step,
                    search.iterations,
                    *bounds,
                )
                for start in starts
            ]
        )
        everyone = own[None]
        if self._comm.size > 1:
            everyone = np.empty((self._comm.size, *own.shape))
            self._comm.Allgather(own, everyone)
        # The first of an atom's starts that came there, whoever has seen it.
        order = np.where(everyone[:, :, 0] < 0.0, np.inf, everyone[:, :, 0])
        best = np.argmin(order, axis=0)
        found = everyone[best, np.arange(pending), :5]
        self.tally.iterations += float(everyone[:, :, 5].sum())
        self.tally.attempts += int(np.where(found[:, 0] < 0.0, BATCH, found[:, 0] + 1).sum())
        return found

    def _apart(self, found: Array, reach: float) -> Array:
        """Those that no other one before them reaches, wrapped into the box, (n, 4)."""
        kept: list[Array] = []
        for row in found:
            apart = np.array([row[:3] - other[:3] for other in kept]).reshape(-1, 3)
            finite = np.isfinite(self._period)
            apart[:, finite] -= self._period[finite] * np.round(apart[:, finite] / self._period[finite])
            if np.all((apart**2).sum(axis=1) > reach**2):
                row[:3][finite] = (
                    self._corners[0][finite] + (row[:3][finite] - self._corners[0][finite]) % self._period[finite]
                )
                kept.append(row)
        return np.array(kept).reshape(-1, 4)
