"""The L2 projection between two finite-element bases as an operator: consistent, and conservative transposed.

With M_ik the integrals of phi_i phi_k of the evaluation side, C_ij those of phi_i times phi_j of the other side, and E
the extension of ``multipliers``, the operator is

    W = E (E^T M E)^-1 E^T C

so W times values u_j is the function of the evaluation side's space that is nearest to sum_j u_j phi_j in the mean
square; and its transpose takes nodal amounts a_i = integral of q phi_i to b_j = integral of q phi_j, where q is the
density of the space that has these amounts. Rows of W sum to one, since those of C and M have equal sums.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from .cells import Array
from .ghosts import Ghosts
from .integrals import Basis, mass_matrix
from .mass import Mass
from .multipliers import Extension


@dataclass(frozen=True)
class Projection:
    """W; its methods are collective over the ghosts' communicator."""

    mass: Mass
    mixed: csr_matrix
    """C over this rank's elements, (local, columns)."""
    ghosts: Ghosts
    extension: Extension

    @classmethod
    def of(cls, basis: Basis, mixed: csr_matrix, ghosts: Ghosts, extension: Extension) -> Projection:
        """Project on ``basis``, this rank's elements; collective."""
        return cls(Mass(*mass_matrix(basis), ghosts, extension), mixed, ghosts, extension)

    @property
    def rows(self) -> int:
        """Number of owned points."""
        return self.ghosts.owned

    @property
    def columns(self) -> int:
        """Number of values asked of the other side."""
        return self.mixed.shape[1]

    def apply(self, x: Array, out: Array) -> None:
        """Set ``out`` (rows, components) to W times ``x`` (columns, components)."""
        right = self.extension.restrict(self.ghosts.add(self.mixed @ x))
        out[:] = self.extension.extend(self.mass.solve(right))

    def apply_transposed(self, y: Array, out: Array) -> None:
        """Set ``out`` (columns, components) to the transpose of W times ``y`` (rows, components)."""
        density = self.extension.extend(self.mass.solve(self.extension.restrict(y)))
        out[:] = self.mixed.T @ self.ghosts.copy(density)
