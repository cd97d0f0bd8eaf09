"""Values that a partner gives at the ends of windows, in between in straight lines in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Ramp:
    """An array that goes from one value to the next, and stays there."""

    def __init__(self, values: Array) -> None:
        self._old = self._new = values
        self._begin = self._end = 0.0

    def at(self, time: float) -> Array:
        """The values at a time."""
        if time >= self._end:
            return self._new
        return self._old + (self._new - self._old) * max((time - self._begin) / (self._end - self._begin), 0.0)

    def go_to(self, values: Array, now: float, time: float) -> None:
        """From what it is ``now``, in a straight line to ``values`` at ``time``; at once where that is not later."""
        self._old, self._new = (self.at(now) if time > now else values), values
        self._begin, self._end = now, time

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {"old": self._old.copy(), "new": self._new.copy(), "begin": self._begin, "end": self._end}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._old, self._new = state["old"].copy(), state["new"].copy()
        self._begin, self._end = state["begin"], state["end"]
