"""Brings the particles to the continuum's initial state before the first window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mpi4py import MPI

if TYPE_CHECKING:
    from .interior import Interior
    from .particle_interface import ParticleRegion

from ..solvers.md.dynamics import MolecularDynamics

BLOCKS = 8
"""Of the windows in which the final density is measured, for its standard error."""


@dataclass(frozen=True)
class Settled:
    """What was reached: density around the plane with its standard error, and the continuum's, 0 if it gives none."""

    density: float
    error: float
    wanted: float

    def __str__(self) -> str:
        wanted = f", the continuum's {self.wanted:.4f}" if self.wanted else ""
        return f"density around the plane {self.density:.4f} ± {self.error:.4f}{wanted}"


class Region:
    """The layer in which the density is compared: as far into the interior as the inner slabs reach into the buffer.

    The outermost slab is left out, since the piston orders the atoms next to it; with one slab, it is taken whole.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, reach: float) -> None:
        self._solver = solver
        self._axis = axis
        lower, upper = solver.lammps.box
        self.lower, self.upper = max(at - reach, lower[axis]), min(at + reach, upper[axis])
        self._volume = np.prod(np.delete(upper - lower, axis)) * (self.upper - self.lower)

    def density(self) -> float:
        """Mass per volume at this instant. Collective."""
        (_, mass, *_), *_ = self._solver.moments(self._axis, np.array([self.lower, self.upper]))
        return self._solver.comm.allreduce(float(mass), op=MPI.SUM) / self._volume

    def lowest(self) -> float:
        """Position of the lowest fluid atom. Collective."""
        position = self._solver.lammps.atoms("x")[self._solver.fluid(), self._axis]
        return self._solver.comm.allreduce(float(position.min(initial=np.inf)), op=MPI.MIN)


def settle(interior: Interior, windows: int) -> list[Settled]:
    """Run ``windows`` windows with the continua's states imposed, and a piston where the density is the continuum's.

    The atoms between wall and piston are a given number, so each window gives an estimate of the right place of the
    piston, z + L (ρ/ρ' − 1), with L the fluid's length. The piston follows the mean of all estimates, with a lag of an
    eighth of the windows, and the slabs move with the compression. In the last half the piston rests, and the
    density at each plane is measured. An open end needs no steering.
    """
    regions = interior.regions
    steering = _Steering(regions[0], windows)
    densities: list[list[float]] = [[] for _ in regions]
    for window in range(windows):
        if window == windows // 2:
            interior.learn_anew()
        speed = steering.speed(window)
        imposed = [region.states.copy() for region in regions]
        if speed:
            imposed[0][:, regions[0].axis] += speed * regions[0].fraction_of_length(steering.length)
        interior.run_freely(imposed, speed, (0, window))
        if 2 * window >= windows:
            for region, seen in zip(regions, densities, strict=True):
                seen.append(region.layer.density())
    return [_settled(region, seen) for region, seen in zip(regions, densities, strict=True)]


def _wanted(region: ParticleRegion) -> float:
    """The continuum's density around the plane; 0 if it gives none."""
    return float(region.states[: region.compared, 4].mean())


def _settled(region: ParticleRegion, densities: list[float]) -> Settled:
    blocks = [block.mean() for block in np.array_split(np.array(densities), BLOCKS) if len(block)]
    error = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else np.nan
    return Settled(float(np.mean(densities)) if densities else region.layer.density(), error, _wanted(region))


class _Steering:
    """Of a piston, window by window."""

    def __init__(self, region: ParticleRegion, windows: int) -> None:
        self._region = region
        self._windows = windows
        self._wanted = _wanted(region)
        end = region.piston.position if region.piston else region.layer.upper
        self.length = end - region.layer.lowest()
        self._estimates: list[float] = []

    def speed(self, window: int) -> float:
        """The piston's in this window; 0 without one. Collective."""
        piston, windows = self._region.piston, self._windows
        if piston is None or not self._wanted or not windows // 8 <= window < windows // 2:
            return 0.0
        there = piston.position + self.length * (self._region.layer.density() / self._wanted - 1.0)
        self._estimates.append(there)
        mean = float(np.mean(self._estimates))
        return (mean - piston.position) / (max(1, windows // 8) * self._region.window)
