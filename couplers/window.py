"""Coupling windows and the steps that a participant takes inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass
class Window:
    """The coupling time window [``begin``, ``begin`` + ``dt``], in the participant's own time unit.

    ``index`` counts from 0.
    """

    index: int
    begin: float
    dt: float

    @property
    def end(self) -> float:
        """Time at the window's end."""
        return self.begin + self.dt

    def steps(self, max_dt: Callable[[], float]) -> Iterator[float]:
        """Step lengths of at most ``max_dt()`` that add up to the window; the last step is what is left.

        Added up in floating point in their order, they give ``dt`` to the last bit, however many there are.
        ``max_dt`` is asked before every step, so that a solver may change its step. A remainder that would
        leave a sliver is shared by the last two steps. Raises ``ValueError`` where ``max_dt`` makes no headway.
        """
        done = 0.0
        while True:
            left = self.dt - done
            limit = max_dt()
            if left <= limit * (1.0 + 1e-12):
                yield left
                return
            if not done + limit > done:
                raise ValueError(f"max_dt is {limit:g} at {done:g} of a window of {self.dt:g}; it must be longer")
            dt = limit if left > 2.0 * limit else 0.5 * left
            yield dt
            done += dt
