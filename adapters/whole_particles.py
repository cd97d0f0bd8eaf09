"""Particles of which all are counted, at planes whose devices count by themselves what they give."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import numpy as np

from ..couplers.cells import Array
from ..couplers.window import Window
from ..solvers.md.dynamics import MolecularDynamics
from .draws import Draw


class Device(Protocol):
    """What a side does to the particles in a window, and what that gave them."""

    def start(self, draw: Draw) -> None:
        """Before the window's steps. Collective."""
        ...

    def close_window(self) -> None:
        """After them. Collective."""
        ...

    def given(self) -> Array:
        """Mass, momentum, energy since the start, settling included, (5,), this rank's share."""
        ...


Region = TypeVar("Region", bound=Device)


class WholeParticles(Generic[Region]):
    """A participant's particles with their buffers; windows begin at all planes together.

    What devices gave is counted by themselves, and what the particles hold by LAMMPS: mass and momentum of both agree
    to round-off. For energy they differ by the error of the time integrator, which is a row of the books.
    """

    def __init__(self, solver: MolecularDynamics) -> None:
        self.solver = solver
        self.regions: list[Region] = []
        self._waiting: set[int] = set()
        self._running = False
        self._energy: float | None = None
        self.error = np.zeros(1)
        """Energy that the time integrator has added since the start (this rank's share)."""

    def rows(self) -> dict[str, dict[str, Array]]:
        """What stands in the participant's books beside its walls."""
        return {"integration error": {"energy": self.error.copy()}}

    def _all_came(self, region: Region) -> bool:
        self._waiting.add(id(region))
        if len(self._waiting) < len(self.regions):
            return False
        self._waiting.clear()
        return True

    def begin(self) -> None:
        """Set LAMMPS up. Idempotent, collective."""
        self.solver.begin()

    def receive(self, region: Region, window: Window) -> None:
        """Once all planes have what they take: begin the window. Collective."""
        if not self._all_came(region):
            return
        self.begin()
        self._energy = self._balance()
        self._start((1, window.index))
        self._running = True

    def _start(self, draw: Draw) -> None:
        for region in self.regions:
            region.start(draw)

    def account(self) -> None:
        """After a step, for the first plane that asks: what each device gave, and the error in time. Collective."""
        if not self._running:
            return
        self._running = False
        for region in self.regions:
            region.close_window()
        assert self._energy is not None, "receive() comes first"
        self.error = self.error + self._balance() - self._energy

    def _balance(self) -> float:
        """Energy held, less what walls and devices have given since the start (this rank's share). Collective."""
        walls = sum(float(wall.work) for wall in self.solver.walls.values())
        given = sum(region.given()[4] for region in self.regions)
        return float(self.solver.inventory()["energy"][0]) - walls - given
