"""Means and standard errors of what a noisy side gives, in every cell: of the states too, which no ledger holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .blocking import Blocking
from .cells import Array, Cells
from .mesh import Mesh
from .waveform import is_amount, last, summed


class CellNoise:
    """One flow on one rank of its receiver: amounts of a window, states at its end, as they come, before any filter."""

    def __init__(self) -> None:
        self._blocking: dict[str, Blocking] = {}
        self._shape: dict[str, tuple[int, ...]] = {}

    def add(self, given: Mapping[str, Array]) -> None:
        """Add a window; ``given`` by quantity (points, samples * components)."""
        for quantity, course in given.items():
            values = summed(quantity, course) if is_amount(quantity) else last(quantity, course)
            blocking = self._blocking.setdefault(quantity, Blocking(values.size))
            self._shape[quantity] = values.shape
            blocking.add(values.reshape(1, -1))

    def moments(self) -> dict[str, Array]:
        """``QUANTITY/mean`` and ``QUANTITY/error``, each (points, components); nan where an error cannot be told."""
        moments: dict[str, Array] = {}
        for quantity, blocking in self._blocking.items():
            moments[f"{quantity}/mean"] = blocking.mean().reshape(self._shape[quantity])
            moments[f"{quantity}/error"] = blocking.error().reshape(self._shape[quantity])
        return moments

    def save(self) -> dict[str, Any]:
        """What is known so far."""
        return {q: {**b.save(), "shape": np.array(self._shape[q])} for q, b in self._blocking.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        for quantity, saved in state.items():
            self._shape[quantity] = tuple(int(n) for n in saved["shape"])
            self._blocking[quantity] = Blocking(int(np.prod(self._shape[quantity])))
            self._blocking[quantity].restore(saved)


def places_of(cells: Cells | Mesh) -> Array:
    """Where values belong, (points, 3): centres of cells, or owned points."""
    return cells.centres if isinstance(cells, Cells) else cells.owned_points


def write_cell_noise(path: Path, noise: Mapping[str, CellNoise], places: Mapping[str, Mapping[str, Array]]) -> None:
    """Write the moments of some flows, by interface, in one ``.npz`` file, and where each value belongs: its place.

    ``places`` by interface and quantity, (points, 3).
    """
    arrays = {f"{name}/{key}": values for name, one in noise.items() for key, values in one.moments().items()}
    arrays |= {f"{name}/{q}/place": place for name, by in places.items() for q, place in by.items()}
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
