"""A buffer whose atoms get new velocities from the continuum's Maxwellian, and what that took."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..couplers.cells import Array
from ..solvers.md import _open
from ..solvers.md.dynamics import MolecularDynamics, Side
from .draws import Draw, Draws


def normal_numbers(key: int, ids: NDArray[np.int64]) -> Array:
    """Three independent standard normal numbers for each id, (n, 3), whichever rank asks.

    Box and Muller, Ann. Math. Stat. 29, 610 (1958), of numbers that are a function of ``key`` and id.
    """
    lots = np.column_stack([_open.lots(key ^ place, ids) for place in range(4)])
    # 1 - u is never 0.
    radius: Array = np.sqrt(-2.0 * np.log1p(-lots[:, :2]))
    angle = 2.0 * math.pi * lots[:, 2:]
    return np.column_stack([radius * np.cos(angle), radius[:, 0] * np.sin(angle[:, 0])])


class Reservoir:
    """Slabs of ``thickness`` from the plane ``at`` outward; the last one reaches to the end of the box.

    Once a window each atom beyond the plane forgets its velocity. Momentum and energy given are kept by name (this
    rank's share, cumulative).
    """

    def __init__(
        self, solver: MolecularDynamics, axis: int, at: float, slabs: int, thickness: float, beyond: Side = "above"
    ) -> None:
        self._solver = solver
        self._axis = axis
        self._at, self._thickness = at, thickness
        self._outward = 1 if beyond == "above" else -1
        self._draws = Draws(solver, 0 if beyond == "above" else 1)
        self.edges: Array = at + self._outward * thickness * np.arange(slabs)
        """Ends of the slabs towards the plane."""
        self.rows: dict[str, dict[str, Array]] = {"reservoir": {"momentum": np.zeros(3), "energy": np.zeros(1)}}

    def impose(self, velocity: Array, temperature: Array, draw: Draw) -> None:
        """Draw velocities of mean ``velocity``, (slabs, 3), at ``temperature``, (slabs,).

        The random numbers are a function of the script's variable ``seed``, of ``draw`` and the atom's id.
        """
        lammps = self._solver.lammps
        distance = self._outward * (lammps.atoms("x")[:, self._axis] - self._at)
        here = self._solver.fluid() & (distance >= 0.0)
        slab = np.minimum((distance[here] / self._thickness).astype(int), len(self.edges) - 1)
        mass = lammps.masses()[here]
        width = np.sqrt(lammps.constant("boltz") * temperature[slab] / (lammps.constant("mvv2e") * mass))
        key = int(self._draws.of(draw).integers(2**62))
        drawn = normal_numbers(key, lammps.integers("id")[here].astype(np.int64))
        gained = self._solver.redraw(here, velocity[slab] + width[:, None] * drawn)
        row = self.rows["reservoir"]
        row["momentum"] = row["momentum"] + gained[:3]
        row["energy"] = row["energy"] + gained[3:]
