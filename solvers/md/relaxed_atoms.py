"""Atoms of a solid in equilibrium, by LAMMPS: some go where they are told, the others where no force is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from ..errors import SolverError
from .library import Array
from .solid_atoms import SolidAtoms
from .solid_settings import SolidAtomsSettings

_ELECTRONVOLT = 9648.533212331002
"""By (g/mol) Å²/ps²: a tenth of Faraday's constant."""
_COARSE = 1e-4
"""Force, in eV/Å, down to which conjugate gradients go: below, the energy's round-off stops their line search."""


class RelaxedAtoms(SolidAtoms):
    """Quasi-static atoms.

    The free atoms have an energy, with the others held: it is minimised, by conjugate gradients and then, near the
    minimum, by Newton's method with conjugate gradients for its linear systems (LAMMPS' ``hftn``). Its trust region
    still looks at energies, whose round-off stops it where there are thousands of atoms; what is left then, damped
    dynamics (``fire``) takes away, which needs forces only.
    """

    def __init__(
        self, settings: SolidAtomsSettings, comm: MPI.Comm, script: Path, output: Path, name: str = "atoms of a solid"
    ) -> None:
        super().__init__(settings, comm, script, output, name)
        # A window that is repeated must find the sums in their order.
        self.lammps.command("atom_modify sort 0 0.0")
        self.lammps.command("thermo_style custom step c_suture_pe_sum")
        self.lammps.command("min_modify norm inf")
        self._followed: Array = np.zeros_like(self.places)
        """Where the led atoms are, (home, 3)."""

    @property
    def momentum_by_time(self) -> float:
        """Of metal units the exact one, 6e-8 off LAMMPS' own: atoms without inertia move by no mass of LAMMPS."""
        rounded = self.lammps.constant("ftm2v")
        return _ELECTRONVOLT if math.isclose(rounded, _ELECTRONVOLT, rel_tol=1e-6) else rounded

    @property
    def max_dt(self) -> float:
        """As long as one likes: atoms without inertia follow at once."""
        return np.inf

    def advance(self, dt: float) -> None:
        """Find the equilibrium for what the led atoms were told."""
        begin = self._followed
        self.relax()
        self.mean_force = self.force
        self.path = np.where(self.led[:, None], self.displacement - begin, 0.0)
        self.time += dt

    def relax(self) -> None:
        """Move the led atoms, and the free ones until no force is left on them.

        Raises ``SolverError`` where each of the methods takes more evaluations than the settings allow.
        """
        self.lead(self.displacement, self.led)
        self._followed = self.displacement.copy()
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

    def inventory(self) -> dict[str, Array]:
        """No momentum, and the energy that counts."""
        return {"momentum": np.zeros(3), "energy": np.array([self.potential()])}

    def save(self) -> dict[str, Any]:
        """Where everything is, and what of it counts."""
        return {
            "time": self.time,
            "positions": self._bring(self.lammps.atoms("x")),
            "displacement": self._followed.copy(),
            "weight": self.weight.copy(),
            "weighed": self.weighed,
            "force": self.force.copy(),
            "energies": self._energies.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave.

        Going back in time the free atoms stay where they are: the next search begins where the last one ended. Where
        there is one equilibrium it finds that; where there are several, as when bonds break, it stays with what broke,
        and repeated windows do not go to and fro between states of which none would be their own.
        """
        back, self.time = float(state["time"]) < self.time, float(state["time"])
        if not back:
            self.lammps.atoms("x")[:] = self._own(np.array(state["positions"]))
        self.displacement, self.force = np.array(state["displacement"]), np.array(state["force"])
        self._followed = self.displacement.copy()
        self._energies = np.array(state["energies"])
        self._restore_weights(np.array(state["weight"]), bool(state["weighed"]))
