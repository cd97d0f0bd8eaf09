"""Sums over all ranks, of vectors that are held in pieces; the only thing that an acceleration communicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .cells import Array

Total = Callable[[Array], Array]
"""Sum of an array over all ranks: the same bits on every rank. Collective."""


def sums_of(total: Total, shares: Sequence[Array]) -> list[Array]:
    """The sum over all ranks of each array, with a single call of ``total``."""
    sums = total(np.concatenate([share.ravel() for share in shares]))
    ends = np.cumsum([share.size for share in shares])
    return [part.reshape(share.shape) for part, share in zip(np.split(sums, ends[:-1]), shares, strict=True)]


def products(fields: Sequence[slice], a: Array, b: Array) -> Array:
    """This rank's share of the scalar product of two vectors in each field, shape (fields,)."""
    return np.array([a[field] @ b[field] for field in fields])
