"""How few diffusion equations undo most of what scattering does: the preconditioner of the transport equation.

Scattering returns to a harmonic lattice temperature of wave number k, s = k^2, all but

    f(s) = sum_g w_g (1 - r_g / (1 + D_g s)),      D_g = (mean free path)^2 / 3

of it, in the P1 approximation, where w_g is group g's share of the scattering and r_g the part of its phonons that
scatter before the implicit time step takes them. Its inverse has the exact partial fractions

    1 / f(s) = 1 + sum_j alpha_j / (s + beta_j),     alpha_j, beta_j >= 0 ,

so that the inverse of "lattice temperature less what scattering returns" is the identity and one diffusion equation a
group. Of gray phonons it is diffusion synthetic acceleration (Larsen and Morel 2010); one equation alone, for the sum
of all bands, degrades where mean free paths span decades, as in alloys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]

GROUPS = 5
"""Most groups that bands are gathered in."""


@dataclass(frozen=True)
class Groups:
    """Bands gathered by mean free path, longest first; arrays are (groups,)."""

    share: Array
    """Of the scattering; adds up to one."""
    returned: Array
    """Part that scatters before the step takes it; 1 in a steady state."""
    spread: Array
    """Square of the mean free path between scattering, over three."""


@dataclass(frozen=True)
class Term:
    """alpha / (s + beta)."""

    alpha: float
    beta: float


def gathered(scattering: Array, lifetime: Array, velocity: Array, rate: float, edges: Array) -> Groups:
    """Bands by groups of their mean free path; ``rate`` is the step's own removal (1/time), 0 in a steady state.

    ``scattering`` (bands,) is heat capacity over lifetime; ``edges`` bound the groups in mean free path, descending.
    A group keeps what its bands scatter, return and diffuse at long waves.
    """
    returned = 1.0 / (1.0 + rate * lifetime)
    spread = (velocity * lifetime * returned) ** 2 / 3.0
    group = np.clip(np.searchsorted(-edges, -velocity * lifetime, side="right") - 1, 0, len(edges) - 2)
    weight = scattering / scattering.sum()
    sums = [
        np.asarray(np.bincount(group, w, len(edges) - 1), dtype=np.float64)
        for w in (weight, weight * returned, weight * returned * spread)
    ]
    return Groups(sums[0], sums[1] / sums[0], sums[2] / sums[1])


def group_edges(paths: Sequence[Array]) -> list[Array]:
    """For the mean free paths of every material, bounds of at most ``GROUPS`` groups, (groups + 1,), descending.

    All materials have as many groups, and none of them is empty: the widest is cut at its geometric middle, again and
    again, so that a band far from all others stands alone.
    """
    logarithms: list[Array] = [np.unique(np.log(of).round(6)) for of in paths]
    count = min(GROUPS, *(len(of) for of in logarithms))
    return [_edges(of, count) for of in logarithms]


def _edges(logarithms: Array, count: int) -> Array:
    groups = [logarithms]
    while len(groups) < count:
        widest = max(range(len(groups)), key=lambda g: groups[g][-1] - groups[g][0])
        whole = groups.pop(widest)
        above = whole > 0.5 * (whole[0] + whole[-1])
        groups[widest:widest] = [whole[~above], whole[above]]
    inner = [0.5 * (low[-1] + high[0]) for low, high in pairwise(groups)]
    return np.exp([groups[-1][-1] + 1.0, *inner[::-1], groups[0][0] - 1.0])


def partial_fractions(groups: Groups) -> list[Term]:
    """The terms of 1 / f, the least ``beta`` first."""
    order = np.argsort(groups.spread)[::-1]
    share, returned, spread = groups.share[order], groups.returned[order], groups.spread[order]
    poles = -1.0 / spread  # ascending in magnitude

    def f(s: float) -> float:
        return float((share * (1.0 - returned / (1.0 + spread * s))).sum())

    def slope(s: float) -> float:
        return float((share * returned * spread / (1.0 + spread * s) ** 2).sum())

    # Between two poles f falls from +inf to -inf (towards more negative s); the first root lies between 0 and a pole.
    roots = [0.0 if f(0.0) <= 1e-14 else _root(f, poles[0] * (1.0 - 1e-12), 0.0)]
    for near, far in pairwise(poles):
        roots.append(_between(f, far, near))
    return [Term(1.0 / slope(root), -root) for root in roots]


def _between(f: Callable[[float], float], far: float, near: float) -> float:
    inner = far + (near - far) * np.array([1e-12, 1.0 - 1e-12])
    return _root(f, inner[0], inner[1])


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    found: Any = brentq(f, low, high, xtol=1e-300, rtol=1e-14)  # pyright: ignore[reportArgumentType]
    return float(found)
