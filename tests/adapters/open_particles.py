"""A small particle region between two open ends for the tests, and what happens to it window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suture.adapters.interior import Interior
from suture.adapters.open_end import OpenEnd
from suture.adapters.particle_interface import ParticleRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.couplers.window import Window
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

SCRIPT = Path(__file__).parent / "particles" / "in.open"
PLANES = {"below": 5.0, "above": 10.0}
SLABS, THICKNESS = 2, 2.5
STATE = {"velocity": (0.0, 0.0, 0.0), "temperature": 1.107, "density": 0.8442, "pressure": 8.56}
"""The fluid of cases/couette at its own state: measured/fluid.json."""
WIDTHS = {"mass": 1, "momentum": 3, "energy": 1}


@dataclass
class Opened:
    """One participant's particles, its regions by the side on which their buffer lies, and the windows so far."""

    comm: object
    solver: MolecularDynamics
    regions: dict[str, ParticleRegion]
    window: float
    index: int = 0

    def states(self, **changed):
        rows = next(iter(self.regions.values())).settings.slabs if self.comm.rank == 0 else 0
        values = STATE | changed
        return {
            name: np.tile(np.atleast_1d(value).astype(float), (rows, 1))
            for name, value in values.items()
            if value is not None
        }

    def each(self, states):
        """The states of each region: those of its own name, or those that all share."""
        return {name: self.states(**states.get(name, states)) for name in self.regions}

    def prepare(self, **states):
        for name, values in self.each(states).items():
            self.regions[name].prepare(values)

    def run(self, **states):
        """One window: for each region the amounts sent and those audited, (5,), or None."""
        window = Window(self.index, self.index * self.window, self.window)
        for name, values in self.each(states).items():
            self.regions[name].receive(window, values)
        self.solver.advance(self.window)
        for region in self.regions.values():
            region.account(self.window)
        self.index += 1
        return {name: self._crossed(region, window) for name, region in self.regions.items()}

    def _crossed(self, region, window):
        sent, audit = region.send(window), region.audit()
        return self.total({q: v.sum(axis=0) for q, v in sent.items()}), None if audit is None else self.total(audit)

    def total(self, amounts):
        """Sum over the ranks as one vector: mass, momentum, energy; 0 for what is not there."""
        mine = [np.asarray(amounts.get(q, np.zeros(n)), dtype=float) for q, n in WIDTHS.items()]
        return self.comm.allreduce(np.concatenate(mine))

    def books(self):
        """What the interior and each buffer hold, and what each of their rows gave so far: (held, rows) by name."""
        books = {"interior": (self.total(self.solver.inventory()), {})}
        for name, region in self.regions.items():
            rows = {row: self.total(given) for row, given in region.buffer_rows().items()}
            books[name] = (self.total(region.buffer_inventory()), rows)
        return books

    def events(self, kind):
        return sum(region.open_end.events[kind] for region in self.regions.values())


def opened(
    comm,
    output,
    window=0.1,
    planes=PLANES,
    slabs=SLABS,
    thickness=THICKNESS,
    settle=0,
    audit_every=1,
    end=OpenEnd,
    settings=None,
    impose=None,
    script=SCRIPT,
    solver=MolecularDynamics,
    **variables,
) -> Opened:
    """The region, ready for ``prepare``."""
    md = solver(
        MolecularDynamicsSettings(script=str(script), variables=variables, fluid="fluid"),
        comm,
        script,
        Path(output),
        window,
    )
    interior, regions = Interior(md), {}
    for beyond, at in planes.items():
        side = ParticleRegionSettings(
            at=at,
            beyond=beyond,
            slabs=slabs,
            thickness=thickness,
            open=settings or {},
            impose=impose or {"kind": "constraint"},
            settle=settle,
            audit_every=audit_every,
        )
        regions[beyond] = ParticleRegion(md, side, window, Path(output), interior=interior)
        regions[beyond].open_end.__class__ = end
    return Opened(comm, md, regions, window)
