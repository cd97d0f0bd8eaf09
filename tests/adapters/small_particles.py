"""A small particle region for the tests, and what happens to it window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suture.adapters.particle_interface import ParticleRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.couplers.window import Window
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

SCRIPT = Path(__file__).parent / "particles" / "in.small"
AT, SLABS, THICKNESS = 5.0, 2, 2.5
STATES = ("velocity", "temperature", "density")


@dataclass
class Small:
    comm: object
    solver: MolecularDynamics
    region: ParticleRegion
    window: float
    index: int = 0

    def states(self, velocity=(0.0, 0.0, 0.0), temperature=1.107, density=0.8442):
        rows = SLABS if self.comm.rank == 0 else 0
        values = {"velocity": velocity, "temperature": temperature, "density": density}
        return {name: np.tile(np.atleast_1d(value).astype(float), (rows, 1)) for name, value in values.items()}

    def prepare(self, **states):
        self.region.prepare(self.states(**states))

    def run(self, **states):
        """One window: the amounts sent and those audited, (5,), or None where there was no audit."""
        window = Window(self.index, self.index * self.window, self.window)
        self.region.receive(window, self.states(**states))
        for dt in window.steps(lambda: self.solver.max_dt):
            self.solver.advance(dt)
            self.region.account(dt)
        sent = self.region.send(window)
        audit = self.region.audit()
        self.index += 1
        return self.total({q: v.sum(axis=0) for q, v in sent.items()}), None if audit is None else self.total(audit)

    def total(self, amounts):
        """Sum over the ranks as one vector: mass, momentum, energy; 0 for what is not there."""
        widths = {"mass": 1, "momentum": 3, "energy": 1}
        mine = [np.asarray(amounts.get(q, np.zeros(n)), dtype=float) for q, n in widths.items()]
        return self.comm.allreduce(np.concatenate(mine))


def small(comm, output, window=0.1, solver=MolecularDynamics, settle=0, audit_every=1, **variables) -> Small:
    """The small region, ready for ``prepare``."""
    walls = {"bottom": {"group": "wall", "force": "wallforce"}}
    settings = MolecularDynamicsSettings(script=str(SCRIPT), variables=variables, fluid="fluid", walls=walls)
    md = solver(settings, comm, SCRIPT, Path(output), window)
    at = ParticleRegionSettings(
        at=AT, slabs=SLABS, thickness=THICKNESS, piston="piston", settle=settle, audit_every=audit_every
    )
    return Small(comm, md, ParticleRegion(md, at, window, Path(output)), window)
