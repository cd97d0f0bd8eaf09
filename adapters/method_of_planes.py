"""The audit of a particle region: mass, momentum and energy through the plane, measured by the atoms that carry them.

Independent of inventories and walls. See Todd, Evans and Daivis, Phys. Rev. E 52, 1627 (1995) for the method of
planes; here its amounts are those of velocity Verlet, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics

PAIRS = "suture_pairs"
PARTNERS = "suture_partners"
NEAR = "suture_near"


@dataclass(frozen=True)
class Instant:
    """The atoms near the plane (all ranks', by ascending id) and this rank's pairs of them, at one time."""

    ids: np.ndarray
    height: Array
    """Position along the plane's normal, (n,)."""
    mass: Array
    velocity: Array
    force: Array
    first: np.ndarray
    """Place of each pair's first atom in the other arrays, (pairs,)."""
    second: np.ndarray
    pair_force: Array
    """On the first atom, (pairs, 3)."""
    pair_energy: Array

    @property
    def pair_power(self) -> Array:
        """½ f·(v_i + v_j), (pairs,): what crosses a plane between i and j, into i's side, per time."""
        return 0.5 * np.sum(self.pair_force * (self.velocity[self.first] + self.velocity[self.second]), axis=1)

    def potential(self, of: np.ndarray) -> Array:
        """Half of each pair energy of the atoms at places ``of`` (this rank's share)."""
        half = 0.5 * self.pair_energy
        count = len(self.ids)
        both = np.bincount(self.first, half, count) + np.bincount(self.second, half, count)
        # NumPy's annotations overlook that weights make bincount's result real.
        return np.asarray(both[of], dtype=np.float64)


@dataclass(frozen=True)
class Crossings:
    """The atoms that change sides in a step: places at its two ends, the fraction of the step, +1 where they enter."""

    begin: np.ndarray
    end: np.ndarray
    fraction: Array
    sign: Array


class MethodOfPlanes:
    """Amounts that leave the interior through the plane ``x[axis] = at``, summed over the steps of a window.

    For velocity Verlet, exactly: an atom that crosses carries m v(t+Δt/2); a fluid pair that straddles the plane at the
    beginning or at the end of a step gives half a kick there. Energy, to second order in Δt: an atom that crosses
    carries ½ m v² + ½ Σφ at the crossing; a straddling pair transmits ½ f·(v_i + v_j), interpolated linearly in time
    and integrated over that part of the step in which it straddles.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float) -> None:
        self._solver = solver
        self._axis = axis
        self._at = at
        self._reach = 0.0
        self._last: Instant | None = None
        self._entered = np.zeros(5)
        self._complete = True
        self._bit = 0
        self._define()

    def _define(self) -> None:
        """Let LAMMPS list the pairs of a group of atoms near the plane, which is renewed at each window's end."""
        solver = self._solver
        lammps, fluid, axis = solver.lammps, solver.settings.fluid, "xyz"[self._axis]
        self._reach = lammps.cutoff()
        # Far enough that no atom comes near the plane, in one window, which was not in the group at its beginning.
        far = 1.1 * self._reach + 5.0 * self._thermal_speed() * solver.steps * solver.timestep
        sides = [f"{self._at - far!r} {self._at + far!r}" if name == axis else "INF INF" for name in "xyz"]
        for command in (
            f"region {NEAR} block {' '.join(sides)} units box",
            f"group {NEAR} dynamic {fluid} region {NEAR} every {solver.steps}",
            # Ghosts learn their group when they are made anew.
            "run 0 post no",
            f"compute {PARTNERS} {NEAR} property/local patom1 patom2",
            f"compute {PAIRS} {NEAR} pair/local force fx fy fz eng",
        ):
            lammps.command(command)

    def _thermal_speed(self) -> float:
        """Root mean square of a velocity component of the fluid. Collective."""
        velocity = self._solver.lammps.atoms("v")[self._solver.fluid()]
        square, number = self._solver.comm.allreduce(np.array([np.sum(velocity**2), velocity.size]))
        return float(np.sqrt(square / number))

    def open(self) -> None:
        """Once LAMMPS is set up. Collective."""
        self._bit = self._solver.lammps.group_bit(NEAR)

    def start(self) -> None:
        """Forget all; the next ``step`` is the beginning of an audit."""
        self._last = None
        self._entered[:] = 0.0
        self._complete = True

    def complete(self) -> bool:
        """Whether no atom came from so far that its pairs were not known; else the audit is void. Collective."""
        return bool(self._solver.comm.allreduce(self._complete, op=MPI.LAND))

    def step(self) -> None:
        """At the beginning, and after each step: add what crossed in the step. Collective."""
        now = self._instant()
        if self._last is not None:
            self._add(self._last, now)
        self._last = now

    def left(self) -> dict[str, Array]:
        """Mass, momentum and energy that left the interior since ``start`` (this rank's share)."""
        out = -self._entered
        return {"mass": out[:1].copy(), "momentum": out[1:4].copy(), "energy": out[4:].copy()}

    def _add(self, begin: Instant, end: Instant) -> None:
        crossings = self._crossings(begin, end)
        dt, lammps = self._solver.timestep, self._solver.lammps
        kick = 0.5 * dt * lammps.constant("ftm2v")
        for instant, weight in ((begin, self._begin_weight(begin, crossings)), (end, self._end_weight(end, crossings))):
            inside = (instant.height < self._at).astype(float)
            status = inside[instant.first] - inside[instant.second]
            self._entered[1:4] += kick * (status @ instant.pair_force)
            self._entered[4] += dt * ((weight[instant.first] - weight[instant.second]) @ instant.pair_power)
        if len(crossings.sign):
            self._carry(begin, end, crossings, kick)

    def _crossings(self, begin: Instant, end: Instant) -> Crossings:
        place = np.minimum(np.searchsorted(end.ids, begin.ids), max(len(end.ids) - 1, 0))
        known = end.ids[place] == begin.ids
        changed = known & ((begin.height < self._at) != (end.height[place] < self._at))
        first = np.flatnonzero(changed)
        second = place[first]
        low, high = begin.height[first], end.height[second]
        return Crossings(first, second, (self._at - low) / (high - low), np.where(low < self._at, -1.0, 1.0))

    def _begin_weight(self, begin: Instant, crossings: Crossings) -> Array:
        """∫ (1−τ) dτ over the part of the step, τ in [0, 1], in which each atom is inside."""
        weight = 0.5 * (begin.height < self._at)
        before = crossings.fraction - 0.5 * crossings.fraction**2
        weight[crossings.begin] = np.where(crossings.sign < 0, before, 0.5 - before)
        return weight

    def _end_weight(self, end: Instant, crossings: Crossings) -> Array:
        """∫ τ dτ over the part of the step in which each atom is inside."""
        weight = 0.5 * (end.height < self._at)
        before = 0.5 * crossings.fraction**2
        weight[crossings.end] = np.where(crossings.sign < 0, before, 0.5 - before)
        return weight

    def _carry(self, begin: Instant, end: Instant, crossings: Crossings, kick: float) -> None:
        """Add what the crossing atoms carry; all ranks know the atoms, so rank 0 books them."""
        a, b, theta, sign = crossings.begin, crossings.end, crossings.fraction, crossings.sign
        potential = (1.0 - theta) * begin.potential(a) + theta * end.potential(b)
        self._entered[4] += sign @ potential
        if self._solver.comm.rank == 0:
            mass = begin.mass[a]
            half = begin.velocity[a] + kick * begin.force[a] / mass[:, None]
            there = begin.velocity[a] + theta[:, None] * (end.velocity[b] - begin.velocity[a])
            self._entered[0] += sign @ mass
            self._entered[1:4] += (sign * mass) @ half
            mvv2e = self._solver.lammps.constant("mvv2e")
            self._entered[4] += 0.5 * mvv2e * ((sign * mass) @ (there**2).sum(axis=1))

    def _instant(self) -> Instant:
        lammps = self._solver.lammps
        position = lammps.atoms("x")[:, self._axis]
        near = np.flatnonzero(self._solver.fluid() & (np.abs(position - self._at) < self._reach))
        self._complete &= self._all_listed()
        table = np.column_stack(
            (
                lammps.integers("id")[near],
                position[near],
                lammps.masses()[near],
                lammps.atoms("v")[near],
                lammps.atoms("f")[near],
            )
        ).astype(float)
        table = self._gather(table)
        table = table[np.argsort(table[:, 0])]
        ids, height = table[:, 0], np.ascontiguousarray(table[:, 1])
        partners, pairs = lammps.compute_local(PARTNERS, 2), lammps.compute_local(PAIRS, 5)
        first, second, kept = self._places(ids, partners)
        force = pairs[kept, 1:4]
        # Which atom the sign of fx, fy, fz belongs to differs between LAMMPS versions: repulsion pushes the upper up.
        upward = pairs[kept, 0] * (height[first] - height[second]) * force[:, self._axis]
        force = np.where(upward < 0.0, -1.0, 1.0)[:, None] * force
        return Instant(ids, height, table[:, 2], table[:, 3:6], table[:, 6:9], first, second, force, pairs[kept, 4])

    def _all_listed(self) -> bool:
        """Whether all fluid atoms within reach of the plane, ghosts too, are in the group whose pairs are listed."""
        position, mask = self._solver.lammps.with_ghosts()
        reached = self._solver.is_fluid(mask) & (np.abs(position[:, self._axis] - self._at) < self._reach)
        return bool(np.all(mask[reached] & self._bit))

    @staticmethod
    def _places(ids: Array, partners: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places in ``ids`` of both atoms of those pairs of which both are there, and which pairs these are."""
        if not len(ids) or not len(partners):
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty
        last = len(ids) - 1
        first = np.minimum(np.searchsorted(ids, partners[:, 0]), last)
        kept = np.flatnonzero(ids[first] == partners[:, 0])
        other = partners[kept, 1]
        second = np.minimum(np.searchsorted(ids, other), last)
        both = ids[second] == other
        kept = kept[both]
        return first[kept], second[both], kept

    def _gather(self, table: Array) -> Array:
        """All ranks' rows."""
        comm = self._solver.comm
        if comm.size == 1:
            return table
        width = table.shape[1]
        counts = np.array(comm.allgather(table.size))
        everything = np.empty((int(counts.sum()) // width, width))
        comm.Allgatherv(np.ascontiguousarray(table), (everything, counts))
        return everything
