"""A particle region at an interface with a continuum: the continuum's state comes in, amounts go out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..couplers.cells import Array, Cells
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.dynamics import AXES, MolecularDynamics
from .buffer import Buffer
from .draws import Draw
from .heat_bath import HeatBath
from .impose_settings import Constraint, Langevin, Maxwellian, Relaxation
from .interior import Held, Interior, held, nothing
from .method_of_planes import MethodOfPlanes
from .open_end import OpenEnd
from .particle_region import AMOUNTS, ParticleRegionSettings
from .piston import Piston
from .population import Outside
from .reservoir import Reservoir
from .seam_profiles import SeamProfiles, bins_around, cross_section, profiles_name
from .settling import Region

_STATES = {
    "velocity": slice(0, 3),
    "temperature": slice(3, 4),
    "density": slice(4, 5),
    "pressure": slice(5, 6),
}


def _create_buffer(
    solver: MolecularDynamics, settings: ParticleRegionSettings, axis: int, noise: bool
) -> Buffer | Reservoir | HeatBath:
    place = (settings.at, settings.slabs, settings.thickness, settings.beyond)
    match settings.impose:
        case Maxwellian():
            return Reservoir(solver, axis, *place)
        case Langevin() as langevin:
            return HeatBath(solver, axis, *place, langevin)
        case Relaxation(strength=strength):
            return Buffer(solver, axis, *place, noise, strength)
        case Constraint():
            return Buffer(solver, axis, *place, noise)


class ParticleRegion:
    """The interior is counted; the buffer beyond the plane takes the continuum's state.

    Gives mass, momentum and energy on one cell, the box's cross-section at the plane; takes velocity, temperature and
    density on the buffer's slabs, and pressure where its outer end is open. A solid in a Langevin bath gives energy
    and takes temperature alone. Rank 0 owns the cells. The amounts of a window are what the interior lost, less what
    its walls gave, divided between its planes (see ``Interior``); every ``audit_every``-th window the method of planes
    measures them again.
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        settings: ParticleRegionSettings,
        window: float,
        output: Path | None,
        done: int = 0,
        interior: Interior | None = None,
    ) -> None:
        """``interior``: what the planes share, or one of its own. Without ``output`` nothing is written."""
        self.settings = settings
        self.solver = solver
        self.window = window
        self.axis = AXES[settings.axis]
        self._outward = 1.0 if settings.beyond == "above" else -1.0
        noise = settings.open is not None and settings.open.fluctuations
        self.buffer = _create_buffer(solver, settings, self.axis, noise)
        self.piston = Piston(solver, settings.piston, self.axis) if settings.piston else None
        end = settings.at + self._outward * settings.slabs * settings.thickness
        self.open_end = OpenEnd(solver, self.axis, settings.at, end, settings.open) if settings.open else None
        audits = settings.audit_every
        self.planes = MethodOfPlanes(solver, self.axis, settings.at, settings.beyond) if audits else None
        self.compared = max(1, settings.slabs - 1)
        """Slabs, from the plane outward, whose density is compared with the continuum's."""
        self.layer = Region(solver, self.axis, settings.at, self.compared * settings.thickness)
        self.profile_name = profiles_name(settings.beyond)
        path = output / self.profile_name if output else None
        area = cross_section(solver, self.axis)
        self.profiles = SeamProfiles(solver, self.axis, bins_around(solver, settings), area, path, done)
        solver.bound(settings.axis, settings.at, settings.beyond)
        self.states: Array = np.zeros((settings.slabs, 6))
        """The continuum's in each slab: velocity, temperature, density, pressure; 0 where it gives none."""
        self._amounts = np.zeros(5)
        """Mass, momentum and energy that left so far in this window (this rank's share)."""
        self._auditing = False
        self._interior = interior or Interior(solver)
        self._interior.join(self)

    def cells(self, quantity: str) -> Cells:
        """One rectangle for amounts, one box for each slab for states; all on rank 0."""
        if self.solver.comm.rank:
            return Cells(np.zeros((0, 3)), np.zeros((0, 3)))
        box = self.solver.lammps.box
        number = 1 if quantity in AMOUNTS else self.settings.slabs
        lower, upper = (np.tile(corner, (number, 1)) for corner in box)
        thickness = 0.0 if quantity in AMOUNTS else self.settings.thickness
        inner = self.buffer.edges[:number]
        ends = (inner, inner + self._outward * thickness)
        lower[:, self.axis], upper[:, self.axis] = np.minimum(*ends), np.maximum(*ends)
        return Cells(lower, upper)

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Settle to the partner's initial states, then note what the interior holds. Collective.

        Raises
        ------
        SolverError
            The partner gives no temperature, or no velocity for a fluid, or no density for an open end.
        """
        needed = ["temperature"] if self.settings.solid else ["velocity", "temperature"]
        needed += ["density"] if self.open_end else []
        missing = [name for name in needed if name not in states]
        if missing:
            raise SolverError(f"a particle region needs its partner's {' and '.join(missing)}")
        self._take(states)
        self._interior.prepare(self)

    def begin(self) -> None:
        """Once LAMMPS is set up: what measures and closes the buffer starts. Collective."""
        if self.piston:
            self.piston.open()
        if self.open_end:
            self.open_end.open()

    def describe_end(self) -> str:
        """Where the outer end is, for the log."""
        if self.open_end:
            return f"; {self.open_end.describe(self.outside(self.states))}"
        return f"; piston '{self.settings.piston}' at {self.piston.position:.4f}" if self.piston else ""

    def outside(self, states: Array) -> Outside:
        """What an open end is to bring about, of states by slab: the state in the slab next to the plane.

        Not that of the slab at the end: then pressure and flow at the plane would be those of the continuum's second
        cell, and what the first one lacks to the second would grow from window to window.
        """
        velocity, (temperature, density, pressure) = states[0, :3], states[0, 3:]
        return Outside(velocity, float(temperature), float(density), float(pressure) if pressure else None)

    def start(self, states: Array, piston_velocity: float | None, draw: Draw) -> None:
        """Impose ``states`` on the buffer, and set its outer end moving. Collective."""
        self.buffer.impose(states[:, :3], states[:, 3], draw)
        if self.piston:
            self.piston.move(float(states[-1, self.axis]) if piston_velocity is None else piston_velocity)
        if self.open_end:
            self.open_end.begin_window(self.outside(states))

    def close_window(self) -> None:
        """Book what the outer end gave in the window that has just been run. Collective."""
        if self.piston:
            self.piston.close_window()
        if self.open_end:
            self.open_end.close_window()

    def fraction_of_length(self, length: float) -> Array:
        """How far from the fluid's lower to its upper end the slabs' centres are, (slabs,)."""
        end = self.piston.position if self.piston else self.layer.upper
        return 1.0 - (end - self.buffer.edges - 0.5 * self.settings.thickness) / length

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Impose the continuum's state on the buffer, and set its outer end moving with it. Collective.

        Where the interior has several planes, the last one that receives begins the window for all.
        """
        self._take(values)
        self._interior.receive(self, window)

    def takes_audit(self, window: Window) -> bool:
        """Whether it is this window's turn to be audited."""
        every = self.settings.audit_every
        self._auditing = bool(every) and window.index % every == every - 1
        return self._auditing

    def _take(self, values: Mapping[str, Array]) -> None:
        """Rank 0 has the cells, so it tells the others."""
        for name, columns in _STATES.items():
            if self.solver.comm.rank == 0 and name in values:
                self.states[:, columns] = values[name]
        self.solver.comm.Bcast(self.states)

    def account(self, dt: float) -> None:
        """What left the interior through this plane. Collective."""
        self._interior.account()

    def add(self, left: Array) -> None:
        """These amounts left through this plane: mass, momentum, energy, (5,) (this rank's share)."""
        self._amounts = self._amounts + left

    def send(self, window: Window) -> dict[str, Array]:
        """Amounts that left in the window, summed over the ranks, on rank 0's cell. Collective."""
        mine, self._amounts = self._amounts, np.zeros(5)
        total = np.empty(5)
        self.solver.comm.Reduce(mine, total)
        self.profiles.sample(window.end, self.states, self.piston.position if self.piston else np.nan)
        if self.solver.comm.rank:
            return {"mass": np.zeros((0, 1)), "momentum": np.zeros((0, 3)), "energy": np.zeros((0, 1))}
        return {"mass": total[None, :1], "momentum": total[None, 1:4], "energy": total[None, 4:]}

    @property
    def auditing(self) -> bool:
        """Whether this window is audited."""
        return self._auditing

    def audit(self) -> dict[str, Array] | None:
        """Amounts that left in this window as the method of planes measures them; None without an audit."""
        return self.planes.left() if self.planes and self._auditing else None

    def received(self) -> dict[str, Array]:
        """States are received, no amounts."""
        return nothing()

    def carry(self) -> dict[str, Array]:
        """Nothing is held back."""
        return nothing()

    def save(self) -> dict[str, Any]:
        """What the buffer was given, and what its outer end must know."""
        piston = {"position": self.piston.position, "rows": dict(self.piston.rows)} if self.piston else {}
        open_end = self.open_end.save() if self.open_end else {}
        buffer = {name: dict(row) for name, row in self.buffer.rows.items()}
        self.buffer.rows = {name: dict(row) for name, row in buffer.items()}  # as a resumed run has them
        return {"buffer": buffer, "piston": piston, "open end": open_end}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, before the first window. Collective."""
        self.buffer.rows = {name: dict(row) for name, row in state["buffer"].items()}
        if self.piston:
            self.piston.place(float(state["piston"]["position"]))
            self.piston.rows = dict(state["piston"]["rows"])
        if self.open_end:
            self.open_end.restore(state["open end"])

    def buffer_inventory(self) -> dict[str, Array]:
        """What the buffer holds, with the atoms' energy in the piston's field (this rank's share). Collective."""
        held = self.solver.beyond(self.settings.beyond)
        if self.piston:
            energy = self.piston.energy()
            held["energy"] = held["energy"] + (energy if self.solver.comm.rank == 0 else 0.0)
        return held

    def buffer_rows(self) -> dict[str, dict[str, Array]]:
        """What those who impose the state, the outer end and walls there gave since the start, settling included."""
        rows = self.solver.rows_beyond(self.settings.beyond)
        rows |= {name: dict(row) for name, row in self.buffer.rows.items()}
        if self.piston:
            rows["piston"] = dict(self.piston.rows)
        if self.open_end:
            rows |= {name: dict(row) for name, row in self.open_end.rows.items()}
        return rows

    def buffer_held(self) -> Held:
        """Both together. Collective."""
        return held(self.buffer_inventory(), self.buffer_rows())
