"""A mass on a spring at an interface: one side is pushed, the other holds the spring between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from ..couplers.cells import Array, Cells, total
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.scales import Scales
from ..couplers.window import Window
from ..solvers.oscillator import Oscillator, OscillatorSettings, Positive, Push, Spring
from .course import Course

_EXCHANGES: dict[str, Exchange] = {
    "impulse": (("displacement",), ("momentum",)),
    "displacement": (("momentum",), ("displacement",)),
}
"""What a side gives and takes under each condition."""

_POINT = (0.0, 0.0, 0.0)
_STEP_SECONDS = 5e-5
"""Measured; for the estimate only."""


class OscillatorLinkSettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of a mass on a spring."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    condition: Literal["impulse", "displacement"]
    """What the mass takes: the impulse of the spring between the masses, or the partner's displacement, and then the
    spring is its own."""
    stiffness: Positive | None = None
    """Of the spring between the masses; on the side that holds it."""

    @model_validator(mode="after")
    def _stiffness_of_spring(self) -> OscillatorLinkSettings:
        if (self.condition == "displacement") != (self.stiffness is not None):
            raise ValueError("a 'stiffness' goes with the condition 'displacement', and only with it")
        return self


class CoupledOscillator(Oscillator):
    """The mass with a file of its course: ``course.h5`` with time, displacement, velocity and energy."""

    def __init__(self, settings: OscillatorSettings, context: Context) -> None:
        super().__init__(settings)
        self._course = Course(context)

    def record(self, time: float) -> None:
        """Keep the state at ``time``, once."""
        if self._course.lacks(time):
            state = {"displacement": self.displacement, "velocity": self.velocity, "energy": self.energy()}
            self._course.record(time, state)


class OscillatorLink:
    """One link of a mass: a point, through which an impulse goes.

    An impulse that came acts as a constant force for as long as it is meant for. Round-off that is left of it is the
    carry, and is added to the next.
    """

    def __init__(self, solver: Oscillator, settings: OscillatorLinkSettings) -> None:
        self._solver = solver
        self._link = Push() if settings.stiffness is None else Spring(settings.stiffness)
        solver.links.append(self._link)
        self._cells = Cells(np.array([_POINT]), np.array([_POINT]))
        self._due = np.zeros((1, 3))
        self._taken = np.zeros((1, 3))

    def cells(self, quantity: str) -> Cells:
        """The point."""
        return self._cells

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's displacement."""
        if isinstance(self._link, Spring):
            self._link.start_at(states["displacement"][0])

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The partner goes in a straight line to its displacement at the end; an impulse acts evenly."""
        if isinstance(self._link, Spring):
            self._link.set_partner(values["displacement"][0], self._solver.time + window.dt)
        else:
            self._due = self._due - self._taken + values["momentum"]
            self._link.force = self._due[0] / window.dt
        self._taken = np.zeros((1, 3))

    def account(self, dt: float) -> None:
        """Add the impulse of the step."""
        self._taken = self._taken + self._link.impulse

    def send(self, window: Window) -> Mapping[str, Array]:
        """The displacement, and the impulse that the spring gave to the partner."""
        return {"displacement": self._solver.displacement[None].copy(), "momentum": -self._taken}

    def record(self, window: Window) -> None:
        """Keep the state."""
        if isinstance(self._solver, CoupledOscillator):
            self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """What came, and what was taken."""
        return {"due": self._due.copy(), "taken": self._taken.copy()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Return to what ``save`` gave."""
        self._due, self._taken = state["due"].copy(), state["taken"].copy()

    def received(self) -> Mapping[str, Array]:
        """The impulse that acted on the mass, as its motion summed it."""
        return {} if isinstance(self._link, Spring) else {"momentum": total(self._taken)}

    def carry(self) -> Mapping[str, Array]:
        """What came and did not act."""
        return {} if isinstance(self._link, Spring) else {"momentum": total(self._due - self._taken)}


def _exchange(interface: OscillatorLinkSettings) -> Exchange:
    return _EXCHANGES[interface.condition]


def _check(request: CheckRequest) -> Estimate:
    """Refuse more ranks than one, and links whose partner does not fit."""
    settings: OscillatorSettings = request.solver
    if request.ranks > 1:
        place = f"participants.{request.participant}"
        raise request.report(place, "ranks", request.ranks, "1: one mass is held by one rank", "remove it")
    for interface, side in request.interfaces.items():
        gives, takes = _EXCHANGES[side.condition]
        request.require_exchange(interface, "condition", gives, takes)
    steps = max(1.0, request.window / settings.step)
    return Estimate(size="1 mass", steps=steps, seconds=steps * _STEP_SECONDS)


def _scales(request: CheckRequest) -> Scales:
    """The period on the spring to the ground, and a tenth to follow it; without one the partner alone sets the pace."""
    settings: OscillatorSettings = request.solver
    period = 2.0 * math.pi * math.sqrt(settings.mass / settings.stiffness) if settings.stiffness else None
    speed = max(map(abs, settings.velocity))
    return Scales(velocity=speed, times={"period": period}, resolves=0.1 * period) if period else Scales(velocity=speed)


def _create_adapter(solver: Any, settings: OscillatorLinkSettings, context: Context) -> OscillatorLink:
    return OscillatorLink(solver, settings)


KIND = Kind(
    name="oscillator",
    solver_settings=OscillatorSettings,
    interface_settings=OscillatorLinkSettings,
    create_solver=CoupledOscillator,
    create_adapter=_create_adapter,
    gives=("momentum", "displacement"),
    takes=("momentum", "displacement"),
    check=_check,
    extent=lambda solver, interface: (_POINT, _POINT),
    rewinds=True,
    resumes=True,
    exchange=_exchange,
    scales=_scales,
)
