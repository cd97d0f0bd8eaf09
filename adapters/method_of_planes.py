"""The audit of a particle region: mass, momentum and energy through the plane, measured by the atoms that carry them.

Independent of inventories and walls. See Todd, Evans and Daivis, Phys. Rev. E 52, 1627 (1995) for the method of
planes; here its amounts are those of velocity Verlet, step by step.
"""

from __future__ import annotations

import numpy as np

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics, Side
from . import _planes

PAIRS = "suture_pairs"


class MethodOfPlanes:
    """Amounts that leave the interior through the plane ``x[axis] = at``, summed over the steps of a window.

    LAMMPS lists the pairs near the plane; ``_crossing.hpp`` says what atoms and pairs carry. Collective.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, beyond: Side = "above") -> None:
        """``beyond``: on which side of the plane the interior ends."""
        self._outward = 1.0 if beyond == "above" else -1.0
        self._steps = solver.steps
        lammps, fluid = solver.lammps, solver.settings.fluid
        self._fix = (lammps.address, f"suture_plane_{beyond}")
        pairs = f"{PAIRS}_{beyond}"
        lammps.command(f"compute {pairs} {fluid} pair/local eng")
        _planes.define(lammps.address)
        lammps.command(f"fix {self._fix[1]} {fluid} suture/plane {axis} {at!r} {pairs}")

    def start(self) -> None:
        """Forget all: a window's audit begins."""
        _planes.start(*self._fix, self._steps)

    def renew(self) -> None:
        """After a step, where velocities were changed since: the next one begins with those of now."""
        _planes.renew(*self._fix)

    def left(self) -> dict[str, Array]:
        """Mass, momentum and energy that left the interior since ``start`` (this rank's share)."""
        # What comes below a plane enters an interior that ends there above.
        out = -self._outward * np.array(_planes.entered(*self._fix))
        return {"mass": out[:1], "momentum": out[1:4], "energy": out[4:]}
