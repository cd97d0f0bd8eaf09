"""The audit of a particle region: mass, momentum and energy through the plane, measured by the atoms that carry them.

Independent of inventories and walls. See Todd, Evans and Daivis, Phys. Rev. E 52, 1627 (1995) for the method of
planes; here its amounts are those of velocity Verlet, step by step.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics, Side
from ._planes import Planes

PAIRS = "suture_pairs"
PARTNERS = "suture_partners"
NEAR = "suture_near"


class MethodOfPlanes:
    """Amounts that leave the interior through the plane ``x[axis] = at``, summed over the steps of a window.

    LAMMPS lists the pairs near the plane; ``_planes.cpp`` says what atoms and pairs carry.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, beyond: Side = "above") -> None:
        """``beyond``: on which side of the plane the interior ends."""
        self._solver = solver
        self._outward = 1.0 if beyond == "above" else -1.0
        self._names = {name: name + ("" if beyond == "above" else "_below") for name in (NEAR, PARTNERS, PAIRS)}
        self._axis = axis
        self._at = at
        self._reach = 0.0
        self._complete = True
        self.bit = 0
        """Of the group of atoms near the plane, in the atoms' masks; known once it is open."""
        lammps, dt = solver.lammps, solver.timestep
        kick = 0.5 * dt * lammps.constant("ftm2v")
        self._planes = Planes(axis, at, dt, kick, lammps.constant("mvv2e"), solver.comm.rank == 0)
        self._define()

    def _define(self) -> None:
        """Let LAMMPS list the pairs of a group of atoms near the plane, which is renewed at each window's end."""
        solver = self._solver
        lammps, fluid, axis = solver.lammps, solver.settings.fluid, "xyz"[self._axis]
        self._reach = lammps.cutoff()
        # Far enough that no atom comes near the plane, in one window, which was not in the group at its beginning.
        far = 1.1 * self._reach + 5.0 * self._thermal_speed() * solver.steps * solver.timestep
        near, partners, pairs = (self._names[name] for name in (NEAR, PARTNERS, PAIRS))
        sides = [f"{self._at - far!r} {self._at + far!r}" if name == axis else "INF INF" for name in "xyz"]
        for command in (
            f"region {near} block {' '.join(sides)} units box",
            f"group {near} dynamic {fluid} region {near} every {solver.steps}",
            # Ghosts learn their group when they are made anew.
            "run 0 post no",
            f"compute {partners} {near} property/local patom1 patom2",
            f"compute {pairs} {near} pair/local force fx fy fz eng",
        ):
            lammps.command(command)

    def _thermal_speed(self) -> float:
        """Root mean square of a velocity component of the fluid. Collective."""
        velocity = self._solver.lammps.atoms("v")[self._solver.fluid()]
        square, number = self._solver.comm.allreduce(np.array([np.sum(velocity**2), velocity.size]))
        return float(np.sqrt(square / number))

    def open(self) -> None:
        """Once LAMMPS is set up. Collective."""
        self.bit = self._solver.lammps.group_bit(self._names[NEAR])

    def start(self) -> None:
        """Forget all; the next ``step`` is the beginning of an audit."""
        self._planes.start()
        self._complete = True

    def complete(self) -> bool:
        """Whether no atom came from so far that its pairs were not known; else the audit is void. Collective."""
        return bool(self._solver.comm.allreduce(self._complete, op=MPI.LAND))

    def step(self) -> None:
        """At the beginning, and after each step: add what crossed in the step. Collective."""
        lammps = self._solver.lammps
        partners_and_pairs = self._names[PARTNERS], self._names[PAIRS]
        near, listed = self._solver.near(self._axis, self._at, self._reach, self.bit)
        self._complete &= listed
        self._planes.step(self._gather(near), *map(lammps.compute_local, partners_and_pairs))

    def renew(self) -> None:
        """After ``step``, where velocities were changed since: the next one begins with those of now. Collective."""
        near, _ = self._solver.near(self._axis, self._at, self._reach, self.bit)
        self._planes.renew(self._gather(near))

    def left(self) -> dict[str, Array]:
        """Mass, momentum and energy that left the interior since ``start`` (this rank's share)."""
        # What comes below a plane enters an interior that ends there above.
        out = -self._outward * self._planes.entered()
        return {"mass": out[:1].copy(), "momentum": out[1:4].copy(), "energy": out[4:].copy()}

    def _gather(self, table: Array) -> Array:
        """All ranks' rows."""
        comm = self._solver.comm
        if comm.size == 1:
            return table
        width = table.shape[1]
        counts = np.array(comm.allgather(table.size))
        everything = np.empty((int(counts.sum()) // width, width))
        comm.Allgatherv(table, (everything, counts))
        return everything
