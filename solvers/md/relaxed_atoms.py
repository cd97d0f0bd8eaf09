"""Atoms of a solid in equilibrium, by LAMMPS: some go where they are told, the others where no force is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from .homes import Homes
from .library import Array, Lammps
from .solid_settings import SolidAtomsSettings

_COARSE = 1e-4
"""Force, in eV/Å, down to which conjugate gradients go: below, the energy's round-off stops their line search."""


class RelaxedAtoms:
    """Quasi-static atoms on a duplicate of ``comm``; the user's script makes the lattice at rest.

    The free atoms have an energy, with the others held: it is minimised, by conjugate gradients and then, near the
    minimum, by Newton's method with conjugate gradients for its linear systems (LAMMPS' ``hftn``). Its trust region
    still looks at energies, whose round-off stops it where there are thousands of atoms; what is left then, damped
    dynamics (``fire``) takes away, which needs forces only. Values of atoms, (home, ...), are kept by id (``Homes``):
    in LAMMPS' units, and in a plane per depth. All methods are collective.
    """

    def __init__(
        self,
        settings: SolidAtomsSettings,
        comm: MPI.Comm,
        script: Path,
        output: Path,
        name: str = "atoms of a solid",
    ) -> None:
        self.settings = settings
        self.name = name
        variables = {"output": str(output.resolve()), **settings.variables}
        self.lammps = Lammps(comm, output.resolve() / "log.lammps", variables, f"participant '{name}'")
        self.comm = self.lammps.comm
        self.lammps.script(script.resolve())
        self._free = self.lammps.group_bit(settings.free)
        second = self.lammps.group_bit(settings.second) if settings.second else 0
        for command in (
            "atom_modify sort 0 0.0",  # a window that is repeated must find the sums in their order
            f"group suture_led subtract all {settings.free}",
            "compute suture_pe all pe/atom",
            "compute suture_pe_sum all reduce sum c_suture_pe",
            "thermo_style custom step c_suture_pe_sum",
            "min_modify norm inf",
        ):
            self.lammps.command(command)
        self.homes = Homes(self.comm, self.lammps.integers("id"))
        mask = self._bring(self.lammps.integers("mask").astype(float)).astype(np.int64)
        self.led: NDArray[np.bool_] = (mask & self._free) == 0
        """Which atoms go where they are told, (home,)."""
        self.second: NDArray[np.bool_] = (mask & second) != 0
        """Which are in the second place of the basis, (home,)."""
        self.places: Array = self._bring(self.lammps.atoms("x"))
        """Of all atoms in the lattice at rest, (home, 3)."""
        lower, upper = self.lammps.box
        self.depth = float(upper[2] - lower[2]) if settings.plane else 1.0
        self.displacement: Array = np.zeros_like(self.places)
        """That the led atoms are told, (home, 3)."""
        self.weight: Array = np.where(self.led, 0.0, 1.0)
        """Part of each atom's energy that counts, (home,)."""
        self.force: Array = np.zeros_like(self.places)
        """On every atom, led ones included, since the last ``relax``: (home, 3)."""
        self.time = 0.0

    def _bring(self, values: Array) -> Array:
        return self.homes.bring(self.lammps.integers("id"), values)

    def _own(self, values: Array) -> Array:
        return self.homes.ask(self.lammps.integers("id"), values)

    @property
    def max_dt(self) -> float:
        """As long as one likes: atoms without inertia follow at once."""
        return np.inf

    def advance(self, dt: float) -> None:
        """Find the equilibrium for what the led atoms were told."""
        self.relax()
        self.time += dt

    def relax(self) -> None:
        """Move the led atoms, and the free ones until no force is left on them.

        Raises ``SolverError`` where each of the methods takes more evaluations than the settings allow.
        """
        self.lead(self.displacement, self.led)
        self.lammps.command("fix suture_hold suture_led setforce 0.0 0.0 0.0")
        left, coarse = self.settings.evaluations, max(self.settings.tolerance, _COARSE)
        for style, tolerance in (("cg", coarse), ("hftn", self.settings.tolerance), ("fire", self.settings.tolerance)):
            self.lammps.command(f"min_style {style}")
            self.lammps.command(f"minimize 0.0 {tolerance!r} {left} {left}")
        self.lammps.command("unfix suture_hold")
        self.feel()
        largest = self.largest_force()
        if largest > self.settings.tolerance:
            raise SolverError(
                f"participant '{self.name}': the atoms found no equilibrium in {left} evaluations of the forces by "
                f"each method, {largest:.1e} is left on one of them; allow more 'evaluations', or a larger 'tolerance'"
            )

    def lead(self, displacement: Array, chosen: NDArray[np.bool_]) -> None:
        """Put the ``chosen`` atoms, (home,), where their displacement, (home, 3), takes them from the lattice."""
        moves = self._own(np.column_stack([self.places + displacement, chosen.astype(float)]))
        own = self.lammps.atoms("x")
        own[:] = np.where(moves[:, 3:] > 0.5, moves[:, :3], own)

    def feel(self) -> None:
        """Evaluate forces and energies where the atoms are now."""
        self.lammps.command("run 0 post no")
        self.force = self._bring(self.lammps.atoms("f")) * self.lammps.constant("ftm2v") / self.depth
        self._energies = self._bring(self.lammps.compute_atoms("suture_pe")) / self.depth

    def largest_force(self) -> float:
        """On a free atom, of its components, in LAMMPS' unit of force."""
        free = self.force[~self.led] * (self.depth / self.lammps.constant("ftm2v"))
        return float(self.comm.allreduce(np.abs(free).max(initial=0.0), op=MPI.MAX))

    def potential(self) -> float:
        """This rank's share of the energy that counts."""
        return float(self.weight @ self._energies)

    def inventory(self) -> dict[str, Array]:
        """No momentum, and the energy that counts."""
        return {"momentum": np.zeros(3), "energy": np.array([self.potential()])}

    def save(self) -> dict[str, Any]:
        """Where everything is, and what of it counts."""
        return {
            "time": self.time,
            "positions": self._bring(self.lammps.atoms("x")),
            "displacement": self.displacement.copy(),
            "weight": self.weight.copy(),
            "force": self.force.copy(),
            "energies": self._energies.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = float(state["time"])
        self.lammps.atoms("x")[:] = self._own(np.array(state["positions"]))
        self.displacement, self.force = np.array(state["displacement"]), np.array(state["force"])
        self.weight, self._energies = np.array(state["weight"]), np.array(state["energies"])

    def close(self) -> None:
        """Free what LAMMPS holds."""
        self.lammps.close()
