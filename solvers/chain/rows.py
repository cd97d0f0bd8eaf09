"""Named rows: momentum and energy that something has added since the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Book = dict[str, Array]


class Rows:
    """One row for each name, from the start on; the chain lies along x."""

    def __init__(self, names: Iterable[str]) -> None:
        self._sums = {name: np.zeros(2) for name in names}

    def add(self, name: str, momentum: float, energy: float) -> None:
        """What ``name`` has added in a step."""
        self._sums[name] += (momentum, energy)

    def book(self) -> dict[str, Book]:
        """Momentum (3,) and energy (1,) of each row."""
        return {name: book(*sums) for name, sums in self._sums.items()}

    def save(self) -> dict[str, Array]:
        """All sums."""
        return {name: sums.copy() for name, sums in self._sums.items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Return to what ``save`` gave."""
        self._sums = {name: sums.copy() for name, sums in state.items()}


def book(momentum: float, energy: float) -> Book:
    """Momentum along x and energy, as a ledger takes them."""
    return {"momentum": np.array([momentum, 0.0, 0.0]), "energy": np.array([energy])}


def work(before: Array, after: Array, way: Array) -> float:
    """Of forces that go from ``before`` to ``after`` along ``way``, by the trapezoidal rule; any shape."""
    return 0.5 * float(np.sum((before + after) * way))
