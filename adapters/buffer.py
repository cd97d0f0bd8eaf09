"""The continuum's state imposed on the atoms beyond the interface plane, and what that took."""

from __future__ import annotations

import math

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics

MEMORY = math.exp(-1.0)
"""exp(−Δt/τ) of the thermostat: its relaxation time is one window."""


def rescaling(generator: np.random.Generator, kinetic: float, freedom: int, kT: float) -> float:
    """Factor on the peculiar velocities that makes their kinetic energy canonical at temperature ``kT``.

    ``kinetic`` is the present peculiar kinetic energy of ``freedom`` degrees of freedom, in the unit of ``kT``. Acting
    again and again, it gives the gamma distribution with mean ½·freedom·kT and variance ½·freedom·kT².
    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007), eq. A7.
    """
    one = generator.standard_normal()
    others = 2.0 * generator.standard_gamma(0.5 * (freedom - 1))
    ratio = 0.5 * kT / kinetic
    square = (
        MEMORY + ratio * (1.0 - MEMORY) * (one**2 + others) + 2.0 * one * math.sqrt(MEMORY * (1.0 - MEMORY) * ratio)
    )
    return math.sqrt(square)


class Buffer:
    """Slabs of ``thickness`` from the plane ``at`` outward; the last one reaches to the end of the box.

    Who belongs to a slab is decided by the positions at the instant of acting, so no atom below ``edges[0]`` is ever
    touched. Momentum and energy given are kept by name (this rank's share, cumulative).
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, slabs: int, thickness: float) -> None:
        self._solver = solver
        self._axis = axis
        self._seed = int(float(solver.settings.variables.get("seed", 1)))
        self.edges: Array = at + thickness * np.arange(slabs)
        """Lower ends of the slabs."""
        self.rows: dict[str, dict[str, Array]] = {
            name: {"momentum": np.zeros(3), "energy": np.zeros(1)} for name in ("constraint", "thermostat")
        }

    def impose(self, velocity: Array, temperature: Array, draw: tuple[int, ...]) -> None:
        """Shift each slab's mean velocity to ``velocity``, (slabs, 3), and heat it towards ``temperature``, (slabs,).

        The random numbers are a function of the script's variable ``seed``, of ``draw`` and of the slab alone: the
        same on every rank, and the same after a restart. Collective.
        """
        lammps = self._solver.lammps
        position = lammps.atoms("x")[:, self._axis]
        chosen = np.flatnonzero(self._solver.fluid() & (position >= self.edges[0]))
        slab = np.searchsorted(self.edges, position[chosen], side="right") - 1
        mass, before = lammps.masses()[chosen], lammps.atoms("v")[chosen]
        count, mean, peculiar = self._moments(slab, mass, before)
        shifted = before + (velocity - mean)[slab]
        self._book("constraint", mass, before, shifted)
        factor = self._factors(count, peculiar, temperature, draw)[slab, None]
        after = velocity[slab] + factor * (shifted - velocity[slab])
        self._book("thermostat", mass, shifted, after)
        lammps.atoms("v")[chosen] = after

    def _moments(self, slab: np.ndarray, mass: Array, velocity: Array) -> tuple[Array, Array, Array]:
        """Number of atoms, mean velocity and peculiar kinetic energy of each slab, over all ranks."""
        weights = (np.ones_like(mass), mass, *(mass * velocity.T), mass * (velocity**2).sum(axis=1))
        slabs = len(self.edges)
        # NumPy's annotations overlook that weights make bincount's result real.
        sums: Array = np.asarray(
            np.column_stack([np.bincount(slab, weight, minlength=slabs) for weight in weights]), dtype=np.float64
        )
        self._solver.comm.Allreduce(MPI.IN_PLACE, sums)
        total = np.maximum(sums[:, 1:2], np.finfo(float).tiny)
        mean = sums[:, 2:5] / total
        kinetic = 0.5 * self._solver.lammps.constant("mvv2e") * (sums[:, 5] - (sums[:, 2:5] * mean).sum(axis=1))
        return sums[:, 0], mean, kinetic

    def _factors(self, count: Array, kinetic: Array, temperature: Array, draw: tuple[int, ...]) -> Array:
        boltzmann = self._solver.lammps.constant("boltz")
        factors = np.ones(len(self.edges))
        for k in range(len(factors)):
            if count[k] > 1 and kinetic[k] > 0:
                generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([self._seed, *draw, k])))
                factors[k] = rescaling(generator, kinetic[k], 3 * (int(count[k]) - 1), boltzmann * temperature[k])
        return factors

    def _book(self, row: str, mass: Array, before: Array, after: Array) -> None:
        change = after - before
        self.rows[row]["momentum"] = self.rows[row]["momentum"] + mass @ change
        half = 0.5 * self._solver.lammps.constant("mvv2e")
        self.rows[row]["energy"] = self.rows[row]["energy"] + half * (mass @ (change * (after + before)).sum(axis=1))
