"""The filters of one flow, on the receiver's side: one for each quantity, and the amounts that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cells import Array
from .exchange import Flow
from .filters import Filter, create_filter
from .global_sums import Total
from .waveform import is_amount, summed

Values = dict[str, Array]
"""By quantity, (points, samples * components) or (points, components)."""


class Smoother:
    """Turns what arrives in a window into what the window uses, and keeps the difference of amounts.

    Of every amount, what was held and what is new are what is given and what is held then: nothing is lost, whatever
    the filter does. Where windows have several samples, each sample of a window follows that of the windows before.
    """

    def __init__(self, filters: Mapping[str, Filter]) -> None:
        self._filters = filters
        self._held: Values = {}

    def open(self, course: Mapping[str, Array]) -> Values:
        """Begin as if ``course`` had come in every window so far; returns the amounts held, (points, components)."""
        held = {q: f.open(course[q]) for q, f in self._filters.items()}
        self._held = {q: amount for q, amount in held.items() if is_amount(q)}
        return self._kept()

    def smooth(self, arrived: Mapping[str, Array]) -> tuple[Values, Values]:
        """The course of a window, and the amounts held after it, (points, components). Collective."""
        given = {q: f.step(arrived[q], self._held.get(q)) for q, f in self._filters.items()}
        self._held = {q: held + arrived[q] - given[q] for q, held in self._held.items()}
        return given, self._kept()

    def _kept(self) -> Values:
        return {q: summed(q, held) for q, held in self._held.items()}

    def save(self) -> dict[str, Any]:
        """What is held, and what each filter remembers."""
        return {"held": dict(self._held), "filters": {q: f.save() for q, f in self._filters.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._held = {q: np.array(held) for q, held in state["held"].items()}
        for quantity, filter in self._filters.items():
            filter.restore(state["filters"][quantity])


def create_smoother(flow: Flow, total: Total) -> Smoother | None:
    """The filters of a flow, None without; ``total`` sums over the ranks of its receiver."""
    if flow.filter is None:
        return None
    return Smoother({q: create_filter(flow.filter, total, f"{flow.name}: {q}") for q in flow.quantities})
