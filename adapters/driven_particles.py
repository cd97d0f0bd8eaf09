"""Particles whose buffers take amounts: all of them are counted, and windows begin at all planes together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ..couplers.cells import Array
from ..couplers.window import Window
from ..solvers.md.dynamics import MolecularDynamics
from .draws import Draw
from .open_end import change_atoms

if TYPE_CHECKING:
    from .flux_driven import FluxDrivenRegion

log = logging.getLogger("suture")


class DrivenParticles:
    """Interior and buffers of a participant whose planes all take amounts.

    What the buffers' devices gave is counted by themselves, and what the particles hold by LAMMPS: mass and momentum of
    both agree to round-off. For energy they differ by the error of the time integrator, which is a row of the books.
    """

    def __init__(self, solver: MolecularDynamics) -> None:
        self.solver = solver
        self.regions: list[FluxDrivenRegion] = []
        self._waiting: set[int] = set()
        self._begun = self._running = False
        self._energy: float | None = None
        self.error = np.zeros(1)
        """Energy that the time integrator has added since the start (this rank's share)."""

    def rows(self) -> dict[str, dict[str, Array]]:
        """What stands in the participant's books beside its walls."""
        return {"integration error": {"energy": self.error.copy()}}

    def gross(self) -> dict[str, Array]:
        """Magnitudes of the atoms' momenta, which cancel in the books (this rank's share)."""
        lammps, fluid = self.solver.lammps, self.solver.fluid()
        return {"momentum": lammps.masses()[fluid] @ np.abs(lammps.atoms("v")[fluid])}

    def _all_came(self, region: FluxDrivenRegion) -> bool:
        self._waiting.add(id(region))
        if len(self._waiting) < len(self.regions):
            return False
        self._waiting.clear()
        return True

    def begin(self) -> None:
        """Set LAMMPS up, and note what state the script left. Idempotent, collective."""
        if self._begun:
            return
        self._begun = True
        self.solver.begin()
        for region in self.regions:
            region.begin()

    def prepare(self, region: FluxDrivenRegion) -> None:
        """Once all planes have come here: settle to the state that the script left. Collective."""
        if not self._all_came(region):
            return
        self.begin()
        windows = max(one.settings.settle for one in self.regions)
        for window in range(windows):
            for one in self.regions:
                one.open_end.measure()
            self._start((0, window))
            self.solver.advance(region.window)
            for one in self.regions:
                one.close_window()
        if windows and self.solver.comm.rank == 0:
            for one in self.regions:
                log.info("settled in %d windows: %s", windows, one.describe())

    def receive(self, region: FluxDrivenRegion, window: Window) -> None:
        """Once all planes have their amounts: begin the window. Collective."""
        if not self._all_came(region):
            return
        self.begin()
        self._energy = self._balance()
        self._start((1, window.index))
        self._running = True

    def _start(self, draw: Draw) -> None:
        for region in self.regions:
            region.start(draw)
        self.solver.at_exchange = lambda: change_atoms(self.solver, [region.plan(draw) for region in self.regions])

    def account(self) -> None:
        """After a step, for the first plane that asks: what each buffer took, and the error in time. Collective."""
        if not self._running:
            return
        self._running = False
        for region in self.regions:
            region.close_window()
        assert self._energy is not None, "receive() comes first"
        self.error = self.error + self._balance() - self._energy

    def _balance(self) -> float:
        """Energy held, less what walls and buffers have given since the start (this rank's share). Collective."""
        walls = sum(float(wall.work) for wall in self.solver.walls.values())
        given = sum(region.given()[4] for region in self.regions)
        return float(self.solver.inventory()["energy"][0]) - walls - given
