"""Functions that go from 0 to 1 across a hand-shake region, and their slopes.

With t = distance from the atoms' core / width of the region. How smooth a function is at t = 0 and 1 decides how fast
the spurious forces of an energy-blended scheme fall with the width K: a kink in the value gives K^-1 (linear), a jump
of the second derivative K^-2 (cubic, cosine), and none before the third K^-3 (quintic).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

Array = NDArray[np.float64]
Blending = Literal["linear", "cubic", "quintic", "cosine"]

_POLYNOMIALS = {
    "linear": Polynomial([0, 1]),
    "cubic": Polynomial([0, 0, 3, -2]),
    "quintic": Polynomial([0, 0, 0, 10, -15, 6]),
}


def blend(kind: Blending, t: Array) -> Array:
    """The continuum's share at ``t``, any shape: 0 for t <= 0, 1 for t >= 1.

    linear t, cubic 3t² - 2t³, quintic 10t³ - 15t⁴ + 6t⁵, cosine 1 - cos²(πt/2).
    """
    inside = np.clip(t, 0.0, 1.0)
    return np.asarray(np.sin(0.5 * np.pi * inside) ** 2 if kind == "cosine" else _POLYNOMIALS[kind](inside), float)


def blend_slope(kind: Blending, t: Array) -> Array:
    """The derivative of ``blend`` by ``t``: its gradient is this times that of t. 0 outside of 0 < t < 1."""
    slope = 0.5 * np.pi * np.sin(np.pi * t) if kind == "cosine" else _POLYNOMIALS[kind].deriv()(t)
    return np.where((t > 0.0) & (t < 1.0), slope, 0.0)
