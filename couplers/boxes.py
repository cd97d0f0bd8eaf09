"""The two mappings of axis-aligned cells: the intersection of cells with cells, and the binning of particles.

Cells with cells, m(i, j) being the measure that evaluation cell i shares with source cell j:

    W(i, j) = m(i, j) / sum_k m(i, k)

so that a state is the mean over the receiving cell and an amount is spread evenly over the sending one.

Particles and cells: a cell takes the mean of the particles that it holds, and a particle the value of the cell that
holds it; in the other direction (the transposes) a cell splits its amount evenly among its particles, and adds up
theirs. Axes along which all cells are flat do not count: a particle may be at any distance from a surface of cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .cells import Array, Cells
from .errors import MappingError
from .mapping import FLAT, Index, overlaps, point_text, require_cover
from .operators import Index32, compact
from .pair import FLOAT, INT, POINT
from .rendezvous import Box, Discretisation, Meeting, ask, be_asked, box_around, places, touch, verified
from .transfer import Give, Pull

Mask = NDArray[np.bool_]


def _near(low: Array, high: Array, box: Box) -> Index32:
    """Which boxes may touch ``box``."""
    if box is None or not len(low):
        return np.zeros(0, dtype=np.int32)
    slack = 1e-6 * max(np.abs(low).max(), np.abs(high).max(), np.abs(box).max())
    meets = np.all((low <= np.array(box[1]) + slack) & (high >= np.array(box[0]) - slack), axis=1)
    return np.flatnonzero(meets).astype(np.int32)


def serve_cells(meeting: Meeting, own: Cells) -> Give:
    """Send every rank of the evaluation side the own cells near its own; what it asks for is what they share."""
    _send_near(meeting, own.lower, own.upper)
    give = Give(be_asked(meeting), len(own))
    covered = np.zeros(len(own))
    for rank, (share,) in meeting.pair.swap({}, [FLOAT]).items():
        covered[give.asked[rank]] += share
    if meeting.amounts:
        require_cover(own, covered, meeting.source, meeting.evaluation, meeting.interface)
    return give


def _send_near(meeting: Meeting, low: Array, high: Array, ignored: Mask | bool = False) -> None:
    """Send corners and numbers of the own boxes near each evaluating rank; ``ignored`` axes (3,) do not count."""
    counted = np.where(ignored, 0.0, low), np.where(ignored, 0.0, high)
    mine = box_around(*counted)
    parcels = {}
    for rank, summary in meeting.side(meeting.evaluation).items():
        box = _without(summary.box, ignored)
        if touch(mine, box):
            near = _near(*counted, box)
            parcels[rank] = [low[near], high[near], near]
    meeting.pair.swap(parcels, [POINT, POINT, INT])


def _without(box: Box, ignored: Mask | bool) -> Box:
    """The box as if it were at zero along the ``ignored`` axes."""
    if box is None:
        return None
    low, high = np.where(ignored, 0.0, box).tolist()
    return tuple(low), tuple(high)


def _take_near(meeting: Meeting) -> tuple[Array, Array, Index32, Index32]:
    """Corners of the source's boxes near the own ones, their owners and their numbers there."""
    arrived = meeting.pair.swap({}, [POINT, POINT, INT])
    low = np.vstack([np.empty((0, 3)), *(a[0] for a in arrived.values())])
    high = np.vstack([np.empty((0, 3)), *(a[1] for a in arrived.values())])
    number = np.concatenate([np.empty(0, dtype=np.int32), *(a[2] for a in arrived.values())])
    owner = np.repeat(np.array(list(arrived), dtype=np.int32), [len(a[2]) for a in arrived.values()])
    return low, high, owner, number


def evaluate_cells(meeting: Meeting, own: Cells) -> Pull:
    """Build the intersection's operator where the values are wanted; the source calls ``serve_cells``."""
    low, high, owner, number = _take_near(meeting)
    i, j, shared = overlaps(Cells(low, high), own)
    column, sizes = ask(meeting, owner[j], number[j])
    columns = sum(sizes.values())
    ends = np.cumsum(list(sizes.values()), dtype=np.int64)
    share = np.bincount(column, shared, columns)
    parts = {rank: [share[end - sizes[rank] : end]] for rank, end in zip(sizes, ends, strict=True)}
    meeting.pair.swap(parts, [FLOAT])
    covered = np.bincount(i, shared, len(own)).astype(np.float64)
    require_cover(own, covered, meeting.evaluation, meeting.source, meeting.interface)
    matrix = csr_matrix((shared / covered[i], (i, column)), shape=(len(own), columns))
    return verified(Pull(compact(matrix), sizes), meeting)


def serve_binning(meeting: Meeting, own: Discretisation) -> Give:
    """Send particles or cells to where they are wanted."""
    if isinstance(own, Cells):
        _send_near(meeting, own.lower, own.upper, meeting.flat)
    else:
        _send_near(meeting, places(own), places(own), meeting.flat)
    return Give(be_asked(meeting), len(own))


def evaluate_binning(meeting: Meeting, own: Discretisation) -> Pull:
    """Build the binning's operator where the values are wanted; the source calls ``serve_binning``."""
    low, high, owner, number = _take_near(meeting)
    flat = meeting.flat
    if isinstance(own, Cells):
        cell, particle = holders(own, low, flat)
        row, source = cell, particle
    else:
        cell, particle = holders(Cells(low, high), places(own), flat)
        row, source = _first_of_each(cell, particle, low, high)
    column, sizes = ask(meeting, owner[source], number[source])
    count = np.bincount(row, minlength=len(own))
    if len(own) and count.min() == 0:
        _refuse(meeting, own, int(np.argmin(count)))
    matrix = csr_matrix((1.0 / count[row], (row, column)), shape=(len(own), sum(sizes.values())))
    return verified(Pull(compact(matrix), sizes), meeting)


def holders(cells: Cells, points: Array, flat: Mask) -> tuple[Index, Index]:
    """Every cell and point of which the cell, faces included, holds the point; ``flat`` axes do not count."""
    nothing = np.zeros(0, dtype=np.int64)
    if not len(cells) or not len(points) or flat.all():
        return nothing, nothing
    size = np.ptp(np.vstack((cells.lower, cells.upper)), axis=0).max()
    half = 0.5 * (cells.upper - cells.lower).max(axis=0)
    reach = (half + 2.0 * FLAT * size)[~flat]
    trees = [cKDTree(x[:, ~flat] / reach) for x in (cells.centres, points)]
    near = trees[0].sparse_distance_matrix(trees[1], 1.0, p=np.inf, output_type="ndarray")
    c, p = near["i"].astype(np.int64), near["j"].astype(np.int64)
    inside = (points[p] >= cells.lower[c]) & (points[p] <= cells.upper[c])
    held = np.all(inside | flat, axis=1)
    return c[held], p[held]


def _first_of_each(cell: Index, particle: Index, low: Array, high: Array) -> tuple[Index, Index]:
    """Of the cells that hold a particle on their common face the first along x, y, z."""
    middle = low[cell] + high[cell]
    order = np.lexsort((middle[:, 2], middle[:, 1], middle[:, 0], particle))
    particle, first = np.unique(particle[order], return_index=True)
    return particle, cell[order][first]


def _refuse(meeting: Meeting, own: Discretisation, bad: int) -> None:
    if isinstance(own, Cells):
        what = (
            f"the cell of {meeting.evaluation!r} from {point_text(own.lower[bad])} to {point_text(own.upper[bad])} "
            f"holds no particle of {meeting.source!r}; give larger cells, or choose another mapping"
        )
    else:
        what = (
            f"the particle of {meeting.evaluation!r} at {point_text(places(own)[bad])} is in no cell of "
            f"{meeting.source!r}; the cells must hold every particle"
        )
    raise MappingError(f"interface {meeting.interface!r}: {what}")
