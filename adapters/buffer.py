"""The continuum's state imposed on the atoms beyond the interface plane, and what that took."""

from __future__ import annotations

import math
import sys
from operator import add, mul

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics, Side
from .draws import Draw, Draws

MEMORY = math.exp(-1.0)
"""exp(−Δt/τ) of the thermostat: its relaxation time is one window."""


def rescaling(generator: np.random.Generator, kinetic: float, freedom: float, kT: float) -> float:
    """Factor on the peculiar velocities that makes their kinetic energy canonical at temperature ``kT``.

    ``kinetic`` is the present peculiar kinetic energy of ``freedom`` degrees of freedom, in the unit of ``kT``. Acting
    again and again, it gives the gamma distribution with mean ½·freedom·kT and variance ½·freedom·kT².
    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007), eq. A7.
    """
    one = generator.standard_normal()
    others = 2.0 * generator.standard_gamma(0.5 * (freedom - 1.0))
    ratio = 0.5 * kT / kinetic
    square = (
        MEMORY + ratio * (1.0 - MEMORY) * (one**2 + others) + 2.0 * one * math.sqrt(MEMORY * (1.0 - MEMORY) * ratio)
    )
    return math.sqrt(square)


class Buffer:
    """Slabs of ``thickness`` from the plane ``at`` outward; the last one reaches to the end of the box.

    Who belongs to a slab is decided by the positions at the instant of acting, so no atom of the interior is ever
    touched. Momentum and energy given are kept by name (this rank's share, cumulative).
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        axis: int,
        at: float,
        slabs: int,
        thickness: float,
        beyond: Side = "above",
        fluctuates: bool = False,
        strength: float = 1.0,
    ) -> None:
        """``fluctuates``: the mean velocities that are imposed have the fluctuation of slabs in equilibrium.

        ``strength``: the part of the way that a slab's mean velocity goes; 1 is a constraint, less a relaxation.
        """
        self._solver = solver
        self._axis = axis
        self._outward = 1 if beyond == "above" else -1
        self._draws = Draws(solver, 0 if beyond == "above" else 1)
        self._strength = strength
        self._noise = Draws(solver, 4 if beyond == "above" else 5) if fluctuates else None
        self.edges: Array = at + self._outward * thickness * np.arange(slabs)
        """Ends of the slabs towards the plane."""
        self._bins = np.sort(np.append(self.edges, self._outward * np.inf))
        self.rows: dict[str, dict[str, Array]] = {
            name: {"momentum": np.zeros(3), "energy": np.zeros(1)} for name in ("constraint", "thermostat")
        }

    def impose(self, velocity: Array, temperature: Array, draw: Draw) -> None:
        """Shift each slab's mean velocity to ``velocity``, (slabs, 3), and heat it towards ``temperature``, (slabs,).

        Under a relaxation the shift is the ``strength``'s part of that; with fluctuations, v' = (1 - s) v + s u +
        sqrt(1 - (1 - s)²) σ η, whose variance in the long run is σ² for each s.

        The random numbers are a function of the script's variable ``seed`` and of ``draw`` alone. Collective.
        """
        if self._outward < 0:  # bins ascend along the axis
            velocity, temperature = velocity[::-1], temperature[::-1]
        count, mass, mean, peculiar = self._moments()
        # In plain floats: arrays of a few slabs would take several times as long.
        shift = [
            [self._strength * (wanted - now) for wanted, now in zip(*slab, strict=True)]
            for slab in zip(velocity.tolist(), mean, strict=True)
        ]
        if self._noise:
            kept = 1.0 - self._strength
            noise = math.sqrt(1.0 - kept**2) * self._fluctuation(self._noise, np.array(mass), temperature, draw)
            shift = (np.array(shift) + noise).tolist()
        after = [list(map(add, *slab)) for slab in zip(mean, shift, strict=True)]
        factor = self._factors(count, peculiar, temperature.tolist(), draw)
        added = self._solver.drive(self._axis, self._bins, shift, after, factor)
        for row, gained in zip(("constraint", "thermostat"), added, strict=True):
            self.rows[row]["momentum"] = self.rows[row]["momentum"] + gained[:3]
            self.rows[row]["energy"] = self.rows[row]["energy"] + gained[3:]

    def _fluctuation(self, noise: Draws, mass: Array, temperature: Array, draw: Draw) -> Array:
        """What the mean velocity of slabs differs from the fluid's in equilibrium: variance kT/M, (slabs, 3)."""
        lammps = self._solver.lammps
        kT = lammps.constant("boltz") * temperature / lammps.constant("mvv2e")
        deviation = np.sqrt(kT / np.maximum(mass, sys.float_info.min)) * (mass > 0.0)
        return deviation[:, None] * noise.of(draw).standard_normal((len(mass), 3))

    def _moments(self) -> tuple[list[float], list[float], list[list[float]], list[float]]:
        """Number of atoms, mass, mean velocity and peculiar kinetic energy of each slab, over all ranks."""
        sums = self._solver.moments(self._axis, self._bins)
        self._solver.comm.Allreduce(MPI.IN_PLACE, sums)
        half = 0.5 * self._solver.lammps.constant("mvv2e")
        count, masses, mean, kinetic = [], [], [], []
        for number, mass, *momentum, square in sums.tolist():
            own = [component / max(mass, sys.float_info.min) for component in momentum]
            count.append(number)
            masses.append(mass)
            mean.append(own)
            kinetic.append(half * (square - sum(map(mul, momentum, own))))
        return count, masses, mean, kinetic

    def _factors(self, count: list[float], kinetic: list[float], temperature: list[float], draw: Draw) -> list[float]:
        boltzmann = self._solver.lammps.constant("boltz")
        generator = self._draws.of(draw)
        return [
            rescaling(generator, energy, 3.0 * (number - 1.0), boltzmann * wanted)
            if number > 1.5 and energy > 0.0
            else 1.0
            for number, energy, wanted in zip(count, kinetic, temperature, strict=True)
        ]
