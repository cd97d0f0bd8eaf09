"""Given amounts of momentum and energy put on the atoms beyond a plane, and what was truly given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics, Side

MOST = 0.2
"""What a window may bring: of the thermal velocity as a shift, and of the peculiar kinetic energy.

More would be felt as a shock, and comes later."""


@dataclass(frozen=True)
class Moments:
    """Of a buffer's atoms at an instant, over all ranks, in the participant's units."""

    number: float
    mass: float
    velocity: Array
    """Mean, (3,)."""
    kinetic: float
    """Energy of the velocities relative to the mean."""
    temperature: float


class DrivenBuffer:
    """All fluid beyond the plane ``at``.

    Momentum is a shift that all atoms share. Energy scales the velocities relative to the mean, which gives no
    momentum; what the shift itself did is counted first. Rows are this rank's share, cumulative.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, beyond: Side) -> None:
        self._solver = solver
        self._axis = axis
        self._edges = np.sort(np.array([at, np.inf if beyond == "above" else -np.inf]))
        self.rows: dict[str, dict[str, Array]] = {
            name: {"momentum": np.zeros(3), "energy": np.zeros(1)} for name in ("shift", "scaling")
        }

    def look(self) -> Moments:
        """Collective."""
        lammps = self._solver.lammps
        sums = self._solver.moments(self._axis, self._edges)
        self._solver.comm.Allreduce(MPI.IN_PLACE, sums)
        number, mass, *momentum, square = sums[0].tolist()
        velocity = np.array(momentum) / max(mass, np.finfo(float).tiny)
        kinetic = 0.5 * lammps.constant("mvv2e") * (square - mass * float(velocity @ velocity))
        freedom = 3.0 * max(number - 1.0, 1.0)
        return Moments(number, mass, velocity, kinetic, 2.0 * kinetic / (freedom * lammps.constant("boltz")))

    def give(self, momentum: Array, energy: float) -> None:
        """Put ``momentum``, (3,), and ``energy`` on the atoms, or as much as a window may bring. Collective."""
        now = self.look()
        if now.number < 1.5:
            return
        shift = self._shift(now, momentum)
        work = self._solver.lammps.constant("mvv2e") * now.mass * float(shift @ (now.velocity + 0.5 * shift))
        factor = math.sqrt(1.0 + float(np.clip((energy - work) / now.kinetic, -MOST, MOST)))
        mean = now.velocity + shift
        added = self._solver.drive(self._axis, self._edges, shift[None], mean[None], np.array([factor]))
        for row, gained in zip(("shift", "scaling"), added, strict=True):
            self.rows[row]["momentum"] = self.rows[row]["momentum"] + gained[:3]
            self.rows[row]["energy"] = self.rows[row]["energy"] + gained[3:]

    def _shift(self, now: Moments, momentum: Array) -> Array:
        thermal = math.sqrt(2.0 * now.kinetic / (3.0 * now.mass * self._solver.lammps.constant("mvv2e")))
        shift = momentum / now.mass
        return shift * min(1.0, MOST * thermal / max(float(np.linalg.norm(shift)), np.finfo(float).tiny))
