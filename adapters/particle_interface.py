"""A particle region at an interface with a continuum: the continuum's state comes in, amounts go out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..couplers.cells import Array, Cells
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import AXES, MolecularDynamics
from .buffer import Buffer
from .method_of_planes import MethodOfPlanes
from .particle_region import ParticleRegionSettings
from .piston import Piston
from .seam_profiles import SeamProfiles
from .settling import Region, settle

log = logging.getLogger("suture")

AMOUNTS = ("mass", "momentum", "energy")
_STATES = {"velocity": slice(0, 3), "temperature": slice(3, 4), "density": slice(4, 5)}


class ParticleRegion:
    """The interior (below the plane) is counted; the buffer beyond it takes the continuum's state.

    Gives mass, momentum and energy on one cell, the box's cross-section at the plane; takes velocity, temperature and
    density on the buffer's slabs. Rank 0 owns the cells. The amounts of a window are what the interior lost, less what
    its walls gave; every ``audit_every``-th window the method of planes measures them again.
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        settings: ParticleRegionSettings,
        window: float,
        output: Path,
        done: int = 0,
    ) -> None:
        self.settings = settings
        self.solver = solver
        self.window = window
        self.axis = AXES[settings.axis]
        self.buffer = Buffer(solver, self.axis, settings.at, settings.slabs, settings.thickness)
        self.piston = Piston(solver, settings.piston, self.axis) if settings.piston else None
        self.planes = MethodOfPlanes(solver, self.axis, settings.at) if settings.audit_every else None
        self.compared = max(1, settings.slabs - 1)
        """Slabs, from the plane outward, whose density is compared with the continuum's."""
        self.layer = Region(solver, self.axis, settings.at, self.compared * settings.thickness)
        self.profiles = SeamProfiles(solver, self.axis, self._bins(), self._area(), output / "profiles.h5", done)
        solver.bound(settings.axis, settings.at)
        self._states = np.zeros((settings.slabs, 5))
        self._opening: tuple[Mapping[str, Array], Mapping[str, Mapping[str, Array]]] | None = None
        self._amounts = self._nothing()
        self._auditing = False

    def _nothing(self) -> dict[str, Array]:
        return {"mass": np.zeros(1), "momentum": np.zeros(3), "energy": np.zeros(1)}

    def _bins(self) -> Array:
        """Bins of a third of a slab, with an edge on the plane, from the box's lower end to the slabs' end."""
        step = self.settings.thickness / 3.0
        below = int((self.settings.at - self.solver.lammps.box[0][self.axis]) / step)
        return self.settings.at + step * np.arange(-below, 3 * self.settings.slabs + 1)

    def _area(self) -> float:
        lower, upper = self.solver.lammps.box
        return float(np.prod(np.delete(upper - lower, self.axis)))

    def cells(self, quantity: str) -> Cells:
        """One rectangle for amounts, one box for each slab for states; all on rank 0."""
        if self.solver.comm.rank:
            return Cells(np.zeros((0, 3)), np.zeros((0, 3)))
        box = self.solver.lammps.box
        number = 1 if quantity in AMOUNTS else self.settings.slabs
        lower, upper = (np.tile(corner, (number, 1)) for corner in box)
        lower[:, self.axis] = self.buffer.edges[:number]
        upper[:, self.axis] = lower[:, self.axis] + (0.0 if quantity in AMOUNTS else self.settings.thickness)
        return Cells(lower, upper)

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Settle to the partner's initial states, then note what the interior holds. Collective.

        Raises
        ------
        SolverError
            The partner gives no velocity or no temperature.
        """
        missing = [name for name in ("velocity", "temperature") if name not in states]
        if missing:
            raise SolverError(f"a particle region needs its partner's {' and '.join(missing)}")
        self._take(states)
        self._begin()
        if self.settings.settle:
            reached = settle(self, self._states, self.settings.settle)
            if self.solver.comm.rank == 0:
                place = f"; piston '{self.settings.piston}' at {self.piston.position:.4f}" if self.piston else ""
                log.info("settled in %d windows: %s%s", self.settings.settle, reached, place)
        self._opening = self._interior()

    def _begin(self) -> None:
        self.solver.begin()
        if self.piston:
            self.piston.open()
        if self.planes:
            self.planes.open()

    def run_freely(self, states: Array, piston_velocity: float, draw: tuple[int, int]) -> None:
        """Run one window with ``states`` imposed, without amounts. Collective."""
        self.buffer.impose(states[:, :3], states[:, 3], draw)
        if self.piston:
            self.piston.move(piston_velocity)
        self.solver.advance(self.window)
        if self.piston:
            self.piston.close_window()

    def fraction_of_length(self, length: float) -> Array:
        """How far from the fluid's lower to its upper end the slabs' centres are, (slabs,)."""
        end = self.piston.position if self.piston else self.layer.upper
        return 1.0 - (end - self.buffer.edges - 0.5 * self.settings.thickness) / length

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Impose the continuum's state on the buffer, and set the piston moving with it. Collective."""
        self._take(values)
        if self._opening is None:
            self._begin()
            self._opening = self._interior()
        self.buffer.impose(self._states[:, :3], self._states[:, 3], (1, window.index))
        if self.piston:
            self.piston.move(float(self._states[-1, self.axis]))
        every = self.settings.audit_every
        self._auditing = bool(every) and window.index % every == every - 1
        if self.planes and self._auditing:
            self.planes.start()
            self.solver.on_step = self.planes.step

    def _take(self, values: Mapping[str, Array]) -> None:
        """Rank 0 has the cells, so it tells the others."""
        for name, columns in _STATES.items():
            if self.solver.comm.rank == 0 and name in values:
                self._states[:, columns] = values[name]
        self.solver.comm.Bcast(self._states)

    def account(self, dt: float) -> None:
        """What left the interior is what it lost, less what its walls gave. Collective."""
        self.solver.on_step = None
        if self.piston:
            self.piston.close_window()
        assert self._opening is not None, "receive() comes first"
        (held, given), now = self._opening, self._interior()
        for quantity, amount in self._amounts.items():
            added = sum((now[1][row][quantity] - given[row][quantity] for row in given if quantity in given[row]), 0.0)
            self._amounts[quantity] = amount + held[quantity] - now[0][quantity] + added
        self._opening = now

    def _interior(self) -> tuple[Mapping[str, Array], Mapping[str, Mapping[str, Array]]]:
        return self.solver.inventory(), self.solver.rows()

    def send(self, window: Window) -> dict[str, Array]:
        """Amounts that left in the window, summed over the ranks, on rank 0's cell. Collective."""
        mine = np.concatenate([self._amounts[quantity] for quantity in AMOUNTS])
        total = np.empty_like(mine)
        self.solver.comm.Reduce(mine, total)
        self._amounts = self._nothing()
        self.profiles.sample(window.end, self._states, self.piston.position if self.piston else np.nan)
        if self.solver.comm.rank:
            return {"mass": np.zeros((0, 1)), "momentum": np.zeros((0, 3)), "energy": np.zeros((0, 1))}
        return {"mass": total[None, :1], "momentum": total[None, 1:4], "energy": total[None, 4:]}

    def audit(self) -> dict[str, Array] | None:
        """Amounts that left in this window as the method of planes measures them; None without an audit."""
        if not self.planes or not self._auditing:
            return None
        if not self.planes.complete():
            log.warning("an atom crossed the audit's layer within one window: this audit is void")
            return None
        return self.planes.left()

    def received(self) -> dict[str, Array]:
        """States are received, no amounts."""
        return self._nothing()

    def carry(self) -> dict[str, Array]:
        """Nothing is held back."""
        return self._nothing()

    def save(self) -> dict[str, Any]:
        """What the buffer was given, and where the piston is."""
        piston = {"position": self.piston.position, "rows": dict(self.piston.rows)} if self.piston else {}
        return {"buffer": {name: dict(row) for name, row in self.buffer.rows.items()}, "piston": piston}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, before the first window. Collective."""
        self.buffer.rows = {name: dict(row) for name, row in state["buffer"].items()}
        if self.piston:
            self.piston.place(float(state["piston"]["position"]))
            self.piston.rows = dict(state["piston"]["rows"])

    def buffer_inventory(self) -> dict[str, Array]:
        """What the buffer holds, with the atoms' energy in the piston's field (this rank's share). Collective."""
        held = self.solver.beyond()
        if self.piston:
            energy = self.piston.energy()
            held["energy"] = held["energy"] + (energy if self.solver.comm.rank == 0 else 0.0)
        return held

    def buffer_rows(self) -> dict[str, dict[str, Array]]:
        """What constraint, thermostat and piston gave to the buffer since the start, settling included."""
        rows = {name: dict(row) for name, row in self.buffer.rows.items()}
        if self.piston:
            rows["piston"] = dict(self.piston.rows)
        return rows
