"""What both sides say of the region around the interface plane, window by window, in a small HDF5 file."""

from __future__ import annotations

import atexit
from pathlib import Path

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import AXES, MolecularDynamics, Side
from .particle_region import ParticleRegionSettings
from .profiles import ProfileFile


def cross_section(solver: MolecularDynamics, axis: int) -> float:
    """Of the box."""
    lower, upper = solver.lammps.box
    return float(np.prod(np.delete(upper - lower, axis)))


def bins_around(solver: MolecularDynamics, side: ParticleRegionSettings) -> Array:
    """Edges of bins of a third of a slab, one of them the plane, from the box's other end to the slabs' end."""
    step, axis = side.thickness / 3.0, AXES[side.axis]
    outward, corner = (1, 0) if side.beyond == "above" else (-1, 1)
    inside = int(abs(side.at - solver.lammps.box[corner][axis]) / step)
    return np.sort(side.at + outward * step * np.arange(-inside, 3 * side.slabs + 1))


def profiles_name(beyond: Side) -> str:
    """Of the file of a plane."""
    return "profiles.h5" if beyond == "above" else "profiles-below.h5"


class SeamProfiles:
    """Density, mean velocity and kinetic temperature of each bin at the windows' ends, and the continuum's states.

    Beside the datasets of every profile file there are ``number`` (bins), the atoms in each bin; ``continuum_velocity``
    (slabs, 3), ``continuum_temperature`` and ``continuum_density`` (slabs), as imposed at the window's start; and
    ``piston``, its position (nan without one). Rank 0 writes, and has the last window's in ``latest``.
    """

    def __init__(
        self, solver: MolecularDynamics, axis: int, edges: Array, area: float, path: Path | None, done: int
    ) -> None:
        """Without a ``path`` nothing is written."""
        self._solver = solver
        self._axis = axis
        self.edges = edges
        self._volumes = area * np.diff(edges)
        self.latest: dict[str, Array | float] = {}
        self._file = ProfileFile(path, axis, edges, done) if path and solver.comm.rank == 0 else None
        if self._file:
            # A run that ends early leaves what it has seen.
            atexit.register(self._file.close)

    def sample(self, time: float, continuum: Array, piston: float) -> None:
        """Add the present instant. Collective."""
        sums = self._solver.moments(self._axis, self.edges)
        first = self._solver.comm.rank == 0
        self._solver.comm.Reduce(MPI.IN_PLACE if first else sums, sums)
        if not first:
            return
        velocity, temperature = self._means(sums)
        self.latest = {
            "density": sums[:, 1] / self._volumes,
            "velocity": velocity,
            "temperature": temperature,
            "number": sums[:, 0],
            "continuum_velocity": continuum[:, :3].copy(),
            "continuum_temperature": continuum[:, 3].copy(),
            "continuum_density": continuum[:, 4].copy(),
            "piston": piston,
        }
        if self._file:
            self._file.append(time, **self.latest)

    def _means(self, sums: Array) -> tuple[Array, Array]:
        """Mean velocity and temperature (two thirds of the peculiar kinetic energy per atom); nan where none is."""
        lammps = self._solver.lammps
        with np.errstate(divide="ignore", invalid="ignore"):
            velocity = sums[:, 2:5] / sums[:, 1:2]
            peculiar = lammps.constant("mvv2e") * (sums[:, 5] - sums[:, 1] * (velocity**2).sum(axis=1))
            freedom = np.where(sums[:, 0] > 1.5, 3.0 * (sums[:, 0] - 1.0), np.nan)
            return velocity, peculiar / (freedom * lammps.constant("boltz"))

    def flush(self) -> None:
        """Write what is kept."""
        if self._file:
            self._file.flush()
