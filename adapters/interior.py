"""The interior of a participant's particles, and the windows that all of its planes begin together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..couplers.cells import Array
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import MolecularDynamics
from .draws import Draw
from .heat_bath import HeatBath
from .open_end import change_atoms
from .settling import settle

if TYPE_CHECKING:
    from .particle_interface import ParticleRegion

log = logging.getLogger("suture")

Amounts = dict[str, Array]
Numbers = list[float]
"""Of mass, momentum and energy, one after the other: arrays of so few would take several times as long as floats."""
Held = tuple[Numbers, list[Numbers]]
"""An inventory, and what each row gave since the start."""

WIDTHS = {"mass": 1, "momentum": 3, "energy": 1}


def nothing() -> Amounts:
    """No amounts."""
    return {quantity: np.zeros(width) for quantity, width in WIDTHS.items()}


def _numbers(amounts: Mapping[str, Array]) -> Numbers:
    return [n for q, width in WIDTHS.items() for n in (amounts[q].tolist() if q in amounts else [0.0] * width)]


def held(inventory: Mapping[str, Array], rows: Mapping[str, Mapping[str, Array]]) -> Held:
    """Of what is there at one instant."""
    return _numbers(inventory), [_numbers(row) for row in rows.values()]


def lost(before: Held, now: Held) -> Array:
    """What was lost between two looks, besides what rows gave: mass, momentum, energy, (5,)."""
    given = [[end - begin for begin, end in zip(*row, strict=True)] for row in zip(before[1], now[1], strict=True)]
    added = map(sum, zip(*given, strict=True)) if given else [0.0] * len(now[0])
    return np.array([begin - end + more for begin, end, more in zip(before[0], now[0], added, strict=True)])


class Interior:
    """What leaves the interior in a window is what it lost, less what its walls gave.

    Through two planes together, that is; each buffer's balance says what came into it through its own plane, exactly
    for mass and momentum, and for energy up to the time integrator's error. The two together differ from what the
    interior lost by these errors, of which each plane gets one half: with A what the interior lost and a, b what the
    buffers got, the amounts are (A ± (a − b)) / 2. They add up to A whatever the errors.
    """

    def __init__(self, solver: MolecularDynamics) -> None:
        self.solver = solver
        self.regions: list[ParticleRegion] = []
        self._waiting: set[int] = set()
        self._running = False
        self._opening: Held | None = None
        self._beginnings = 0
        """At which of the solver's beginnings that was."""
        self._buffers: list[Held] = []

    def join(self, region: ParticleRegion) -> None:
        """A plane more."""
        self.regions.append(region)

    def _all_came(self, region: ParticleRegion) -> bool:
        """Whether the others have been here too since all were."""
        self._waiting.add(id(region))
        if len(self._waiting) < len(self.regions):
            return False
        self._waiting.clear()
        return True

    def prepare(self, region: ParticleRegion) -> None:
        """Once all planes have their partners' states: settle to them, then note what is there. Collective."""
        if not self._all_came(region):
            return
        self._begin()
        windows = max(one.settings.settle for one in self.regions)
        if windows:
            for one, reached in zip(self.regions, settle(self, windows), strict=True):
                if self.solver.comm.rank == 0:
                    log.info("settled in %d windows: %s%s", windows, reached, one.describe_end())
        self._look()

    def _begin(self) -> None:
        self.solver.begin()
        self._require_a_core()
        for region in self.regions:
            region.begin()

    def _require_a_core(self) -> None:
        """Two buffers must not reach each other, or what passes between them would have no plane."""
        if len(self.regions) < 2:
            return
        below, above = sorted(region.settings.at for region in self.regions)
        reach = self.solver.lammps.cutoff()
        if above - below <= reach:
            raise SolverError(f"the two planes are {above - below:g} apart, no more than pairs reach, {reach:g}")

    def _look(self) -> None:
        self._opening, self._beginnings = held(self.solver.inventory(), self.solver.rows()), self.solver.beginnings
        self._buffers = [region.buffer_held() for region in self.regions] if len(self.regions) > 1 else []

    def receive(self, region: ParticleRegion, window: Window) -> None:
        """Once all planes have their partners' states: begin the window. Collective."""
        if not self._all_came(region):
            return
        if self._opening is None or self._beginnings != self.solver.beginnings:
            self._begin()
            self._look()
        audited = [one.planes for one in self.regions if one.takes_audit(window) and one.planes]
        baths = [one.buffer for one in self.regions if isinstance(one.buffer, HeatBath)]
        for bath in baths:
            bath.waits = bool(audited)
        self.start([one.states for one in self.regions], None, (1, window.index))
        self._running = True
        for planes in audited:
            planes.start()

        def on_step() -> None:
            # The audit sees a step's end before a bath has changed velocities, and the next one's beginning after it.
            for bath in baths:
                bath.between_steps()
            for planes in audited:
                planes.renew()

        self.solver.on_step = on_step if audited and baths else None

    def start(self, states: list[Array], piston_velocity: float | None, draw: Draw) -> None:
        """Impose ``states`` on the buffers, set their ends moving, and let atoms come and go as the window is run.

        Collective. ``piston_velocity``: of a piston; None: the continuum's in the outermost slab.
        """
        for region, of in zip(self.regions, states, strict=True):
            region.start(of, piston_velocity, draw)
        opened = [
            (region.open_end, region.outside(of))
            for region, of in zip(self.regions, states, strict=True)
            if region.open_end
        ]
        if opened:
            self.solver.at_exchange = lambda: change_atoms(self.solver, [end.plan(of, draw) for end, of in opened])

    def learn_anew(self) -> None:
        """The particles are near the continua's states from now on."""
        for region in self.regions:
            if region.open_end:
                region.open_end.population.learn_anew()

    def run_freely(self, states: list[Array], piston_velocity: float, draw: Draw) -> None:
        """Run one window with ``states`` imposed, without amounts. Collective."""
        for region in self.regions:
            if region.open_end:
                region.open_end.measure()
        self.start(states, piston_velocity, draw)
        self.solver.advance(self.regions[0].window)
        for region in self.regions:
            region.close_window()

    def account(self) -> None:
        """After a step, for the first plane that asks: what left through each plane. Collective."""
        if not self._running:
            return
        self._running = False
        self.solver.on_step = None
        for region in self.regions:
            region.close_window()
        assert self._opening is not None, "receive() comes first"
        opening, buffers = self._opening, self._buffers
        self._look()
        assert self._opening is not None
        left = lost(opening, self._opening)
        if len(self.regions) == 1:
            self.regions[0].add(left)
            return
        came = [lost(now, before) for before, now in zip(buffers, self._buffers, strict=True)]
        for region, own, other in zip(self.regions, came, reversed(came), strict=True):
            region.add(0.5 * (left + (own - other)))
