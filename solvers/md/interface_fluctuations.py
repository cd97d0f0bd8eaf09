"""An interface's thermal conductance at equilibrium, from the fluctuations of the energies on both sides.

The power Q across the interface obeys G = 1/(A k T²) ∫₀^∞ ⟨Q(0) Q(t)⟩ dt (Puech, Bonfait & Castaing, J. Low Temp.
Phys. 62, 315, 1986; Barrat & Chiaruttini, Mol. Phys. 101, 1605, 2003). Here Q is the rate of the energy difference of
both sides, Q = -d/dt (E₁ - E₂)/2, which is exact for any potential as the total is conserved, while a sum over pairs is
not defined for one of many bodies. The integral is then exact as well, whatever the spacing of the samples: it is the
slope of the mean square of what crossed (Einstein's form). Energies are means over that spacing: the vibration of the
bonds across the interface, which sways between the sides and carries nothing, would be most of the noise.

Two finite sides come to equilibrium with one another, and the integral to t falls as G exp(-t/τ). What has been
exchanged so far is therefore counted: G = I(t) / (1 - A/C ∫₀^t I), exact for one time of relaxation, with the heat
capacity 1/C = 1/C₁ + 1/C₂, and 3 N k of each side as of classical springs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .green_kubo import CURVE_POINTS, TimeIntegral, autocorrelation, running_integral

Array = NDArray[np.float64]

BLOCKS = 16
"""Blocks whose scatter gives the errors."""
LEFT = 0.5
"""No lag is used at which less than this part of the difference is left: there the correction is as large as what it
corrects."""
FIRST = 2
"""Lag, in samples, from which on means over a sample's time have the integral of what they are means of."""


def interface_conductance(
    energies: Array, spacing: float, area: float, boltzmann: float, temperature: float, atoms: int
) -> TimeIntegral:
    """G from the energies of both sides in time, (samples, 2), without baths; of ``atoms`` in all, half on each side.

    Energies are means over ``spacing``; ``area`` is that of all interfaces between the sides. Raises ``SolverError`` if
    the sides come to equilibrium within a few samples.
    """
    difference = 0.5 * (energies[:, 0] - energies[:, 1])
    power = np.diff(difference) / spacing / np.sqrt(area * boltzmann * temperature**2)
    samples = len(power) // BLOCKS
    blocks = power[: samples * BLOCKS].reshape(BLOCKS, samples, 1)
    lags = samples // 2
    integrals = running_integral(np.array([autocorrelation(block, lags) for block in blocks]), spacing)
    capacity = 3.0 * boltzmann * atoms / 4.0
    left = 1.0 - area / capacity * running_integral(integrals.mean(axis=0), spacing)
    gone = np.flatnonzero(left < LEFT)
    usable = int(gone[0]) if len(gone) else lags
    if usable < 4 * FIRST:
        raise SolverError("the sides come to equilibrium within a few samples; take longer sides or closer samples")
    return _cut(integrals[:, :usable] / left[:usable], spacing)


def _cut(integrals: Array, spacing: float) -> TimeIntegral:
    """The value at the lag of least error: that of its noise, and the most it changes while the lag is doubled.

    Too early the interface's memory is left out; late, heat that comes back from the far ends of the sides is counted.
    """
    lags = integrals.shape[1]
    mean, error = integrals.mean(axis=0), integrals.std(axis=0, ddof=1) / np.sqrt(len(integrals))
    tried = np.arange(FIRST, (lags - 1) // 2 + 1)
    change = np.array([np.abs(mean[lag : 2 * lag + 1] - mean[lag]).max() for lag in tried])
    best = int(np.hypot(error[tried], change).argmin())
    cut = int(tried[best])
    shown = np.unique(np.geomspace(1, lags - 1, CURVE_POINTS).round().astype(int))
    return TimeIntegral(
        value=float(mean[cut]),
        cut=cut * spacing,
        statistical=float(error[cut]),
        truncation=float(change[best]),
        curve=tuple((float(k * spacing), float(mean[k]), float(error[k])) for k in shown),
    )
