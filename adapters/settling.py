"""Brings the particles to the continuum's initial state before the first window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mpi4py import MPI

if TYPE_CHECKING:
    from .particle_interface import ParticleRegion

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics

BLOCKS = 8
"""Of the windows in which the final density is measured, for its standard error."""


@dataclass(frozen=True)
class Settled:
    """What was reached: density around the plane with its standard error, and the continuum's."""

    density: float
    error: float
    wanted: float

    def __str__(self) -> str:
        return f"density around the plane {self.density:.4f} ± {self.error:.4f}, the continuum's {self.wanted:.4f}"


class Region:
    """The layer in which the density is compared: as far below the plane as the inner slabs reach above it.

    The outermost slab is left out, since the piston orders the atoms next to it; with one slab, it is taken whole.
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, reach: float) -> None:
        self._solver = solver
        self._axis = axis
        lower, upper = solver.lammps.box
        self.lower, self.upper = max(at - reach, lower[axis]), at + reach
        self._volume = np.prod(np.delete(upper - lower, axis)) * (self.upper - self.lower)

    def density(self) -> float:
        """Mass per volume at this instant. Collective."""
        (_, mass, *_), *_ = self._solver.moments(self._axis, np.array([self.lower, self.upper]))
        return self._solver.comm.allreduce(float(mass), op=MPI.SUM) / self._volume

    def lowest(self) -> float:
        """Position of the lowest fluid atom. Collective."""
        position = self._solver.lammps.atoms("x")[self._solver.fluid(), self._axis]
        return self._solver.comm.allreduce(float(position.min(initial=np.inf)), op=MPI.MIN)


def settle(region: ParticleRegion, states: Array, windows: int) -> Settled:
    """Run ``windows`` windows with the continuum's state imposed, and the piston where the density is the continuum's.

    The atoms between wall and piston are a given number, so each window gives an estimate of the right place of the
    piston, z + L (ρ/ρ' − 1), with L the fluid's length. The piston follows the mean of all estimates, with a lag of an
    eighth of the windows, and the slabs move with the compression. In the last half the piston rests, and the
    density is measured.
    """
    piston, layer = region.piston, region.layer
    wanted = float(states[: region.compared, 4].mean())
    steered = piston is not None and wanted > 0.0  # 0: the partner gives no density
    length = (piston.position if piston else layer.upper) - layer.lowest()
    estimates: list[float] = []
    densities: list[float] = []
    for window in range(windows):
        speed = 0.0
        if piston is not None and steered and windows // 8 <= window < windows // 2:
            estimates.append(piston.position + length * (layer.density() / wanted - 1.0))
            speed = (float(np.mean(estimates)) - piston.position) / (max(1, windows // 8) * region.window)
        imposed = states.copy()
        imposed[:, region.axis] += speed * region.fraction_of_length(length)
        region.run_freely(imposed, speed, (0, window))
        if 2 * window >= windows:
            densities.append(layer.density())
    blocks = [block.mean() for block in np.array_split(np.array(densities), BLOCKS) if len(block)]
    error = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else np.nan
    return Settled(float(np.mean(densities)) if densities else layer.density(), error, wanted)
