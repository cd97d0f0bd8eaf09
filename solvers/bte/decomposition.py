"""How the work is divided among ranks: the mesh by slabs, the directions and the bands of each slab among a group.

Rank r of the communicator belongs to slab r // group, where it is member r % group. Every member holds the slab's
cells and their neighbours in other slabs; the lattice temperature, the unknown that grows with the mesh, is divided
among all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from .simplices import Simplices

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Border:
    """What one neighbouring slab needs, and gives."""

    rank: int
    """Of the same member there, in ``Part.comm``."""
    gives: Index
    """Own cells that it has as neighbours."""
    gets: Index
    """Its cells that this part has after its own."""


@dataclass(frozen=True)
class Part:
    """One rank's part of a problem."""

    comm: MPI.Comm
    """All ranks."""
    group: MPI.Comm
    """The members of the slab."""
    members: tuple[int, int]
    """Number of members among whom directions are divided, and of those among whom bands are."""
    mesh: Simplices
    """The slab's own cells, then their neighbours in other slabs."""
    owned: int
    """Number of own cells."""
    number: Index
    """(cells,) number of each in the whole, slab by slab."""
    borders: tuple[Border, ...]

    @property
    def share(self) -> slice:
        """The own cells whose temperatures are this member's unknowns."""
        bounds = np.linspace(0, self.owned, self.group.size + 1).round().astype(int)
        return slice(int(bounds[self.group.rank]), int(bounds[self.group.rank + 1]))

    def mine(self, count: int, way: int) -> Index:
        """Which of ``count`` directions (``way`` 0) or bands (1) are this member's."""
        place = self.group.rank // self.members[1] if way == 0 else self.group.rank % self.members[1]
        return np.arange(place, count, self.members[way])


def divided(
    mesh: Simplices | None, comm: MPI.Comm, members: tuple[int, int] = (1, 1), together: Index | None = None
) -> Part:
    """Divide a mesh, which rank 0 has, among the ranks; collective.

    ``together`` (n, 2) names cells that must be in one slab. Raises ``SolverError``, on all ranks alike, where the
    ranks cannot be divided so, or there are fewer cells than slabs.
    """
    size = members[0] * members[1]
    if comm.size % size:
        raise SolverError(
            f"{comm.size} ranks are no multiple of {members[0]} times {members[1]} for directions and bands"
        )
    slabs = comm.size // size
    parts: list[tuple[Simplices, int, Index, list[tuple[int, Index, Index]]]] = []
    cells = comm.bcast(len(mesh.cells) if mesh is not None else 0)
    if cells < slabs:
        raise SolverError(f"a mesh of {cells} cells for {slabs} slabs of ranks; at most one for each cell")
    if comm.rank == 0:
        assert mesh is not None
        whole = _cut(mesh, slabs, np.zeros((0, 2), dtype=np.int64) if together is None else together)
        parts = [whole[rank // size] for rank in range(comm.size)]
    own, owned, number, borders = comm.scatter(parts or None)  # pyright: ignore[reportArgumentType]
    group = comm.Split(comm.rank // size, comm.rank)
    at = [Border(slab * size + comm.rank % size, gives, gets) for slab, gives, gets in borders]
    return Part(comm, group, members, own, owned, number, tuple(at))


def _cut(
    mesh: Simplices, slabs: int, together: Index
) -> list[tuple[Simplices, int, Index, list[tuple[int, Index, Index]]]]:
    slab = _slab_of(mesh, slabs, together)
    order = np.argsort(slab, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    near = _adjacent(mesh.cells)
    crossing = near[slab[near[:, 0]] != slab[near[:, 1]]]
    return [_one(mesh, slab, number, crossing, k) for k in range(slabs)]


def _slab_of(mesh: Simplices, slabs: int, together: Index) -> Index:
    """Slabs of equal numbers of cells across the longest side."""
    centres = mesh.corners().mean(axis=1)
    along = centres[:, np.argmax(np.ptp(mesh.points, axis=0))]
    slab = np.empty(len(along), dtype=np.int64)
    slab[np.argsort(along, kind="stable")] = np.arange(len(along)) * slabs // len(along)
    for _ in range(len(together)):
        joined = np.minimum(slab[together[:, 0]], slab[together[:, 1]])
        if (slab[together] == joined[:, None]).all():
            break
        np.minimum.at(slab, together[:, 0], joined)
        np.minimum.at(slab, together[:, 1], joined)
    return slab


def _adjacent(cells: NDArray[np.int32]) -> Index:
    """Pairs of cells with a common face, (n, 2), both ways."""
    count, corners = cells.shape
    faces = np.concatenate([np.sort(np.delete(cells, f, axis=1), axis=1) for f in range(corners)])
    owner = np.tile(np.arange(count), corners)
    order = np.lexsort(faces.T)
    same = (faces[order][1:] == faces[order][:-1]).all(axis=1)
    pairs = np.stack([owner[order][:-1][same], owner[order][1:][same]], axis=1)
    return np.concatenate([pairs, pairs[:, ::-1]])


def _one(
    mesh: Simplices, slab: Index, number: Index, crossing: Index, k: int
) -> tuple[Simplices, int, Index, list[tuple[int, Index, Index]]]:
    own = np.flatnonzero(slab == k)
    out = crossing[slab[crossing[:, 0]] == k]
    beyond = np.unique(out[:, 1])
    beyond = beyond[np.lexsort((number[beyond], slab[beyond]))]
    cells = np.concatenate([own, beyond])
    local = np.full(len(slab), -1, dtype=np.int64)
    local[cells] = np.arange(len(cells))
    borders = []
    for other in np.unique(slab[beyond]):
        gives = np.unique(out[slab[out[:, 1]] == other][:, 0])
        borders.append((int(other), local[gives], local[beyond[slab[beyond] == other]]))
    return _restricted(mesh, cells, own), len(own), number[cells], borders


def _restricted(mesh: Simplices, cells: Index, own: Index) -> Simplices:
    used = np.unique(mesh.cells[cells])
    point = np.full(len(mesh.points), -1, dtype=np.int32)
    point[used] = np.arange(len(used), dtype=np.int32)
    inside = np.zeros(len(mesh.points), dtype=bool)
    inside[mesh.cells[own]] = True
    groups = {name: point[facets[inside[facets].all(axis=1)]] for name, facets in mesh.groups.items()}
    region = mesh.region[cells]
    return Simplices(mesh.points[used], point[mesh.cells[cells]], region, mesh.regions, groups, used.astype(np.int64))
