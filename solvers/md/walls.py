"""What each wall gave to the fluid: impulse and work of its atoms, with velocity Verlet's weights."""

from __future__ import annotations

import numpy as np

from .library import Array, Lammps
from .settings import WallSettings


class WallBook:
    """Impulse and work of one wall on the fluid, summed since ``open``.

    Velocity Verlet kicks with half a step at both ends of every step, so over a window of N steps

        impulse = −dt (½ F(0) + F(1) + … + F(N−1) + ½ F(N)),    work = −∫ Σ F·v dt by the same (trapezoidal) rule,

    where F is the pair force of the fluid *on* the wall's atoms and v their velocity: exact for the impulse, second
    order for the work. LAMMPS sums F and F·v over the window's steps by itself, for each atom on its own rank
    (``fix ave/atom``), so no step communicates; the two ends are read here.
    """

    def __init__(self, lammps: Lammps, number: int, settings: WallSettings, steps: int) -> None:
        self._lammps = lammps
        self._steps = steps
        self._force = settings.force
        self._sum = f"suture_wall_{number}"
        self._bit = lammps.group_bit(settings.group)
        self._begin = np.zeros(4)
        self.impulse: Array = np.zeros(3)
        """Momentum given to the fluid (this rank's share)."""
        self.work = 0.0
        """Energy given to the fluid (this rank's share)."""
        force = [f"f_{self._force}[{k}]" for k in (1, 2, 3)] if self._force else ["fx", "fy", "fz"]
        averaged = force if self._force else [f"v_suture_{c}_{number}" for c in force]
        if not self._force:
            for component, variable in zip(force, averaged, strict=True):
                lammps.command(f"variable {variable[2:]} atom {component}")
        power = "+".join(f"{f}*{v}" for f, v in zip(force, ("vx", "vy", "vz"), strict=True))
        lammps.command(f"variable suture_power_{number} atom {power}")
        values = f"{' '.join(averaged)} v_suture_power_{number}"
        lammps.command(f"fix {self._sum} {settings.group} ave/atom 1 {steps} {steps} {values}")

    def open(self) -> None:
        """Note force and power at the start of the first window."""
        self._begin = self._now()

    def close_window(self) -> None:
        """Book the window that has just been run."""
        lammps = self._lammps
        of_wall = (lammps.integers("mask") & self._bit) != 0
        total = self._steps * lammps.fix_atom(self._sum, 4)[of_wall].sum(axis=0)
        end = self._now()
        integral = lammps.constant("dt") * self._weighted(self._begin, total, end)
        self.impulse = self.impulse - lammps.constant("ftm2v") * integral[:3]
        self.work -= float(integral[3])
        self._begin = end

    def _weighted(self, begin: Array, total: Array, end: Array) -> Array:
        """Verlet's weights on ``total``, which holds the steps 1 … N in full."""
        return total + 0.5 * begin - 0.5 * end

    def _now(self) -> Array:
        """Force on the wall's atoms and its power at this instant: (Fx, Fy, Fz, Σ F·v), this rank's share."""
        lammps = self._lammps
        of_wall = (lammps.integers("mask") & self._bit) != 0
        force = (lammps.fix_atom(self._force, 3) if self._force else lammps.atoms("f"))[of_wall]
        return np.append(force.sum(axis=0), np.sum(force * lammps.atoms("v")[of_wall]))
