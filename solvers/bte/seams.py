"""What a partner sets on a boundary of a body of phonons: the temperature beyond it, or the heat that enters.

The trace is continuous and linear: its values are at the vertices of the boundary's faces, each owned by one rank. Heat
that crossed is given as loads, the integral of the flux with the trace's functions, whose sum is the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .problem import Problem
from .walls import Wall

Array = NDArray[np.float64]
Condition = Literal["temperature", "flux"]


class PhononSeam:
    """One boundary that a partner shares. Values are at the owned vertices, (owned,). Made collectively."""

    def __init__(self, problem: Problem, wall: Wall, reference: float) -> None:
        self._problem, self._wall, self._reference = problem, wall, reference
        self._trace = _Trace(problem, wall)
        self.condition: Condition = "temperature"
        count = self._trace.count
        self._begin = np.full(count, reference)
        self._target = self._begin.copy()
        self._left = 0.0
        self._rate = np.zeros(count)
        self.crossed = np.zeros(self._trace.owned)
        """Heat that entered at each owned vertex since ``begin``."""

    @property
    def points(self) -> Array:
        """(vertices, d) of the trace on this rank, owned ones first."""
        return self._trace.points

    @property
    def faces(self) -> NDArray[np.int32]:
        """(faces, d) rows of ``points``."""
        return self._trace.faces

    @property
    def ids(self) -> NDArray[np.int64]:
        """(vertices,) number of each in the whole mesh."""
        return self._trace.ids

    @property
    def owned(self) -> int:
        """Number of owned vertices."""
        return self._trace.owned

    def take(self, condition: Condition) -> None:
        """Say what the seam takes."""
        self.condition = condition
        self._wall.given = "heat" if condition == "flux" else "temperature"

    def begin(self) -> None:
        """Count anew what crosses."""
        self.crossed = np.zeros_like(self.crossed)

    def start_at(self, temperature: Array) -> None:
        """The temperature beyond now; collective."""
        self._begin = self._trace.everywhere(temperature)
        self._target = self._begin.copy()

    def set_temperature(self, temperature: Array, dt: float) -> None:
        """The temperature beyond goes linearly to this one in ``dt``, and stays there; collective."""
        self._target, self._left = self._trace.everywhere(temperature), dt

    def set_rate(self, rate: Array) -> None:
        """Heat enters at this rate at each owned vertex until it is set again; collective."""
        self._rate = self._trace.everywhere(rate)

    def set_wall(self, part: float, dt: float) -> None:
        """Hand the wall what it has a ``part`` of a step of ``dt`` after the present time."""
        if self.condition == "flux":
            density = self._rate / self._trace.areas
            self._wall.heat = -density[self._trace.faces]
            return
        done = 1.0 if self._left <= part * dt else part * dt / self._left
        now = self._begin + done * (self._target - self._begin)
        self._wall.temperature = now[self._trace.faces] - self._reference

    def cross(self, entering: Array) -> None:
        """Heat entered, per area, at the vertices of the faces, (faces, d); collective."""
        self.crossed = self.crossed + self._trace.loads(entering)

    def finish(self, dt: float) -> None:
        """A step is done."""
        done = 1.0 if self._left <= dt else dt / self._left
        self._begin = self._begin + done * (self._target - self._begin)
        self._left = max(self._left - dt, 0.0)

    @property
    def temperature(self) -> Array:
        """Beyond the wall at the owned vertices: the one that was set, or that a given heat asks for; collective."""
        if self.condition == "temperature":
            return self._begin[: self._trace.owned]
        return self._reference + self._trace.averaged(self._beyond)

    def look(self, arriving: Array) -> None:
        """Keep the temperature beyond for what arrives; (boundary faces, d, bins)."""
        self._beyond = self._problem.walls.beyond(self._wall, arriving[self._wall.faces])

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "begin": self._begin.copy(),
            "target": self._target.copy(),
            "left": self._left,
            "rate": self._rate.copy(),
            "crossed": self.crossed.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._begin, self._target = np.array(state["begin"]), np.array(state["target"])
        self._left, self._rate = float(state["left"]), np.array(state["rate"])
        self.crossed = np.array(state["crossed"])


class _Trace:
    """The vertices of a boundary, and who owns them. The first rank of a slab's members that has a vertex owns it."""

    def __init__(self, problem: Problem, wall: Wall) -> None:
        part, topology = problem.part, problem.topology
        self._comm, self._counts = part.comm, part.group.rank == 0
        vertices = topology.face_vertices(part.mesh)[wall.faces]
        used = np.unique(vertices)
        ids = part.mesh.ids[used]
        holders = part.comm.allgather(ids if self._counts else ids[:0])
        self._all = np.unique(np.concatenate(holders))
        owner = np.full(len(self._all), part.comm.size)
        for rank in reversed(range(part.comm.size)):
            owner[np.searchsorted(self._all, holders[rank])] = rank
        mine = owner[np.searchsorted(self._all, ids)] == part.comm.rank
        order = np.concatenate([np.flatnonzero(mine), np.flatnonzero(~mine)])
        row = np.full(len(part.mesh.points), -1, dtype=np.int32)
        row[used[order]] = np.arange(len(order), dtype=np.int32)
        self.points, self.ids = part.mesh.points[used[order]], ids[order]
        self.faces, self.owned, self.count = row[vertices], int(mine.sum()), len(order)
        self._place = np.searchsorted(self._all, self.ids)
        self._over_faces, self._wall = topology.over_faces, wall.faces
        unit = self._summed(np.ones(vertices.shape))
        self.areas = unit[self._place]
        """(vertices,) integral of each vertex's function."""

    def everywhere(self, values: Array) -> Array:
        """(vertices,) from values at the owned ones."""
        whole = np.zeros(len(self._all))
        whole[self._place[: self.owned]] = values
        return self._reduced(whole)[self._place]

    def loads(self, density: Array) -> Array:
        """(owned,) integrals with the vertices' functions of a density at the vertices of faces, (faces, d)."""
        return self._summed(density)[self._place[: self.owned]]

    def averaged(self, values: Array) -> Array:
        """(owned,) means of values at the vertices of faces, weighed by the faces' loads."""
        return self.loads(values) / self.areas[: self.owned]

    def _summed(self, density: Array) -> Array:
        whole = np.zeros(len(self._all))
        if self._counts:
            np.add.at(whole, self._place[self.faces], self._over_faces(density, self._wall))
        return self._reduced(whole)

    def _reduced(self, whole: Array) -> Array:
        total = np.empty_like(whole)
        self._comm.Allreduce(whole, total, op=MPI.SUM)
        return total
