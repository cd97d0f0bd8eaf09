"""A small ensemble of particles between two open ends for the tests, and what happens to it window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suture.adapters.ensemble import Ensemble
from suture.adapters.ensemble_region import EnsembleRegion
from suture.adapters.ensemble_size import EnsembleSize
from suture.adapters.particle_region import KIND
from suture.couplers.kind import Context
from suture.couplers.window import Window

from .open_particles import PLANES, SCRIPT, SLABS, STATE, THICKNESS, WIDTHS


class Watched(EnsembleSize):
    """Remembers the last window's amounts of each member."""

    def add(self, plane, sent):
        self.last = [*getattr(self, "last", [])[:plane], sent]
        super().add(plane, sent)


@dataclass
class Together:
    """An ensemble, its regions by the side on which their buffers lie, and the windows so far."""

    comm: object
    solver: Ensemble
    regions: dict[str, EnsembleRegion]
    window: float
    index: int = 0

    @property
    def sent(self):
        """What each of this group's members sent in the last window, by region, (members, columns); a leader's."""
        return dict(zip(self.regions, self.solver.size.last, strict=True))

    def states(self, **changed):
        rows = SLABS if self.comm.rank == 0 else 0
        values = STATE | changed
        return {name: np.tile(np.atleast_1d(value).astype(float), (rows, 1)) for name, value in values.items()}

    def each(self, states):
        return {name: self.states(**states.get(name, states)) for name in self.regions}

    def prepare(self, **states):
        for name, values in self.each(states).items():
            self.regions[name].prepare(values)

    def run(self, **states):
        """One window: for each region the mean amounts sent and those audited, (5,), or None."""
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
        named = {"interior": (self.solver.inventory(), self.solver.rows())}
        named |= {name: (region.buffer_inventory(), region.buffer_rows()) for name, region in self.regions.items()}
        return {
            name: (self.total(held), {row: self.total(given) for row, given in rows.items()})
            for name, (held, rows) in named.items()
        }


def together(comm, output, ensemble, window=0.1, settle=0, audit_every=0, done=0, **variables) -> Together:
    """The ensemble, ready for ``prepare``."""
    solver = {"script": str(SCRIPT), "fluid": "fluid", "variables": variables, "ensemble": ensemble}
    context = Context(comm, "channel", SCRIPT.parent, Path(output), window, done)
    made = KIND.create_solver(KIND.solver_settings.model_validate(solver), context)
    made.size.__class__ = Watched
    regions = {}
    for beyond, at in PLANES.items():
        side = {"at": at, "beyond": beyond, "slabs": SLABS, "thickness": THICKNESS, "open": {}}
        side |= {"settle": settle, "audit_every": audit_every}
        regions[beyond] = KIND.create_adapter(made, KIND.interface_settings.model_validate(side), context)
    return Together(comm, made, regions, window)
