"""The outer end of a buffer where the fluid goes on: atoms come and go as the continuum's density says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.random import Generator

from ..couplers.cells import Array
from ..solvers.errors import SolverError
from ..solvers.md import _open
from ..solvers.md.dynamics import MolecularDynamics
from .boundary_force import BoundaryForce
from .draws import Draw, Draws
from .open_settings import OpenEndSettings
from .population import Extent, Outside, Population
from .usher import Usher

OVERLAP = 1e4
"""Energy, in kT, above which an atom that is put in overlaps another."""
STEP = 0.15
"""Longest step of a search, in mean distances of the atoms."""


@dataclass(frozen=True)
class Changes:
    """Atoms that go and come in a window, the same on all ranks."""

    leaving: list[int]
    """Their ids."""
    places: Array
    """(n, 3)"""
    velocities: Array
    """In the middle of the step, (n, 3), right on the rank in whose part of the box the place is."""


def change_atoms(solver: MolecularDynamics, changes: Sequence[Changes]) -> None:
    """Let the atoms of all ends go and come. Collective, while neighbours are listed."""
    leaving = [atom for change in changes for atom in change.leaving]
    places = np.concatenate([change.places for change in changes])
    solver.change_atoms(leaving, places, np.concatenate([change.velocities for change in changes]))


def _ascending(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)


class OpenEnd:
    """Closes a buffer's outer end, at ``end``, for a fluid that goes on beyond it.

    The end moves with the continuum's normal velocity. Atoms feel the mean force of the fluid that would be beyond it,
    and are mirrored by it. Once in a window, while LAMMPS lists neighbours anew, it is set back: atoms that it has
    taken along are deleted, and others are deleted or inserted in the outer part, which pairs across the plane do not
    reach, so that its number of atoms goes to the continuum's density. Rows are this rank's share, cumulative.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, end: float, settings: OpenEndSettings) -> None:
        self._solver = solver
        self._axis = axis
        self._outward = 1.0 if end > at else -1.0
        self.end = end
        self._settings = settings
        lammps = solver.lammps
        self._outside = (lammps.address, solver.fluid_bit, axis, self._outward)
        self._atoms = solver.open_fluid()
        reach = lammps.cutoff()
        self._quiet = _ascending(at, at + self._outward * reach)
        """Between these heights no atom comes or goes: it would change the energy of atoms of the interior."""
        self._inner = (at, at + self._outward * reach)
        """The same, outward."""
        self._outer = _ascending(self._inner[1], end)
        if self._outward * (end - at) <= reach:
            raise SolverError(f"an open buffer of {abs(end - at):g} is not longer than the reach of pairs, {reach:g}")
        box = np.array(lammps.box)
        area = float(np.prod(np.delete(box[1] - box[0], axis)))
        extent = Extent(area, self._outer[1] - self._outer[0], self._quiet[1] - self._quiet[0])
        self.population = Population(extent, self._atoms.mass, settings.relaxation)
        self._box = box
        self._usher = Usher(lammps.comm)
        name = "above" if end > at else "below"
        self._draws = Draws(solver, 2 if end > at else 3)
        self._fix = f"suture_end_{name}"
        _open.define(lammps.address)
        lammps.command(f"fix {self._fix} {solver.settings.fluid} suture/end {axis} {self._outward:g}")
        self._force: BoundaryForce | None = None
        self._moves: dict[str, Any] = {}
        """How the end goes on in the present window."""
        self.events = {"insertion": 0, "deletion": 0}
        self.rows: dict[str, dict[str, Array]] = {
            name: {"mass": np.zeros(1), "momentum": np.zeros(3), "energy": np.zeros(1)}
            for name in ("insertion", "deletion")
        }
        self.rows["boundary force"] = {"momentum": np.zeros(3), "energy": np.zeros(1)}

    @property
    def mass(self) -> float:
        """Of an atom that comes."""
        return self._atoms.mass

    @property
    def tally(self) -> Any:
        """What searching for places took."""
        return self._usher.tally

    def open(self) -> None:
        """Once LAMMPS is set up: measure the fluid's structure, unless it is known. Collective."""
        self._require_no_walls()
        if self._force is None:
            self.measure()
            _open.put_end(self._solver.lammps.address, self._fix, self._outermost())

    def _outermost(self) -> float:
        """Where no atom that the script made is beyond the end yet. Collective."""
        heights = self._solver.lammps.atoms("x")[self._solver.fluid(), self._axis]
        furthest = float((self._outward * heights).max(initial=self._outward * self.end))
        return self._outward * self._solver.comm.allreduce(furthest, op=MPI.MAX)

    def measure(self) -> None:
        """Add the structure of the fluid next to the plane to what the boundary force is made of. Collective."""
        around = self._around(self._quiet)
        if self._force is None:
            self._force = BoundaryForce(self._solver.comm, around.cutoff)
        self._force.sample(around, self._solver.fluid_bit, *self._quiet)

    def _around(self, heights: tuple[float, float]) -> _open.Surroundings:
        return _open.Surroundings(self._solver.lammps.address, self._axis, *heights, self._atoms.type)

    def _require_no_walls(self) -> None:
        """Pairs of fluid and wall count inside, so no atom of a wall may be near the buffer. Collective."""
        lammps, inner = self._solver.lammps, self._quiet[0 if self._outward > 0 else 1]
        reach = lammps.cutoff()
        height = lammps.atoms("x")[:, self._axis]
        near = self._outward * (height - inner) > -reach
        for name, wall in self._solver.settings.walls.items():
            member = (lammps.integers("mask") & _open.bit(lammps.address, wall.group)) != 0
            if lammps.comm.allreduce(int(np.count_nonzero(near & member))):
                raise SolverError(
                    f"atoms of the wall '{name}' reach into the open buffer that begins at {inner:g}: keep walls "
                    f"{reach:g} away from it, since pairs of fluid and wall count in the interior"
                )

    def plan(self, outside: Outside, draw: Draw, wanted: int | None = None) -> Changes:
        """Set the end back, choose the atoms that go and come, and book them. Collective, while neighbours are listed.

        ``wanted``: by how many there are to be more, or fewer where negative; None: as the continuum's density says.
        """
        _open.put_end(self._solver.lammps.address, self._fix, self.end)
        measured = _open.count(*self._outside, *self._inner, "suture_pe")
        self._solver.comm.Allreduce(MPI.IN_PLACE, measured)
        energy, quiet, count = measured.tolist()
        whole = wanted
        if whole is None:
            whole = self.population.due(outside, self._outward * self._travel(outside), count, quiet)
        generator = self._draws.of(draw)
        leaving = self._leaving(int(generator.integers(2**62)), max(0, -whole))
        if not leaving and whole <= 0:
            return Changes([], np.zeros((0, 3)), np.zeros((0, 3)))
        around = self._around(self._outer)
        self._book_deletion(len(leaving), around.remove(leaving))
        places, velocities = np.zeros((0, 3)), np.zeros((0, 3))
        if (number := max(0, whole + len(leaving))) > 0:
            search = self._search(outside, energy / max(quiet, 1.0))
            places, velocities = self._coming(around, number, search, outside, generator)
        return Changes(leaving, places, around.enter(velocities))

    def _coming(
        self, around: _open.Surroundings, number: int, search: _open.Search, outside: Outside, generator: Generator
    ) -> tuple[Array, Array]:
        """Places of ``number`` atoms, or of as many as find one, and their velocities; booked."""
        velocities = outside.velocity + self._thermal(outside) * generator.standard_normal((number, 3))
        places, energies = self._usher.find(around, number, self._corners(around.cutoff), search, generator)
        velocities = velocities[: len(places)]
        self._book_insertion(velocities, energies)
        return places, velocities

    def _corners(self, reach: float) -> Array:
        """Where atoms come: as those that go, where pairs across the end reach."""
        corners, outer = self._box.copy(), self._outer[0 if self._outward > 0 else 1]
        furthest = self._outward * max(self._outward * (self.end - self._outward * reach), self._outward * outer)
        corners[:, self._axis] = _ascending(furthest, self.end)
        return corners

    def _thermal(self, outside: Outside) -> float:
        """Standard deviation of a component of an atom's velocity."""
        kT = self._solver.lammps.constant("boltz") * outside.temperature
        return math.sqrt(kT / (self._mass_energy * self._atoms.mass))

    def _travel(self, outside: Outside) -> float:
        """How far along the axis the continuum goes in a window."""
        return float(outside.velocity[self._axis]) * self._solver.steps * self._solver.timestep

    @property
    def _mass_energy(self) -> float:
        return self._solver.lammps.constant("mvv2e")

    def _leaving(self, key: int, taken: int) -> list[int]:
        """Those beyond the end, and others by lot, as many as are ``taken`` in all; alike on all ranks.

        Atoms that pairs across the end would reach go first. There new ones find their places: were the old ones to go
        elsewhere, a stream would run in between, and carry the work of the boundary force as heat.
        """
        assert self._force is not None, "open() comes first"
        comm = self._solver.comm
        drawn = _open.leaving(*self._outside, self._inner[1], self.end, self._force.cutoff, key, taken)
        if comm.size > 1:
            drawn = sorted(pair for pairs in comm.allgather(drawn) for pair in pairs)
        most = max(taken, sum(lot < 0.0 for lot, _ in drawn))
        return [atom for _, atom in drawn[:most]]

    def _search(self, outside: Outside, energy: float) -> _open.Search:
        """Look for ``energy``: the mean potential energy of an atom near the plane."""
        kT = self._solver.lammps.constant("boltz") * outside.temperature
        overlap = OVERLAP * kT
        return _open.Search(
            target=energy,
            tolerance=self._settings.tolerance * max(abs(energy), kT),
            overlap=overlap,
            core=_open.core(self._solver.lammps.address, self._atoms.type, overlap),
            step=STEP * (outside.density / self._atoms.mass) ** (-1.0 / 3.0),
            iterations=self._settings.iterations,
            attempts=self._settings.attempts,
        )

    def _book_deletion(self, number: int, taken: list[float]) -> None:
        """``number`` of atoms in all, and what this rank's take along, as ``Surroundings.remove`` gives it."""
        mass, *momentum, square, potential = taken
        self._add("deletion", -mass, [-p for p in momentum], -(0.5 * self._mass_energy * square + potential))
        self.events["deletion"] += number

    def _book_insertion(self, velocities: Array, energies: Array) -> None:
        """All ranks know them; the first one books them."""
        self.events["insertion"] += len(energies)
        if self._solver.comm.rank == 0 and len(energies):
            mass, rows = self._atoms.mass, velocities.tolist()
            square = sum(component**2 for velocity in rows for component in velocity)
            energy = 0.5 * self._mass_energy * mass * square + sum(energies.tolist())
            self._add("insertion", mass * len(rows), [mass * sum(axis) for axis in zip(*rows, strict=True)], energy)

    def _add(self, name: str, mass: float, momentum: list[float], energy: float) -> None:
        row = self.rows[name]
        row["mass"] = row["mass"] + mass
        row["momentum"] = row["momentum"] + momentum
        row["energy"] = row["energy"] + energy

    def begin_window(self, outside: Outside) -> None:
        """Let the end move on from where it is, with the force that the continuum's pressure asks for."""
        assert self._force is not None, "open() comes first"
        lammps = self._solver.lammps
        # By the force that the atoms feel now, which the first half kick is by.
        _open.open_end(lammps.address, self._fix)
        number_density = outside.density / self._atoms.mass
        lacking = 0.0
        if outside.pressure is not None:
            kinetic = number_density * lammps.constant("boltz") * outside.temperature
            lacking = self._force.lacking(number_density, outside.pressure / lammps.constant("nktv2p") - kinetic)
        now = _open.end_place(lammps.address, self._fix)
        self._require_inside(now, now + self._travel(outside))
        self._move(float(outside.velocity[self._axis]), self._force.force(), lacking)

    def _move(self, velocity: float, force: Array, lacking: float) -> None:
        assert self._force is not None, "open() comes first"
        self._moves = {"velocity": velocity, "force": force, "lacking": lacking}
        _open.move_end(self._solver.lammps.address, self._fix, velocity, force, lacking, self._force.cutoff)

    def _require_inside(self, now: float, place: float) -> None:
        lower, upper = self._box[:, self._axis].tolist()
        inner = self._outer[0 if self._outward > 0 else 1]
        if not lower <= place <= upper or self._outward * (place - inner) <= 0.0:
            raise SolverError(
                f"the open end at {now:g} moves to {place:g} in one window, out of the box [{lower:g}, {upper:g}] "
                f"or into the part of the buffer where no atom may come or go, up to {inner:g}: make the box longer "
                "than the buffer, the buffer longer, or the window shorter"
            )

    def close_window(self) -> None:
        """Book what the end gave in the window that has just been run."""
        lammps = self._solver.lammps
        force, power, mirrored, square, folded = _open.take_end(lammps.address, self._fix)
        row = self.rows["boundary force"]
        impulse = [0.0] * 3
        impulse[self._axis] = self._solver.timestep * lammps.constant("ftm2v") * force + mirrored
        row["momentum"] = row["momentum"] + impulse
        row["energy"] = row["energy"] + self._solver.timestep * power + 0.5 * self._mass_energy * square + folded

    def pressure(self, outside: Outside) -> float:
        """Of the fluid's structure, at a density and temperature."""
        assert self._force is not None, "open() comes first"
        number_density, lammps = outside.density / self._atoms.mass, self._solver.lammps
        kinetic = number_density * lammps.constant("boltz") * outside.temperature
        return lammps.constant("nktv2p") * (self._force.virial_pressure(number_density) + kinetic)

    def describe(self, outside: Outside) -> str:
        """What the boundary force is, for the log."""
        wanted = "" if outside.pressure is None else f", the continuum's {outside.pressure:.4f}"
        return f"open end at {self.end:g}: pressure of the structure {self.pressure(outside):.4f}{wanted}"

    def save(self) -> dict[str, Any]:
        """What was given, the fraction of an atom, the structure, and where the end is."""
        assert self._force is not None, "open() comes first"
        rows = {name: dict(row) for name, row in self.rows.items()}
        known = {"population": self.population.save(), "force": self._force.save()}
        known["place"] = _open.end_place(self._solver.lammps.address, self._fix)
        return {"rows": rows, "events": dict(self.events), "moves": self._moves, **known}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``save``, before the first window."""
        self.rows = {name: dict(row) for name, row in state["rows"].items()}
        self.events = dict(state["events"])
        self.population.restore(state["population"])
        self._force = BoundaryForce.restored(self._solver.comm, state["force"])
        _open.put_end(self._solver.lammps.address, self._fix, state["place"])
        if state["moves"]:  # the forces with which the next window begins are those of this one's end
            self._move(**state["moves"])
