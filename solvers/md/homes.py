"""Where what belongs to an atom is kept: on the rank of its id, wherever the atom itself has gone."""

from __future__ import annotations

from copy import copy

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .library import Array

Ids = NDArray[np.integer]


class Homes:
    """Blocks of ids, one for each rank of ``comm``. LAMMPS moves atoms between ranks; their homes stay.

    The methods are collective. Values have one row for each atom, of any number of components.
    """

    def __init__(self, comm: MPI.Comm, ids: Ids) -> None:
        """``ids`` are those of this rank's atoms now, in any order."""
        self._comm = comm
        everyone = np.sort(np.concatenate(comm.allgather(np.asarray(ids, dtype=np.int64))))
        blocks = np.array_split(everyone, comm.size)
        self.ids: NDArray[np.int64] = blocks[comm.rank].copy()
        """Of the atoms whose home this rank is, in order, (home,)."""
        # An empty block begins where the next one does, which then has all of it.
        ends = [block[-1] if len(block) else (everyone[-1] if len(everyone) else 0) for block in blocks]
        self._ends = np.array(ends, dtype=np.int64)

    def of(self, chosen: NDArray[np.bool_]) -> Homes:
        """The same homes, of the ``chosen`` atoms alone, (home,)."""
        fewer = copy(self)
        fewer.ids = self.ids[chosen]
        return fewer

    def bring(self, ids: Ids, values: Array) -> Array:
        """From the ranks that have the atoms ``ids`` to their homes: (home, ...), 0 where nobody has the atom."""
        if self._comm.size == 1:
            found = np.zeros((len(self.ids), *values.shape[1:]))
            found[np.searchsorted(self.ids, ids)] = values
            return found
        order, parts = self._parts(ids)
        sent = [(np.asarray(ids)[order[part]], values[order[part]]) for part in parts]
        found = np.zeros((len(self.ids), *values.shape[1:]))
        for numbers, rows in self._comm.alltoall(sent):
            found[np.searchsorted(self.ids, numbers)] = rows
        return found

    def ask(self, ids: Ids, values: Array) -> Array:
        """From homes, where ``values`` (home, ...) are, to the ranks that have the atoms ``ids``: (ids, ...)."""
        if self._comm.size == 1:
            return values[np.searchsorted(self.ids, ids)]
        order, parts = self._parts(ids)
        asked = self._comm.alltoall([np.asarray(ids)[order[part]] for part in parts])
        answers = self._comm.alltoall([values[np.searchsorted(self.ids, numbers)] for numbers in asked])
        found = np.zeros((len(ids), *values.shape[1:]))
        for part, rows in zip(parts, answers, strict=True):
            found[order[part]] = rows
        return found

    def _parts(self, ids: Ids) -> tuple[NDArray[np.intp], list[slice]]:
        """An order of ``ids`` by home, and each rank's part of it."""
        order = np.argsort(ids, kind="stable")
        cuts = np.searchsorted(np.asarray(ids)[order], self._ends, side="right")
        first = np.concatenate([[0], cuts[:-1]])
        return order, [slice(int(a), int(b)) for a, b in zip(first, cuts, strict=True)]
