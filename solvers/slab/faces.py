"""What can happen at an end of a slab: each kind says what enters as a line in the temperature of the last cell.

Between the centre of the last cell and the face lies half a cell, whose conductance is G = 2 k / h. At each stage of a
step heat enters at the rate q = a - b T per area, with T the temperature of that cell at the stage; the matrix of the
stage takes a and b.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ..expression import Expression

Condition = Literal["temperature", "flux", "robin"]


class GivenTemperature:
    """A temperature, or surroundings behind a coefficient h; then G h / (G + h) lies between them and the cell."""

    def __init__(self, temperature: Expression, coefficient: float) -> None:
        self._temperature = temperature
        self._coefficient = coefficient

    def line(self, begin: float, dt: float, part: float) -> tuple[float, float]:
        """a and b at the stage that lies ``part`` of the step ``dt`` after its ``begin``."""
        return self._coefficient * float(self._temperature(t=begin + part * dt)), self._coefficient


class GivenFlux:
    """Heat that enters at a given rate per area."""

    def __init__(self, flux: Expression) -> None:
        self._flux = flux

    def line(self, begin: float, dt: float, part: float) -> tuple[float, float]:
        """a and b at a stage."""
        return float(self._flux(t=begin + part * dt)), 0.0


class SeamFace:
    """A face that a partner shares, under one of three conditions.

    temperature   the face has the partner's temperature, which goes linearly from where it was to what is set
    flux          heat enters at the mean rate that is set, and the face's temperature follows
    robin         at the step's end h (partner's temperature - the face's own) comes to that rate

    The face's temperature is that of the cell plus q / G, with q the rate at the step's *end*. Where a mean rate is
    set, the last two, which belong to the middles of their steps, are continued in a straight line (``slopes``); the
    stages of a method of second order still add up to the mean.
    """

    def __init__(self, conductance: float, slopes: bool, temperature: float, cell: float) -> None:
        """``temperature`` and ``cell`` are those of the face and of the last cell at the start."""
        self._conductance = conductance
        self._slopes = slopes
        self.condition: Condition = "flux"
        self.coefficient = 0.0
        self.temperature = temperature
        """Of the face, at the present time."""
        self._partner = self._target = temperature
        self._target_time = 0.0
        self._flux = 0.0
        self._before = 0.0, conductance * (temperature - cell)
        """Length of the last step, and the mean rate in it; before the first, the rate at the start."""

    def set_temperature(self, value: float, time: float) -> None:
        """The partner's temperature goes linearly from what it is now to ``value`` at ``time``, and stays there."""
        self._target, self._target_time = value, time

    def start_at(self, value: float) -> None:
        """The partner's temperature now."""
        self._partner = self._target = value
        if self.condition == "temperature":
            self.temperature = value

    def set_flux(self, flux: float) -> None:
        """Heat enters at this mean rate per area until it is set again."""
        self._flux = flux

    def line(self, begin: float, dt: float, part: float) -> tuple[float, float]:
        """a and b at a stage."""
        g, h = self._conductance, self.coefficient
        if self.condition == "temperature":
            return g * self._partner_at(begin, part * dt), g
        rate = self._flux + self._slope(dt) * (part - 0.5) * dt
        if self.condition == "flux" or part < 1.0:
            return rate, 0.0
        # q = rate + h (partner - face) with face = T + q / G, solved for q.
        share = g / (g + h)
        return share * (rate + h * self._partner_at(begin, dt)), share * h

    def _partner_at(self, begin: float, later: float) -> float:
        left = self._target_time - begin
        return self._target if left <= later else self._partner + (self._target - self._partner) * later / left

    def _slope(self, dt: float) -> float:
        """Change of the rate in time, from the middle of the last step to that of this one."""
        length, rate = self._before
        return 2.0 * (self._flux - rate) / (dt + length) if self._slopes else 0.0

    def finish(self, begin: float, dt: float, cell: float, end_rate: float) -> None:
        """The step is done; ``cell`` is the temperature at its end, ``end_rate`` what then enters per area and time."""
        self._partner = self._partner_at(begin, dt)
        self.temperature = (
            self._partner if self.condition == "temperature" else cell + end_rate / self._conductance
        )  # fmt: skip
        self._before = dt, self._flux

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "temperature": self.temperature,
            "partner": self._partner,
            "target": self._target,
            "target_time": self._target_time,
            "flux": self._flux,
            "before_dt": self._before[0],
            "before_rate": self._before[1],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.temperature = state["temperature"]
        self._partner, self._target = state["partner"], state["target"]
        self._target_time, self._flux = state["target_time"], state["flux"]
        self._before = state["before_dt"], state["before_rate"]


Face = GivenTemperature | GivenFlux | SeamFace
