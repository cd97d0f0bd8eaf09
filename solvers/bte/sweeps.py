"""One pass over all directions: what a lattice temperature and what enters at the boundary make of the phonons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from ._sweep import Sweeper
from .decomposition import Part
from .ordinates import Ordinates
from .simplices import Topology
from .turning import Turning

Array = NDArray[np.float64]
Index = NDArray[np.int64]

NOTHING: Array = np.zeros(0)
MOMENTS = 5
"""Scattering, energy, and the three components of the heat flux."""


@dataclass(frozen=True)
class Result:
    """What a pass gives; sums over all directions and bands of the slab's members."""

    moments: Array
    """(1 or ``MOMENTS``, own cells, d + 1): what scatters, C θ / τ; energy C θ; heat flux C v θ."""
    arriving: Array
    """(boundary faces, d, bins) heat that arrives at a face, per area and time, at its vertices."""
    net: Array
    """(own cells,) heat that leaves each through its faces; empty unless all moments are asked for."""
    upwind: Array
    """(2, own cells, 2) of intervals, the first two moments at a vertex of what leaves the cell there; else empty."""


class Sweeps:
    """The passes of one rank. ``entering`` and ``kept`` are what enters: set them, then call."""

    def __init__(self, part: Part, topology: Topology, ordinates: Ordinates, slots: Index) -> None:
        """``ordinates`` are this member's; ``slots`` (boundary faces,) number the faces with values by direction."""
        self._part, self._topology, self.ordinates = part, topology, ordinates
        self._corners = topology.area.shape[1]
        normal, self._face_areas = topology.normals()
        self._normal = normal
        count, faces, d = len(ordinates.weights), len(topology.owner), self._corners - 1
        self._sweeper = Sweeper(
            topology.area,
            topology.volume,
            topology.neighbour,
            topology.across,
            part.mesh.region,
            part.owned,
            topology.radius,
        )
        self.entering = np.zeros((faces, d, ordinates.bin_count))
        """Temperatures, the same in all directions."""
        self._leaving = np.zeros_like(self.entering)
        self._at_slot = np.argsort(slots, kind="stable")[(slots < 0).sum() :]
        self._sweeper.boundaries(self.entering, self._leaving, slots.astype(np.int32))
        self.kept = np.zeros((count, int(slots.max(initial=-1)) + 1, d, ordinates.bands))
        """Temperatures by direction that enter, in addition, at the faces with slots."""
        self.left = np.zeros_like(self.kept)
        """The same of what leaves there."""
        self._detailed = True
        self._rate = -1.0
        self.set_rate(0.0)
        flows = ordinates.directions.copy()
        if d == 2 and (flows[:, 2] >= 0.0).all():
            flows[:, 2] = 0.0  # each stands for its mirror image too: nothing flows out of the plane
        each = zip(ordinates.directions, ordinates.weights, ordinates.first, flows, strict=True)
        for s, weight, first, flow in each:
            factors = weight * np.array([1.0, 1.0, *flow])
            self._sweeper.add(list(map(float, s)), float(weight), int(first), 0.0, list(map(float, factors)))
        turning = ordinates.turning
        if turning is not None:
            for index, level in enumerate(turning.level):
                self._sweeper.turn(index, int(level), *map(float, turning.coefficients[index]))
        self._pipeline = Pipeline(self._sweeper, part, count, turning) if part.borders else None
        self._theta = np.zeros((len(topology.volume), self._corners, ordinates.bands))

    def drive(self, gradient: Array) -> None:
        """Let a uniform gradient of the temperature, (3,), be there besides what is solved for."""
        for index, s in enumerate(self.ordinates.directions):
            self._sweeper.drive(index, -float(s @ gradient))

    def set_rate(self, rate: float, detailed: bool = False) -> None:
        """The step's own removal rate, 0 in a steady state; ``detailed`` passes give all moments."""
        if (rate, detailed) == (self._rate, self._detailed):
            return
        self._rate, self._detailed = rate, detailed
        o = self.ordinates
        emission = 1.0 / (o.velocity * o.lifetime)
        memory = rate / o.velocity
        flux = o.heat * o.velocity
        moments = [o.heat / o.lifetime] + ([o.heat, flux, flux, flux] if detailed else [])
        self._tables = emission + memory, emission, 1.0 / o.velocity, memory
        self._load(flux, np.array(moments))

    def _load(self, flux: Array, moments: Array) -> None:
        self._sweeper.materials(*self._tables, flux, moments, self.ordinates.bins, self.ordinates.bands)

    def half_ranges(self, share: Array | None = None) -> tuple[Array, Array]:
        """Per boundary face and bin, heat that enters and that leaves of unit temperature, (faces, bins) each.

        ``share`` (regions, columns) weighs the columns. Collective among the slab's members.
        """
        o = self.ordinates
        flux = o.heat * o.velocity
        moments = np.zeros((1, *flux.shape))
        self._load(flux if share is None else flux * share, moments)
        region = self._part.mesh.region[self._topology.owner]
        sums = [self._summed(np.ascontiguousarray(half)) for half in self._sweeper.half_ranges(self._normal, region)]
        rate, self._rate = self._rate, -1.0
        self.set_rate(max(rate, 0.0))
        return sums[0], sums[1]

    @cached_property
    def entering_slots(self) -> Array:
        """(directions, slots, 1, 1) one where a direction enters at a slot's face."""
        along = self.ordinates.directions[:, : self._corners - 1] @ self._normal[self._at_slot].T
        return (along < 0.0)[:, :, None, None].astype(float)

    def at_slots(self, faces: Array) -> Array:
        """Values at boundary faces, those with slots in their order."""
        return faces[self._at_slot]

    def kept_heat(self, kept: Array) -> Array:
        """(boundary faces, d) heat per area that temperatures by direction bring in. Collective among the members."""
        along = np.abs(self.ordinates.directions[:, : self._corners - 1] @ self._normal[self._at_slot].T)
        return self._summed(self._of_kept(kept, along, self.ordinates.heat * self.ordinates.velocity))

    def kept_moment(self, table: Array) -> Array:
        """(boundary faces, d) of what enters by direction, with this member's ``table`` (regions, columns)."""
        return self._of_kept(self.kept, np.ones(self.kept.shape[:2]), table)

    def _of_kept(self, kept: Array, factor: Array, table: Array) -> Array:
        """Sum over directions and bands of weight, ``factor`` (directions, slots) and ``table`` (regions, columns)."""
        out = np.zeros((len(self._normal), self._corners - 1))
        if len(self._at_slot):
            o = self.ordinates
            region = self._part.mesh.region[self._topology.owner[self._at_slot]]
            columns = o.first[:, None] + np.arange(o.bands)
            carried = table[region[None, :, None], columns[:, None, :]]
            weight = factor * o.weights[:, None]
            out[self._at_slot] = np.einsum("is,isb,iskb->sk", weight, carried, kept * self.entering_slots)
        return out

    def run(self, temperature: Array, source: Array, state: Array = NOTHING, update: float = 0.0) -> Result:
        """Sweep all directions; ``temperature`` and ``source`` (own cells, d + 1).

        ``state`` (directions, cells, d + 1, bands) is what the memory term remembers; ``update`` times the change is
        added to it. Collective.
        """
        cells = len(self._topology.volume)
        moments = np.zeros((MOMENTS if self._detailed else 1, cells, self._corners))
        self._leaving[:] = 0.0
        full = [np.zeros((cells, self._corners)) for _ in range(2)]
        full[0][: self._part.owned], full[1][: self._part.owned] = temperature, source
        net = np.zeros(cells if self._detailed else 0)
        upwind = np.zeros((2, cells, 2) if self._detailed and self._corners == 2 else (2, 0))
        rest = (self.kept, self.left, state, update, net, upwind)
        if self._pipeline is None:
            self._sweeper.sweep(0, len(self.ordinates.weights), 0, -1, full[0], full[1], moments, self._theta, *rest)
        else:
            for index, begin, end, theta in self._pipeline.tasks(self._theta.shape):
                self._sweeper.sweep(index, index + 1, begin, end, full[0], full[1], moments, theta, *rest)
        moments = self._summed(np.ascontiguousarray(moments[:, : self._part.owned]))
        arriving = self._summed(self._leaving) / self._face_areas[:, None, None]
        kept = np.ascontiguousarray(upwind[:, : self._part.owned])
        return Result(moments, arriving, self._summed(net[: self._part.owned]), self._summed(kept))

    def _summed(self, values: Array) -> Array:
        if self._part.group.size == 1:
            return values.copy()
        out = np.empty_like(values)
        self._part.group.Reduce(values, out, root=0)
        self._part.group.Bcast(out, root=0)  # not Allreduce: every member must have the same bits
        return out


class Pipeline:
    """The order in which a slab's cells are swept, and what it hands on to its neighbours in between.

    A cell's stage is the number of times that the way of the flow to it has crossed from one slab to another. All
    directions' earliest stages come first, so that while one slab works on what flies right, its neighbour works on
    what flies left.
    """

    def __init__(self, sweeper: Sweeper, part: Part, count: int, turning: Turning | None) -> None:
        """A direction that turns comes to a cell after the one that it turns from. Collective.

        Raises ``SolverError`` where cells of several slabs feed each other in a ring.
        """
        self._part = part
        stages = np.zeros((count, len(part.number)), dtype=np.int32)
        for _ in range(_MOST_STAGES):
            changed = []
            for index in range(count):
                turns = turning is not None and not turning.starts[index]
                least = stages[index - 1] if turns else np.zeros_like(stages[index])
                changed.append(sweeper.advance_stages(index, stages[index], least))
            self._exchange(stages)
            if not part.comm.allreduce(any(changed), op=MPI.LOR):
                break
        else:
            raise SolverError("cells of several slabs of ranks feed each other in a ring; use fewer ranks for space")
        tasks = []
        self._unread: list[tuple[int, int, int]] = []
        for index in range(count):
            ends = sweeper.stages(index, stages[index])
            self._unread += self._beyond(index, stages[index], len(ends))
            for stage, (begin, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
                tasks.append((stage, index, int(begin), int(end)))
        tasks = [task for task in tasks if task[3] > task[2] or self._passes(task, stages[task[1]])]
        self._free: list[Array] = []
        self._last = {index: stage for stage, index, _, _ in sorted(tasks)}
        self._tasks = [self._with_messages(task, stages[task[1]]) for task in sorted(tasks)]

    def _exchange(self, stages: NDArray[np.int32]) -> None:
        requests, arrived = [], []
        for border in self._part.borders:
            here = np.empty((len(stages), len(border.gets)), dtype=np.int32)
            arrived.append((border.gets, here))
            requests.append(self._part.comm.Irecv(here, border.rank))
            requests.append(self._part.comm.Isend(np.ascontiguousarray(stages[:, border.gives]), border.rank))
        MPI.Request.Waitall(requests)
        for gets, here in arrived:
            stages[:, gets] = here

    def _with_messages(
        self, task: tuple[int, int, int, int], stage: NDArray[np.int32]
    ) -> tuple[int, int, int, int, list[tuple[int, Index]], list[tuple[int, Index]]]:
        """What comes before a task, from stage one less, and what goes after it: (rank, cells) each."""
        comes, goes = [], []
        for border in self._part.borders:
            gets = border.gets[stage[border.gets] == task[0] - 1]
            gives = border.gives[stage[border.gives] == task[0]]
            comes += [(border.rank, gets)] if len(gets) else []
            goes += [(border.rank, gives)] if len(gives) else []
        return *task, comes, goes

    def _passes(self, task: tuple[int, int, int, int], stage: NDArray[np.int32]) -> bool:
        """Whether something comes before a task without cells: it is kept for the cells of later stages."""
        return any((stage[border.gets] == task[0] - 1).any() for border in self._part.borders)

    def _beyond(self, index: int, stage: NDArray[np.int32], stages: int) -> list[tuple[int, int, int]]:
        """Messages that no task waits for, of stages that feed nothing here: rank, tag, number of cells."""
        out = []
        for border in self._part.borders:
            late, counts = np.unique(stage[border.gets], return_counts=True)
            tag = index * _MOST_STAGES
            out += [(border.rank, tag + int(s), int(n)) for s, n in zip(late, counts, strict=True) if s + 1 >= stages]
        return out

    def tasks(self, shape: tuple[int, ...]) -> Iterator[tuple[int, int, int, Array]]:
        """Yields direction, part of its order and room for its solution, in turn; messages go in between. Collective.

        Room is kept only from a direction's first part to its last, and used again.
        """
        sent: list[MPI.Request] = []
        used: dict[int, Array] = {}
        for stage, index, begin, end, comes, goes in self._tasks:
            if index not in used:
                used[index] = self._free.pop() if self._free else np.zeros(shape)
            theta = used[index]
            for rank, cells in comes:
                values = np.empty((len(cells), *shape[1:]))
                self._part.comm.Recv(values, rank, tag=index * _MOST_STAGES + stage - 1)
                theta[cells] = values
            yield index, begin, end, theta
            for rank, cells in goes:
                sent.append(self._part.comm.Isend(theta[cells], rank, tag=index * _MOST_STAGES + stage))
            if stage == self._last[index]:
                self._free.append(used.pop(index))
        for rank, tag, count in self._unread:
            self._part.comm.Recv(np.empty((count, *shape[1:])), rank, tag=tag)
        MPI.Request.Waitall(sent)


_MOST_STAGES = 1000
