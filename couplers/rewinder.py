"""Brings a participant back to where its window began, and finds out a solver that does not come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .cells import Array
from .errors import SutureError
from .protocols import Books, Rewinds


class Rewinder:
    """Saves and restores a solver and those of its adapters that have a memory."""

    def __init__(self, solver: Books, adapters: Iterable[object]) -> None:
        self._solver = solver
        self._parts = [part for part in (solver, *adapters) if isinstance(part, Rewinds)]
        self._states: list[Any] = []
        self._held: dict[str, Array] = {}
        self._trusted = False

    def save(self) -> None:
        """A window begins."""
        self._states = [part.save() for part in self._parts]
        if not self._trusted:
            self._held = self._holding()

    def restore(self) -> None:
        """Return to where the window began.

        Raises ``SutureError`` if the solver then does not hold, to the last bit, what it held there. This is seen in
        the first window that changes what it holds.
        """
        moved = not self._trusted and bool(_difference(self._held, self._holding()))
        for part, state in zip(self._parts, self._states, strict=True):
            part.restore(state)
        if not moved:
            return
        difference = _difference(self._held, self._holding())
        if difference:
            raise SutureError(
                f"restore() does not return to where the window began: {difference}; "
                "an implicit scheme needs a solver whose save() keeps all that changes"
            )
        self._trusted = True

    def _holding(self) -> dict[str, Array]:
        """A copy of what the solver holds, and of its rows."""
        rows = {f"{row}: {q}": v for row, amounts in self._solver.rows().items() for q, v in amounts.items()}
        return {name: np.array(value) for name, value in (dict(self._solver.inventory()) | rows).items()}


def _difference(then: Mapping[str, Array], now: Mapping[str, Array]) -> str:
    """The first thing that is not as it was, in words."""
    return next((f"{name} was {v}, and is {now[name]}" for name, v in then.items() if np.any(v != now[name])), "")
