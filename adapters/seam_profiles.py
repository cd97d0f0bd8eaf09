"""What both sides say of the region around the interface plane, window by window, in a small HDF5 file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import AXES, MolecularDynamics, Side
from .particle_region import ParticleRegionSettings
from .profiles import ProfileFile

_Sample = tuple[float, Array, Array, float]
"""Time, moments of the bins, the continuum's states, the piston's place."""


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
    ``piston``, its position (nan without one). Rank 0 writes.
    """

    def __init__(
        self, solver: MolecularDynamics, axis: int, edges: Array, area: float, path: Path | None, done: int
    ) -> None:
        """Without a ``path`` nothing is written."""
        self._solver = solver
        self._axis = axis
        self.edges = edges
        self._volumes = area * np.diff(edges)
        # Asked now: what is kept may be written after LAMMPS has gone.
        self._square_to_temperature = solver.lammps.constant("mvv2e") / solver.lammps.constant("boltz")
        self._file = ProfileFile(path, axis, edges, done) if path and solver.comm.rank == 0 else None
        self._last: _Sample | None = None
        self._kept: list[_Sample] = []
        """What is not written yet: profiles are made of many windows at once, which costs a tenth."""
        if self._file:
            self._file.extend_when_written(self._take_kept)

    def sample(self, time: float, continuum: Array, piston: float) -> None:
        """Add the present instant. Collective."""
        sums = self._solver.moments(self._axis, self.edges)
        first = self._solver.comm.rank == 0
        self._solver.comm.Reduce(MPI.IN_PLACE if first else sums, sums)
        if not first:
            return
        self._last = (time, sums, continuum.copy(), piston)
        if self._file:
            self._kept.append(self._last)
            self._file.write_soon()

    @property
    def latest(self) -> dict[str, Array]:
        """The last instant's, on rank 0; nothing before."""
        return {name: rows[0] for name, rows in self._profiles([self._last]).items()} if self._last else {}

    def _profiles(self, samples: Sequence[_Sample]) -> dict[str, Array]:
        """By name, the first axis that of the windows."""
        sums, continuum = (np.array([sample[k] for sample in samples]) for k in (1, 2))
        velocity, temperature = self._means(sums)
        return {
            "density": sums[:, :, 1] / self._volumes,
            "velocity": velocity,
            "temperature": temperature,
            "number": sums[:, :, 0],
            "continuum_velocity": continuum[:, :, :3],
            "continuum_temperature": continuum[:, :, 3],
            "continuum_density": continuum[:, :, 4],
            "piston": np.array([sample[3] for sample in samples]),
        }

    def _means(self, sums: Array) -> tuple[Array, Array]:
        """Mean velocity and temperature (two thirds of the peculiar kinetic energy per atom); nan where none is."""
        number, mass = sums[..., 0], sums[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            velocity = sums[..., 2:5] / mass[..., None]
            peculiar = self._square_to_temperature * (sums[..., 5] - mass * (velocity**2).sum(axis=-1))
            freedom = np.where(number > 1.5, 3.0 * (number - 1.0), np.nan)
            return velocity, peculiar / freedom

    def _take_kept(self) -> dict[str, Array]:
        """What is not written yet, by dataset."""
        kept, self._kept = self._kept, []
        return {"time": np.array([sample[0] for sample in kept]), **self._profiles(kept)} if kept else {}
