"""How much of each bond and of each element counts in an energy that atoms and continuum share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from .layout import Layout
from .links import Links, LinkSum
from .potentials import Neighbour

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Of bonds, by neighbour, and of the continuum's energy in each spacing of the lattice, by neighbour."""

    first: Array
    """Bonds i, i + 1: (sites - 1,)."""
    second: Array
    """Bonds i, i + 2: (sites - 2,)."""
    spacing_first: Array
    """The part φ₁ of the continuum's energy in spacing i, i + 1: (sites - 1,)."""
    spacing_second: Array
    """The part φ₂, likewise."""


def site_weights(share: Array) -> Weights:
    """Each site counts half of its bonds as an atom, half of its two spacings as continuum, by its ``share``."""
    atoms = 1.0 - share
    spacings = 0.5 * (share[1:] + share[:-1])
    return Weights(0.5 * (atoms[1:] + atoms[:-1]), 0.5 * (atoms[2:] + atoms[:-2]), spacings, spacings)


def nonlocal_weights(share: Array) -> Weights:
    """A bond counts where both of its sites are atoms; what it lacks is given to the spacings that it spans.

    Then each spacing has the whole of its energy under uniform strain, and no site a force. Bonds beyond an end of the
    chain are lacking where that end is continuum; an end of atoms is a surface.
    """
    atoms = (share == 0.0).astype(float)
    second = atoms[2:] * atoms[:-2]
    with_ends = np.concatenate([atoms[:1], second, atoms[-1:]])
    first = atoms[1:] * atoms[:-1]
    return Weights(first, second, 1.0 - first, 1.0 - 0.5 * (with_ends[1:] + with_ends[:-1]))


def whole_weights(sites: int, atoms: float) -> Weights:
    """All ``atoms`` (1.0) or all continuum (0.0)."""
    spacings = np.full(sites - 1, 1.0 - atoms)
    return Weights(np.full(sites - 1, atoms), np.full(sites - 2, atoms), spacings, spacings)


def bonds(layout: Layout, weights: Weights, spread: csr_matrix | None = None) -> LinkSum:
    """Bonds between atoms, and of atoms to sites inside of elements, which move as these say.

    ``spread``, (sites, nodes), takes the sites' forces to the nodes; by default as virtual work has it.
    """
    parts = []
    for neighbour, weight in _felt(layout, weights.first, weights.second):
        kept = np.nonzero(weight)[0]
        ends = differences(len(layout.share), neighbour)[kept]
        stretch = csr_matrix(ends @ layout.interpolation)
        spread_ends = stretch if spread is None else csr_matrix(ends @ spread)
        rest = neighbour * layout.spacing
        parts.append(Links(layout.potential, neighbour, rest, weight[kept], stretch, spread_ends))
    return LinkSum(tuple(parts))


def elements(layout: Layout, weights: Weights, spread: csr_matrix | None = None) -> LinkSum:
    """Linear elements with the energy of Cauchy and Born: the sum over the spacings that each of them spans.

    ``spread``, (nodes, nodes), multiplies the nodes' forces; 1 by default.
    """
    parts = []
    for neighbour, weight in _felt(layout, weights.spacing_first, weights.spacing_second):
        whole = np.add.reduceat(weight, layout.nodes[:-1])
        kept = np.nonzero(whole)[0]
        strain = differences(len(layout.nodes), 1)[kept]
        stretch = csr_matrix(diags(neighbour / layout.lengths[kept]) @ strain)
        spread_ends = stretch if spread is None else csr_matrix(stretch @ spread)
        rest = neighbour * layout.spacing
        parts.append(Links(layout.potential, neighbour, rest, whole[kept], stretch, spread_ends))
    return LinkSum(tuple(parts))


def _felt(layout: Layout, first: Array, second: Array) -> list[tuple[Neighbour, Array]]:
    """What the potential reaches and the weights count."""
    counted: list[tuple[Neighbour, Array]] = [(1, first), (2, second)]
    return [(neighbour, weight) for neighbour, weight in counted[: layout.potential.reach] if weight.any()]


def differences(sites: int, neighbour: Neighbour) -> csr_matrix:
    """Displacement of site i + ``neighbour`` less that of site i, (sites - neighbour, sites)."""
    shape = (sites - neighbour, sites)
    return csr_matrix(diags([-1.0, 1.0], [0, neighbour], shape=shape))  # type: ignore[arg-type]
