"""What sides of solid bodies that take momentum keep alike: what came, what entered, and what is therefore owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..couplers.cells import Array, total


class TakesMomentum:
    """Momentum, (n, 3), and its work, (n,), at points, since they came last; owed ones enter with what comes next."""

    def __init__(self, points: int, energy: bool) -> None:
        """``energy``: whether the partner gives the work too."""
        self._energy = energy
        self.due: Array = np.zeros((points, 3))
        self.taken: Array = np.zeros((points, 3))
        self.work_due: Array = np.zeros(points)
        self.work: Array = np.zeros(points)

    def receive(self, values: Mapping[str, Array]) -> None:
        """This came, beside what is owed."""
        self.due = self.due - self.taken + values["momentum"]
        if self._energy:
            self.work_due = self.work_due - self.work + values["energy"][:, 0]
        self.begin()

    def begin(self) -> None:
        """Count anew what enters."""
        self.taken, self.work = np.zeros_like(self.taken), np.zeros_like(self.work)

    def enter(self, momentum: Array, work: Array) -> None:
        """This entered in a step."""
        self.taken, self.work = self.taken + momentum, self.work + work

    def save(self) -> dict[str, Array]:
        """What came, and what entered."""
        return {
            "due": self.due.copy(),
            "taken": self.taken.copy(),
            "work due": self.work_due.copy(),
            "work": self.work.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.due, self.taken = np.array(state["due"]), np.array(state["taken"])
        self.work_due, self.work = np.array(state["work due"]), np.array(state["work"])

    def received(self) -> Mapping[str, Array]:
        """What entered (this rank's share)."""
        return self._amounts(self.taken, self.work)

    def carry(self) -> Mapping[str, Array]:
        """What came and did not enter (this rank's share)."""
        return self._amounts(self.due - self.taken, self.work_due - self.work)

    def _amounts(self, momentum: Array, work: Array) -> Mapping[str, Array]:
        amounts = {"momentum": total(momentum)}
        return amounts | {"energy": total(work[:, None])} if self._energy else amounts
