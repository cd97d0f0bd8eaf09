"""Boundaries by name, and the dofs on those where the solution is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .engine import Index
from .meshes import Domain
from .space import Space

Array = NDArray[np.float64]


def facets_by_name(domain: Domain, boundaries: Mapping[str, Any]) -> dict[str, Index]:
    """This rank's facets of each boundary of the settings; collective.

    Raises ``SolverError``, on all ranks alike, where one has none or two have facets in common.
    """
    facets = {name: domain.facets(name, boundary.where) for name, boundary in boundaries.items()}
    names = list(facets)
    for number, one in enumerate(names):
        for other in names[:number]:
            common = domain.comm.allreduce(len(np.intersect1d(facets[one], facets[other])))
            if common:
                raise SolverError(
                    f"boundaries {other!r} and {one!r} have {common} facets in common; each must belong to one"
                )
    return facets


class Multiplies(Protocol):
    """What gives values at all owned dofs from values at all owned dofs, such as a matrix."""

    def __matmul__(self, values: Array, /) -> Array:
        """The product; collective."""
        ...


class Fixed:
    """The dofs of boundaries where the solution is given, and how their reactions are divided among these boundaries.

    A dof's value is that of the first of its boundaries. So is what the others' facets do not conduct of its reaction.
    Of vectors every component is a dof of its own, numbered flat, and a boundary may give some of them only.
    """

    def __init__(
        self,
        space: Space,
        facets: Mapping[str, Index],
        conducted: Callable[[Index], Multiplies],
        components: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """``facets`` by boundary, in order of precedence; ``conducted`` makes the matrix of what facets let in.

        ``components`` are those that each boundary gives; default: all.
        """
        self.on: dict[str, Index] = {}
        """Owned dofs on each boundary; of vectors point by point."""
        self.keeps: dict[str, NDArray[np.bool_]] = {}
        """Which of these have the boundary's value."""
        self.first: dict[str, Index] = {}
        """The dofs that have each boundary's value."""
        self._shares: dict[str, Multiplies] = {}
        taken = np.zeros(space.owned * space.components, dtype=bool)
        for name, here in facets.items():
            given = components[name] if components else range(space.components)
            flat = space.components * space.on_facets(here)[:, None] + np.asarray(given, dtype=np.int32)
            self.on[name] = flat.ravel().astype(np.int32)
        for name, dofs in self.on.items():
            self.keeps[name] = ~taken[dofs]
            self.first[name] = dofs[self.keeps[name]]
            taken[dofs] = True
            if space.domain.comm.allreduce(int((~self.keeps[name]).sum())):
                self._shares[name] = conducted(facets[name])
        self.dofs = np.flatnonzero(taken).astype(np.int32)
        """All of them."""

    def nothing(self) -> dict[str, Array]:
        """Nothing conducted yet, at the dofs that each boundary shares with one before it."""
        return {name: np.zeros(int((~self.keeps[name]).sum())) for name in self._shares}

    def add(self, conducted: Mapping[str, Array], weight: float, values: Array) -> dict[str, Array]:
        """``conducted`` and ``weight`` times what the boundaries' facets let in at ``values``; collective."""
        return {
            name: conducted[name] + weight * (matrix @ values)[self.on[name][~self.keeps[name]]]
            for name, matrix in self._shares.items()
        }

    def divide(self, reaction: Array, conducted: Mapping[str, Array]) -> dict[str, Array]:
        """What entered at the dofs of each boundary, of a reaction at all owned dofs."""
        left = reaction.copy()
        for name, part in conducted.items():
            left[self.on[name][~self.keeps[name]]] -= part
        entered = {name: np.zeros(len(dofs)) for name, dofs in self.on.items()}
        for name, keeps in self.keeps.items():
            entered[name][keeps] = left[self.first[name]]
            if name in conducted:
                entered[name][~keeps] = conducted[name]
        return entered
