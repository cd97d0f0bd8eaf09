"""The mean force of the fluid that would be beyond an open end, from the structure of the fluid that is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md._open import Surroundings

BINS = 500
"""Of the pairs' distances, from 0 to the cut-off."""
POINTS = 101
"""At which the force is given, from the end to the cut-off."""


class BoundaryForce:
    """Mean force on an atom at a distance from a plane by the atoms beyond it, in a fluid that is alike everywhere.

    With S(r) dr the mean, over atoms, of the sum of the forces −φ'(r) between an atom and its neighbours at distances
    from r to r + dr, that is −4πr²ρ g(r) φ'(r) dr, the mean force along the normal is

        F(d) = ∫ S(r) ¼ (1 − d²/r²) dr,  r from d to the cut-off

    (Werder, Walther and Koumoutsakos, J. Comput. Phys. 205, 373, 2005, eq. 8, with the angle integrated). With n atoms
    per volume, n ∫ F dd = (n/6) ∫ S r dr: the virial's part of the pressure. What the atoms' motion adds, nkT, is
    given by mirroring them.
    """

    def __init__(self, comm: MPI.Comm, cutoff: float) -> None:
        self._comm = comm
        self.cutoff = cutoff
        self._distances = cutoff * (np.arange(BINS) + 0.5) / BINS
        self._places = np.linspace(0.0, cutoff, POINTS)
        self._number = 0.0
        self._sums = np.zeros(BINS)
        self._force: Array | None = None
        """F of the sums as they are; None where it is not known yet."""
        self._integral = 0.0
        """Of F over the distance."""

    def sample(self, surroundings: Surroundings, group: int, lower: float, upper: float) -> None:
        """Add what a group's atoms between two heights feel at this instant. Collective."""
        number, sums = surroundings.structure(group, lower, upper, BINS)
        mine = np.append(sums, number)
        self._comm.Allreduce(MPI.IN_PLACE, mine)
        self._sums += mine[:-1]
        self._number += mine[-1]
        self._force = None

    def force(self) -> Array:
        """F at equal distances from 0 to the cut-off, (points,)."""
        if self._force is None:
            inside = np.clip(self._places[:, None] / self._distances, 0.0, 1.0)
            self._force = 0.25 * (1.0 - inside**2) @ self._sums / max(self._number, 1.0)
            self._integral = float(0.5 * (self._force[1:] + self._force[:-1]) @ np.diff(self._places))
        return self._force

    def lacking(self, number_density: float, pressure: float) -> float:
        """What F lacks at the end to a mean force per area of ``pressure`` (energy per volume, without nkT).

        It falls linearly to 0 at the cut-off.
        """
        self.force()
        missing = pressure - number_density * self._integral
        return missing / max(number_density, sys.float_info.min) * 2.0 / self.cutoff

    def virial_pressure(self, number_density: float) -> float:
        """What the structure says of the pressure, without nkT, in energy per volume."""
        return number_density / 6.0 * float(self._sums @ self._distances) / max(self._number, 1.0)

    def save(self) -> dict[str, Any]:
        """The structure so far."""
        return {"sums": self._sums.copy(), "number": self._number, "cutoff": self.cutoff}

    @classmethod
    def restored(cls, comm: MPI.Comm, state: Mapping[str, Any]) -> BoundaryForce:
        """As it was when it was saved."""
        made = cls(comm, float(state["cutoff"]))
        made._sums, made._number = np.array(state["sums"]), float(state["number"])
        return made
