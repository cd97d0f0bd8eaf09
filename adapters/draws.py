"""Random numbers that are a function of the case's seed, of what they are for, and of the window alone."""

from __future__ import annotations

import numpy as np

from ..solvers.md.dynamics import MolecularDynamics

Draw = tuple[int, int]
"""The part of the run (0: settling, 1: the coupled run), and the window."""


class Draws:
    """One stream of Philox numbers: the same on every rank, and after a restart.

    The key is the script's variable ``seed``; the counter holds the stream, the part of the run and the window, so that
    2^64 numbers lie between two of them (Salmon, Moraes, Dror and Shaw, SC 2011).
    """

    def __init__(self, solver: MolecularDynamics, stream: int = 0) -> None:
        self.seed = int(float(solver.settings.variables.get("seed", 1)))
        self._generator = np.random.Generator(np.random.Philox(key=self.seed))
        self._start = self._generator.bit_generator.state
        self._stream = stream

    def of(self, draw: Draw) -> np.random.Generator:
        """The numbers of a window, from their beginning."""
        self._start["state"]["counter"][1] = self._stream
        self._start["state"]["counter"][2:] = draw
        self._generator.bit_generator.state = self._start
        return self._generator
