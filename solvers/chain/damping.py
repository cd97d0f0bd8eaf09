"""The stadium: a band whose damping grows with the way into it, so that waves enter it and do not come back.

A wave is reflected by the growth itself: longer bands and gentler growth reflect less, and waves longer than the band
are hardly damped at all (Qu, Shastry, Curtin & Miller 2005).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .settings import Stadium

Array = NDArray[np.float64]


def damping_rates(stadiums: Iterable[Stadium], places: Array) -> Array:
    """Rate γ of dv/dt = -γ v at ``places`` (in sites), the shape of ``places``: rate · (way / length)^power."""
    rates = np.zeros(np.shape(places))
    for band in stadiums:
        part = (places - band.begin) / (band.end - band.begin)
        inside = (part > 0.0) & (part <= 1.0)
        rates = rates + np.where(inside, band.rate * np.where(inside, part, 1.0) ** band.power, 0.0)
    return rates
