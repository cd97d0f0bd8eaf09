"""Radial basis functions on a partition of unity, between two distributed discretisations.

Around every place the source's points are interpolated by clusters of about 50 of them, each by a polynomial (linear,
and quadratic as far as the points tell) fitted by least squares and a radial function for what the polynomial misses;
the clusters' interpolants are blended smoothly. See ``_radial.cpp`` for one rank's work.

The evaluation side pulls the source's points near its own places, by the cells of a lattice. The lattice follows from
the whole cloud and not from its distribution, and a cell comes whole or not at all, so that every rank that needs a
cluster builds the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ._radial import build_blocks, nearest_distances
from .cells import Array
from .mapping_settings import RadialBasis
from .nearest import find_feet, serve_feet
from .operators import Blocks, Index32
from .pair import INT, POINT, Kind
from .rendezvous import Discretisation, Meeting, ask, be_asked, numbered, places, verified
from .transfer import Give, Pull

_SAMPLES = 32
"""Points at which the spacing of the source's points is measured, about."""
_CELL = 5.0
"""Edge of a lattice cell in units of the radius that holds a cluster's number of points."""
_REACH = 2
"""Cells beyond a place's own from which points may matter: its clusters are one away, their points one more."""

Long = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """Cubic cells around all points of the source."""

    origin: Array
    size: float
    shape: tuple[int, int, int]

    def cells(self, points: Array) -> Long:
        """Indices along each axis, (n, 3); outside of the lattice too."""
        return np.floor((points - self.origin) / self.size).astype(np.int64)

    def number(self, cells: Long) -> Long:
        """One number for each cell (n, 3) of the lattice."""
        return (cells[:, 0] * self.shape[1] + cells[:, 1]) * self.shape[2] + cells[:, 2]


def evaluate_radial(meeting: Meeting, own: Discretisation, settings: RadialBasis) -> Pull:
    """Build the operator where the values are wanted; the source calls ``serve_radial``."""
    lattice = _lattice(meeting, np.zeros((0, 3)), settings.cluster)
    at = places(own)
    points, owner, number = _pull(meeting, lattice, at)
    row, first_row, column, first_column, value, lost = build_blocks(
        points, at, lattice.origin, lattice.size, settings.kernel, settings.support_radius or 0.0, settings.cluster
    )
    feet = find_feet(meeting, at[lost], elements=False)
    if len(lost):  # blocks of one row and one column for what is far from all points
        row, value = np.concatenate((row, lost)), np.concatenate((value, np.ones(len(lost))))
        first_row = np.concatenate((first_row, first_row[-1] + 1 + np.arange(len(lost))))
        first_column = np.concatenate((first_column, first_column[-1] + 1 + np.arange(len(lost))))
    column, used = numbered(column)
    nearest = np.broadcast_to(np.asarray(feet.owner, dtype=np.int32).reshape(-1, 1), feet.node.shape)
    owner, number = np.concatenate((owner[used], nearest[:, 0])), np.concatenate((number[used], feet.node[:, 0]))
    column = np.concatenate((column, len(used) + np.arange(len(lost), dtype=np.int32)))
    named, sizes = ask(meeting, owner, number)
    blocks = Blocks(len(own), sum(sizes.values()), row, first_row, named[column], first_column, value)
    return verified(Pull(blocks, sizes), meeting)


def serve_radial(meeting: Meeting, own: Discretisation, settings: RadialBasis) -> Give:
    """The source's part of ``evaluate_radial``."""
    points = places(own)
    lattice = _lattice(meeting, points, settings.cluster)
    _send(meeting, lattice, points)
    serve_feet(meeting, own, elements=False)
    return Give(be_asked(meeting), len(own))


def _lattice(meeting: Meeting, points: Array, cluster: int) -> Lattice:
    """The same on every rank of both sides; ``points`` of the source, none on the other side."""
    side = meeting.side(meeting.source).values()
    corners = np.array([corner for s in side if s.box is not None for corner in s.box])
    low, high = corners.min(axis=0), corners.max(axis=0)
    extent = max(float((high - low).max()), 1e-300)
    total = sum(s.count for s in side)
    radius = extent
    if total > 4 * cluster:
        mine = 0.0 if meeting.evaluates else _radius_of(meeting.pair.own, points, total, cluster)
        radius = float(meeting.pair.reduce(np.array([mine]), MPI.MAX)[0]) or extent
    # Not a round number of spacings, lest points of a regular grid lie on the cells' faces.
    size = min(_CELL * radius, 1.5 * extent) * 1.0173205
    origin = low - 0.0137 * size
    shape = np.floor((high - origin) / size).astype(int) + 1
    return Lattice(origin, size, (int(shape[0]), int(shape[1]), int(shape[2])))


def _radius_of(own: MPI.Intracomm, points: Array, total: int, count: int) -> float:
    """Median over some points of the whole source of the radius that holds ``count`` points. Collective over ``own``.

    The points are chosen by a hash of their coordinates, so that they are the same whoever has them.
    """
    samples = np.concatenate(own.allgather(points[_hash(points) < int(_SAMPLES / total * 2.0**63)]))
    samples = samples[np.lexsort(samples.T)]
    if not len(samples):
        return 0.0
    found = nearest_distances(points, samples, count)
    # Every rank merges a share of the samples, so that none sees the distances to all.
    share = np.array_split(np.arange(len(samples)), own.size)
    merged = np.sort(np.hstack(own.alltoall([found[each] for each in share])), axis=1)
    radii = np.concatenate(own.allgather(merged[:, count - 1]))
    return math.sqrt(float(np.median(radii)))


def _hash(points: Array) -> Long:
    """63 well-mixed bits of each point's coordinates (splitmix64)."""
    mixed = np.zeros(len(points), dtype=np.uint64)
    for axis in range(3):
        mixed ^= np.ascontiguousarray(points[:, axis] + 0.0).view(np.uint64)  # + 0.0 turns -0.0 into 0.0
        mixed += np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(1)).astype(np.int64)


def _pull(meeting: Meeting, lattice: Lattice, at: Array) -> tuple[Array, Index32, Index32]:
    """Points of the source in and around the cells of ``at``, their owners and their numbers there."""
    wanted = _around(lattice, at)
    parcels = {}
    if len(wanted):
        cells = np.column_stack(np.unravel_index(wanted, lattice.shape))
        low = lattice.origin + cells.min(axis=0) * lattice.size
        high = lattice.origin + (cells.max(axis=0) + 1) * lattice.size
        for rank, summary in meeting.side(meeting.source).items():
            box = summary.box
            if box is not None and np.all(np.array(box[0]) <= high) and np.all(np.array(box[1]) >= low):
                parcels[rank] = [wanted]
    meeting.pair.swap(parcels, [Kind(np.int64)])
    arrived = meeting.pair.swap({}, [POINT, INT])
    points = np.vstack([np.zeros((0, 3)), *(each[0] for each in arrived.values())])
    number = np.concatenate([np.zeros(0, dtype=np.int32), *(each[1] for each in arrived.values())])
    owner = np.repeat(np.array(list(arrived), dtype=np.int32), [len(each[1]) for each in arrived.values()])
    return points, owner, number


def _around(lattice: Lattice, at: Array) -> Long:
    """Numbers of the lattice's cells in reach of ``at``, ascending."""
    shape = np.array(lattice.shape)
    cells = _different(np.clip(lattice.cells(at), -_REACH - 1, shape + _REACH), shape)
    for axis in range(3):
        steps = np.zeros((2 * _REACH + 1, 3), dtype=np.int64)
        steps[:, axis] = np.arange(-_REACH, _REACH + 1)
        cells = (cells[:, None, :] + steps).reshape(-1, 3)
        cells = cells[(cells[:, axis] >= 0) & (cells[:, axis] < shape[axis])]
        cells = _different(cells, shape)
    return np.unique(lattice.number(cells))


def _different(cells: Long, shape: Long) -> Long:
    """Each of the cells once; they may lie a little outside of the lattice."""
    _, ny, nz = (shape + 2 * (_REACH + 1)).tolist()
    shifted = cells + _REACH + 1
    number = np.unique((shifted[:, 0] * ny + shifted[:, 1]) * nz + shifted[:, 2])
    return np.column_stack((number // (ny * nz), number // nz % ny, number % nz)) - _REACH - 1


def _send(meeting: Meeting, lattice: Lattice, points: Array) -> None:
    asked = meeting.pair.swap({}, [Kind(np.int64)])
    number = lattice.number(lattice.cells(points)) if asked else np.zeros(0, dtype=np.int64)
    parcels = {}
    for rank, (wanted,) in asked.items():
        chosen = np.flatnonzero(_in(number, wanted)).astype(np.int32)
        parcels[rank] = [points if len(chosen) == len(points) else points[chosen], chosen]
    meeting.pair.swap(parcels, [POINT, INT])


def _in(number: Long, wanted: Long) -> NDArray[np.bool_]:
    """Which of ``number`` are among ``wanted`` (ascending)."""
    if not len(number):
        return np.zeros(0, dtype=bool)
    first, last = int(number.min()), int(number.max())
    if last - first > 8 * (len(number) + len(wanted)):
        place = np.minimum(np.searchsorted(wanted, number), len(wanted) - 1)
        return wanted[place] == number
    marked = np.zeros(last - first + 1, dtype=bool)
    marked[wanted[(wanted >= first) & (wanted <= last)] - first] = True
    return marked[number - first]
