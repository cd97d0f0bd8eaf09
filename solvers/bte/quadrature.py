"""Directions of flight and their weights, with the half-range sums right on every face of the boundary.

The sum of the weights is 4 pi, of weight times direction zero, of weight times direction times direction 4 pi / 3 times
the unit tensor, and of weight |s.n| 2 pi for every normal n of a face where heat enters or leaves. The last is what a
wall emits: a product formula has it right along its own axes only, so the weights are changed by as little as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]

_NEAR = 1e-9
"""Normals that differ by less are one."""


@dataclass(frozen=True)
class Quadrature:
    """Directions, (n, 3) unit vectors, and weights, (n,), which add up to 4 pi."""

    directions: Array
    weights: Array


def product(dimension: int, polar: int, azimuthal: int) -> Quadrature:
    """Directions for a mesh of ``dimension`` 1, 2 or 3.

    ``polar`` is the number of angles to the x axis in a half-space (of 1-D) or to the z axis (of 2-D and 3-D), which in
    2-D is a mirror; ``azimuthal`` the number around that axis, a multiple of 4 (in 1-D also 1).
    """
    if dimension > 1 and azimuthal % 4:
        raise SolverError(f"{azimuthal} directions around the axis; their number must be a multiple of 4")
    # Grazing directions make a film's ballistic limit: in mu = u^2 the Gauss points crowd there.
    nodes, weights = np.polynomial.legendre.leggauss(polar)
    u, w = (nodes + 1.0) / 2.0, weights / 2.0
    cosines, shares = u**2, 2.0 * u * w
    if dimension > 1:  # smooth in the angle itself, not in its cosine: the sine is what flies across the mesh
        angles = 0.5 * np.pi * u
        cosines, shares = np.cos(angles), 0.5 * np.pi * w * np.sin(angles)
    phi, around = _azimuth(azimuthal)
    c, f = (values.ravel() for values in np.meshgrid(cosines, phi, indexing="ij"))
    weight = np.outer(shares, around).ravel()
    s: Array = np.sqrt(1.0 - c**2)
    if dimension == 1:
        if azimuthal == 1:
            s = np.zeros_like(s)
        half: Array = np.stack([c, s * np.cos(f), s * np.sin(f)], axis=1)
        mirror = half * np.array([-1.0, 1.0, 1.0])
    else:
        half = np.stack([s * np.cos(f), s * np.sin(f), c], axis=1)
        mirror = half * np.array([1.0, 1.0, -1.0])
    if dimension == 2:
        return Quadrature(half, 2.0 * weight)
    return Quadrature(np.concatenate([half, mirror]), np.concatenate([weight, weight]))


def _azimuth(count: int) -> tuple[Array, Array]:
    """Angles and weights around an axis: a Gauss formula in every octant, or in every quadrant.

    What walls along the axes see of one another has kinks between quadrants, and in squares between octants.
    """
    if count == 1:
        return np.zeros(1), np.full(1, 2.0 * np.pi)
    pieces = 8 if count % 8 == 0 else 4
    nodes, weights = np.polynomial.legendre.leggauss(count // pieces)
    half = np.pi / pieces
    phi = np.concatenate([half * (nodes + 1.0 + 2.0 * piece) for piece in range(pieces)])
    return phi, np.tile(weights * half, pieces)


def fitted(quadrature: Quadrature, dimension: int, normals: Array) -> Quadrature:
    """The same directions with weights whose sums are right, also for the ``normals`` (n, d) of the boundary's faces.

    The change is the smallest, relative to each weight, that fulfils the conditions; those of the normals as nearly as
    can be, where there are more of them than directions can fulfil.
    """
    s = quadrature.directions[:, :dimension]
    axes = np.eye(dimension)
    planes = _distinct(normals) if len(normals) else axes[:0]
    products = np.einsum("ni,nj->nij", s, s)[:, *np.triu_indices(dimension)].T
    moments = np.concatenate([np.ones((1, len(s))), s.T, products])
    sums = [[4.0 * np.pi], np.zeros(dimension), 4.0 * np.pi / 3.0 * axes[np.triu_indices(dimension)]]
    weights = quadrature.weights
    for _ in range(2):  # the second pass takes what round-off left
        change, free = _least(moments * weights, np.concatenate(sums) - moments @ weights)
        half = np.abs(planes @ s.T) * weights
        rest = 2.0 * np.pi - half.sum(axis=1) - half @ change
        weights = weights * (1.0 + change + free @ np.linalg.lstsq(half @ free, rest, rcond=1e-10)[0])
    if not (weights > 0.0).all():
        raise SolverError(
            "too few 'directions' for the normals of this mesh's boundary; more 'polar' or 'azimuthal' help"
        )
    return Quadrature(quadrature.directions, weights)


def _least(rows: Array, wanted: Array) -> tuple[Array, Array]:
    """The smallest solution of linear conditions, and an orthonormal basis of what they leave free."""
    u, sizes, v = np.linalg.svd(rows)
    rank = int((sizes > 1e-10 * sizes[0]).sum())
    return v[:rank].T @ ((u[:, :rank].T @ wanted) / sizes[:rank]), v[rank:].T


def _distinct(normals: Array) -> Array:
    """Normals without repetition; opposite ones are one."""
    turned = normals * np.where(_leading(normals) < 0.0, -1.0, 1.0)[:, None]
    return turned[np.unique(np.round(turned / _NEAR), axis=0, return_index=True)[1]]


def _leading(normals: Array) -> Array:
    """The first component of each that is not zero."""
    first = np.argmax(np.abs(normals) > _NEAR, axis=1)
    return np.take_along_axis(normals, first[:, None], axis=1)[:, 0]
