"""Baths inside LAMMPS: atoms at some distance from a box feel friction and noise, and what that gives them is counted.

At temperature 0 a bath is a damping stadium (Qu, Shastry, Curtin & Miller, Modelling Simul. Mater. Sci. Eng. 13, 1101,
2005), whose rate grows with the way into it so that waves enter and do not come back; above 0 it is a Langevin
thermostat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _bath
from .library import Lammps

Array = NDArray[np.float64]
Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Band:
    """Slabs by their distance from the box from ``lower`` to ``upper``, which may be infinite along any axis.

    A box that ends at one plane alone makes plane slabs; one that is infinite along an axis only, rings about that
    axis.
    """

    lower: Corner
    upper: Corner
    edges: tuple[float, ...]
    """Distances at which slabs begin and end, ascending from 0; the last may be infinite."""
    rate: float
    """Friction, per time: dv/dt = -rate · v."""
    length: float = math.inf
    """Distance at which the rate is reached; needed with a power."""
    power: float = 0.0
    """Nearer, the rate is that times (distance / length)^power; with 0 it is the same everywhere."""


class Bath:
    """One band of a group's atoms. An atom is where it is at the moment; the box's own atoms are left alone.

    A step is half of an Ornstein-Uhlenbeck process, velocity Verlet, and half of it again, of second order; the process
    itself is exact, so what velocities gain by it is known to round-off. Random numbers are a function of ``key``, the
    time step and the atom's id: the same on any number of ranks, and after a restart. Collective.
    """

    def __init__(self, lammps: Lammps, name: str, group: str, band: Band, key: int) -> None:
        """``name``: of LAMMPS' fix; ``group``: atoms that LAMMPS moves. Before the first run without ``pre``."""
        self._lammps = lammps
        self._name = name
        _bath.define(lammps.address)
        lammps.command(f"fix {name} {group} suture/bath")
        self._of = (lammps.address, name)
        shape = band.lower, band.upper, band.edges, band.rate, band.length, band.power
        _bath.set(*self._of, *shape, key)

    def heat_to(self, temperatures: Sequence[float] | Array) -> None:
        """Set the slabs' temperatures, (slabs,); they are 0 at first."""
        _bath.heat(*self._of, [float(one) for one in temperatures])

    def begin(self, steps: int, waits: bool = False) -> None:
        """Act before the next step, and through the ``steps`` that come; then the bath rests.

        With ``waits`` it acts after a step when ``between_steps`` says so, for who must see the step's own end; what
        comes of it is the same.
        """
        self._lammps.forget()
        _bath.begin(*self._of, self._lammps.step + steps, waits)

    def between_steps(self) -> None:
        """Act as is due after the latest step; before the first one nothing is."""
        self._lammps.forget()
        _bath.between_steps(*self._of)

    def take(self) -> Array:
        """What it gave since the last call: three components of momentum, and energy, (slabs, 4), this rank's share.

        Mass × velocity, and LAMMPS' unit of energy; negative where it took.
        """
        return _bath.take(*self._of) * np.array([1.0, 1.0, 1.0, 0.5 * self._lammps.constant("mvv2e")])
