"""What each wall gave to the fluid: impulse and work of its atoms, with velocity Verlet's weights."""

from __future__ import annotations

import numpy as np

from ..errors import SolverError
from . import _inside
from .library import Array, Lammps
from .settings import WallSettings


class WallBook:
    """Impulse and work of one wall on the fluid, summed since ``open``.

    Velocity Verlet kicks with half a step at both ends of every step, so over a window of N steps

        impulse = −dt (½ F(0) + F(1) + … + F(N−1) + ½ F(N)),    work = −∫ Σ F·v dt by the same (trapezoidal) rule,

    where F is the pair force of the fluid *on* the wall's atoms and v their velocity: exact for the impulse, second
    order for the work. A fix of ours within LAMMPS sums F and F·v over the window's steps, each rank over its own
    atoms, so no step communicates; and it keeps their values at the two ends.
    """

    def __init__(self, lammps: Lammps, number: int, settings: WallSettings) -> None:
        """``number`` tells the walls apart. Raises ``SolverError`` if the script does not define the force."""
        force = settings.force or ""
        if force and not lammps.defines("fix", force):
            raise SolverError(f"a wall's forces are to be those of 'fix {force}', which the script does not define")
        self._lammps = lammps
        self._fix = f"suture_wall_{number}"
        self._begin = [0.0] * 4
        self.impulse: Array = np.zeros(3)
        """Momentum given to the fluid (this rank's share)."""
        self.work = 0.0
        """Energy given to the fluid (this rank's share)."""
        _inside.define(lammps.address)
        lammps.command(f"fix {self._fix} {settings.group} suture/wall {force}")

    def open(self) -> None:
        """Note force and power at the start of the first window."""
        _, self._begin = _inside.take(self._lammps.address, self._fix)

    def close_window(self) -> None:
        """Book the window that has just been run."""
        lammps = self._lammps
        total, end = _inside.take(lammps.address, self._fix)
        dt, kick = lammps.constant("dt"), lammps.constant("dt") * lammps.constant("ftm2v")
        # In plain floats: arrays of a few numbers would take several times as long, here as in all books of a window.
        *force, power = map(self._weighted, self._begin, total, end)
        self.impulse = self.impulse - [kick * component for component in force]
        self.work -= dt * power
        self._begin = end

    def row(self) -> dict[str, Array]:
        """Both, for a book."""
        return {"momentum": self.impulse.copy(), "energy": np.array([self.work])}

    def _weighted(self, begin: float, total: float, end: float) -> float:
        """Verlet's weights on ``total``, which holds the steps 1 … N in full."""
        return total + 0.5 * begin - 0.5 * end
