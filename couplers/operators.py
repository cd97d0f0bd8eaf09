"""Linear operators from values at columns (asked of the other side) to values at rows (this rank's own)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from ._operators import apply_blocks, apply_stencil, apply_transposed_blocks, apply_transposed_stencil
from .cells import Array

Index32 = NDArray[np.int32]


class Operator(Protocol):
    """W of a consistent mapping: rows sum to one.

    Values are C-contiguous, of shape (rows, components) or (columns, components). An operator may be collective over
    the participant's own communicator; then every rank calls it, if only with no rows.
    """

    @property
    def rows(self) -> int:
        """Number of own places."""
        ...

    @property
    def columns(self) -> int:
        """Number of values asked of the other side."""
        ...

    def apply(self, x: Array, out: Array) -> None:
        """Set ``out`` (rows, components) to W ``x``."""
        ...

    def apply_transposed(self, y: Array, out: Array) -> None:
        """Set ``out`` (columns, components) to the transpose of W times ``y``."""
        ...


@dataclass(frozen=True)
class Stencil:
    """The same small number of columns in every row."""

    column: Index32
    """(rows, width)."""
    weight: Array
    """(rows, width); of no size where every row takes one column as it is."""
    columns: int
    identity: bool = field(init=False)
    """Whether both sides have the same places in the same order: then values are copied."""

    def __post_init__(self) -> None:
        same = not self.weight.size and np.array_equal(self.column[:, 0], np.arange(self.columns))
        object.__setattr__(self, "identity", same)

    @property
    def rows(self) -> int:
        """Number of own places."""
        return len(self.column)

    def apply(self, x: Array, out: Array) -> None:
        """See ``Operator``."""
        if self.identity:
            np.copyto(out, x)
        else:
            apply_stencil(self.column, self.weight, x, out)

    def apply_transposed(self, y: Array, out: Array) -> None:
        """See ``Operator``."""
        if self.identity:
            np.copyto(out, y)
            return
        apply_transposed_stencil(self.column, self.weight, y, out)


@dataclass(frozen=True)
class Sparse:
    """Any sparse matrix."""

    matrix: csr_matrix
    _transposed: csc_matrix = field(init=False)

    def __post_init__(self) -> None:
        # Making it in every window takes longer than a small product.
        object.__setattr__(self, "_transposed", self.matrix.T)

    @property
    def rows(self) -> int:
        """Number of own places."""
        return self.matrix.shape[0]

    @property
    def columns(self) -> int:
        """Number of values asked of the other side."""
        return self.matrix.shape[1]

    def apply(self, x: Array, out: Array) -> None:
        """See ``Operator``."""
        out[:] = self.matrix @ x

    def apply_transposed(self, y: Array, out: Array) -> None:
        """See ``Operator``."""
        out[:] = self._transposed @ y


@dataclass(frozen=True)
class Blocks:
    """Dense blocks that may share rows and columns; their contributions add up."""

    rows: int
    columns: int
    row: Index32
    """Rows of all blocks, one block after the other."""
    first_row: NDArray[np.int64]
    """Where each block's rows begin, and where the last one's end."""
    column: Index32
    first_column: NDArray[np.int64]
    value: Array
    """Of all blocks, column by column."""

    def apply(self, x: Array, out: Array) -> None:
        """See ``Operator``."""
        apply_blocks(self.row, self.first_row, self.column, self.first_column, self.value, x, out)

    def apply_transposed(self, y: Array, out: Array) -> None:
        """See ``Operator``."""
        apply_transposed_blocks(self.row, self.first_row, self.column, self.first_column, self.value, y, out)


def compact(matrix: csr_matrix) -> Stencil | Sparse:
    """The quicker form of a matrix: a stencil where every row has one entry."""
    rows, columns = matrix.shape
    if not np.array_equal(matrix.indptr, np.arange(rows + 1)):
        return Sparse(matrix)
    unit = bool(np.all(matrix.data == 1.0))
    weight = np.zeros((0, 1)) if unit else matrix.data.reshape(-1, 1)
    return Stencil(matrix.indices.astype(np.int32).reshape(-1, 1), weight, columns)


def row_defect(operator: Operator) -> float:
    """Largest deviation of a row's sum from one: what a constant, or the sum of an amount, would lose."""
    sums = np.zeros((operator.rows, 1))
    operator.apply(np.ones((operator.columns, 1)), sums)
    return float(np.abs(sums - 1.0).max(initial=0.0))
