"""Means over the members of an ensemble: of books, which go on when members come or go, and of figures with errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import ArrayLike

from ..couplers.cells import Array
from ..couplers.protocols import Amounts, Rows
from .ensemble_checks import ROW
from .interior import nothing


def shared(parts: Sequence[Amounts], number: int) -> dict[str, Array]:
    """This rank's share of a mean over ``number`` members, of which the ``parts`` are its own ones'."""
    return {quantity: np.sum([part[quantity] for part in parts], axis=0) / number for quantity in parts[0]}


class MeanBooks:
    """Inventory and rows as means over members: this rank's share.

    Both are linear, so the books of the mean close if those of the members do. When members come or go, the mean
    inventory jumps: by what the row ``ensemble`` says. The mean of a row since the start would jump too, since other
    members have got other amounts; it goes on from what it was.
    """

    def __init__(
        self,
        inventories: Callable[[], list[Amounts]],
        rows: Callable[[], list[Rows]],
        number: Callable[[], int],
        changes: bool,
    ) -> None:
        """What each of this rank's members holds, and got since its start; and the number of all members.

        ``changes``: whether members may come or go.
        """
        self._inventories = inventories
        self._rows = rows
        self._number = number
        self._changes = changes
        self._gained = nothing()
        self._offsets: dict[str, dict[str, Array]] = {}
        """Of the rows' means, from what they have been."""

    def inventory(self) -> dict[str, Array]:
        """What a member holds in the mean."""
        return shared(self._inventories(), self._number())

    def rows(self) -> dict[str, dict[str, Array]]:
        """What each row gave to a member in the mean, since the start."""
        gained = {quantity: amount.copy() for quantity, amount in self._gained.items()}
        return self._means() | ({ROW: gained} if self._changes else {})

    def _means(self) -> dict[str, dict[str, Array]]:
        each, number = self._rows(), self._number()
        means = {row: shared([rows[row] for rows in each], number) for row in each[0]}
        for row, offsets in self._offsets.items():
            means[row] = {quantity: means[row][quantity] + offset for quantity, offset in offsets.items()}
        return means

    @contextmanager
    def continued(self) -> Iterator[None]:
        """Within this, members come or go."""
        held, given = self.inventory(), self._means()
        yield
        for quantity, amount in self.inventory().items():
            self._gained[quantity] = self._gained[quantity] + (amount - held[quantity])
        for row, amounts in self._means().items():
            old = self._offsets.get(row, {})
            self._offsets[row] = {q: old.get(q, 0.0) + (given[row][q] - amount) for q, amount in amounts.items()}

    def save(self) -> dict[str, Any]:
        """What members that came or went have left."""
        return {"gained": dict(self._gained), "offsets": {row: dict(kept) for row, kept in self._offsets.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._gained = dict(state["gained"])
        self._offsets = {row: dict(kept) for row, kept in state["offsets"].items()}


def spread(figures: Sequence[Mapping[str, ArrayLike]], comm: MPI.Comm) -> tuple[dict[str, Array], dict[str, Array]]:
    """Mean over all members of each of some figures, and its standard error from their differences.

    ``figures`` are those of this rank's members, alike in names and shapes; nan counts as missing. nan where there is
    no member, or for the error only one. Collective over ``comm``.
    """
    rows = np.array([np.concatenate([np.ravel(figure) for figure in one.values()]) for one in figures])
    known = np.isfinite(rows)
    sums = np.array([known.sum(axis=0), np.where(known, rows, 0.0).sum(axis=0)])
    comm.Allreduce(MPI.IN_PLACE, sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums[1] / sums[0]
        squares = np.where(known, (rows - mean) ** 2, 0.0).sum(axis=0)
        comm.Allreduce(MPI.IN_PLACE, squares)
        error = np.sqrt(np.where(sums[0] > 1, squares / (sums[0] - 1.0), np.nan) / sums[0])
    return _named(mean, figures[0]), _named(error, figures[0])


def _named(values: Array, like: Mapping[str, ArrayLike]) -> dict[str, Array]:
    ends = np.cumsum([np.size(figure) for figure in like.values()])[:-1]
    parts = np.split(values, ends)
    return {name: part.reshape(np.shape(like[name])) for name, part in zip(like, parts, strict=True)}
