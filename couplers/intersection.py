"""The exactly conservative L2 intersection of two distributed finite-element meshes, or of one with cells.

The evaluation side pulls the elements of the source that are near its own, with the owners of their points, intersects
them with its own elements, and asks for the values at the points that it needs. What each element of the source was
found to cover goes back to its rank, which sees whether something of it is left out. Cells are elements too: see
``cell_elements``. What is wanted at a mesh's points is the projection of ``projection``; in cells it is the mean.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .cell_elements import add_rows, elements_of, points_of_each
from .cells import Array, Cells
from .coverage import ROUND_OFF, allowed_gaps, uncovered
from .directory import point_owners
from .errors import MappingError
from .ghosts import Ghosts
from .integrals import CODES, REACH, Basis, Index32, Intersection, intersect
from .mapping import require_fractions
from .mesh import DIMENSION, Mesh
from .multipliers import Extension
from .operators import Sparse
from .pair import FLOAT, INT, POINT, Kind
from .projection import Projection
from .rendezvous import Box, Discretisation, Meeting, ask, be_asked, touch, verified
from .transfer import Give, Pull

_COVER = Kind(np.float64, (6,))
_ELEMENTS = (INT, INT, POINT, INT, INT)
"""Types, nodes (rows of the points that follow), points, their owners' coupled ranks and their places there."""
_UNUSED = 0.5
"""An element of the source of which more than this covers nothing lies outside of the other side's region."""
_REMEDY = "; where they need not, choose the mapping rbf"
"""For cells and a mesh, in both directions."""


def evaluate_intersection(meeting: Meeting, own: Discretisation) -> Pull:
    """Build the operator where the values are wanted; the source calls ``serve_intersection``. Collective.

    Raises ``MappingError``, naming an element or a cell, when the source leaves part of it uncovered.
    """
    mesh = elements_of(meeting, own)
    basis, widest = _introduce(meeting, mesh)
    arrived = _pull(meeting, basis, widest)
    near, sizes, owner, place = _joined(basis.dimension, arrived)
    found = intersect(basis, near)
    ends = np.cumsum(sizes, dtype=np.int64)
    meeting.pair.swap(
        {rank: [found.covers[end - n : end]] for rank, end, n in zip(arrived, ends, sizes, strict=True)}, [FLOAT]
    )
    mixed, columns = _ask(meeting, found.matrix, owner, place // points_of_each(meeting, meeting.source))
    if isinstance(own, Cells):
        return verified(Pull(_means(meeting, own, mixed, found.covered), columns), meeting)
    ghosts = Ghosts(meeting.pair.own, own)
    assert own.outer is not None, "set when the mesh is made"
    operator = Projection.of(basis, mixed, ghosts, Extension(basis, own.outer, ghosts))
    return _without_gaps(meeting, basis, found, operator, columns)


def _without_gaps(
    meeting: Meeting, basis: Basis, found: Intersection, operator: Projection, columns: dict[int, int]
) -> Pull:
    """The projection, if nothing is left out of it, else ``MappingError``; collective over the own ranks."""
    problem = _problem(meeting, basis, found.covered, found.widest, operator)
    problems = operator.ghosts.comm.allreduce(bool(problem), op=MPI.LOR)
    if problem:
        raise MappingError(problem)
    return Pull(operator, columns) if problems else verified(Pull(operator, columns), meeting)


def _means(meeting: Meeting, own: Cells, mixed: csr_matrix, covered: Array) -> Sparse:
    """The mean over each cell, from the integrals over its nodes' functions; ``covered`` (cells,) must be all of it."""
    integrals = add_rows(mixed, points_of_each(meeting, meeting.evaluation))
    size = integrals.sum(axis=1).A1
    # A cell without any extent has no mean.
    require_fractions(
        own,
        np.where(size > 0.0, covered, 0.0),
        meeting.evaluation,
        f"the elements of {meeting.source!r}",
        meeting.interface,
        ROUND_OFF,
        _REMEDY,
    )
    return Sparse(csr_matrix(integrals.multiply(1.0 / size[:, None])))


def serve_intersection(meeting: Meeting, own: Discretisation) -> Give:
    """Send the own elements near each rank that evaluates; what it asks for is what it needs. Collective.

    Raises ``MappingError``, naming an element or a cell, when it lies outside of the other side's region.
    """
    mesh = elements_of(meeting, own)
    basis, _ = _introduce(meeting, mesh)
    rank, place = point_owners(meeting.pair.own, mesh)
    rank = np.array(meeting.pair.mine, dtype=np.int32)[rank]
    chosen: dict[int, NDArray[np.bool_]] = {}
    parcels: dict[int, list[NDArray]] = {}
    for asking, (boxes,) in meeting.pair.swap({}, [_COVER]).items():
        chosen[asking] = basis.near(boxes)
        part, named = basis.select(chosen[asking])
        parcels[asking] = [part.kinds, part.nodes, part.points, rank[named], place[named]]
    meeting.pair.swap(parcels, _ELEMENTS)
    covers = np.zeros(len(basis))
    for asking, (part,) in meeting.pair.swap({}, [FLOAT]).items():
        covers[chosen[asking]] += part
    give = Give(be_asked(meeting), len(own))
    _require_use(meeting, own, basis, covers)
    return give


def _require_use(meeting: Meeting, own: Discretisation, basis: Basis, covers: Array) -> None:
    """Raise ``MappingError`` where too little of an element covers the other side; ``covers`` has shape (elements,).

    Between meshes, whose rims may be curved, half is enough. What cells exchange must fit where amounts go: an amount
    that reaches a part only of an element or a cell has another density there.
    """
    interface, side, other = meeting.interface, meeting.source, meeting.evaluation
    if isinstance(own, Cells):
        if meeting.amounts:
            covers = np.minimum(covers, 1.0)  # more than once where the mesh is not quite flat
            require_fractions(own, covers, side, f"the elements of {other!r}", interface, ROUND_OFF, _REMEDY)
        return
    cells = points_of_each(meeting, other) > 1
    allowed = np.full(len(basis), ROUND_OFF if cells and meeting.amounts else _UNUSED)
    problem = uncovered(basis, covers, allowed, interface, side, _words(meeting, other))
    if problem:
        raise MappingError(problem)


def _words(meeting: Meeting, other: str) -> tuple[str, str]:
    """What covers a mesh, and a mapping that covers need not fit."""
    if points_of_each(meeting, other) > 1:
        return f"cells of {other!r}", "rbf"
    return f"elements of {other!r}", "nearest-projection"


def _introduce(meeting: Meeting, own: Mesh) -> tuple[Basis, float]:
    """The own elements, and the largest diameter of any. Raises ``MappingError`` on all ranks alike."""
    dimension = max(summary.dimension for summary in meeting.summaries.values())
    strange = sorted(kind for kind in own.elements if kind not in CODES)
    unlike = sorted(kind for kind in own.elements if DIMENSION[kind] != dimension)
    basis = Basis.of(Mesh(own.points) if strange or unlike else own, dimension)
    size = basis.diameters().max(initial=0.0)
    size, strangers, unlikes = meeting.pair.reduce(np.array([size, len(strange), len(unlike)]), MPI.MAX).tolist()
    if strangers:
        raise MappingError(
            f"interface {meeting.interface!r}: the mapping intersection knows elements of type {', '.join(CODES)}; "
            f"{', '.join(strange) or 'another'} is none of them: choose nearest-projection"
        )
    if unlikes:
        raise MappingError(
            f"interface {meeting.interface!r}: the mapping intersection needs elements of one dimension on both sides, "
            f"here {dimension}; there are also {', '.join(unlike) or 'others'}"
        )
    return basis, size


def _pull(meeting: Meeting, basis: Basis, widest: float) -> dict[int, list[NDArray]]:
    """Elements of the source near the own ones, by coupled rank."""
    parcels = {}
    boxes = basis.cover()
    if len(boxes):
        around = _widened((boxes[:, :3].min(axis=0), boxes[:, 3:].max(axis=0)), REACH * widest)
        for rank, summary in meeting.side(meeting.source).items():
            if touch(around, summary.reach):
                parcels[rank] = [boxes]
    meeting.pair.swap(parcels, [_COVER])
    return meeting.pair.swap({}, _ELEMENTS)


def _widened(corners: tuple[Array, Array], by: float) -> Box:
    return tuple((corners[0] - by).tolist()), tuple((corners[1] + by).tolist())


def _joined(dimension: int, arrived: dict[int, list[NDArray]]) -> tuple[Basis, list[int], Index32, Index32]:
    """All that arrived as one basis, whose points differ; elements from each rank; the points' owners and places."""
    parcels = list(arrived.values())
    shift = np.cumsum([0, *(len(p[2]) for p in parcels)], dtype=np.int64)
    none = np.zeros(0, dtype=np.int32)
    kinds = np.concatenate([none, *(p[0] for p in parcels)])
    nodes = np.concatenate([none, *(p[1] + start for p, start in zip(parcels, shift[:-1], strict=True))])
    points = np.concatenate([np.empty((0, 3)), *(p[2] for p in parcels)])
    name = np.concatenate([none, *(p[3] for p in parcels)]).astype(np.int64) << 32
    name |= np.concatenate([none, *(p[4] for p in parcels)])
    different, first, number = np.unique(name, return_index=True, return_inverse=True)
    basis = Basis(dimension, points[first], kinds, number[nodes].astype(np.int32))
    sizes = [len(p[0]) for p in parcels]
    return basis, sizes, (different >> 32).astype(np.int32), (different & 0xFFFFFFFF).astype(np.int32)


def _ask(meeting: Meeting, mixed: csr_matrix, owner: Index32, place: Index32) -> tuple[csr_matrix, dict[int, int]]:
    """Ask for the values that the matrix needs; returns it with their columns, and their number from each rank."""
    used = np.zeros(mixed.shape[1], dtype=bool)
    used[mixed.indices] = True
    column, sizes = ask(meeting, owner[used], place[used])
    columns = np.zeros(mixed.shape[1], dtype=np.int32)
    columns[used] = column
    asked = csr_matrix((mixed.data, columns[mixed.indices], mixed.indptr), shape=(mixed.shape[0], sum(sizes.values())))
    # The points of a cell have one value, so one column.
    asked.sum_duplicates()
    return asked, sizes


def _problem(meeting: Meeting, basis: Basis, covered: Array, widest: Array, operator: Projection) -> str:
    """What is wrong with this rank's part, in words; collective over the own ranks."""
    interface, side, other = meeting.interface, meeting.evaluation, meeting.source
    allowed = allowed_gaps(basis, operator.ghosts, covered, widest)
    lonely = np.flatnonzero(operator.mass.diagonal == 0.0)
    if len(lonely):
        at = ", ".join(f"{c:g}" for c in basis.points[lonely[0]])
        return (
            f"interface {interface!r}: the point at ({at}) of {side!r} belongs to no element; the mapping intersection "
            f"needs elements at every point"
        )
    if operator.extension.unresolved:
        return (
            f"interface {interface!r}: some elements of {side!r} have outer points only, without a way to another "
            f"point; the mapping intersection needs one"
        )
    return uncovered(basis, covered, allowed, interface, side, _words(meeting, other))
