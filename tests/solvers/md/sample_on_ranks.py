"""Run under mpirun by test_fluid_properties: every rank gets all samples."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.solvers.md.equilibrium import EquilibriumFluid

comm = MPI.COMM_WORLD
folder = Path(comm.bcast(tempfile.mkdtemp() if comm.rank == 0 else None))
with EquilibriumFluid(comm, Path(sys.argv[1]), 0.8442, 256, 0.005, 1, folder / "log") as fluid:
    fluid.melt(1.107, 2.0)
    samples = fluid.sample(4.0, 0.04, heat_flux=True)
    total = fluid.mass
assert samples.stress.shape == (100, 5) and samples.heat_flux.shape == (100, 3)
assert total == 256.0
pressures = comm.gather(samples.pressure)
if comm.rank == 0:
    assert all(np.array_equal(one, pressures[0]) for one in pressures)
    print("same on all ranks")
