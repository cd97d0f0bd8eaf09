"""Atoms of a solid, by LAMMPS, of which some go where they are told: what relaxed and moving ones have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from ..expression import SpaceExpression
from . import _blend
from .homes import Homes
from .library import Array, Lammps
from .restart import Restart
from .solid_settings import SolidAtomsSettings

_BLEND = "suture_blend"
"""Name of LAMMPS' fix that weighs."""
_WEIGHT = "suture_weight"
"""Of what LAMMPS keeps of each atom for it."""


class SolidAtoms:
    """LAMMPS on a duplicate of ``comm``; the user's script makes the lattice at rest.

    Values of atoms, (home, ...), are kept by id (``Homes``): momentum is LAMMPS' mass × velocity, everything else in
    LAMMPS' units, and in a plane per depth. All methods are collective; inventories and rows are this rank's share.
    Raises ``SolverError`` where the free atoms' displacement at the start is no number.
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
        self._restart = Restart(self.lammps)
        self.lammps.script(script.resolve())
        self._free = self.lammps.group_bit(settings.free)
        second = self.lammps.group_bit(settings.second) if settings.second else 0
        for command in (
            f"group suture_led subtract all {settings.free}",
            "compute suture_pe all pe/atom",
            "compute suture_pe_sum all reduce sum c_suture_pe",
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
        """On every atom, led ones included, now: (home, 3)."""
        self.mean_force: Array = np.zeros_like(self.places)
        """On every led atom in the last window, (home, 3)."""
        self.path: Array = np.zeros_like(self.places)
        """That each led atom went in the last window, (home, 3); 0 for free ones."""
        self.weighed = False
        """Whether forces are the gradient of the energy that counts (``weigh``), not of all energy."""
        self.time = 0.0
        if settings.displacement is not None:
            self._displace(settings.displacement)

    def _displace(self, formulas: tuple[SpaceExpression, ...]) -> None:
        """Take the free atoms from the lattice. Raises ``SolverError`` where a formula has no number for one."""
        x, y, z = self.places.T
        moved = np.stack([np.broadcast_to(formula(x=x, y=y, z=z), x.shape) for formula in formulas], axis=1)
        wrong = self.places[~self.led & ~np.isfinite(moved).all(axis=1)]
        first = next((each[0] for each in self.comm.allgather(wrong) if len(each)), None)
        if first is not None:
            place = ", ".join(f"{number:.6g}" for number in first)
            raise SolverError(f"participant '{self.name}': 'displacement' is not finite for the free atom at ({place})")
        self.lead(moved, ~self.led)

    @property
    def momentum_by_time(self) -> float:
        """LAMMPS' unit of force in mass × velocity by time."""
        return self.lammps.constant("ftm2v")

    @property
    def _force_factor(self) -> float:
        """From LAMMPS' forces to momentum by time, and depth."""
        return self.momentum_by_time / self.depth

    def _bring(self, values: Array) -> Array:
        return self.homes.bring(self.lammps.integers("id"), values)

    def _own(self, values: Array) -> Array:
        return self.homes.ask(self.lammps.integers("id"), values)

    def lead(self, displacement: Array, chosen: NDArray[np.bool_]) -> None:
        """Put the ``chosen`` atoms, (home,), where their displacement, (home, 3), takes them from the lattice."""
        moves = self._own(np.column_stack([self.places + displacement, chosen.astype(float)]))
        own = self.lammps.atoms("x")
        own[:] = np.where(moves[:, 3:] > 0.5, moves[:, :3], own)

    def weigh(self, weights: Array) -> None:
        """Let each atom's energy count by ``weights``, (home,), and forces be its gradient from the next ``feel`` on.

        The free atoms and all that they feel have the weight 1; else ``feel`` raises ``SolverError``: minimisers look
        at the sum of LAMMPS' energies. Raises it at once where the pair style tells no forces of single pairs.
        """
        if not self.weighed:
            _blend.define(self.lammps.address)
            self.lammps.command(f"fix {_WEIGHT} all property/atom d_{_WEIGHT} ghost yes")
            self.lammps.command(f"fix {_BLEND} suture_led suture/blend")
            if not _blend.possible(self.lammps.address, _BLEND):
                raise SolverError(
                    f"participant '{self.name}': the energy of its atoms cannot be blended, as the scheme asks: all "
                    "forces must be those of pairs or of embedded atoms ('eam', 'eam/alloy', 'eam/fs'), by one pair "
                    "style; the scheme 'force-blended' takes any"
                )
        self.weighed = True
        self.weight = weights.copy()
        _blend.set(self.lammps.address, _WEIGHT, self._own(weights))

    def _restore_weights(self, weights: Array, weighed: bool) -> None:
        if weighed:
            self.weigh(weights)
        self.weight = weights.copy()

    def feel(self) -> None:
        """Evaluate forces and energies where the atoms are now."""
        self.lammps.command("run 0 post no")
        self._require_whole_atoms_free()
        self.force = self._bring(self.lammps.atoms("f")) * self._force_factor
        self._energies = self._bring(self.lammps.compute_atoms("suture_pe")) / self.depth

    def _require_whole_atoms_free(self) -> None:
        if self.weighed and self.comm.allreduce(_blend.strays(self.lammps.address, _BLEND)):
            raise SolverError(
                f"participant '{self.name}': free atoms feel some whose energy is blended; the hand-shake must begin "
                f"as far from the group '{self.settings.free}' as the potential reaches: subtract more from its "
                "'distance'"
            )

    def largest_force(self) -> float:
        """On a free atom, of its components, in LAMMPS' unit of force."""
        free = self.force[~self.led] / self._force_factor
        return float(self.comm.allreduce(np.abs(free).max(initial=0.0), op=MPI.MAX))

    def potential(self) -> float:
        """This rank's share of the energy that counts."""
        return float(self.weight @ self._energies)

    def close(self) -> None:
        """Free what LAMMPS holds."""
        self.lammps.close()
