"""Whether two meshes cover the same region: what one leaves uncovered of the other would lose its amounts.

Straight interfaces are covered to round-off. Two meshes of a curved one are facetted differently: inside, the
projection along the normal still covers each element, but near the rim a strip is missing or in excess whose width is
of second order: the rim's curvature times the square of an element's diameter over eight. The curvature is measured by
how much the directions that point out of the region turn from one facet of the rim to the next. Elsewhere, and beyond
twice that, an uncovered part is an error.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .cells import Array
from .ghosts import Ghosts
from .integrals import CODES, SIZES, Basis
from .mesh import CORNERS

ROUND_OFF = 1e-6
"""Uncovered fraction of an element that is not looked into."""
MOST = 0.5
"""Uncovered fraction of an element at the rim that no curvature excuses."""

EDGE = np.radians(40.0)
"""A rim that turns by more from one facet to the next has an edge there, which both meshes have."""

KINDS = tuple(CODES)
_FACETS = {2: ((0,), (1,)), 3: ((0, 1), (1, 2), (2, 0)), 4: ((0, 1), (1, 2), (2, 3), (3, 0))}
_TETRA_FACETS = ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))


def corners_of(basis: Basis, code: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Elements of type ``code``, and their corners, (k, corners)."""
    here = np.flatnonzero(basis.kinds == code)
    corners = CORNERS[KINDS[code]]
    return here, basis.nodes[basis.first[here][:, None] + np.arange(corners)]


def allowed_gaps(basis: Basis, ghosts: Ghosts, covered: Array, widest: Array) -> Array:
    """Uncovered fraction of each element that facetting explains; collective.

    ``covered`` and ``widest`` (elements,) as in ``Intersection``.
    """
    allowed = np.full(len(basis), ROUND_OFF)
    gap = 1.0 - covered > ROUND_OFF
    if not ghosts.comm.allreduce(bool(gap.any()), op=MPI.LOR):
        return allowed
    turn = _turns(_around(basis, gap, ghosts), ghosts)
    angle = np.zeros(len(basis))
    for code in np.unique(basis.kinds):
        here, corners = corners_of(basis, int(code))
        angle[here] = turn[corners].max(axis=1)
    own = basis.diameters()
    ratio = np.maximum(own, widest) / np.where(own > 0.0, own, 1.0)
    return np.where(gap, np.minimum(ROUND_OFF + 0.25 * basis.dimension * angle * ratio**2, MOST), ROUND_OFF)


def _around(basis: Basis, chosen: NDArray[np.bool_], ghosts: Ghosts) -> Basis:
    """All elements that have a node in common with a ``chosen`` one, of whatever rank."""
    sizes = SIZES[basis.kinds]
    marked = np.zeros((len(basis.points), 1))
    marked[basis.nodes[np.repeat(chosen, sizes)]] = 1.0
    marked = ghosts.copy(ghosts.add(marked))[:, 0] > 0.0
    near = np.add.reduceat(marked[basis.nodes].astype(np.int32), basis.first[:-1]) > 0 if len(basis) else chosen
    return Basis(basis.dimension, basis.points, basis.kinds[near], basis.nodes[np.repeat(near, sizes)])


def _turns(basis: Basis, ghosts: Ghosts) -> Array:
    """Largest turn of the rim from one facet to another at each local point; zero inside and where it is straight."""
    facets, outward = _rim(basis, ghosts)
    at_rim = np.zeros((len(basis.points), 1))
    at_rim[facets] = 1.0
    rim = ghosts.copy(ghosts.add(at_rim))[:, 0] > 0.0
    number = np.cumsum(rim) - 1
    # Sums by 27 sectors of direction: both sides of an edge of the region are told apart, on whatever ranks they are.
    sector = (np.round(1.2 * outward).astype(np.int64) + 1) @ np.array([1, 3, 9])
    sums = np.zeros((int(rim.sum()), 27, 4))
    for k in range(facets.shape[1]):
        np.add.at(sums, (number[facets[:, k]], sector), np.column_stack((outward, np.ones(len(facets)))))
    part = ghosts.only(rim)
    sums = part.copy(part.add(sums.reshape(-1, 108))).reshape(-1, 27, 4)
    turns = np.zeros(len(basis.points))
    turns[rim] = _largest_turn(sums[..., :3], sums[..., 3])
    return turns


def _largest_turn(sums: Array, count: Array) -> Array:
    """Of unit vectors, summed by sector (n, 27, 3): between sectors, and within one; edges do not count."""
    size = np.linalg.norm(sums, axis=2)
    within = 2.0 * np.arccos(_cosine(np.divide(size, count, out=np.ones_like(size), where=count > 0.0)))
    mean = np.divide(sums, size[..., None], out=np.zeros_like(sums), where=size[..., None] > 0.0)
    between = np.arccos(_cosine(np.einsum("nic,njc->nij", mean, mean)))
    there = count > 0.0
    between[~(there[:, :, None] & there[:, None, :]) | (between > EDGE)] = 0.0
    return np.maximum(within.max(axis=1), between.max(axis=(1, 2)))


def _cosine(values: Array) -> Array:
    return np.where(values > 1.0 - 1e-14, 1.0, np.clip(values, -1.0, 1.0))


def _rim(basis: Basis, ghosts: Ghosts) -> tuple[NDArray[np.int32], Array]:
    """Facets of one element only, (k, corners), and unit vectors that point out of the region there, (k, 3)."""
    facets, middles = _facets(basis)
    # A number for each point that all ranks know: owners and places.
    name = ghosts.owner.astype(np.int64) << 32 | ghosts.place
    named = np.sort(name[facets], axis=1)
    _, inverse, count = np.unique(named, axis=0, return_inverse=True, return_counts=True)
    alone = count[inverse.ravel()] == 1
    alone[np.flatnonzero(alone)[_elsewhere(named[alone], ghosts, ghosts.shared[facets[alone]].all(axis=1))]] = False
    facets, middles = facets[alone], middles[alone]
    x = basis.points[facets]
    out = x.mean(axis=1) - middles
    for a, b in _orthogonal(x):
        out -= ((out * a).sum(axis=1) / np.where(b > 0.0, b, 1.0))[:, None] * a
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return facets, out / np.where(length > 0.0, length, 1.0)


def _orthogonal(x: Array) -> list[tuple[Array, Array]]:
    """Tangents of facets with corners x (k, corners, 3), orthogonal to one another, and their squared lengths."""
    tangents: list[tuple[Array, Array]] = []
    for k in range(1, x.shape[1]):
        t = x[:, k] - x[:, 0]
        for a, b in tangents:
            t = t - ((t * a).sum(axis=1) / np.where(b > 0.0, b, 1.0))[:, None] * a
        tangents.append((t, (t * t).sum(axis=1)))
    return tangents


def _facets(basis: Basis) -> tuple[NDArray[np.int32], Array]:
    """Facets of all elements, (k, corners), and the middles of the elements that they are of, (k, 3)."""
    facets = [np.zeros((0, basis.dimension), dtype=np.int32)]
    middles = [np.zeros((0, 3))]
    for code in np.unique(basis.kinds):
        _, corners = corners_of(basis, int(code))
        table = _TETRA_FACETS if basis.dimension == 3 else _FACETS[corners.shape[1]]
        for facet in table:
            facets.append(corners[:, list(facet)])
            middles.append(basis.points[corners].mean(axis=1))
    return np.concatenate(facets), np.concatenate(middles)


def _elsewhere(named: NDArray[np.int64], ghosts: Ghosts, shared: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which of the facets (named by their points) another rank has too; collective."""
    comm = ghosts.comm
    if comm.size == 1:
        return np.zeros(0, dtype=np.intp)
    asked = np.flatnonzero(shared)
    judge = (named[asked, 0] >> 32).astype(np.intp)
    questions = comm.alltoall([named[asked[judge == rank]] for rank in range(comm.size)])
    together = np.concatenate(questions)
    _, inverse, count = np.unique(together, axis=0, return_inverse=True, return_counts=True)
    double = count[inverse.ravel()] > 1
    ends = np.cumsum([0, *map(len, questions)])
    answers = comm.alltoall([double[a:b] for a, b in pairwise(ends)])
    return np.concatenate([asked[judge == rank][answers[rank]] for rank in range(comm.size)])


def uncovered(basis: Basis, covered: Array, allowed: Array, interface: str, side: str, words: tuple[str, str]) -> str:
    """Name the worst element of which more is uncovered than ``allowed``, both (elements,), in words; else empty.

    ``words`` say what should cover it, and which mapping does without.
    """
    if not len(basis):
        return ""
    excess = 1.0 - covered - allowed
    worst = int(np.argmax(excess))
    if excess[worst] <= 0.0:
        return ""
    code = int(basis.kinds[worst])
    first = basis.first[worst]
    nodes = basis.nodes[first : first + CORNERS[KINDS[code]]]
    middle = ", ".join(f"{c:g}" for c in basis.points[nodes].mean(axis=0))
    return (
        f"interface {interface!r}: {1.0 - covered[worst]:.3g} of the {KINDS[code]} of {side!r} around ({middle}) is "
        f"not covered by the {words[0]}. Both sides must describe the same region; where they need not, "
        f"choose the mapping {words[1]}"
    )
