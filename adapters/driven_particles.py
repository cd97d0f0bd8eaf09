"""Particles whose buffers take amounts: all of them are counted, and windows begin at all planes together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ..couplers.cells import Array
from ..solvers.md.dynamics import MolecularDynamics
from .draws import Draw
from .open_end import change_atoms
from .whole_particles import WholeParticles

if TYPE_CHECKING:
    from .flux_driven import FluxDrivenRegion

log = logging.getLogger("suture")


class DrivenParticles(WholeParticles["FluxDrivenRegion"]):
    """Interior and buffers of a participant whose planes all take amounts."""

    def __init__(self, solver: MolecularDynamics) -> None:
        super().__init__(solver)
        self._begun = False

    def gross(self) -> dict[str, Array]:
        """Magnitudes of the atoms' momenta, which cancel in the books (this rank's share)."""
        lammps, fluid = self.solver.lammps, self.solver.fluid()
        return {"momentum": lammps.masses()[fluid] @ np.abs(lammps.atoms("v")[fluid])}

    def begin(self) -> None:
        """Set LAMMPS up, and note what state the script left. Idempotent, collective."""
        if self._begun:
            return
        self._begun = True
        super().begin()
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

    def _start(self, draw: Draw) -> None:
        super()._start(draw)
        self.solver.at_exchange = lambda: change_atoms(self.solver, [region.plan(draw) for region in self.regions])
