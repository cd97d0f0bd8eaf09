"""The continuum's state imposed on the atoms beyond the interface plane, and what that took."""

from __future__ import annotations

import math

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics

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

    Who belongs to a slab is decided by the positions at the instant of acting, so no atom below ``edges[0]`` is ever
    touched. Momentum and energy given are kept by name (this rank's share, cumulative).
    """

    def __init__(self, solver: MolecularDynamics, axis: int, at: float, slabs: int, thickness: float) -> None:
        self._solver = solver
        self._axis = axis
        self._generator = np.random.Generator(
            np.random.Philox(key=int(float(solver.settings.variables.get("seed", 1))))
        )
        self._start = self._generator.bit_generator.state
        self.edges: Array = at + thickness * np.arange(slabs)
        """Lower ends of the slabs."""
        self.rows: dict[str, dict[str, Array]] = {
            name: {"momentum": np.zeros(3), "energy": np.zeros(1)} for name in ("constraint", "thermostat")
        }

    def impose(self, velocity: Array, temperature: Array, draw: tuple[int, int]) -> None:
        """Shift each slab's mean velocity to ``velocity``, (slabs, 3), and heat it towards ``temperature``, (slabs,).

        The random numbers are a function of the script's variable ``seed`` and of ``draw`` (the part of the run, and
        the window) alone: the same on every rank, and the same after a restart. Collective.
        """
        edges = np.append(self.edges, np.inf)
        count, mean, peculiar = self._moments(edges)
        factor = self._factors(count, peculiar, temperature, draw)
        added = self._solver.drive(self._axis, edges, velocity - mean, velocity, factor)
        for row, gained in zip(("constraint", "thermostat"), added, strict=True):
            self.rows[row]["momentum"] = self.rows[row]["momentum"] + gained[:3]
            self.rows[row]["energy"] = self.rows[row]["energy"] + gained[3:]

    def _moments(self, edges: Array) -> tuple[Array, Array, Array]:
        """Number of atoms, mean velocity and peculiar kinetic energy of each slab, over all ranks."""
        sums = self._solver.moments(self._axis, edges)
        self._solver.comm.Allreduce(MPI.IN_PLACE, sums)
        mean = sums[:, 2:5] / np.maximum(sums[:, 1:2], np.finfo(float).tiny)
        kinetic = 0.5 * self._solver.lammps.constant("mvv2e") * (sums[:, 5] - (sums[:, 2:5] * mean).sum(axis=1))
        return sums[:, 0], mean, kinetic

    def _factors(self, count: Array, kinetic: Array, temperature: Array, draw: tuple[int, int]) -> Array:
        boltzmann = self._solver.lammps.constant("boltz")
        # A counter of its own for each window: 2^128 numbers lie between two.
        self._start["state"]["counter"][2:] = draw
        self._generator.bit_generator.state = self._start
        factors = np.ones(len(count))
        # In plain floats: arrays of a few slabs would take three times as long.
        for k, (number, energy) in enumerate(zip(count.tolist(), kinetic.tolist(), strict=True)):
            if number > 1.5 and energy > 0.0:
                kT = boltzmann * float(temperature[k])
                factors[k] = rescaling(self._generator, energy, 3.0 * (number - 1.0), kT)
        return factors
