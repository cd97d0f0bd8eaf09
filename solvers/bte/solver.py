"""Phonon transport in time, or its steady state, with books that balance to round-off.

Temperatures are kept as differences from the mean of the initial one: the equation is linear, and small differences of
large temperatures would only bring round-off. A step has implicit stages,

    (theta_i - known_i) / (gamma dt) + v . grad theta_i = (T_i - theta_i) / tau + source ,

and each stage is a steady problem with one more removal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..expression import Expression, SpaceExpression
from ..stages import STAGES
from .meshes import cross_section
from .problem import Problem, discretised
from .seams import PhononSeam
from .settings import Flux, PhononSettings, Seam, Temperature
from .sweeps import NOTHING
from .transport import Solution, Unknowns
from .walls import Wall

Array = NDArray[np.float64]
Book = dict[str, Array]


class PhononTransport:
    """Solves ``PhononSettings`` on ``comm``. Fields are at the vertices of this rank's cells, (own cells, d + 1).

    Raises ``SolverError`` where mesh, boundaries and materials do not fit together, or an iteration does not converge.
    """

    def __init__(self, settings: PhononSettings, comm: MPI.Comm, directory: Path) -> None:
        """File names in ``settings`` are relative to ``directory``."""
        self.settings = settings
        self.comm = comm.Dup()
        self.problem: Problem = discretised(settings, self.comm, directory)
        self.time = 0.0
        self.area = cross_section(settings)
        """Factor from what crosses the mesh's faces to amounts."""
        self.corners = self.problem.part.mesh.corners()[: self.problem.part.owned]
        """(own cells, d + 1, d)."""
        initial = self._at(settings.initial, self.corners, 0.0)
        self.reference = self._mean(initial)
        """Temperature from which the solver's differences count."""
        self._steady = settings.time_integration == "steady"
        self._stages = STAGES["backward-euler" if self._steady else settings.time_integration]
        self._state = NOTHING if self._steady else self._equilibrium(initial - self.reference)
        self._unknowns: Unknowns | None = None
        capacity = self.problem.capacity[:, None]
        self._energy = np.zeros_like(initial) if self._steady else capacity * (initial - self.reference)
        self.temperature = initial
        self.solution: Solution | None = None
        """The last stage's."""
        self._seams = {
            name: PhononSeam(self.problem, self.problem.wall(name), self.reference)
            for name, boundary in settings.boundaries.items()
            if isinstance(boundary, Seam)
        }
        self._rows = dict.fromkeys(self._row_names(), 0.0)
        self._passed = 0.0
        self.iterations = 0
        """Sweeps of the last step's stages."""

    # -- what the loop and the ledger ask ------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The step of the settings; of a steady state any."""
        return self.settings.step or math.inf

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes. Collective.

        A steady state is solved for anew, and what crosses in ``dt`` is booked.
        """
        for seam in self._seams.values():
            seam.begin()
        self.iterations = 0
        steps = 1 if self.settings.step is None else math.ceil(dt / self.settings.step - 1e-9) or 1
        for _ in range(steps):
            self._step(dt / steps)

    def inventory(self) -> Book:
        """The heat in this rank's share, counted from the mean initial temperature; of steady states none."""
        if self.problem.part.group.rank:
            return _book(0.0)
        return _book(self._integral(self._energy))

    def gross(self) -> Book:
        """The magnitudes of what cancels in the books: heat held here and there, absorbed by walls, and scattered."""
        if self.problem.part.group.rank:
            return _book(0.0)
        return _book(self._integral(np.abs(self._energy)) + self._passed)

    def rows(self) -> dict[str, Book]:
        """What the boundaries and the source have added so far; counted on one rank of each slab."""
        return {name: _book(value) for name, value in self._rows.items()}

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        unknowns = self._unknowns
        return {
            "time": self.time,
            "state": self._state.copy(),
            "energy": self._energy.copy(),
            "temperature": self.temperature.copy(),
            "rows": dict(self._rows),
            "passed": self._passed,
            "unknowns": {} if unknowns is None else {k: np.array(v) for k, v in vars(unknowns).items()},
            "seams": {name: seam.save() for name, seam in self._seams.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = float(state["time"])
        self._state = np.array(state["state"])
        self._energy, self.temperature = np.array(state["energy"]), np.array(state["temperature"])
        self._rows = {name: float(value) for name, value in state["rows"].items()}
        self._passed = float(state["passed"])
        kept = state["unknowns"]
        self._unknowns = Unknowns(**{k: np.array(v) for k, v in kept.items()}) if kept else None
        for name, seam in self._seams.items():
            seam.restore(state["seams"][name])

    def seam(self, name: str) -> PhononSeam:
        """The seam on a boundary."""
        return self._seams[name]

    def mean_flux(self) -> Array:
        """Heat flux averaged over the mesh, (3,), of the last stage; collective."""
        assert self.solution is not None, "there has been a step"
        counts = float(self.problem.part.group.rank == 0)
        sums = counts * np.array([self._integral(each) for each in (*self.solution.flux, np.ones_like(self._energy))])
        total = np.empty_like(sums)
        self.comm.Allreduce(sums, total)
        return total[:3] / total[3]

    def ends(self) -> tuple[Array, Array, Array] | None:
        """Of a film, places and both temperatures of both ends of every cell, (all cells, 2) each, in order; on rank 0.

        First the lattice temperature, which scattering relaxes to, then that of the energy. They are those of the
        phonons that arrive at an end, each from where it comes: they converge faster than those inside the cells.
        Collective; there must have been a step.
        """
        solution, part = self.solution, self.problem.part
        assert solution is not None and solution.upwind.size, "a film that has made a step"
        arrives = np.full((2, *self.corners.shape[:2]), np.nan)
        owner, place = self.problem.topology.owner, self.problem.topology.place
        # The vertex of a face is the one that the face is not opposite to.
        arrives[:, owner, 1 - place] = self.problem.entering_moments()[:, :, 0]
        whole = np.stack([self.problem.transport.scattering, self.problem.capacity])
        own = (self.corners[:, :, 0], solution.upwind, arrives, whole)
        parts = self.comm.gather(own if part.group.rank == 0 else None)
        if parts is None:
            return None
        x, *moments = zip(*filter(None, parts), strict=True)
        places = np.concatenate(x)
        order = np.argsort(places[:, 0])
        leaves, comes, whole = (np.concatenate(each, axis=1)[:, order] for each in moments)
        nothing = np.full((2, 1), np.nan)
        inner = np.stack([np.hstack([nothing, leaves[:, :-1, 1]]), np.hstack([leaves[:, 1:, 0], nothing])], axis=2)
        lattice, energy = self.reference + (leaves + np.where(np.isnan(comes), inner, comes)) / whole[:, :, None]
        return places[order], lattice, energy

    # -- set-up --------------------------------------------------------------------------------------------------------

    def _row_names(self) -> list[str]:
        names = [wall.name for wall in self.problem.walls.walls if wall.name not in self._seams]
        return names + (["source"] if self.settings.source else [])

    def _equilibrium(self, temperature: Array) -> Array:
        o, cells = self.problem.ordinates, len(self.problem.topology.volume)
        state = np.zeros((len(o.weights), cells, temperature.shape[1], o.bands))
        state[:, : len(temperature)] = temperature[None, :, :, None]
        return state

    def _at(self, formula: Expression | SpaceExpression, places: Array, time: float) -> Array:
        """A formula at places (..., d)."""
        names = dict(zip("xyz", np.moveaxis(places, -1, 0), strict=False))
        zero = np.zeros(places.shape[:-1])
        values = {axis: names.get(axis, zero) for axis in "xyz"}
        if isinstance(formula, SpaceExpression):
            return np.array(np.broadcast_to(formula(**values), zero.shape))
        return np.array(np.broadcast_to(formula(**values, t=time), zero.shape))

    def _integral(self, values: Array) -> float:
        """Over this slab, of values (own cells, d + 1)."""
        return self.area * float(self.problem.topology.over_cells(values).sum())

    def _mean(self, values: Array) -> float:
        sums = np.array([self._integral(values), self._integral(np.ones_like(values))])
        total = np.empty_like(sums)
        self.comm.Allreduce(sums, total)
        return float(total[0] / total[1])

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _step(self, dt: float) -> None:
        for number, weights in enumerate(self._stages):
            last = number == len(self._stages) - 1
            gamma, part = weights[-1], 1.0 if last else sum(weights)
            self._stage(dt, gamma, part, share=self._stages[-1][number] * dt, last=last)
        self.time += dt
        for seam in self._seams.values():
            seam.finish(dt)

    def _stage(self, dt: float, gamma: float, part: float, share: float, last: bool) -> None:
        transport = self.problem.transport
        rate = 0.0 if self._steady else 1.0 / (gamma * dt)
        time = self.time + part * dt
        transport.set_rate(rate)
        self._set_walls(time, dt, part)
        source = self._source(time)
        # The stage's result is remembered as what the next stage knows: y + (1 - gamma) dt times the stage's rate.
        update = 1.0 if last else (1.0 - gamma) / gamma
        solution, self._unknowns = transport.solve(source, self._state, update, self._unknowns)
        self.solution = solution
        self.iterations += solution.iterations
        self._book(solution, source, share)
        self.temperature = self.reference + solution.temperature
        if not self._steady:
            self._energy = self._energy + update * (solution.energy - self._energy)

    def _source(self, time: float) -> Array:
        """Heat per volume and time over heat capacity, (own cells, d + 1)."""
        if self.settings.source is None:
            return np.zeros(self.corners.shape[:2])
        return self._at(self.settings.source, self.corners, time) / self.problem.capacity[:, None]

    def _set_walls(self, time: float, dt: float, part: float) -> None:
        topology, mesh = self.problem.topology, self.problem.part.mesh
        for wall in self.problem.walls.walls:
            boundary = self.settings.boundaries[wall.name]
            places = mesh.points[topology.face_vertices(mesh)[wall.faces]]
            if isinstance(boundary, Temperature):
                wall.temperature = self._at(boundary.temperature, places, time) - self.reference
            elif isinstance(boundary, Flux):
                wall.heat = -self._at(boundary.flux, places, time)
            elif isinstance(boundary, Seam):
                self._seams[wall.name].set_wall(part, dt)

    # -- books ---------------------------------------------------------------------------------------------------------

    def _book(self, solution: Solution, source: Array, share: float) -> None:
        """Add what a stage brings, ``share`` in time, to the rows and to what crosses the seams."""
        counts = self.problem.part.group.rank == 0
        integral = self.problem.topology.over_faces
        for wall in self.problem.walls.walls:
            out = self.crossing(wall, solution)
            absorbed = (wall.transmissivity * np.abs(solution.arriving[wall.faces])).sum(axis=2)
            self._passed += share * self.area * float(integral(absorbed, wall.faces).sum())
            if wall.name in self._seams:
                self._seams[wall.name].look(solution.arriving)
                self._seams[wall.name].cross(-share * self.area * out)
            elif counts:
                self._rows[wall.name] -= share * self.area * float(integral(out, wall.faces).sum())
        scattered = self.problem.transport.scattering[:, None] * np.abs(solution.lattice)
        self._passed += share * self._integral(scattered)
        if "source" in self._rows and counts:
            self._rows["source"] += share * self._integral(self.problem.capacity[:, None] * source)

    def crossing(self, wall: Wall, solution: Solution) -> Array:
        """Heat that leaves through a wall, per area and time, (faces, d)."""
        return self.problem.walls.crossing(wall, solution.arriving) + solution.extra[wall.faces]


def _book(energy: float) -> Book:
    return {"energy": np.array([energy])}
