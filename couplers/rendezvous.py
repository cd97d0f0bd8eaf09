"""Who shares cells with whom: the geometric rendezvous of two distributed discretisations of one interface.

After it, data go straight from the rank that has a sender cell to the ranks that have the receiver cells it meets.
Only bounding boxes are known to everyone; no rank ever holds another's cells beyond those near its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from scipy.sparse import csr_matrix

from .cells import Array, Cells
from .mapping import Index, overlaps, require_cover

Box = tuple[tuple[float, ...], tuple[float, ...]] | None


@dataclass(frozen=True)
class Meeting:
    """One quantity on its way from one participant to another over one interface."""

    interface: str
    quantity: str
    extensive: bool
    """An amount (mapped conservatively), else a state (mapped consistently)."""
    sender: str
    receiver: str
    tag: int
    """Message tag, unique to the meeting."""


@dataclass(frozen=True)
class Outgoing:
    """Contributions of this rank's sender cells to one neighbour: ``weights @ values`` goes into its cells."""

    rank: int
    weights: csr_matrix


@dataclass(frozen=True)
class Incoming:
    """Cells of this rank to which one neighbour contributes, in the order of its message."""

    rank: int
    cells: Index
    place: Index | slice
    """The same cells, as a slice where they follow one another, which is much quicker to add to."""

    @classmethod
    def of(cls, rank: int, cells: Index) -> Incoming:
        """``cells`` ascend."""
        first, last = int(cells[0]), int(cells[-1])
        return cls(rank, cells, slice(first, last + 1) if last - first + 1 == len(cells) else cells)


def bounding_box(cells: Cells | None) -> Box:
    """Lower and upper corner of all cells; None without cells."""
    if cells is None or not len(cells):
        return None
    return tuple(cells.lower.min(axis=0)), tuple(cells.upper.max(axis=0))


def touch(a: Box, b: Box) -> bool:
    """Whether two bounding boxes meet, with some slack for round-off."""
    if a is None or b is None:
        return False
    slack = 1e-6 * max(abs(x) for box in (a, b) for corner in box for x in corner)
    return all(la <= ub + slack and lb <= ua + slack for la, ua, lb, ub in zip(*a, *b, strict=True))


def meet_as_sender(
    comm: MPI.Comm, meeting: Meeting, cells: Cells, boxes: Sequence[Box], receivers: Sequence[int], factor: float
) -> list[Outgoing]:
    """Build what this rank sends. ``boxes`` holds the bounding box of every rank of ``receivers``.

    ``factor`` converts the sender's unit to the receiver's. Raises ``MappingError`` when an amount's cells are not
    covered by the other side: that part of the amount would be lost.
    """
    near = [rank for rank, box in zip(receivers, boxes, strict=True) if touch(bounding_box(cells), box)]
    theirs = {rank: comm.recv(source=rank, tag=meeting.tag) for rank in near}
    found = {rank: overlaps(cells, other) for rank, other in theirs.items()}
    covered = np.zeros(len(cells))
    for _, j, share in found.values():
        covered += np.bincount(j, share, len(cells))
    outgoing: list[Outgoing] = []
    for rank, (i, j, share) in found.items():
        targets, row = np.unique(i, return_inverse=True)
        comm.send((targets, np.bincount(row, share, len(targets))), dest=rank, tag=meeting.tag)
        if len(targets):
            weight = share / covered[j] if meeting.extensive else share
            shape = (len(targets), len(cells))
            outgoing.append(Outgoing(rank, csr_matrix((factor * weight, (row, j)), shape=shape)))
    if meeting.extensive:
        require_cover(cells, covered, meeting.sender, meeting.receiver, meeting.interface)
    return outgoing


def meet_as_receiver(
    comm: MPI.Comm, meeting: Meeting, cells: Cells, boxes: Sequence[Box], senders: Sequence[int]
) -> tuple[list[Incoming], Array]:
    """Build what this rank receives: its neighbours, and the divisor (n,) that makes sums means (ones for amounts).

    ``boxes`` holds the bounding box of every rank of ``senders``. Raises ``MappingError`` when the other side leaves
    part of a cell without a value.
    """
    near = [rank for rank, box in zip(senders, boxes, strict=True) if touch(bounding_box(cells), box)]
    requests = [comm.isend(cells, dest=rank, tag=meeting.tag) for rank in near]
    covered = np.zeros(len(cells))
    incoming: list[Incoming] = []
    for rank in near:
        targets, share = comm.recv(source=rank, tag=meeting.tag)
        covered[targets] += share
        if len(targets):
            incoming.append(Incoming.of(rank, targets))
    MPI.Request.waitall(requests)
    require_cover(cells, covered, meeting.receiver, meeting.sender, meeting.interface)
    return incoming, np.ones(len(cells)) if meeting.extensive else covered
