"""Who owns which point of a distributed mesh, found without any rank holding the whole list.

Every id has a rank that knows its owner, ``id % ranks``: owners tell it, and those who look for an owner ask it.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .mesh import Mesh

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def _deal(comm: MPI.Intracomm, rows: Int64, rank: NDArray[np.intp]) -> tuple[Int64, Int64]:
    """Send each row (n, c) to its rank; returns what came and how many rows came from each rank."""
    order = np.argsort(rank, kind="stable")
    sent = np.bincount(rank, minlength=comm.size).astype(np.int64)
    coming = np.empty_like(sent)
    comm.Alltoall(sent, coming)
    width = rows.shape[1]
    arrived = np.empty((int(coming.sum()), width), dtype=np.int64)
    comm.Alltoallv((np.ascontiguousarray(rows[order]), (sent * width).tolist()), (arrived, (coming * width).tolist()))
    return arrived, coming


def find_owners(comm: MPI.Intracomm, owned: Int64, wanted: Int64) -> tuple[Int32, Int32]:
    """Rank in ``comm`` that owns each of the ids ``wanted``, and the place in its ``owned``; both -1 for nobody.

    Collective over ``comm``; memory O(own ids).
    """
    announced = np.column_stack((owned, np.full(len(owned), comm.rank), np.arange(len(owned))))
    known, _ = _deal(comm, announced.astype(np.int64), owned % comm.size)
    known = known[np.argsort(known[:, 0], kind="stable")]
    questions, asked_by = _deal(comm, wanted.reshape(-1, 1), wanted % comm.size)
    place = np.searchsorted(known[:, 0], questions[:, 0])
    hit = np.zeros(len(questions), dtype=bool)
    inside = place < len(known)
    hit[inside] = known[place[inside], 0] == questions[inside, 0]
    answers = np.full((len(questions), 2), -1, dtype=np.int64)
    answers[hit] = known[place[hit], 1:]
    back, _ = _deal(comm, answers, np.repeat(np.arange(comm.size), asked_by))
    found = np.empty((len(wanted), 2), dtype=np.int64)
    found[np.argsort(wanted % comm.size, kind="stable")] = back
    return found[:, 0].astype(np.int32), found[:, 1].astype(np.int32)


def point_owners(comm: MPI.Intracomm, mesh: Mesh) -> tuple[Int32, Int32]:
    """Rank in ``comm`` that owns each of the mesh's points, ghosts too, and the place among that rank's owned points.

    Collective over ``comm``. Raises ``ValueError``, on the rank that has the ghost, when no rank owns it.
    """
    rank = np.full(len(mesh.points), comm.rank, dtype=np.int32)
    place = np.arange(len(mesh.points), dtype=np.int32)
    ids = mesh.ids if mesh.ids is not None else np.zeros(0, dtype=np.int64)
    owned = len(mesh)
    found = find_owners(comm, ids[:owned], ids[owned:])
    if len(mesh.points) > owned:
        rank[owned:], place[owned:] = found
        lost = np.flatnonzero(rank < 0)
        if len(lost):
            raise ValueError(f"the ghost with id {ids[lost[0]]} is owned by no rank")
    return rank, place
