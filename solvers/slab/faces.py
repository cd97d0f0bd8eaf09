"""What can happen at an end of a slab: each kind says what enters as a line in the temperature of the last cell.

Between the centre of the last cell and the face lies half a cell, whose conductance is G = 2 k / h. In a step from t to
t + dt the mean rate at which heat enters, per area, is q = a - b T, with T the temperature of that cell at the step's
end; the matrix of the implicit step takes a and b.
"""

from __future__ import annotations

from typing import Any, Literal

from ..expression import Expression

Condition = Literal["temperature", "flux", "robin"]


class GivenTemperature:
    """A temperature, or surroundings behind a coefficient h; G h / (G + h) lies between them and the cell."""

    def __init__(self, temperature: Expression, coefficient: float, implicit: float) -> None:
        self._temperature = temperature
        self._coefficient = coefficient
        self._implicit = implicit

    def line(self, time: float, dt: float, cell: float) -> tuple[float, float]:
        """a and b; ``cell`` is the temperature at the step's begin."""
        later, new = 1.0 - self._implicit, float(self._temperature(t=time + dt))
        old = float(self._temperature(t=time)) if later else 0.0
        a = self._coefficient * (self._implicit * new + later * (old - cell))
        return a, self._coefficient * self._implicit


class GivenFlux:
    """Heat that enters at a given rate per area."""

    def __init__(self, flux: Expression, implicit: float) -> None:
        self._flux = flux
        self._implicit = implicit

    def line(self, time: float, dt: float, cell: float) -> tuple[float, float]:
        """a and b: the rate in the middle of the step, or at its end where the integration is implicit."""
        return float(self._flux(t=time + self._implicit * dt)), 0.0


class SeamFace:
    """A face that a partner shares, under one of three conditions.

    temperature   the face has the partner's temperature, which goes linearly from where it was to what is set
    flux          heat enters at the rate that is set, and the face's temperature follows
    robin         to that rate comes h (partner's temperature - the face's own), both at the step's end

    The face's temperature is that of the cell plus q / G, with q at the step's *end*. Crank-Nicolson knows the mean
    rate of a step, which belongs to its middle: the rates of the last two steps are continued in a straight line, which
    makes the temperature of second order in the step. (2 q - q_before, the recursion of Crank-Nicolson itself, would
    never forget an error.)
    """

    def __init__(self, conductance: float, implicit: float, temperature: float) -> None:
        self._conductance = conductance
        self._implicit = implicit
        self.condition: Condition = "flux"
        self.coefficient = 0.0
        self.temperature = temperature
        """Of the face, at the present time."""
        self._partner = self._target = temperature
        self._target_time = 0.0
        self._flux = 0.0
        self._before = (0.0, 0.0)
        """Length of the last step, and the mean rate in it; no length before the first."""

    def set_temperature(self, value: float, time: float) -> None:
        """The partner's temperature goes linearly from what it is now to ``value`` at ``time``, and stays there."""
        self._target, self._target_time = value, time

    def start_at(self, value: float) -> None:
        """The partner's temperature now."""
        self._partner = self._target = value
        if self.condition == "temperature":
            self.temperature = value

    def set_flux(self, flux: float) -> None:
        """Heat enters at this rate per area until it is set again."""
        self._flux = flux

    def line(self, time: float, dt: float, cell: float) -> tuple[float, float]:
        """a and b of a step."""
        if self.condition == "flux":
            return self._flux, 0.0
        new, g = self._partner_at(time, dt), self._conductance
        if self.condition == "temperature":
            later = 1.0 - self._implicit
            return g * (self._implicit * new + later * (self._partner - cell)), g * self._implicit
        # q = flux + h (new - face) with face = T + (q + ahead (q - before)) / G, solved for q.
        h, ahead = self.coefficient, self._ahead(dt)
        share = 1.0 / (1.0 + h * (1.0 + ahead) / g)
        return share * (self._flux + h * (new + ahead * self._before[1] / g)), share * h

    def _partner_at(self, time: float, dt: float) -> float:
        left = self._target_time - time
        return self._target if left <= dt else self._partner + (self._target - self._partner) * dt / left

    def _ahead(self, dt: float) -> float:
        """How far the end of a step lies ahead of its middle, in distances between the last two middles."""
        return dt / (dt + self._before[0]) if self._before[0] and self._implicit < 1.0 else 0.0

    def finish(self, time: float, dt: float, cell: float, rate: float) -> None:
        """The step is done: ``rate`` is what entered per area and time, ``cell`` the temperature at its end."""
        self._partner = self._partner_at(time, dt)
        if self.condition == "temperature":
            self.temperature = self._partner
        else:
            end = rate + self._ahead(dt) * (rate - self._before[1])
            self.temperature = cell + end / self._conductance
        self._before = dt, rate

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

    def restore(self, state: dict[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.temperature = state["temperature"]
        self._partner, self._target = state["partner"], state["target"]
        self._target_time, self._flux = state["target_time"], state["flux"]
        self._before = state["before_dt"], state["before_rate"]


Face = GivenTemperature | GivenFlux | SeamFace
