"""The wall that closes the buffer's outer end and moves with the continuum."""

from __future__ import annotations

import numpy as np

from ..couplers.cells import Array
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import MolecularDynamics


class Piston:
    """A LAMMPS wall fix whose position is the equal-style variable of the same name.

    ``name`` is the ID of a ``fix wall/…`` with one wall at the upper end of ``axis``, and of its variable. Impulse and
    work on the atoms are summed with velocity Verlet's weights, as for ``WallBook``; LAMMPS sums the force over the
    window's steps by itself.
    """

    def __init__(self, solver: MolecularDynamics, name: str, axis: int) -> None:
        self._solver = solver
        self._name = name
        self._axis = axis
        self.position = solver.lammps.variable(name)
        """Position at the present time."""
        self.velocity = 0.0
        self.rows: dict[str, Array] = {"momentum": np.zeros(3), "energy": np.zeros(1)}
        """What the piston gave to the buffer since ``open`` (on rank 0; 0 on the others)."""
        self._begin = 0.0
        steps = solver.steps
        solver.lammps.command(f"fix suture_piston all ave/time 1 {steps} {steps} f_{name}[1]")

    def open(self) -> None:
        """Note the force at the start of the first window."""
        self._begin = self._force()

    def energy(self) -> float:
        """Potential energy of the atoms in the piston's field. Collective."""
        return self._solver.lammps.fix_scalar(self._name)

    def place(self, position: float) -> None:
        """Put the piston at ``position``, at rest."""
        self.position = position
        self._solver.lammps.command(f"variable {self._name} equal {position!r}")

    def move(self, velocity: float) -> None:
        """Move with ``velocity`` during the next window.

        Raises
        ------
        SolverError
            The piston would leave the box.
        """
        lammps = self._solver.lammps
        end = self.position + velocity * self._solver.steps * self._solver.timestep
        lower, upper = (corner[self._axis] for corner in lammps.box)
        if not lower < end < upper:
            raise SolverError(
                f"the piston '{self._name}' moves to {end:g}, out of the box [{lower:g}, {upper:g}]: mass piles up in "
                "the buffer or drains from it; check density and normal velocity of the two sides at the interface"
            )
        self.velocity = velocity
        time = f"(step-{lammps.step})*{self._solver.timestep!r}"
        lammps.command(f"variable {self._name} equal {self.position!r}+({velocity!r})*{time}")

    def close_window(self) -> None:
        """Book the window that has just been run."""
        solver, end = self._solver, self._force()
        total = solver.steps * solver.lammps.fix_scalar("suture_piston")
        integral = solver.timestep * (total + 0.5 * self._begin - 0.5 * end)
        self._begin = end
        self.position += self.velocity * solver.steps * solver.timestep
        if solver.comm.rank == 0:
            impulse = np.zeros(3)
            impulse[self._axis] = -solver.lammps.constant("ftm2v") * integral
            self.rows["momentum"] = self.rows["momentum"] + impulse
            self.rows["energy"] = self.rows["energy"] - integral * self.velocity

    def _force(self) -> float:
        """Force of the atoms on the piston. Collective."""
        return self._solver.lammps.fix_component(self._name, 0)
