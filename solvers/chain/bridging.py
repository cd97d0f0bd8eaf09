"""Bridging domain: atoms and elements that share their energy where they overlap, held together by multipliers.

In the overlap atoms have the weight 1 - w and elements w, which grows linearly from its begin to its end (Arlequin:
Ben Dhia 1998; for dynamics: Xiao & Belytschko 2004). After each step of velocity Verlet the multipliers λ, one
for each atom in the overlap, change the velocities

    M_a v_a += λ,   M_e v_e -= Nᵀ λ,   A λ = N v_e - v_a,   A = M_a⁻¹ + N M_e⁻¹ Nᵀ

with N the elements' interpolation at the atoms. ``consistent``: every atom then has the elements' velocity.
``row-summed``: A is replaced by the diagonal of its row sums, which only brings both nearer in every step.

Conserved: momentum, for any A, since each row of N adds up to one. Not conserved: energy, which the multipliers take
from what the elements cannot follow, at the end of every step: the row ``constraint``, never positive. How much they
take depends on the length of the step. Nor does the overlap hold a load: where the lattice is strained it creeps, since
velocities are held together and paths are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_matrix, diags, hstack

from .blending import blend
from .layout import Numbers, held_nodes, interpolation, lattice_spacing
from .links import Links, LinkSum
from .motion import Motion
from .potentials import Neighbour
from .schemes import Scheme
from .settings import BridgingSettings
from .weights import differences

Array = NDArray[np.float64]
NEIGHBOURS: tuple[Neighbour, Neighbour] = (1, 2)


class Multipliers:
    """One for each atom in the overlap; ``mean`` is N, (multipliers, nodes)."""

    def __init__(self, settings: BridgingSettings, mean: csr_matrix, atoms: Numbers, masses: Array) -> None:
        """``atoms`` are their places among all nodes, ``masses`` those of all nodes."""
        choose = csr_matrix((np.ones(len(atoms)), (np.arange(len(atoms)), atoms)), shape=mean.shape)
        self._difference = csr_matrix(mean - choose)
        """Takes velocities to what the elements are faster than the atoms."""
        self._spread = csr_matrix(diags(1.0 / masses) @ self._difference.T)
        # Row sums of what couples the multipliers: both terms of A are positive.
        matrix = csr_matrix(self._difference @ self._spread).toarray()
        self._factors = lu_factor(np.diag(matrix.sum(axis=1)) if settings.constraint == "row-summed" else matrix)

    def correction(self, velocity: Array) -> Array:
        """What is added to all velocities, (nodes,)."""
        return -(self._spread @ lu_solve(self._factors, self._difference @ velocity))


def bridging_domain(settings: BridgingSettings) -> Motion:
    """The chain of the settings, at rest: first the atoms, (atoms - 1,), then the elements' nodes, (elements + 1,).

    Reflection and loss of a wave are the settings' own: they depend on the step and the overlap.
    """
    begin = settings.atoms - 1 - settings.overlap
    atoms = np.arange(settings.atoms - 1)
    nodes = begin + settings.element * np.arange(settings.elements + 1)
    places = np.concatenate([atoms, nodes]).astype(float)
    masses = settings.mass * np.concatenate([1.0 - _share(settings, atoms), _lumped(settings, nodes)])
    shared = LinkSum((*_bonds(settings, len(places)), *_elements(settings, len(places))))
    both = np.arange(begin, settings.atoms - 1)
    inside = interpolation(nodes, both)
    mean = csr_matrix(hstack([csr_matrix((len(both), len(atoms))), inside]))
    held = held_nodes(settings, np.concatenate([atoms, nodes]))
    return Motion(
        settings,
        Scheme(shared, shared, symmetric=True),
        places,
        masses,
        held,
        Multipliers(settings, mean, both, masses),
    )


def _share(settings: BridgingSettings, places: Array | Numbers) -> Array:
    """Weight of the elements at places, in sites."""
    begin = settings.atoms - 1 - settings.overlap
    return blend("linear", (places - begin) / settings.overlap)


def _bonds(settings: BridgingSettings, count: int) -> list[Links]:
    """Bonds between atoms, each with the atoms' weight in its middle."""
    parts, spacing, atoms = [], lattice_spacing(settings), settings.atoms - 1
    for neighbour in NEIGHBOURS[: settings.potential.reach]:
        weights = 1.0 - _share(settings, np.arange(atoms - neighbour) + 0.5 * neighbour)
        ends = differences(atoms, neighbour)
        stretch = csr_matrix(hstack([ends, csr_matrix((ends.shape[0], count - atoms))]))
        parts.append(Links(settings.potential, neighbour, neighbour * spacing, weights, stretch, stretch))
    return parts


def _elements(settings: BridgingSettings, count: int) -> list[Links]:
    """Linear elements with the energy of Cauchy and Born, each with its mean weight, exact where that is linear."""
    parts, spacing, n = [], lattice_spacing(settings), settings.element
    middles = settings.atoms - 1 - settings.overlap + n * (np.arange(settings.elements) + 0.5)
    weights = n * _share(settings, middles)
    ends = differences(settings.elements + 1, 1)
    for neighbour in NEIGHBOURS[: settings.potential.reach]:
        other = csr_matrix((settings.elements, count - settings.elements - 1))
        stretch = csr_matrix(hstack([other, ends * (neighbour / n)]))
        parts.append(Links(settings.potential, neighbour, neighbour * spacing, weights, stretch, stretch))
    return parts


def _lumped(settings: BridgingSettings, nodes: Numbers) -> Array:
    """Sites that each node carries, by its shape function and the weight, (nodes,).

    By Gauss' rule with two points in each element, exact where the weight is linear in it.
    """
    n, masses = settings.element, np.zeros(len(nodes))
    for part in 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0):
        weight = 0.5 * n * _share(settings, nodes[:-1] + n * part)
        masses[:-1] += weight * (1.0 - part)
        masses[1:] += weight * part
    return masses
