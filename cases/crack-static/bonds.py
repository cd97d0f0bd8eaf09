"""The bonds across the crack, and how long they are."""

from __future__ import annotations

import numpy as np
from field import TIP

OPEN = 3.4
"""Length from which a bond counts as broken, Å: whole ones do not come to 3, and broken ones are beyond 6."""


def bonds(places):
    """The bonds across the crack, (m, 2) numbers of the atoms below and above, in the order of x."""
    low = np.flatnonzero(np.abs(places[:, 1]) < 0.1)
    high = np.flatnonzero(np.abs(places[:, 1] - 2.0 * TIP[1]) < 0.1)
    apart = places[low][:, None, [0, 2]] - places[high][None, :, [0, 2]]
    pairs = np.argwhere(np.linalg.norm(apart, axis=2) < 0.1)
    found = np.column_stack([low[pairs[:, 0]], high[pairs[:, 1]]])
    return found[np.argsort(places[found[:, 0], 0])]


def lengths(pairs, places):
    """Of bonds in the plane, (m,): across it they are not inclined."""
    return np.linalg.norm(places[pairs[:, 0], :2] - places[pairs[:, 1], :2], axis=1)
