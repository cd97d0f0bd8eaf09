"""What comes in and what goes out over one flow in a window: foreseen, taken, carried, recorded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .cell_noise import CellNoise
from .cells import Array, total
from .clock import Clock
from .errors import CommunicationError, FieldError
from .exchange import Channel, Flow
from .smoothing import Smoother
from .waveform import Recording, evenly, held, is_amount, last, over, summed

_WEIGHTS = {"constant": (1.0,), "linear": (2.0, -1.0), "quadratic": (3.0, -3.0, 1.0)}
"""Of the windows before, the last one first. Automatic: as constant, until the fixed point knows better."""
_OF_ORDER = tuple(_WEIGHTS.values())


class Inflow:
    """One flow as its receiver has it: ``course[quantity]`` (points, samples * components) is what a window uses.

    Of an iterated flow the course is foreseen, and then set anew in every iteration; at the end of the window the
    amounts that were given and not used are carried to the next one, so that a finite tolerance loses nothing. Of a
    filtered flow the course is what the filter makes of it, and the amounts that the filter holds are carried.
    """

    def __init__(self, channel: Channel, extrapolation: str, clock: Clock, smoother: Smoother | None = None) -> None:
        self.flow = channel.flow
        self.channel = channel
        self._clock = clock
        self._smoother = smoother
        self.noise: CellNoise | None = None
        """What is known of the noise in each cell, where the case asks for it."""
        self._raw: Mapping[str, Array] = {}
        """What came last, before any filter."""
        self.course: dict[str, Array] = {}
        self.arrived: dict[str, Array] = {}
        """What the sender gave last, as the filter has left it."""
        self.before: dict[str, Array] = {}
        """What it had given before that."""
        self.carried: dict[str, Array] = {}
        """Amounts given in earlier windows and not used yet, (points, components)."""
        self._weights = _WEIGHTS.get(extrapolation, _WEIGHTS["constant"])
        self._opening: dict[str, Array] = {}
        self._history: dict[str, list[Array]] = {}
        self._pending = False

    def start(self, initial: Mapping[str, Array], opening_amounts: Mapping[str, Array]) -> None:
        """Begin the run from the initial states and the estimated opening amounts, (points, components)."""
        samples = self.channel.samples
        for quantity in self.flow.quantities:
            if is_amount(quantity):
                self.course[quantity] = evenly(opening_amounts[quantity], samples)
                self.carried[quantity] = np.zeros_like(opening_amounts[quantity])
                self._history[quantity] = []
            else:
                self._opening[quantity] = initial[quantity]
                self.course[quantity] = held(initial[quantity], samples)
                self._history[quantity] = [self.course[quantity]]
        self.arrived = dict(self.course)
        self._pending = self.flow.lag > 0
        if self._smoother:
            self.carried = self._smoother.open(self.course)

    def take(self) -> None:
        """Get this window's (or this iteration's) course."""
        if self.flow.iterated:
            return
        if self._pending:
            self._pending = False
            return
        self.collect()
        if self._smoother:
            with self._clock.span("filter"):
                self.arrived, self.carried = self._smoother.smooth(self.arrived)
        self.course = dict(self.arrived)
        if self.flow.lag:
            self._remember()
            self.course |= {q: self._foreseen(q) for q in self.flow.quantities if not is_amount(q)}

    def collect(self) -> None:
        """Take what the sender gives at the end of the iteration."""
        self.before = self.arrived
        begin = time.perf_counter()
        self.arrived, waited = self.channel.collect()
        self._raw = self.arrived
        self._clock.add("wait", self.flow.sender, begin, begin + waited)
        self._clock.add("map", "", begin + waited, time.perf_counter())

    def accept(self) -> None:
        """The window is done: carry what was given and not used, and foresee the next one."""
        if self.noise and self._raw:
            self.noise.add(self._raw)
        for quantity in self.flow.quantities:
            if not is_amount(quantity):
                used = self.course if self.flow.lag else self.arrived
                self._opening[quantity] = last(quantity, used[quantity])
            elif self.flow.iterated:
                self.carried[quantity] = summed(quantity, self.arrived[quantity] - self.course[quantity])
        if self.flow.iterated:
            self._remember()
            self.course = {q: self._foreseen(q) for q in self.flow.quantities}

    def _remember(self) -> None:
        for quantity, courses in self._history.items():
            courses.insert(0, self.arrived[quantity])
            del courses[len(self._weights) :]

    def _foreseen(self, quantity: str) -> Array:
        known = self._history[quantity]
        weights = _OF_ORDER[min(len(known), len(self._weights)) - 1]
        if len(weights) == 1 and not is_amount(quantity):
            one = self.channel.samples == 1
            return known[0] if one else held(last(quantity, known[0]), self.channel.samples)
        return sum((w * c for w, c in zip(weights, known, strict=False)), np.zeros_like(known[0]))

    def during(self, begin: float, end: float) -> dict[str, Array]:
        """What falls into a step [begin, end] of the window, in fractions of it, carried amounts included."""
        values = {q: over(q, c, self._opening.get(q), begin, end) for q, c in self.course.items()}
        for quantity, amount in self.carried.items():
            if self.flow.iterated:
                values[quantity] = values[quantity] + (end - begin) * amount
        return values

    def held_back(self) -> dict[str, Array]:
        """The carried amounts, summed over this rank's points."""
        return {quantity: total(amount) for quantity, amount in self.carried.items()}

    def in_transit(self) -> dict[str, Array]:
        """Amounts of the course that no window has used yet; nothing of an iterated flow, whose course is a guess."""
        if not self._pending:
            return {}
        return {q: total(summed(q, self.course[q])) for q in self.flow.amounts}

    def save(self) -> dict[str, Any]:
        """Everything that the next window starts from."""
        return {
            "course": self.course,
            "arrived": self.arrived,
            "carried": self.carried,
            "opening": self._opening,
            "history": {q: {str(age): c for age, c in enumerate(kept)} for q, kept in self._history.items()},
            "pending": self._pending,
            "filter": self._smoother.save() if self._smoother else {},
            "noise": self.noise.save() if self.noise else {},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.course, self.arrived, self.carried = (dict(state[key]) for key in ("course", "arrived", "carried"))
        self._opening = dict(state["opening"])
        self._history = {q: [kept[age] for age in sorted(kept)] for q, kept in state["history"].items()}
        self._pending = bool(state["pending"])
        if self._smoother:
            self._smoother.restore(state["filter"])
        if self.noise:
            self.noise.restore(state["noise"])


class Outflow:
    """One flow as its sender has it: what it gives, step by step, becomes the course of the window."""

    def __init__(self, channel: Channel, clock: Clock, judged: bool = False) -> None:
        """``judged``: what it gives is looked at by all together, after each iteration."""
        self.flow = channel.flow
        self.channel = channel
        self._clock = clock
        self._judged = judged
        self._recording = Recording(self.flow.quantities, channel.samples)
        self._opening: dict[str, Array] = {}
        self._given: Mapping[str, Array] = {}

    def start(self, states: Mapping[str, Array], nothing: Mapping[str, Array]) -> None:
        """Give the initial ``states``; of the amounts ``nothing`` has crossed yet."""
        samples = self.channel.samples
        self._opening = {q: np.asarray(states[q], dtype=float) for q in self.flow.quantities if not is_amount(q)}
        initial = {q: held(v, samples) for q, v in self._opening.items()}
        self.channel.post(initial | {q: evenly(v, samples) for q, v in nothing.items()})

    def open(self) -> None:
        """A window begins, or begins anew."""
        self._recording.open(self._opening)

    def add(self, begin: float, end: float, values: Mapping[str, Array]) -> None:
        """What one step [begin, end] gives, in fractions of the window."""
        for quantity in self.flow.quantities:
            if quantity not in values:
                raise CommunicationError(f"{self.flow.name}: {self.flow.sender!r} gave no {quantity} in this window")
            if not self._judged:
                _require_numbers(self.flow, quantity, values[quantity])
        self._recording.add(begin, end, values)
        self._given = values

    def post(self) -> None:
        """Send the window's course, when the message before it has left."""
        begin = time.perf_counter()
        waited = self.channel.flush()
        if waited:
            self._clock.add("wait", self.flow.receiver, begin, begin + waited)
        self.channel.post(self._recording.course)

    def accept(self) -> None:
        """The window is done: the next one opens with the states at its end."""
        self._opening = {q: np.array(self._given[q]) for q in self._opening}

    def save(self) -> dict[str, Any]:
        """The states that the next window opens with, and what is still on its way to the receiver."""
        return {"opening": self._opening, "in transit": self._recording.course if self.flow.lag else {}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, and send again what was on its way."""
        self._opening = dict(state["opening"])
        if self.flow.lag:
            self.channel.post(state["in transit"])

    def sent(self) -> dict[str, Array]:
        """The amounts that left in the window, summed over this rank's points."""
        return {q: total(summed(q, self._recording.course[q])) for q in self.flow.amounts}


def _require_numbers(flow: Flow, quantity: str, values: Array) -> None:
    """No partner is to go on with what a solver gives that has diverged."""
    if np.isfinite(values).all():
        return
    wrong = np.flatnonzero(~np.isfinite(np.asarray(values, dtype=float)).reshape(len(values), -1).all(axis=1))
    if len(wrong):
        raise FieldError(
            f"{flow.name}: {quantity} is not a number at {len(wrong)} of {len(values)} places of this rank, the first "
            f"of them number {wrong[0]}: {values[wrong[0]]}; the solver of {flow.sender!r} has diverged, or was given "
            "what it cannot bear"
        )


def changes(inflows: Sequence[Inflow], flow: str, quantity: str) -> tuple[Array, Array]:
    """What one iteration changed of a quantity, and the quantity, both flat; empty on a rank that does not take it.

    Of an iterated flow: what was given less what was used; of another one: less what was given in the iteration before.
    """
    for inflow in inflows:
        if inflow.flow.name == flow:
            new = inflow.arrived[quantity]
            old = (inflow.course if inflow.flow.iterated else inflow.before)[quantity]
            return (new - old).ravel(), new.ravel()
    return np.zeros(0), np.zeros(0)
