"""A mass on a spring, which partners may push, or hang on by a spring of their own; usable alone.

    m dv/dt = -k x + sum of forces,   dx/dt = v

by the implicit midpoint rule, which is of second order and keeps the energy of linear springs to round-off. All vectors
have three components; springs are the same in all directions, and at rest at displacement 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class OscillatorSettings(BaseModel):
    """``[participants.NAME.solver]`` of a mass on a spring."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    mass: Positive
    stiffness: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    """Of the spring to the ground, whose impulse is booked in the row ``ground``."""
    displacement: Vector = (0.0, 0.0, 0.0)
    """At the start."""
    velocity: Vector = (0.0, 0.0, 0.0)
    """At the start."""
    step: Positive
    """The longest time step."""


class Push:
    """A force from outside, constant until it is set again."""

    stiffness = 0.0

    def __init__(self) -> None:
        self.force = np.zeros(3)
        self.impulse = np.zeros(3)
        """On the mass, in the last ``advance``."""

    def pull(self, time: float, dt: float) -> Array:
        """The mean force in a step on a mass at displacement 0."""
        return self.force

    def finish(self, time: float, dt: float, impulse: Array) -> None:
        """The step is done."""
        self.impulse = self.impulse + impulse

    def energy(self, displacement: Array) -> float:
        """A force holds none."""
        return 0.0

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {"force": self.force.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.force = state["force"].copy()


class Spring(Push):
    """A spring to a partner, whose displacement goes linearly from where it was to what is set."""

    def __init__(self, stiffness: float) -> None:
        super().__init__()
        self.stiffness = stiffness
        self.partner = np.zeros(3)
        """Displacement of the other end, now."""
        self._target, self._target_time = np.zeros(3), 0.0

    def start_at(self, displacement: Array) -> None:
        """The partner's displacement now."""
        self.partner = self._target = np.array(displacement)

    def set_partner(self, displacement: Array, time: float) -> None:
        """The partner goes in a straight line to ``displacement`` at ``time``, and stays there."""
        self._target, self._target_time = np.array(displacement), time

    def _partner_at(self, time: float, dt: float) -> Array:
        left = self._target_time - time
        return self._target if left <= dt else self.partner + (self._target - self.partner) * (dt / left)

    def pull(self, time: float, dt: float) -> Array:
        """The mean force in a step on a mass at displacement 0."""
        return 0.5 * self.stiffness * (self.partner + self._partner_at(time, dt))

    def finish(self, time: float, dt: float, impulse: Array) -> None:
        """The step is done."""
        super().finish(time, dt, impulse)
        self.partner = self._partner_at(time, dt)

    def energy(self, displacement: Array) -> float:
        """That of the spring."""
        return 0.5 * self.stiffness * float(np.square(self.partner - displacement).sum())

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {"partner": self.partner.copy(), "target": self._target.copy(), "target_time": self._target_time}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.partner, self._target = state["partner"].copy(), state["target"].copy()
        self._target_time = state["target_time"]


class Oscillator:
    """The mass, its spring to the ground, and what else acts on it: ``links``."""

    def __init__(self, settings: OscillatorSettings) -> None:
        self.settings = settings
        self.time = 0.0
        self.displacement = np.array(settings.displacement)
        self.velocity = np.array(settings.velocity)
        self.links: list[Push] = []
        self._ground = np.zeros(3)

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes."""
        for link in self.links:
            link.impulse = np.zeros(3)
        steps = math.ceil(dt / self.settings.step - 1e-9) or 1
        for _ in range(steps):
            self._step(dt / steps)

    def _step(self, dt: float) -> None:
        m, k = self.settings.mass, self.settings.stiffness
        whole = k + sum(link.stiffness for link in self.links)
        pulls = [link.pull(self.time, dt) for link in self.links]
        force = sum(pulls, np.zeros(3)) - whole * self.displacement
        # m (v1 - v0) / dt = force - whole (dt / 2) v,   v = (v0 + v1) / 2
        mean = (self.velocity + 0.5 * dt / m * force) / (1.0 + 0.25 * dt * dt * whole / m)
        middle = self.displacement + 0.5 * dt * mean
        impulses = [dt * (pull - link.stiffness * middle) for pull, link in zip(pulls, self.links, strict=True)]
        ground = -dt * k * middle
        # The mass takes the impulses that are booked, so that the books owe nothing to the solution above.
        self.velocity = self.velocity + (ground + sum(impulses, np.zeros(3))) / m
        self.displacement = self.displacement + dt * mean
        self._ground = self._ground + ground
        for link, impulse in zip(self.links, impulses, strict=True):
            link.finish(self.time, dt, impulse)
        self.time += dt

    def energy(self) -> float:
        """Of the mass, its spring to the ground, and the springs to its partners."""
        own = self.settings.mass * np.square(self.velocity).sum()
        own += self.settings.stiffness * np.square(self.displacement).sum()
        return 0.5 * float(own) + sum(link.energy(self.displacement) for link in self.links)

    def inventory(self) -> dict[str, Array]:
        """The momentum."""
        return {"momentum": self.settings.mass * self.velocity}

    def rows(self) -> dict[str, dict[str, Array]]:
        """The impulse of the spring to the ground."""
        return {"ground": {"momentum": self._ground.copy()}}

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "time": self.time,
            "displacement": self.displacement.copy(),
            "velocity": self.velocity.copy(),
            "ground": self._ground.copy(),
            "links": {str(number): link.save() for number, link in enumerate(self.links)},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = state["time"]
        self.displacement, self.velocity = state["displacement"].copy(), state["velocity"].copy()
        self._ground = state["ground"].copy()
        for number, link in enumerate(self.links):
            link.restore(state["links"][str(number)])
