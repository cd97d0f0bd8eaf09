"""What a partner sets on a boundary of a heat-conducting body: its temperature, the heat that enters, or both.

    temperature   the dofs have the partner's temperature, which goes linearly from where it was to what is set
    flux          heat enters at the mean rate that is set, a load at each dof
    robin         at the step's end h times (partner's temperature - the body's own) comes to that rate

Where a mean rate is set and a step has two stages, the last two rates, which belong to the middles of their steps, are
continued in a straight line; the stages still add up to the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .engine import Index

Array = NDArray[np.float64]
Condition = Literal["temperature", "flux", "robin"]


class HeatSeam:
    """One boundary that a partner shares. Values are at the owned dofs ``dofs`` on it, (n,)."""

    def __init__(self, name: str, facets: Index, dofs: Index, slopes: bool, temperature: Array) -> None:
        self.name = name
        self.facets = facets
        self.dofs = dofs
        self.condition: Condition = "flux"
        self.coefficient = 0.0
        self._slopes = slopes
        self._partner = self._target = temperature.copy()
        self._target_time = 0.0
        self._rate = np.zeros_like(temperature)
        self._before: tuple[float, Array] | None = None
        self.crossed = np.zeros_like(temperature)
        """Heat that entered at each dof since ``begin``: what the balance of the body used."""

    def begin(self) -> None:
        """Count anew what crosses."""
        self.crossed = np.zeros_like(self.crossed)

    def start_at(self, temperature: Array) -> None:
        """The partner's temperature now."""
        self._partner, self._target = temperature.copy(), temperature.copy()

    def set_temperature(self, temperature: Array, time: float) -> None:
        """The partner's temperature goes linearly from what it is now to this one at ``time``, and stays there."""
        self._target, self._target_time = temperature.copy(), time

    def set_rate(self, rate: Array) -> None:
        """Heat enters at this mean rate at each dof until it is set again."""
        self._rate = rate.copy()

    def partner_at(self, begin: float, later: float) -> Array:
        """The partner's temperature ``later`` than the present time ``begin``."""
        left = self._target_time - begin
        if left <= later:
            return self._target
        return self._partner + (self._target - self._partner) * (later / left)

    def rate_at(self, dt: float, part: float) -> Array:
        """Rate at which heat enters at the stage that lies ``part`` of the step after its begin."""
        if not self._slopes or self._before is None:
            return self._rate
        length, before = self._before
        return self._rate + 2.0 * (self._rate - before) / (dt + length) * (part - 0.5) * dt

    def finish(self, begin: float, dt: float, crossed: Array) -> None:
        """A step is done, in which ``crossed`` entered at each dof."""
        self._partner = self.partner_at(begin, dt)
        self._before = dt, self._rate
        self.crossed = self.crossed + crossed

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        length, before = self._before or (0.0, self._rate)
        return {
            "partner": self._partner.copy(),
            "target": self._target.copy(),
            "target time": self._target_time,
            "rate": self._rate.copy(),
            "length before": length,
            "rate before": before.copy(),
            "crossed": self.crossed.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._partner, self._target = np.array(state["partner"]), np.array(state["target"])
        self._target_time = float(state["target time"])
        self._rate, self.crossed = np.array(state["rate"]), np.array(state["crossed"])
        length = float(state["length before"])
        self._before = (length, np.array(state["rate before"])) if length > 0.0 else None
