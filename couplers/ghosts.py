"""Values at a distributed mesh's points, between the ranks that own a point and those that have it as a ghost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .cells import Array
from .directory import Int32, point_owners
from .mesh import Mesh

_TAG = 4242
"""Of messages between owners and ghosts; successive ones keep their order."""


class Ghosts:
    """Who owns this rank's ghosts, and whose ghosts its own points are. Making one is collective over ``comm``."""

    def __init__(self, comm: MPI.Intracomm, mesh: Mesh) -> None:
        self.comm = comm
        self.owned = len(mesh)
        self.count = len(mesh.points)
        """Owned points and ghosts: the local points."""
        self.owner, self.place = point_owners(comm, mesh)
        """Rank that owns each local point, and its place there."""
        self._ghosts = {
            int(rank): self.owned + np.flatnonzero(self.owner[self.owned :] == rank)
            for rank in np.unique(self.owner[self.owned :])
        }
        self._owned = self._asked({rank: self.place[ghosts] for rank, ghosts in self._ghosts.items()})

    def _asked(self, wanted: dict[int, Int32]) -> dict[int, Int32]:
        """Own places that each other rank has as ghosts."""
        sizes, coming = np.zeros(self.comm.size, dtype=np.int64), np.zeros(self.comm.size, dtype=np.int64)
        for rank, places in wanted.items():
            sizes[rank] = len(places)
        self.comm.Alltoall(sizes, coming)
        arrived = {int(rank): np.empty(coming[rank], dtype=np.int32) for rank in np.flatnonzero(coming)}
        self._swap([(rank, np.ascontiguousarray(places)) for rank, places in wanted.items()], list(arrived.items()))
        return arrived

    def _swap(self, sent: Sequence[tuple[int, NDArray]], received: Sequence[tuple[int, NDArray]]) -> None:
        requests = [self.comm.Irecv(buffer, source=rank, tag=_TAG) for rank, buffer in received]
        requests += [self.comm.Isend(buffer, dest=rank, tag=_TAG) for rank, buffer in sent]
        MPI.Request.Waitall(requests)

    def only(self, chosen: NDArray[np.bool_]) -> Ghosts:
        """The same for the ``chosen`` of the local points, renumbered; all ranks that have a point choose alike."""
        part = object.__new__(Ghosts)
        number = np.cumsum(chosen) - 1
        part.comm, part.owned, part.count = self.comm, int(chosen[: self.owned].sum()), int(chosen.sum())
        part.owner, part.place = self.owner[chosen], self.place[chosen]
        part._ghosts = {rank: number[each[chosen[each]]] for rank, each in self._ghosts.items()}
        part._owned = {rank: number[each[chosen[each]]] for rank, each in self._owned.items()}
        return part

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Which of the local points another rank has too, (local,)."""
        mask = np.zeros(self.count, dtype=bool)
        mask[self.owned :] = True
        for places in self._owned.values():
            mask[places] = True
        return mask

    def copy(self, values: Array) -> Array:
        """Values at local points, (local, components), from those at owned ones."""
        if not self._ghosts and not self._owned:
            return values
        local = np.empty((self.count, values.shape[1]))
        local[: self.owned] = values
        arrived = [(rank, np.empty((len(ghosts), values.shape[1]))) for rank, ghosts in self._ghosts.items()]
        self._swap([(rank, values[places]) for rank, places in self._owned.items()], arrived)
        for rank, buffer in arrived:
            local[self._ghosts[rank]] = buffer
        return local

    def add(self, local: Array) -> Array:
        """Sums at owned points, (owned, components), of what all ranks have at their local ones."""
        if not self._ghosts and not self._owned:
            return local
        total = local[: self.owned].copy()
        arrived = [(rank, np.empty((len(places), local.shape[1]))) for rank, places in self._owned.items()]
        self._swap([(rank, local[ghosts]) for rank, ghosts in self._ghosts.items()], arrived)
        for rank, buffer in arrived:
            total[self._owned[rank]] += buffer
        return total
