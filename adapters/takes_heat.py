"""What the sides of heat-conducting bodies have in common: the books of the heat that they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..couplers.cells import Array


class TakesHeat:
    """A side with values at points, (n,). What came and did not enter is added to what comes next, and is not lost.

    It is round-off, or under a Robin condition what was refused because the body is hotter than the partner.
    """

    def __init__(self, points: int, takes: tuple[str, ...]) -> None:
        """``takes`` are the quantities that the side takes; without energy nothing is received."""
        self._takes = takes
        self._due: Array = np.zeros(points)
        self._taken: Array = np.zeros(points)
        """What entered since the window began; what left is negative."""

    def _owe(self, values: Mapping[str, Array]) -> Array:
        """Heat has come for a window; returns all that is due in it."""
        self._due = self._due - self._taken + values["energy"][:, 0]
        return self._due

    def _begin(self) -> None:
        """Nothing has entered yet in this window."""
        self._taken = np.zeros_like(self._taken)

    def save(self) -> dict[str, Array]:
        """What came, and what entered."""
        return {"due": self._due.copy(), "taken": self._taken.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._due, self._taken = np.array(state["due"]), np.array(state["taken"])

    def received(self) -> Mapping[str, Array]:
        """What entered, where heat is taken: the sum of what the body's own balance used."""
        return {"energy": np.array([self._taken.sum()])} if "energy" in self._takes else {}

    def carry(self) -> Mapping[str, Array]:
        """What came and did not enter, where heat is taken."""
        return {"energy": np.array([(self._due - self._taken).sum()])} if "energy" in self._takes else {}
