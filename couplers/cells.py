"""The discretisation that one side gives of an interface: axis-aligned cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def total(values: Array) -> Array:
    """Sum of each column of ``values`` (n, components), shape (components,).

    Summed pairwise, so that its round-off grows as log n; a sum along the first axis of an array adds row by row,
    and its round-off, which grows as n, would show as a defect in the books of 10,000 cells.
    """
    return values[0].copy() if len(values) == 1 else np.ascontiguousarray(values.T).sum(axis=1)


@dataclass(frozen=True)
class Cells:
    """Axis-aligned boxes: this rank's share of one side's discretisation of an interface.

    ``lower`` and ``upper`` have shape (n, 3), in the participant's own length unit. A surface has ``lower == upper``
    along its normal; a volume has no such axis. Cells of one side must not overlap one another, and each belongs to
    one rank.
    """

    lower: Array
    upper: Array

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64).reshape(-1, 3))
        if self.lower.shape != self.upper.shape:
            raise ValueError(f"lower has shape {self.lower.shape}, upper {self.upper.shape}; they must be equal")
        if np.any(self.lower > self.upper):
            raise ValueError("a cell's lower corner exceeds its upper corner")

    def __len__(self) -> int:
        return len(self.lower)

    def scaled(self, factor: float) -> Cells:
        """The same cells with all lengths multiplied by ``factor``."""
        return self if factor == 1.0 else Cells(self.lower * factor, self.upper * factor)

    @property
    def centres(self) -> Array:
        """Cell centres, (n, 3)."""
        return 0.5 * (self.lower + self.upper)
