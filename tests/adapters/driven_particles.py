"""The small region of ``open_particles`` whose buffers take amounts, and what happens to it window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suture.adapters.coupled_particles import CoupledParticles
from suture.adapters.flux_driven import FluxDrivenRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.couplers.window import Window
from suture.solvers.md.settings import MolecularDynamicsSettings

from .open_particles import PLANES, SCRIPT, SLABS, THICKNESS

WIDTHS = {"mass": 1, "momentum": 3, "energy": 1}
OUTWARD = {"below": -1.0, "above": 1.0}


@dataclass
class Driven:
    """One participant's particles, its regions by the side on which their buffer lies, and the windows so far."""

    comm: object
    solver: CoupledParticles
    regions: dict[str, FluxDrivenRegion]
    window: float
    index: int = 0

    @property
    def area(self):
        lower, upper = self.solver.lammps.box
        return float(np.prod((upper - lower)[:2]))

    def prepare(self):
        for region in self.regions.values():
            region.prepare({})

    def pressing(self, side, pressure, mass=0.0, shear=0.0, energy=0.0):
        """Amounts of a window, (5,): a pressure, and fluxes into the particles."""
        return self.window * self.area * np.array([mass, shear, 0.0, -OUTWARD[side] * pressure, energy])

    def run(self, amounts):
        """One window with these amounts, (5,), at each plane; the states given, by side."""
        window = Window(self.index, self.index * self.window, self.window)
        for side, region in self.regions.items():
            here = amounts[side][None] if self.comm.rank == 0 else np.zeros((0, 5))
            region.receive(window, {"mass": here[:, :1], "momentum": here[:, 1:4], "energy": here[:, 4:]})
        self.solver.advance(self.window)
        for region in self.regions.values():
            region.account(self.window)
        self.index += 1
        return {side: region.send(window) for side, region in self.regions.items()}

    def total(self, amounts):
        """Sum over the ranks as one vector: mass, momentum, energy; 0 for what is not there."""
        mine = [np.asarray(amounts.get(q, np.zeros(n)), dtype=float) for q, n in WIDTHS.items()]
        return self.comm.allreduce(np.concatenate(mine))

    def held(self):
        return self.total(self.solver.inventory())

    def carry(self):
        return {side: self.total(region.carry()) for side, region in self.regions.items()}

    def received(self):
        return {side: self.total(region.received()) for side, region in self.regions.items()}

    def error(self):
        return float(self.total(self.solver.rows()["integration error"])[4])


def driven(
    comm, output, window=0.1, planes=PLANES, slabs=SLABS, thickness=THICKNESS, settle=0, script=SCRIPT, **variables
) -> Driven:
    """The region, ready for ``prepare``."""
    settings = MolecularDynamicsSettings(script=str(script), variables=variables, fluid="fluid")
    md = CoupledParticles(settings, comm, Path(script), Path(output), window)
    regions = {}
    for beyond, at in planes.items():
        side = ParticleRegionSettings(
            at=at, beyond=beyond, slabs=slabs, thickness=thickness, takes="amounts", open={}, settle=settle
        )
        regions[beyond] = FluxDrivenRegion(md, side, window, Path(output), 0, md.driven)
    return Driven(comm, md, regions, window)
