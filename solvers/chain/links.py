"""Sums of pair energies over lengths that are linear in the nodes' displacements.

Bonds between atoms and strains of elements are both links: a length r = rest + B u with an energy w φ(r). With another
matrix to spread the tensions than to stretch the links, the forces are those of a force-based scheme, and no gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from ..errors import SolverError
from .potentials import Harmonic, LennardJones, Neighbour

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Links:
    """Pairs of one kind of neighbour; ``stretch`` and ``spread`` are (links, nodes), ``weights`` (links,)."""

    potential: LennardJones | Harmonic
    neighbour: Neighbour
    rest: float
    """Length in the uniform lattice, where all displacements are 0."""
    weights: Array
    stretch: csr_matrix
    spread: csr_matrix

    @cached_property
    def _gather(self) -> csr_matrix:
        return csr_matrix(self.spread.T)

    def _lengths(self, displacement: Array) -> Array:
        lengths: Array = np.asarray(self.stretch @ displacement) + self.rest
        # Negated, so that NaN is found too.
        if not np.all(lengths > 0.0):
            raise SolverError(
                "two sites of the chain have met or passed each other; is the step too long, or a load too large?"
            )
        return lengths

    def energy(self, displacement: Array) -> float:
        """Above that of the uniform lattice."""
        rest = self.potential.energy(self.neighbour, np.array([self.rest]))
        return float(self.weights @ (self.potential.energy(self.neighbour, self._lengths(displacement)) - rest))

    def force(self, displacement: Array) -> Array:
        """On the nodes, (nodes,)."""
        tension = self.weights * self.potential.slope(self.neighbour, self._lengths(displacement))
        return -(self._gather @ tension)

    def stiffness(self, displacement: Array) -> csr_matrix:
        """Minus the derivative of the force, (nodes, nodes); symmetric where ``spread`` is ``stretch``."""
        curvature = self.weights * self.potential.curvature(self.neighbour, self._lengths(displacement))
        return csr_matrix(self._gather @ diags(curvature) @ self.stretch)


@dataclass(frozen=True)
class LinkSum:
    """The links of a chain, of all kinds."""

    parts: tuple[Links, ...]

    def energy(self, displacement: Array) -> float:
        """Above that of the uniform lattice."""
        return sum(part.energy(displacement) for part in self.parts)

    def force(self, displacement: Array) -> Array:
        """On the nodes, (nodes,)."""
        return np.sum([part.force(displacement) for part in self.parts], axis=0)

    def stiffness(self, displacement: Array) -> csr_matrix:
        """Minus the derivative of the force, (nodes, nodes)."""
        first, *others = (part.stiffness(displacement) for part in self.parts)
        return csr_matrix(sum(others, first))
