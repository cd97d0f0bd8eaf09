"""Silicon and germanium in closed form: sine dispersions, and lifetimes by Umklapp and impurity scattering.

A branch has omega = omega_max sin(pi k / 2 k_0), isotropic, up to k_0 = (6 pi^2 n)^(1/3) with n the primitive cells per
volume, and omega_max = 2 k_0 v / pi with the sound speed along [100]: one longitudinal branch and two transverse ones.

    1 / tau = A omega^2 T exp(-B / T) + D omega^4

with D of the natural isotopes (Holland, Phys. Rev. 132 (1963) 2461) and B a quarter of the Debye temperature, as is
usual (152 K for silicon). A is fitted here, to the conductivities measured at 300 K, 148 and 60 W/(m K). The three
optical branches hold nearly a half of the heat and carry next to none: they are one band of one frequency (Einstein),
in a bin of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .lattice_dynamics import einstein
from .spectrum import Bands

Array = NDArray[np.float64]

_OPTICAL = 100.0, 1e-11
"""Speed and lifetime of optical phonons: their part of the conductivity is less than a thousandth."""
_POINTS = 400
"""Points of a branch in a bin."""
_TRACE = 1e-12
"""Heat capacity of a band that a crystal lacks, over the mean: materials that share bins have as many bands."""


@dataclass(frozen=True)
class Crystal:
    """What the closed forms need. SI units."""

    cells: float
    """Primitive cells per volume."""
    longitudinal: float
    """Sound speed along [100]."""
    transverse: float
    umklapp: float
    """A, s/K."""
    barrier: float
    """B, K."""
    impurity: float
    """D of the natural isotopes, s³."""
    optical: float
    """Angular frequency of the optical branches."""

    def branches(self) -> tuple[tuple[float, int], ...]:
        """Sound speed and number of each."""
        return (self.longitudinal, 1), (self.transverse, 2)

    @property
    def edge(self) -> float:
        """k_0."""
        return float((6.0 * np.pi**2 * self.cells) ** (1.0 / 3.0))

    def highest(self, speed: float) -> float:
        """Highest frequency of a branch."""
        return 2.0 * self.edge * speed / np.pi


SILICON = Crystal(2.5e28, 8430.0, 5840.0, umklapp=1.5727e-19, barrier=152.0, impurity=1.32e-45, optical=8.8e13)
GERMANIUM = Crystal(2.21e28, 4920.0, 3540.0, umklapp=2.95321e-19, barrier=88.0, impurity=2.40e-44, optical=5.3e13)
HIGHEST = SILICON.highest(SILICON.longitudinal)
"""Upper end of the frequency bins, of both crystals: what meets at an interface must share them."""


def crystal_bands(crystal: Crystal, temperature: float, bins: int, impurity: float | None = None) -> Bands:
    """Two bands a bin, longitudinal and transverse, which keep its heat capacity, emission and conductivity; optical.

    The optical one is the last, in bin number ``bins``.
    """
    edges = np.linspace(0.0, HIGHEST, bins + 1)
    rows = [
        _band(crystal, speed, number, low, high, temperature, crystal.impurity if impurity is None else impurity)
        for low, high in pairwise(edges)
        for speed, number in crystal.branches()
    ]
    rows.append((3.0 * crystal.cells * float(einstein(np.array(crystal.optical), temperature)), *_OPTICAL))
    capacity, velocity, lifetime = np.array(rows).T
    capacity = np.maximum(capacity, _TRACE * capacity.mean())
    middle = np.append(np.repeat(0.5 * (edges[1:] + edges[:-1]), 2), crystal.optical)
    return Bands(capacity, velocity, lifetime, np.append(np.repeat(np.arange(bins), 2), bins), middle)


def _band(
    crystal: Crystal, speed: float, number: int, low: float, high: float, temperature: float, impurity: float
) -> tuple[float, float, float]:
    """Heat capacity, speed and lifetime of a branch between two frequencies."""
    top = crystal.highest(speed)
    if low >= top:
        return 0.0, speed, 1e-12
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    ends = [2.0 * crystal.edge / np.pi * np.arcsin(min(end / top, 1.0)) for end in (low, high)]
    k = 0.5 * (ends[1] - ends[0]) * nodes + 0.5 * (ends[1] + ends[0])
    omega = top * np.sin(0.5 * np.pi * k / crystal.edge)
    v = speed * np.cos(0.5 * np.pi * k / crystal.edge)
    density = number * k**2 / (2.0 * np.pi**2) * 0.5 * (ends[1] - ends[0]) * weights
    c = density * einstein(omega, temperature)
    rate = crystal.umklapp * omega**2 * temperature * np.exp(-crystal.barrier / temperature) + impurity * omega**4
    capacity, emission = float(c.sum()), float((c * v).sum())
    velocity = emission / capacity
    return capacity, velocity, float((c * v**2 / rate).sum()) / (capacity * velocity**2)
