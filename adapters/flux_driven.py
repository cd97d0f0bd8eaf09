"""A particle region that takes amounts: the buffer beyond the plane is given what the continuum lost through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array, Cells
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import AXES, MolecularDynamics
from .buffer import Buffer
from .draws import Draw
from .driven_buffer import DrivenBuffer
from .driven_particles import DrivenParticles
from .open_end import Changes, OpenEnd
from .particle_region import AMOUNTS, ParticleRegionSettings
from .population import Outside
from .seam_profiles import SeamProfiles, bins_around, cross_section, profiles_name

_COLUMNS = {"mass": slice(0, 1), "momentum": slice(1, 4), "energy": slice(4, 5)}


class FluxDrivenRegion:
    """Takes mass, momentum and energy on the box's cross-section at the plane, and gives states next to it, inside.

    Interior and buffer are both counted. As a window begins, whole atoms come or go in the buffer's outer part; the
    buffer's normal velocity becomes that of the mass, and the end presses with the pressure that the normal momentum
    stands for; tangential momentum and energy that are due beside that are put on the buffer's atoms. Energy that the
    end gave otherwise than foreseen is made good in the next window; normal momentum stays in the carry.
    Flekkøy, Wagner and Feder, Europhys. Lett. 52, 271 (2000); Delgado-Buscalioni and Coveney, Phys. Rev. E 67, 046704
    (2003).
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        settings: ParticleRegionSettings,
        window: float,
        output: Path,
        done: int,
        particles: DrivenParticles,
    ) -> None:
        assert settings.open is not None, "the case's checks see to it"
        self.settings = settings
        self.solver = solver
        self.window = window
        self.axis = AXES[settings.axis]
        self._outward = 1.0 if settings.beyond == "above" else -1.0
        self._length = settings.slabs * settings.thickness
        self._area = cross_section(solver, self.axis)
        self.buffer = DrivenBuffer(solver, self.axis, settings.at, settings.beyond)
        self._settling = Buffer(solver, self.axis, settings.at, 1, self._length, settings.beyond)
        end = settings.at + self._outward * self._length
        self.open_end = OpenEnd(solver, self.axis, settings.at, end, settings.open)
        self._edges = np.sort(settings.at - self._outward * settings.thickness * np.arange(settings.slabs + 1))
        path = output / profiles_name(settings.beyond)
        self._profiles = SeamProfiles(solver, self.axis, bins_around(solver, settings), self._area, path, done)
        self._came: Array | None = None
        """Amounts of this window, (5,); None while settling."""
        self._due = np.zeros(5)
        """What came and was not given before, and what came for this window: all that is to be given."""
        self._taken = np.zeros(5)
        """What was given in the last window (this rank's share)."""
        self._before = np.zeros(5)
        self._found = self._outside = Outside(np.zeros(3), 0.0, 0.0, None)
        """The state next to the plane that the script left, and what the end is to bring about in this window."""
        self._particles = particles
        particles.regions.append(self)

    def cells(self, quantity: str) -> Cells:
        """The plane's rectangle for amounts; for states as many boxes as the buffer has slabs, inside. On rank 0."""
        if self.solver.comm.rank:
            return Cells(np.zeros((0, 3)), np.zeros((0, 3)))
        at = np.array([self.settings.at])
        lowest, highest = (at, at) if quantity in AMOUNTS else (self._edges[:-1], self._edges[1:])
        lower, upper = (np.tile(corner, (len(lowest), 1)) for corner in self.solver.lammps.box)
        lower[:, self.axis], upper[:, self.axis] = lowest, highest
        return Cells(lower, upper)

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Settle at the state that the script left next to the plane, at rest. Collective."""
        self._particles.prepare(self)

    def begin(self) -> None:
        """Once LAMMPS is set up: note the state that the script left. Collective."""
        density, _, temperature = self._states()
        self._found = Outside(np.zeros(3), float(temperature.mean()), float(density.mean()), None)
        self.open_end.open()

    def initial_amounts(self, window: Window) -> dict[str, Array]:
        """The pressure of the fluid's own structure, for a window. Collective."""
        self._particles.begin()
        impulse = np.zeros(3)
        impulse[self.axis] = -self._outward * self.open_end.pressure(self._found) * self._area * window.dt
        impulse /= self.solver.lammps.constant("mvv2e") * self.solver.lammps.constant("nktv2p")
        amounts = {"mass": np.zeros((1, 1)), "momentum": impulse[None], "energy": np.zeros((1, 1))}
        return {name: values[: len(self.cells(name))] for name, values in amounts.items()}

    def describe(self) -> str:
        """Where the end is, for the log."""
        return self.open_end.describe(self._outside)

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Begin to give the amounts, and what is due of earlier ones. Collective.

        Where there are several planes, the last one that receives begins the window for all.
        """
        came = np.zeros(5)
        if self.solver.comm.rank == 0:
            for name, columns in _COLUMNS.items():
                came[columns] = values[name][0]
        self.solver.comm.Bcast(came)
        self._due = self._owed() + came
        self._came = came
        self._particles.receive(self, window)

    def _owed(self) -> Array:
        """What came and was not given, over all ranks. Collective."""
        taken = np.empty(5)
        self.solver.comm.Allreduce(self._taken, taken)
        return self._due - taken

    def plan(self, draw: Draw) -> Changes:
        """Atoms that go and come: whole ones of the mass that is due; while settling, to the density. Collective."""
        if self._came is None:
            return self.open_end.plan(self._found, draw)
        return self.open_end.plan(self._outside, draw, math.trunc(self._due[0] / self.open_end.mass))

    def _beyond(self, came: Array) -> Outside:
        """The flow and pressure for which the window's amounts stand; the rest is the buffer's own. Collective."""
        now = self.buffer.look()
        density, velocity = now.mass / (self._area * self._length), now.velocity.copy()
        velocity[self.axis] = -self._outward * came[0] / (density * self._area * self.window)
        normal = -self._outward * (came[1 + self.axis] - came[0] * velocity[self.axis]) / (self._area * self.window)
        lammps = self.solver.lammps
        pressure = normal * lammps.constant("mvv2e") * lammps.constant("nktv2p")
        return Outside(velocity, now.temperature, density, pressure)

    def start(self, draw: Draw) -> None:
        """Put on the atoms what is due beside the end's push. Collective.

        What atoms that come or go in the window bring or take is due in the next one.
        """
        self._before = self.given()
        if self._came is None:
            self._outside = self._found
            self._settling.impose(np.zeros((1, 3)), np.array([self._found.temperature]), draw)
        else:
            self._outside = self._beyond(self._came)
            self._give(self._came)
        self.open_end.begin_window(self._outside)

    def _give(self, came: Array) -> None:
        rest, now, normal = self._due.copy(), self.buffer.look(), self.axis
        # Mass and normal momentum cannot both be imposed: the buffer moves as the mass says, and its end presses.
        rest[1 + normal] = now.mass * (self._outside.velocity[normal] - now.velocity[normal])
        self.buffer.give(rest[1:4], float(rest[4]) - self._work(came))

    def _work(self, came: Array) -> float:
        """What the pressure is to do in the window, where the end moves."""
        velocity = float(self._outside.velocity[self.axis])
        return float(came[1 + self.axis] - came[0] * velocity) * velocity * self.solver.lammps.constant("mvv2e")

    def close_window(self) -> None:
        """Book what the end gave in the window that has just been run."""
        self.open_end.close_window()
        if self._came is not None:
            self._taken = self.given() - self._before

    def given(self) -> Array:
        """What all devices of the buffer have given since the start, settling included (this rank's share), (5,)."""
        total = np.zeros(5)
        for row in (*self.buffer.rows.values(), *self.open_end.rows.values()):
            for name, amount in row.items():
                total[_COLUMNS[name]] += amount
        return total

    def account(self, dt: float) -> None:
        """The window has been run: book it. Collective."""
        self._particles.account()

    def send(self, window: Window) -> dict[str, Array]:
        """Density, mean velocity and kinetic temperature next to the plane at this instant, on rank 0. Collective."""
        states = zip(("density", "velocity", "temperature"), self._states(), strict=True)
        return {name: values[: len(self.cells(name))] for name, values in states}

    def _states(self) -> tuple[Array, Array, Array]:
        """The same on all ranks. Collective."""
        sums = self.solver.moments(self.axis, self._edges)
        self.solver.comm.Allreduce(MPI.IN_PLACE, sums)
        if np.any(sums[:, 0] < 1.5):
            raise SolverError(f"no state can be told of a cell next to the plane at {self.settings.at:g} without atoms")
        lammps, mass = self.solver.lammps, sums[:, 1:2]
        velocity = sums[:, 2:5] / mass
        peculiar = sums[:, 5:] - mass * np.square(velocity).sum(axis=1, keepdims=True)
        temperature = lammps.constant("mvv2e") * peculiar / (3.0 * lammps.constant("boltz") * (sums[:, :1] - 1.0))
        return mass / (self._area * self.settings.thickness), velocity, temperature

    def record(self, window: Window) -> None:
        """Keep the profile. Collective."""
        self._profiles.sample(window.end, np.full((self.settings.slabs, 6), np.nan), np.nan)

    def received(self) -> dict[str, Array]:
        """What the buffer's devices gave in the window, by their own count (this rank's share)."""
        return {name: self._taken[columns] for name, columns in _COLUMNS.items()}

    def carry(self) -> dict[str, Array]:
        """What came and was not given yet (this rank's share)."""
        owed = (self._due if self.solver.comm.rank == 0 else np.zeros(5)) - self._taken
        return {name: owed[columns] for name, columns in _COLUMNS.items()}

    def save(self) -> dict[str, Any]:
        """What was given, what is due, and what the outer end must know."""
        rows = {name: dict(row) for name, row in self.buffer.rows.items()}
        amounts = {"due": self._due.copy(), "taken": self._taken.copy(), "error": self._particles.error.copy()}
        return {"buffer": rows, "open end": self.open_end.save(), **amounts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, before the first window."""
        self.buffer.rows = {name: dict(row) for name, row in state["buffer"].items()}
        self.open_end.restore(state["open end"])
        self._due, self._taken = np.array(state["due"]), np.array(state["taken"])
        self._particles.error = np.array(state["error"])
