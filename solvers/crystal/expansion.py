"""What depends on products of bonds only, and its derivatives.

Bonds of a strained crystal are G Y, where Y are bonds at rest and G is the deformation, with the shifts beside it.
Energies depend on products of bonds, Y.C Y' with C = G^T G, which are linear in C and not changed by rotations. So a
potential gives its energy as a function of C, and all else is algebra. C is held as a vector of its upper triangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Expansion:
    """Energy of one atom in each of n crystals, and its derivatives by the vector of C."""

    energy: Array
    """(n,)."""
    slope: Array
    """(n, D)."""
    curvature: Array
    """(n, D, D)."""

    def __add__(self, other: Expansion) -> Expansion:
        energy, slope = self.energy + other.energy, self.slope + other.slope
        return Expansion(energy, slope, self.curvature + other.curvature)


@cache
def upper(d: int) -> tuple[Index, Index]:
    """Rows and columns of the upper triangle of a (d, d) matrix."""
    return np.triu_indices(d)


def metric(deformation: Array) -> Array:
    """The vector of C = G^T G, (n, D), of deformations G, (n, 3, d)."""
    i, j = upper(deformation.shape[2])
    return np.einsum("nai,nai->ni", deformation[:, :, i], deformation[:, :, j])


def products(bonds: Array, others: Array) -> Array:
    """Rows (m, D) whose product with the vector of C is Y.C Y' for each of m bonds and others, both (m, d)."""
    i, j = upper(bonds.shape[1])
    crossed = bonds[:, i] * others[:, j]
    return np.where(i == j, crossed, crossed + bonds[:, j] * others[:, i])


def radial(rows: Array, energy: Array, slope: Array, curvature: Array) -> Expansion:
    """The sum over bonds of what depends on each square alone; derivatives by squares, (n, m), rows (m, D)."""
    width = rows.shape[1]
    squares = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), width * width)
    return Expansion(energy.sum(axis=1), slope @ rows, (curvature @ squares).reshape(-1, width, width))


def by_square(r: Array, slope: Array, curvature: Array) -> tuple[Array, Array]:
    """First and second derivative by the square of the distance, from those by the distance."""
    return 0.5 * slope / r, 0.25 * (curvature - slope / r) / (r * r)


def as_tensors(deformation: Array, expansion: Expansion) -> tuple[Array, Array]:
    """First and second derivative by the deformation G, (n, 3, d) and (n, 3, d, 3, d).

    With S = 2 dE/dC they are G S and 1 ⊗ S + G (2 dS/dC) G^T.
    """
    n, _, d = deformation.shape
    i, j = upper(d)
    weight = np.where(i == j, 2.0, 1.0)
    place = np.empty((d, d), dtype=np.intp)
    place[i, j] = place[j, i] = np.arange(len(i))
    inner = (weight * expansion.slope)[:, place]
    stiff = (weight[:, None] * weight * expansion.curvature)[:, place.ravel()][:, :, place.ravel()]
    half = np.matmul(deformation, stiff.reshape(n, d, d**3)).reshape(n, 3 * d * d, d)
    tangent = np.matmul(half, deformation.transpose(0, 2, 1)).reshape(n, 3, d, d, 3).swapaxes(3, 4)
    tangent = tangent + np.eye(3)[:, None, :, None] * inner[:, None, :, None, :]
    return deformation @ inner, tangent
