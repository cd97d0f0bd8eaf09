"""The audit of a particle region: mass, momentum and energy through the plane, measured by the atoms that carry them.

Independent of inventories and walls. See Todd, Evans and Daivis, Phys. Rev. E 52, 1627 (1995) for the method of
planes; here its amounts are those of velocity Verlet, step by step.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics
from ._planes import Planes

PAIRS = "suture_pairs"
PARTNERS = "suture_partners"
NEAR = "suture_near"


class MethodOfPlanes:
    """Amounts that leave the interior through the plane ``x[axis] = at``, summed over the steps of a window.

    LAMMPS lists the pairs near the plane; ``_planes.cpp`` says what atoms and pairs carry.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float) -> None:
        self._solver = solver
        self._axis = axis
        self._at = at
        self._reach = 0.0
        self._complete = True
        self._bit = 0
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
        self._planes.start()
        self._complete = True

    def complete(self) -> bool:
        """Whether no atom came from so far that its pairs were not known; else the audit is void. Collective."""
        return bool(self._solver.comm.allreduce(self._complete, op=MPI.LAND))

    def step(self) -> None:
        """At the beginning, and after each step: add what crossed in the step. Collective."""
        lammps = self._solver.lammps
        near, listed = self._solver.near(self._axis, self._at, self._reach, self._bit)
        self._complete &= listed
        self._planes.step(self._gather(near), lammps.compute_local(PARTNERS), lammps.compute_local(PAIRS))

    def left(self) -> dict[str, Array]:
        """Mass, momentum and energy that left the interior since ``start`` (this rank's share)."""
        out = -self._planes.entered()
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
