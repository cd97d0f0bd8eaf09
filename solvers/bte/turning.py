"""Directions about the axis of an axisymmetric mesh: phonons fly straight, and so turn in the plane of axis and place.

With s = (xi, eta, zeta) along the distance from the axis, along the axis and around it, eta stays and the angle omega,
xi = sin(theta) cos(omega), falls from pi (straight at the axis) to 0. Directions of one eta are a level. In

    xi d(r theta)/dr / r + eta d(theta)/dz - d(zeta theta)/d(omega) / r

the last term is (alpha+ theta+ - alpha- theta-) / (w r), with alpha+ = alpha- - w xi, which keeps a constant a
constant (Lewis and Miller, Computational Methods of Neutron Transport, 1984, section 4.2). Values half-way between two
directions are weighed so that what is linear in xi is exact, which the diffusion limit needs (Morel and Montry 1984).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .quadrature import Quadrature

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Turning:
    """Of n directions, level by level and in each as they turn; the first of each level weighs nothing."""

    level: NDArray[np.int64]
    """(n,)."""
    coefficients: Array
    """(n, 3): removal and gain, both times r, and the weight tau of the value after the direction."""

    @property
    def starts(self) -> NDArray[np.bool_]:
        """(n,) whether a direction is the first of its level."""
        return np.diff(self.level, prepend=-1) != 0

    def selected(self, part: NDArray[np.int64]) -> Turning:
        """Only the directions ``part``, of which there are whole levels; numbers the levels anew."""
        return Turning(np.unique(self.level[part], return_inverse=True)[1], self.coefficients[part])


def about_axis(polar: int, around: int) -> Quadrature:
    """Directions (xi, eta, zeta > 0), each of which stands for its mirror image too; weights add up to 4 pi.

    ``polar`` is the number of eta in a half-space, Gauss points in its root, which crowd where flight grazes layers;
    ``around`` that of angles about the axis, an even number, of which half stand here.
    """
    nodes, weights = np.polynomial.legendre.leggauss(polar)
    u, share = (nodes + 1.0) / 2.0, weights / 2.0
    eta = np.concatenate([u**2, -(u**2)])
    weight = np.concatenate([2.0 * u * share] * 2)
    omega = np.pi * (1.0 - (np.arange(around // 2) + 0.5) / (around // 2))
    sine = np.sqrt(1.0 - eta**2)[:, None]
    parts = [sine * np.cos(omega), eta[:, None] + 0.0 * omega, sine * np.sin(omega)]
    each = np.full(len(omega), 2.0 * np.pi / len(omega))
    return Quadrature(np.stack(parts, axis=2).reshape(-1, 3), np.outer(weight, each).ravel())


def turned(quadrature: Quadrature) -> tuple[Quadrature, Turning]:
    """A quadrature ``about_axis`` whose weights are final, with the first directions of its levels, and how it turns.

    Raises ``SolverError`` where the weights of a level are so uneven that turning would amplify.
    """
    directions, weights, levels, coefficients = [], [], [], []
    starts = np.flatnonzero(np.diff(quadrature.directions[:, 1], prepend=np.nan) != 0.0)
    for number, part in enumerate(np.split(np.arange(len(quadrature.weights)), starts[1:])):
        s, w = quadrature.directions[part], quadrature.weights[part]
        sine = float(np.sqrt(1.0 - s[0, 1] ** 2))
        directions += [np.array([[-sine, s[0, 1], 0.0]]), s]
        weights += [np.zeros(1), w]
        coefficients += [np.array([[0.0, 0.0, 1.0]]), _coefficients(s[:, 0], w, sine)]
        levels.append(np.full(len(part) + 1, number))
    of = Turning(np.concatenate(levels), np.concatenate(coefficients))
    return Quadrature(np.concatenate(directions), np.concatenate(weights)), of


def _coefficients(xi: Array, w: Array, sine: float) -> Array:
    alpha = np.concatenate([[0.0], -np.cumsum(w * xi)])
    alpha[-1] = 0.0  # weights mirror each other: round-off is all there is
    edge = sine * np.cos(np.pi * (1.0 - np.concatenate([[0.0], np.cumsum(w)]) / w.sum()))
    tau = (xi - edge[:-1]) / np.diff(edge)
    if not ((tau > 0.0) & (tau < 1.0)).all():
        raise SolverError("too few 'directions' for this axisymmetric mesh; more 'polar' help")
    after, before = alpha[1:] / w, alpha[:-1] / w
    return np.stack([after / tau, after * (1.0 - tau) / tau + before, tau], axis=1)
