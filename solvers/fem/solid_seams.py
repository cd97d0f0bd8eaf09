"""What a partner sets on a boundary of a solid body: its displacement, or the force that acts there.

displacement   the dofs have the partner's, which goes linearly from where it was to what is set
traction       a force acts at each dof: the mean one of an impulse, a load in its own right
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .engine import Index

Array = NDArray[np.float64]
Condition = Literal["displacement", "traction"]


class SolidSeam:
    """One boundary that a partner shares. Values are at the owned points ``dofs`` on it, (n, dim)."""

    def __init__(self, name: str, facets: Index, dofs: Index, displacement: Array) -> None:
        self.name = name
        self.facets = facets
        self.dofs = dofs
        """Local blocks, (n,)."""
        self.condition: Condition = "traction"
        self.force = np.zeros_like(displacement)
        """Under the condition ``traction``: acts at each point until it is set again."""
        self._partner = self._target = displacement.copy()
        self._target_time = 0.0
        self.impulse = np.zeros_like(displacement)
        """Momentum that entered at each point since ``begin``: what the balance of the body used."""
        self.work = np.zeros(len(displacement))
        """Energy that entered at each point since ``begin``, (n,): force times path."""

    def begin(self) -> None:
        """Count anew what crosses."""
        self.impulse, self.work = np.zeros_like(self.impulse), np.zeros_like(self.work)

    def start_at(self, displacement: Array) -> None:
        """The partner's displacement now."""
        self._partner, self._target = displacement.copy(), displacement.copy()

    def set_displacement(self, displacement: Array, time: float) -> None:
        """The partner's displacement goes linearly from what it is now to this one at ``time``, and stays there."""
        self._target, self._target_time = displacement.copy(), time

    def partner_at(self, begin: float, later: float) -> Array:
        """The partner's displacement ``later`` than the present time ``begin``."""
        left = self._target_time - begin
        if left <= later:
            return self._target
        return self._partner + (self._target - self._partner) * (later / left)

    def finish(self, begin: float, dt: float, impulse: Array, work: Array) -> None:
        """A step is done, in which impulse (n, dim) and work (n,) entered."""
        self._partner = self.partner_at(begin, dt)
        self.impulse, self.work = self.impulse + impulse, self.work + work

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "partner": self._partner.copy(),
            "target": self._target.copy(),
            "target time": self._target_time,
            "force": self.force.copy(),
            "impulse": self.impulse.copy(),
            "work": self.work.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._partner, self._target = np.array(state["partner"]), np.array(state["target"])
        self._target_time = float(state["target time"])
        self.force, self.impulse = np.array(state["force"]), np.array(state["impulse"])
        self.work = np.array(state["work"])
