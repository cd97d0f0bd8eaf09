"""Nearest neighbour and nearest projection between two distributed discretisations.

The value at a place is that of the nearest point of the other side, or the linear interpolation at the nearest place of
its elements: inside a segment, triangle, quadrilateral (bilinear) or volume element if that is nearest, else on its
faces, edges and corners.

Each place is sent to the rank whose bounding box is nearest, which finds the nearest element of its own; then to every
other rank whose box is nearer than what was found. The result does not depend on how either side is distributed: of
places equally near the first along x, y, z counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._nearest import Nearest
from .cells import Array
from .directory import point_owners
from .mesh import Mesh
from .operators import Index32, Stencil
from .pair import FLOAT, POINT, Kind
from .rendezvous import Box, Discretisation, Meeting, ask, be_asked, box_around, places, verified
from .transfer import Give, Pull

SLACK = 1.0 + 1e-12
"""Squared distances that differ by less, relatively, may be equal: they have round-off."""

_RING = ((5, 6), (6, 7), (7, 8), (8, 5))
# around the diagonal of the octahedron that is left of a tetrahedron when its four corners are cut off

PARTS: Mapping[str, tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]] = {
    "line": (("line", ((0, 1),)),),
    "line3": (("line", ((0, 2), (2, 1))),),
    "triangle": (("triangle", ((0, 1, 2),)),),
    "triangle6": (("triangle", ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))),),
    "quad": (("quad", ((0, 1, 2, 3),)),),
    "quad8": (("triangle", ((0, 4, 7), (1, 5, 4), (2, 6, 5), (3, 7, 6))), ("quad", ((4, 5, 6, 7),))),
    "quad9": (("quad", ((0, 4, 8, 7), (4, 1, 5, 8), (8, 5, 2, 6), (7, 8, 6, 3))),),
    "tetra": (("tetra", ((0, 1, 2, 3),)),),
    "tetra10": (
        (
            "tetra",
            (*((0, 4, 6, 7), (4, 1, 5, 8), (6, 5, 2, 9), (7, 8, 9, 3)), *((4, 9, k, n) for k, n in _RING)),
        ),
    ),
    "hexahedron": (("hexahedron", (tuple(range(8)),)),),
}
"""Linear parts of each element type: of a quadratic element the pieces between its nodes."""


def parts_of(mesh: Mesh) -> list[tuple[str, Index32]]:
    """The linear parts of all elements, (k, corners) by shape."""
    found: list[tuple[str, Index32]] = []
    for kind, nodes in mesh.elements.items():
        for shape, corners in PARTS[kind]:
            found.append((shape, np.vstack([nodes[:, list(each)] for each in corners])))
    return found


@dataclass
class Feet:
    """Nearest places of the other side, one for each own place."""

    distance: Array
    """Squared, (n,)."""
    node: Index32
    """(n, corners): places among the owner's values."""
    weight: Array
    """(n, corners); of no size for points."""
    owner: Index32 | int
    """Coupled rank that has each of the values, (n, corners), or that has them all."""


def evaluate_nearest(meeting: Meeting, own: Discretisation, elements: bool) -> Pull:
    """Build the operator from the source's ``elements``, or its points; the source calls ``serve_nearest``."""
    feet = find_feet(meeting, places(own), elements)
    column, sizes = ask(meeting, feet.owner, feet.node)
    return verified(Pull(Stencil(column, feet.weight, sum(sizes.values())), sizes), meeting)


def serve_nearest(meeting: Meeting, own: Discretisation, elements: bool) -> Give:
    """The source's part of ``evaluate_nearest``."""
    serve_feet(meeting, own, elements)
    return Give(be_asked(meeting), len(own))


def _sources(meeting: Meeting, elements: bool) -> tuple[dict[int, Box], int, bool]:
    """Boxes of the ranks that have something; the largest number of corners; whether owners must be told."""
    side = meeting.side(meeting.source)
    known: dict[int, Box] = {rank: s.reach if elements else s.box for rank, s in side.items()}
    boxes: dict[int, Box] = {rank: box for rank, box in known.items() if box is not None}
    corners = max((s.corners for s in side.values()), default=1) if elements else 1
    return boxes, corners, elements and any(s.ghosts for s in side.values())


def _answer(corners: int) -> list[Kind]:
    # distance, corners' places, their weights, the element's middle, the corners' owners
    return [FLOAT, Kind(np.int32, (corners,)), Kind(np.float64, (corners,)), POINT, Kind(np.int32, (corners,))]


def find_feet(meeting: Meeting, points: Array, elements: bool) -> Feet:
    """Find the nearest place of the source for each of ``points`` (n, 3). The source calls ``serve_feet``."""
    boxes, corners, _ = _sources(meeting, elements)
    if len(boxes) == 1:
        (rank,) = boxes
        meeting.pair.swap({rank: [points]}, [POINT])
        answers = meeting.pair.swap({}, _answer(corners))
        distance, node, weight, _, owner = answers.get(rank, _nothing(corners))
        return Feet(distance, node, weight, owner if len(owner) else rank)
    ranks = np.array(near_enough(box_around(points), boxes), dtype=np.int32)
    low = box_distances(points, [boxes[rank] for rank in ranks.tolist()])
    best = _Best(len(points), corners, elements)
    first = _first_choice(points, low, [boxes[rank] for rank in ranks.tolist()])
    _ask_round(meeting, points, ranks, first, best, first=True)
    # Where another rank may have something as near, all of these say it, with what decides between equals.
    others = ~first & (low <= SLACK * best.distance)
    contested = others.any(axis=0)
    best.distance[contested] = np.inf
    _ask_round(meeting, points, ranks, others | (first & contested), best, first=False)
    return Feet(best.distance, best.node, best.weight, best.owner)


def _nothing(corners: int) -> list[NDArray]:
    return [np.empty((0, *kind.shape), dtype=kind.dtype) for kind in _answer(corners)]


class _Best:
    """The nearest found so far."""

    def __init__(self, n: int, corners: int, elements: bool) -> None:
        self.distance = np.full(n, np.inf)
        self.node = np.zeros((n, corners), dtype=np.int32)
        self.weight = np.zeros((n, corners) if elements else (0, corners))
        self.middle = np.full((n, 3), np.inf)
        self.owner = np.zeros((n, corners), dtype=np.int32)

    def set(self, rows: NDArray[np.intp], rank: int, answer: list[NDArray]) -> None:
        """Take what ``rank`` found for ``rows``."""
        distance, node, weight, middle, owner = answer
        self.distance[rows], self.node[rows] = distance, node
        if len(middle):
            self.middle[rows] = middle
        self.owner[rows] = owner if len(owner) else rank
        if len(weight):
            self.weight[rows] = weight

    def improve(self, rows: NDArray[np.intp], rank: int, answer: list[NDArray]) -> None:
        """Take what ``rank`` found for ``rows`` where it is nearer."""
        distance, middle = answer[0], answer[3]
        nearer = distance < self.distance[rows]
        tie = np.flatnonzero(distance == self.distance[rows])
        if len(tie):
            mine, other = self.middle[rows[tie]], middle[tie]
            differs = mine != other
            axis = np.argmax(differs, axis=1)
            each = np.arange(len(tie))
            nearer[tie] = differs.any(axis=1) & (other[each, axis] < mine[each, axis])
        self.set(rows[nearer], rank, [array[nearer] if len(array) else array for array in answer])


def _first_choice(points: Array, low: Array, boxes: list[Box]) -> NDArray[np.bool_]:
    """The nearest box of each point; of several, as in an overlap, the one whose farthest place is nearest."""
    chosen = low == low.min(axis=0) if len(points) else np.zeros(low.shape, dtype=bool)
    several = np.flatnonzero(chosen.sum(axis=0) > 1)
    if len(several):
        far = np.where(chosen[:, several], box_distances(points[several], boxes, farthest=True), np.inf)
        chosen[:, several] = False
        chosen[np.argmin(far, axis=0), several] = True
    return chosen


def _ask_round(
    meeting: Meeting, points: Array, ranks: Index32, chosen: NDArray[np.bool_], best: _Best, first: bool
) -> None:
    rows = {rank: np.flatnonzero(chosen[k]) for k, rank in enumerate(ranks.tolist())}
    meeting.pair.swap({rank: [points[each]] for rank, each in rows.items() if len(each)}, [POINT])
    for rank, answer in meeting.pair.swap({}, _answer(best.node.shape[1])).items():
        (best.set if first else best.improve)(rows[rank], rank, answer)


def serve_feet(meeting: Meeting, own: Discretisation, elements: bool) -> None:
    """Find the nearest of the own places or elements for whoever asks; see ``find_feet``."""
    boxes, corners, tell_owners = _sources(meeting, elements)
    owners = _owners(meeting, own) if tell_owners else None
    # Before anybody asks: the other side is busy meanwhile with choosing whom to ask.
    tree = _tree(own, elements)
    for turn in range(1 if len(boxes) == 1 else 2):
        answers: dict[int, list[NDArray]] = {}
        for rank, (points,) in meeting.pair.swap({}, [POINT]).items():
            distance, node, weight, middle = tree.query(points, with_middle=turn == 1)
            owner = np.empty((0, corners), dtype=np.int32)
            if owners is not None:
                owner, node = owners[0][node], owners[1][node]
            if len(boxes) == 1:
                distance = np.empty(0)
            answers[rank] = [
                distance,
                *(_widened(a, corners) for a in (node, weight)),
                middle,
                _widened(owner, corners),
            ]
        meeting.pair.swap(answers, _answer(corners))


def _tree(own: Discretisation, elements: bool) -> Nearest:
    if elements and isinstance(own, Mesh):
        return Nearest(own.points, parts_of(own))
    return Nearest(places(own), [])


def _owners(meeting: Meeting, own: Discretisation) -> tuple[Index32, Index32]:
    assert isinstance(own, Mesh), "only meshes have ghosts"
    rank, place = point_owners(meeting.pair.own, own)
    return np.array(meeting.pair.mine, dtype=np.int32)[rank], place


def _widened(array: NDArray, corners: int) -> NDArray:
    """Fill up to the number of corners that other ranks' elements have: the first corner again, with weight zero."""
    missing = corners - array.shape[1]
    if missing <= 0:
        return array
    fill = np.zeros_like(array[:, :1]) if array.dtype == np.float64 else array[:, :1]
    return np.hstack([array, np.repeat(fill, missing, axis=1)])


def near_enough(around: Box, boxes: Mapping[int, Box]) -> list[int]:
    """Ranks whose box may hold the nearest place of some point in the box ``around``."""
    if around is None:
        return []
    (low, high), corners = np.array(around), np.array([boxes[rank] for rank in boxes])
    gap = np.maximum(np.maximum(corners[:, 0] - high, low - corners[:, 1]), 0.0)
    span = np.maximum(corners[:, 1] - low, high - corners[:, 0])
    nearest, farthest = np.sqrt((gap**2).sum(axis=1)), np.sqrt((span**2).sum(axis=1))
    return [rank for rank, d in zip(boxes, nearest, strict=True) if d <= SLACK * farthest.min()]


def box_distances(points: Array, boxes: list[Box], farthest: bool = False) -> Array:
    """Squared distance from each point to the nearest, or farthest, place of each box, (boxes, n)."""
    squared = np.zeros((len(boxes), len(points)))
    for k, box in enumerate(boxes):
        assert box is not None, "only ranks that have something are asked"
        for axis in range(3):
            below, above = box[0][axis] - points[:, axis], points[:, axis] - box[1][axis]
            if farthest:
                squared[k] += np.maximum(-below, -above) ** 2
            else:
                squared[k] += np.maximum(np.maximum(below, above), 0.0) ** 2
    return squared
