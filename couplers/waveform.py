"""The course of a window in samples: what was given step by step, and what falls into the steps of who receives it.

A window is cut into equal samples. The giver's steps and the taker's steps need not match them, nor one another:

    amounts   a step's amount crossed evenly over the step: it goes to the samples, and from the samples to the steps of
              who receives it, by the time that they share. Sums stay equal, to round-off, whatever the steps.
    states    are linear in time between the ends of steps, and between samples: second order in their length.

Times are fractions of the window. Arrays of samples have shape (points, samples * components), the components of one
sample side by side, as they go over the wire.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .cells import Array
from .quantities import QUANTITIES

SLIVER = 1e-12
"""Fraction of a window that is nothing."""


def is_amount(quantity: str) -> bool:
    """Whether the quantity is conserved, else a state."""
    return QUANTITIES[quantity].kind == "amount"


def last(quantity: str, course: Array) -> Array:
    """The last sample, (points, components)."""
    return course[:, -QUANTITIES[quantity].components :]


def summed(quantity: str, course: Array) -> Array:
    """The samples added up, (points, components)."""
    if course.shape[1] == QUANTITIES[quantity].components:
        return course
    return course.reshape(len(course), -1, QUANTITIES[quantity].components).sum(axis=1)


def evenly(values: Array, samples: int) -> Array:
    """An amount, (points, components), that crosses evenly over the window."""
    return np.tile(values / samples, (1, samples))


def held(values: Array, samples: int) -> Array:
    """A state, (points, components), that stays as it is."""
    return np.tile(values, (1, samples))


def shared(begin: float, end: float, samples: int) -> Array:
    """The time that [begin, end] shares with each sample, in samples, (samples,)."""
    edges: Array = np.arange(samples + 1) / samples
    overlap = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
    return np.asarray(np.maximum(overlap, 0.0) * samples, dtype=np.float64)


class Recording:
    """What one side gives in a window, put together from the steps that it took."""

    def __init__(self, quantities: tuple[str, ...], samples: int) -> None:
        self._quantities = quantities
        self._samples = samples
        self._state: dict[str, Array] = {}
        self.course: dict[str, Array] = {}

    def open(self, states: Mapping[str, Array]) -> None:
        """Start a window from its opening ``states``, each (points, components)."""
        self._state = {q: np.array(states[q]) for q in self._quantities if not is_amount(q)}
        self.course = {}

    def add(self, begin: float, end: float, values: Mapping[str, Array]) -> None:
        """Add one step: the amounts that crossed in it, and the states at its end."""
        if self._samples == 1 and end - begin == 1.0:
            self.course = {quantity: np.array(values[quantity], dtype=float) for quantity in self._quantities}
            return
        part = shared(begin, end, self._samples)
        for quantity in self._quantities:
            new = np.asarray(values[quantity], dtype=float)
            shape = (len(new), self._samples, QUANTITIES[quantity].components)
            course = self.course.setdefault(quantity, np.zeros((shape[0], shape[1] * shape[2]))).reshape(shape)
            if is_amount(quantity):
                course += part[:, None] / part.sum() * new[:, None, :]
            else:
                self._interpolate(course, quantity, begin, end, new)

    def _interpolate(self, course: Array, quantity: str, begin: float, end: float, new: Array) -> None:
        old = self._state.get(quantity, new)
        times = np.arange(1, self._samples + 1) / self._samples
        inside = (times > begin + SLIVER) & (times <= end + SLIVER)
        weight = np.minimum((times[inside] - begin) / (end - begin), 1.0)[:, None]
        course[:, inside] = old[:, None, :] * (1.0 - weight) + new[:, None, :] * weight
        self._state[quantity] = new.copy()


def over(quantity: str, course: Array, opening: Array | None, begin: float, end: float) -> Array:
    """What a step [begin, end] takes of a course: the amount that falls into it, or the state at its end.

    ``opening`` is the state at the window's begin; an amount needs none. Shape (points, components).
    """
    components = QUANTITIES[quantity].components
    if course.shape[1] == components and end - begin == 1.0:
        return course
    values = course.reshape(len(course), -1, components)
    samples = values.shape[1]
    if is_amount(quantity):
        return np.einsum("psc,s->pc", values, shared(begin, end, samples))
    position = min(end * samples, samples)
    after = max(int(np.ceil(position - SLIVER * samples)), 1)
    weight = min(position - (after - 1), 1.0)
    before = values[:, after - 2] if after > 1 else opening
    assert before is not None, "a state has an opening value"
    return before * (1.0 - weight) + values[:, after - 1] * weight
