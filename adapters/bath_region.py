"""A band of a solid that gives the heat which its bath takes: two temperatures of one place, coupled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..couplers.cells import Array, Cells
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import AXES, MolecularDynamics
from .draws import Draw
from .heat_bath import HeatBath
from .impose_settings import Langevin
from .interior import nothing
from .particle_region import ParticleRegionSettings
from .seam_profiles import SeamProfiles, bins_around, cross_section, profiles_name
from .whole_particles import WholeParticles


class BathedParticles(WholeParticles["BathRegion"]):
    """All of a solid's atoms, those in the bands of its baths included."""

    def prepare(self, region: BathRegion) -> None:
        """Once all bands have their partners' temperatures: settle to them. Collective."""
        if not self._all_came(region):
            return
        self.begin()
        for window in range(max(one.settings.settle for one in self.regions)):
            self._start((0, window))
            self.solver.advance(region.window)
            for one in self.regions:
                one.close_window()


class BathRegion:
    """Slabs beyond a plane, each of which gives what the bath took of it, to round-off, and takes its temperature.

    Amounts of energy and temperatures are those of the slabs, (slabs,), on rank 0. All of the solid is counted.
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        settings: ParticleRegionSettings,
        window: float,
        output: Path,
        done: int,
        particles: BathedParticles,
    ) -> None:
        assert isinstance(settings.impose, Langevin)
        self.settings, self.window = settings, window
        self._solver, self._particles = solver, particles
        self._axis = AXES[settings.axis]
        place = (settings.at, settings.slabs, settings.thickness, settings.beyond)
        self.bath = HeatBath(solver, self._axis, *place, settings.impose)
        path, bins = output / profiles_name(settings.beyond), bins_around(solver, settings)
        self._profiles = SeamProfiles(solver, self._axis, bins, cross_section(solver, self._axis), path, done)
        self._states: Array = np.zeros((settings.slabs, 6))
        """As those of ``ParticleRegion``, the temperature alone."""
        self._before = self.bath.given
        self._took: Array = np.zeros(settings.slabs)
        """Energy that the bath took of each slab in the window (this rank's share)."""
        particles.regions.append(self)

    def cells(self, quantity: str) -> Cells:
        """The slabs, on rank 0."""
        if self._solver.comm.rank:
            return Cells(np.zeros((0, 3)), np.zeros((0, 3)))
        lower, upper = (np.tile(corner, (self.settings.slabs, 1)) for corner in self._solver.lammps.box)
        outward = 1.0 if self.settings.beyond == "above" else -1.0
        ends = self.bath.edges, self.bath.edges + outward * self.settings.thickness
        lower[:, self._axis], upper[:, self._axis] = np.minimum(*ends), np.maximum(*ends)
        return Cells(lower, upper)

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Settle to the partner's temperature. Collective. Raises ``SolverError`` if the partner gives none."""
        if "temperature" not in states:
            raise SolverError("a particle region needs its partner's temperature")
        self._take(states)
        self._particles.prepare(self)

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Take the slabs' temperatures; the last band that receives begins the window. Collective."""
        self._take(values)
        self._particles.receive(self, window)

    def _take(self, values: Mapping[str, Array]) -> None:
        """Rank 0 has the cells, so it tells the others."""
        if self._solver.comm.rank == 0:
            self._states[:, 3:4] = values["temperature"]
        self._solver.comm.Bcast(self._states)

    def start(self, draw: Draw) -> None:
        """Let the bath act in the window that comes. Collective."""
        self._before = self.bath.given
        self.bath.impose(self._states[:, :3], self._states[:, 3], draw)

    def close_window(self) -> None:
        """Book what the bath took in the window that has been run."""
        self._took = self._took - (self.bath.given - self._before)[:, 3]

    def given(self) -> Array:
        """Mass, momentum and energy that the bath gave since the start, (5,), this rank's share."""
        return np.append(0.0, self.bath.given.sum(axis=0))

    def account(self, dt: float) -> None:
        """What the bath took. Collective."""
        self._particles.account()

    def send(self, window: Window) -> dict[str, Array]:
        """Energy that the bath took of each slab in the window, on rank 0's cells. Collective."""
        total = np.empty_like(self._took)
        self._solver.comm.Reduce(self._took, total)
        self._took = np.zeros_like(self._took)
        self._profiles.sample(window.end, self._states, np.nan)
        return {"energy": total[:, None] if self._solver.comm.rank == 0 else np.zeros((0, 1))}

    def received(self) -> dict[str, Array]:
        """Temperatures are received, no amounts."""
        return nothing()

    def carry(self) -> dict[str, Array]:
        """Nothing is held back."""
        return nothing()

    def save(self) -> dict[str, Any]:
        """What the bath gave, and the error in time."""
        return {"given": self.bath.given.copy(), "error": self._particles.error.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, before the first window."""
        self.bath.given = np.array(state["given"])
        self._particles.error = np.array(state["error"])
