"""The chain as an elastic continuum: energy, stress and stiffness of a uniform lattice (Cauchy and Born).

A lattice of spacing r holds W(r) = φ₁(r) + φ₂(2r) for each spacing. Atoms and elements with this energy agree under
every uniform strain, and for slow waves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from .potentials import Harmonic, LennardJones

Array = NDArray[np.float64]


def energy(potential: LennardJones | Harmonic, spacing: Array) -> Array:
    """Of one spacing of the lattice."""
    return potential.energy(1, spacing) + potential.energy(2, 2.0 * spacing)


def stress(potential: LennardJones | Harmonic, spacing: Array) -> Array:
    """dW/dr, a force; positive in tension."""
    return potential.slope(1, spacing) + 2.0 * potential.slope(2, 2.0 * spacing)


def stiffness(potential: LennardJones | Harmonic, spacing: Array) -> Array:
    """d²W/dr²; slow waves run ``sqrt(stiffness / mass)`` spacings in a unit of time."""
    return potential.curvature(1, spacing) + 4.0 * potential.curvature(2, 2.0 * spacing)


def equilibrium_spacing(potential: LennardJones | Harmonic) -> float:
    """Where the lattice has no stress."""

    def balance(spacing: float) -> float:
        return float(stress(potential, np.array(spacing)))

    return float(brentq(balance, 0.9 * potential.scale, 1.1 * potential.scale, xtol=1e-15, rtol=1e-15))  # type: ignore[arg-type]
