"""A small crystal with a bath, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from suture.solvers.md.bath import Band, Bath
from suture.solvers.md.library import Lammps

HERE = Path(__file__).parent
INF = np.inf
ABOVE = (-INF, -INF, -INF)
BAND = Band(ABOVE, (INF, INF, 3.0), edges=(0.0, 2.0, 4.0, INF), rate=4.0, length=4.0, power=1.0)
"""Three slabs above the plane z = 3; the crystal's own height is some 9.4."""
EVERYWHERE = Band(ABOVE, (INF, INF, -1.0), edges=(0.0, INF), rate=4.0)
TEMPERATURES = (0.4, 0.6, 0.8)


def crystal(comm, folder, band, temperatures=TEMPERATURES, **variables):
    """LAMMPS ready for ``run``, and its bath."""
    lammps = Lammps(comm, folder / "log.lammps", variables)
    lammps.script(HERE / "crystal.lmp")
    bath = Bath(lammps, "bath", "all", band, key=5)
    bath.heat_to(temperatures)
    lammps.command("run 0 post no")
    return lammps, bath


def energy(lammps) -> float:
    """Kinetic and potential, of all ranks; the potential is that of the latest run's end."""
    lammps.command("run 0 post no")
    return sum(lammps._lmp.get_thermo(name) for name in ("pe", "ke"))


def momentum(lammps):
    """Of all ranks, (3,)."""
    return lammps.comm.allreduce(lammps.masses() @ lammps.atoms("v"))
