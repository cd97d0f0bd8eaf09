"""Two ranks of molecular dynamics meet a LAMMPS error while a third rank waits for them; how it ends is the test.

play_errors.py lost|command
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mpi4py import MPI

from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

SCRIPT = Path(__file__).with_name("in.fluid")


def main(fault: str, folder: Path) -> None:
    world = MPI.COMM_WORLD
    (folder / str(os.getpid())).touch()
    particles = world.Split(0 if world.rank < 2 else 1, world.rank)
    if world.rank < 2:
        settings = MolecularDynamicsSettings(script=str(SCRIPT), fluid="all")
        solver = MolecularDynamics(settings, particles, SCRIPT, folder / "output", 0.1, name="wall")
        if fault == "lost":
            solver.lammps.command("unfix ends")
        solver.advance(0.1)
        if fault == "lost":
            solver.lammps.atoms("v")[:50, 2] = 900.0
        elif fault == "command":
            solver.lammps.command("pair_coeff 7 7 1.0 1.0")
        solver.advance(0.1)
    world.Barrier()
    print("came to the end", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
