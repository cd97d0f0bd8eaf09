"""Who shares what with whom: the geometric rendezvous of two distributed discretisations of one interface.

After it, values go straight from the rank that has them to the ranks that need them. Only bounding boxes and a few
numbers are known to everyone; no rank ever holds another's places beyond those near its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cells import Array, Cells
from .errors import MappingError
from .mapping import flat_axes
from .mesh import CORNERS, Mesh
from .operators import Index32, row_defect
from .pair import INT, Pair
from .transfer import Pull

Discretisation = Cells | Mesh
_ROUND_OFF = 1e-12
"""Largest deviation of a row's sum from one that is not a fault of the mapping."""
Box = tuple[tuple[float, ...], tuple[float, ...]] | None
"""Lower and upper corner; None around nothing."""


@dataclass(frozen=True)
class Summary:
    """What everyone knows about one rank's share of a discretisation."""

    cells: bool
    """Whether it is made of cells; else it is a mesh, perhaps without elements."""
    count: int
    """Number of own places: cells, or owned points."""
    dimension: int
    """Largest dimension of the elements of a mesh; 0 without any."""
    corners: int
    """Largest number of corners of an element."""
    ghosts: bool
    box: Box
    """Around the own places: cells, or owned points."""
    reach: Box
    """Around the elements, with their ghosts (and whatever point belongs to none)."""
    flat: tuple[bool, bool, bool] = (False, False, False)
    """Axes along which none of the cells has an extent."""

    @classmethod
    def of(cls, own: Discretisation) -> Summary:
        """Sum a discretisation up."""
        if isinstance(own, Cells):
            box = box_around(own.lower, own.upper)
            return cls(True, len(own), 0, 1, False, box, box, tuple(flat_axes(own).tolist()))
        corners = max((CORNERS[kind] for kind in own.elements), default=1)
        box = box_around(own.owned_points)
        ghosts = len(own.points) > len(own)
        reach = (box_around(own.points) if ghosts else box) if own.elements else None
        return cls(False, len(own), own.dimension, corners, ghosts, box, reach)


def box_around(*points: Array) -> Box:
    """Bounding box of points (n, 3)."""
    filled = [p for p in points if len(p)]
    if not filled:
        return None
    # Column by column: several times as quick as a reduction along the first axis.
    low = tuple(min(float(p[:, k].min()) for p in filled) for k in range(3))
    high = tuple(max(float(p[:, k].max()) for p in filled) for k in range(3))
    return low, high


def touch(a: Box, b: Box) -> bool:
    """Whether two bounding boxes meet, with some slack for round-off."""
    if a is None or b is None:
        return False
    slack = 1e-6 * max(abs(x) for box in (a, b) for corner in box for x in corner)
    return all(la <= ub + slack and lb <= ua + slack for la, ua, lb, ub in zip(*a, *b, strict=True))


def places(own: Discretisation) -> Array:
    """Where the values are: centres of cells, owned points of a mesh, (n, 3)."""
    return own.centres if isinstance(own, Cells) else own.owned_points


def same(a: Discretisation, b: Discretisation) -> bool:
    """Whether two discretisations are alike, so that one rendezvous serves both."""
    if a is b:
        return True
    if isinstance(a, Cells) and isinstance(b, Cells):
        return np.array_equal(a.lower, b.lower) and np.array_equal(a.upper, b.upper)
    if isinstance(a, Cells) or isinstance(b, Cells):
        return False
    return (
        a.owned == b.owned
        and np.array_equal(a.points, b.points)
        and a.elements.keys() == b.elements.keys()
        and all(np.array_equal(nodes, b.elements[kind]) for kind, nodes in a.elements.items())
        and (a.ids is b.ids or (a.ids is not None and b.ids is not None and np.array_equal(a.ids, b.ids)))
        and a.outer is not None
        and b.outer is not None
        and np.array_equal(a.outer, b.outer)
    )


@dataclass(frozen=True)
class Meeting:
    """Two sides of an interface that build one mapping together."""

    interface: str
    evaluation: str
    """Participant whose places the values are wanted at."""
    source: str
    """Participant that has the values."""
    pair: Pair
    summaries: Mapping[int, Summary]
    """Of every rank of both, by coupled rank."""
    amounts: bool
    """Whether amounts go the other way by the transpose: then the source must be covered too."""

    def side(self, name: str) -> dict[int, Summary]:
        """The summaries of one participant's ranks."""
        ranks = self.pair.mine if name == self.pair.name else self.pair.theirs
        return {rank: self.summaries[rank] for rank in ranks}

    @property
    def flat(self) -> NDArray[np.bool_]:
        """Axes along which no rank's cells, of either side, have any extent, (3,)."""
        filled = [s.flat for s in self.summaries.values() if s.cells and s.box is not None]
        return np.array(filled or [(False,) * 3]).all(axis=0)

    @property
    def evaluates(self) -> bool:
        """Whether this rank is on the evaluation side."""
        return self.pair.name == self.evaluation


def ask(meeting: Meeting, owner: Index32 | int, index: Index32) -> tuple[Index32, dict[int, int]]:
    """Ask owners (coupled ranks) for their values ``index``: (n, width) each, or one owner for all.

    Returns the column of each of them, and the number of columns from each rank. The partner calls ``be_asked``.
    """
    wanted: dict[int, Index32] = {}
    if isinstance(owner, int):
        column, wanted[owner] = numbered(index)
    else:
        column = np.empty(index.shape, dtype=np.int32)
        start = 0
        for rank in np.flatnonzero(np.bincount(owner.ravel())).tolist():
            chosen = owner == rank
            numbers, wanted[rank] = numbered(index[chosen])
            column[chosen] = numbers + np.int32(start)
            start += len(wanted[rank])
    wanted = {rank: each for rank, each in wanted.items() if len(each)}
    meeting.pair.swap({rank: [each] for rank, each in wanted.items()}, [INT])
    return column, {rank: len(each) for rank, each in wanted.items()}


def be_asked(meeting: Meeting) -> dict[int, Index32]:
    """Learn which of the own values each coupled rank wants, in ascending order. The partner calls ``ask``."""
    arrived = meeting.pair.swap({}, [INT])
    return {rank: index for rank, (index,) in arrived.items()}


def numbered(index: Index32) -> tuple[Index32, Index32]:
    """Number the different values of ``index`` in ascending order: the number of each, and the values."""
    if not index.size:
        return index.astype(np.int32), np.zeros(0, dtype=np.int32)
    marked = np.zeros(int(index.max()) + 1, dtype=bool)
    marked[index.ravel()] = True
    different = np.flatnonzero(marked).astype(np.int32)
    if len(different) == len(marked):
        return np.ascontiguousarray(index, dtype=np.int32), different
    number = np.cumsum(marked, dtype=np.int32)
    number -= 1
    return number[index], different


def verified(pull: Pull, meeting: Meeting) -> Pull:
    """The same, if its rows sum to one: then constants are kept, and by the transpose sums. Else ``MappingError``."""
    defect = row_defect(pull.operator)
    if defect > _ROUND_OFF:
        raise MappingError(
            f"interface {meeting.interface!r}: a constant of {meeting.source!r} would be off by {defect:.3g} of itself "
            f"at {meeting.evaluation!r}: the mapping does not fit these points; choose another one"
        )
    return pull
