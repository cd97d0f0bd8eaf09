"""Two participants at a rendezvous: who they are, and how their ranks hand arrays to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import DTypeLike, NDArray

from .waiting import wait

Parcels = Mapping[int, Sequence[NDArray[Any]]]
"""Arrays for, or from, coupled ranks."""


@dataclass(frozen=True)
class Kind:
    """What an array of a parcel is: its type, and its shape beyond the first axis."""

    dtype: DTypeLike
    shape: tuple[int, ...] = ()


FLOAT = Kind(np.float64)
POINT = Kind(np.float64, (3,))
INT = Kind(np.int32)


class Pair:
    """The ranks of two participants, on a communicator of their own. Ranks are named as in the coupled one."""

    def __init__(
        self,
        coupled: MPI.Intracomm,
        own: MPI.Intracomm,
        name: str,
        partner: str,
        members: Mapping[str, tuple[int, ...]],
        deadline: float,
    ) -> None:
        self.own = own
        """This participant's own ranks, in the order of ``mine``."""
        self.name = name
        self.partner = partner
        self.deadline = deadline
        self.mine = members[name]
        """Coupled ranks of this participant."""
        self.theirs = members[partner]
        """Coupled ranks of the partner."""
        self.rank = coupled.rank
        """This rank, in the coupled communicator."""
        self._ranks = sorted({*self.mine, *self.theirs})
        self._place = {rank: place for place, rank in enumerate(self._ranks)}
        self._comm = coupled.Create_group(coupled.Get_group().Incl(self._ranks))

    def free(self) -> None:
        """Release the communicator; collective over both participants."""
        self._comm.Free()

    def swap(self, parcels: Parcels, kinds: Sequence[Kind]) -> dict[int, list[NDArray[Any]]]:
        """Hand ``parcels`` over and return what came, by ascending rank; a parcel without anything in it does not come.

        Collective over both participants; a parcel has one array of each of ``kinds``. Nobody learns more than the
        sizes of what is meant for it.
        """
        counts = np.zeros((len(self._ranks), len(kinds)), dtype=np.int64)
        contiguous = {
            rank: [np.ascontiguousarray(a, dtype=k.dtype) for a, k in zip(arrays, kinds, strict=True)]
            for rank, arrays in parcels.items()
        }
        for rank, arrays in contiguous.items():
            counts[self._place[rank]] = [len(array) for array in arrays]
        coming = np.empty_like(counts)
        wait([self._comm.Ialltoall(counts, coming)], self.deadline, f"participant {self.partner!r} at the rendezvous")
        arrived = {
            self._ranks[place]: [
                np.empty((n, *k.shape), dtype=k.dtype) for n, k in zip(coming[place], kinds, strict=True)
            ]
            for place in np.flatnonzero(coming.any(axis=1)).tolist()
        }
        requests = [
            self._comm.Irecv(array, source=self._place[rank], tag=tag)
            for rank, arrays in arrived.items()
            for tag, array in enumerate(arrays)
            if len(array)
        ]
        requests += [
            self._comm.Isend(array, dest=self._place[rank], tag=tag)
            for rank, arrays in contiguous.items()
            for tag, array in enumerate(arrays)
            if len(array)
        ]
        # Everybody is here now: what is left is copying, for which no one should sleep.
        MPI.Request.Waitall(requests)
        return arrived

    def reduce(self, values: NDArray[Any], op: MPI.Op) -> NDArray[Any]:
        """A small reduction over both participants; a side that adds nothing gives what is neutral."""
        total = np.empty_like(values)
        wait([self._comm.Iallreduce(values, total, op=op)], self.deadline, f"participant {self.partner!r}")
        return total
