"""Atoms of a solid in motion, by LAMMPS: some go where they are told, the others where forces drive them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from . import _blend, _inside, _open
from .bath import Band, Bath
from .library import Array
from .solid_atoms import SolidAtoms
from .solid_settings import BathSettings, SolidAtomsSettings
from .trial import whole_steps

_PUSH = "suture_push"
"""Name of LAMMPS' fix that sums the forces on led atoms."""
_LED, _TIED = "suture_led", "suture_tied"
"""LAMMPS' groups of atoms that go where they are told, and of those that do no more."""
_RETURN = 0.5
"""Of the distance of tied atoms from what they are tied to, in a window. Stable below 2."""
_SHARE = "suture_share"
"""Of what LAMMPS keeps of each atom for ``tie``."""


class MovingAtoms(SolidAtoms):
    """The user's fixes move the free atoms; the led ones go straight and evenly in each window (``nve/noforce``).

    Velocity Verlet kicks with half a step at both ends of every step: over a window of N steps the mean force is
    (½ F(0) + F(1) + … + F(N-1) + ½ F(N)) / N, which a fix of Suture's own sums for the led atoms. So the momentum of
    the free atoms changes by the impulse of these forces on the led ones, turned round, to round-off; and their energy
    by the led atoms' work, up to the error of velocity Verlet.

    Of the led atoms some may be ``tied`` instead: they move by themselves (``nve``) with a share of their mass, and
    before each window their velocities are brought to those of what has the rest of it (``pull``).
    """

    def __init__(
        self,
        settings: SolidAtomsSettings,
        comm: MPI.Comm,
        script: Path,
        output: Path,
        window: float,
        name: str = "atoms of a solid",
    ) -> None:
        """``window`` is a whole number of the script's time steps; else ``SolverError``."""
        super().__init__(settings, comm, script, output, name)
        self._window = window
        try:
            self.steps = whole_steps(window, self.lammps.constant("dt"))
        except ValueError as error:
            raise SolverError(f"participant '{name}': {error}") from error
        if self.lammps.step:
            self.lammps.command("reset_timestep 0")
        self._running = False
        self.windows = 0
        self.share: Array = np.where(self.led, 0.0, 1.0)
        """Part of its mass with which each atom moves by itself, (home,)."""
        self.tied: NDArray[np.bool_] = np.zeros_like(self.led)
        """Atoms that are not free and move by themselves, (home,)."""
        self.ties = False
        """Whether there are such, on any rank."""
        self._pads = _LED
        self._impulse: Array = np.zeros_like(self.places)
        self.gained: Array = np.zeros(len(self.led))
        """Energy that ``pull`` gave each atom in this window, (home,)."""
        self._led_homes = self.homes.of(self.led)
        self._free_energy = 0.0
        self._counted: tuple[int, tuple[Array, float, float]] = (-1, (np.zeros(3), 0.0, 0.0))
        """The number of LAMMPS' commands at which the free atoms were counted, and what was found."""
        self._baths = {
            bath: Bath(self.lammps, f"suture_bath_{number}", settings.free, _band(of), of.seed)
            for number, (bath, of) in enumerate(sorted(settings.baths.items()))
        }
        for bath, of in settings.baths.items():
            self._baths[bath].heat_to([of.temperature])
        self.heat = {bath: np.zeros(4) for bath in self._baths}
        """Momentum and energy that each bath gave since the start (this rank's share)."""

    @property
    def max_dt(self) -> float:
        """The window."""
        return self._window

    def begin(self) -> None:
        """Put the led atoms where they are told, and set LAMMPS up for the windows. Idempotent."""
        if self._running:
            return
        lammps, n = self.lammps, self.steps
        _inside.define(lammps.address)
        self.lead(self.displacement, self.led & ~self.tied)
        for command in (
            f"fix suture_led {self._pads} nve/noforce",
            f"fix {_PUSH} {_LED} suture/push",
            f"fix suture_tally all ave/time {n} 1 {n} c_suture_pe_sum",
            "thermo_style custom step",
        ):
            lammps.command(command)
        self.feel()
        self._running = True

    def advance(self, dt: float) -> None:
        """Run one window, in which the led atoms go to where they are told."""
        if abs(dt - self._window) > 1e-9 * self._window:
            raise SolverError(f"atoms advance by whole windows of {self._window:g}, not by {dt:g}")
        self.begin()
        self._send_off(dt)
        before = self.force[self.led]
        for bath in self._baths.values():
            bath.begin(self.steps)
        self.lammps.run(self.steps)
        for name, bath in self._baths.items():
            self.heat[name] = self.heat[name] + bath.take().sum(axis=0) / self.depth
        mean = self._look()
        # The mean is over the steps 1 … N.
        self.mean_force[self.led] = mean + 0.5 * (before - self.force[self.led]) / self.steps
        self.mean_force[self.tied] = -self._impulse[self.tied] / dt
        self.time += dt
        self.windows += 1

    def _send_off(self, dt: float) -> None:
        """Give the led atoms the velocity that takes them to where they are told."""
        here = self._of_group(self._pads)
        ids = self.lammps.integers("id")[here]
        told = self.places[self.led] + self.displacement[self.led]
        way = self._shortest(told - self._led_homes.bring(ids, self.lammps.atoms("x")[here]))
        self.path[self.led] = np.where(self.tied[self.led, None], 0.0, way)
        self.lammps.atoms("v")[here] = self._led_homes.ask(ids, way / dt)

    def tie(self, share: Array) -> None:
        """Let atoms that are not free move by themselves with a part of their mass, (home,), where that is not 0.

        Their energies must be weighed; before the first window, and once.
        """
        lammps = self.lammps
        self.share, self.tied = np.where(self.led, share, 1.0), self.led & (share > 0.0)
        for command in (
            f"group {_TIED} empty",
            f"fix {_SHARE} all property/atom d_{_SHARE}",
            f"fix {_TIED} {_TIED} nve",
        ):
            lammps.command(command)
        own = self._own(np.column_stack([self.tied.astype(float), np.where(self.tied, self.share, 1.0)]))
        tied = lammps.integers("id")[own[:, 0] > 0.5]
        _open.mark(lammps.address, tied.tolist(), _open.bit(lammps.address, _TIED))
        _blend.set(lammps.address, _SHARE, own[:, 1])
        self.ties, self._pads = True, "suture_pads"
        lammps.command(f"group {self._pads} subtract {_LED} {_TIED}")

    def start(self, velocity: Array) -> None:
        """Put the tied atoms where they are told, with a velocity, (home, 3)."""
        self.lead(self.displacement, self.tied)
        here = self._of_group(_TIED)
        self.lammps.atoms("v")[here] = self.homes.ask(self.lammps.integers("id")[here], velocity)

    def pull(self, displacement: Array, velocity: Array) -> None:
        """Bring tied atoms and what has the rest of their mass, and these two, (home, 3), to a common velocity.

        Where they are apart, to velocities that bring them together again (Baumgarte 1972). The other side is told of
        the impulse as of a force of this window.
        """
        here = self._of_group(_TIED)
        ids, own = self.lammps.integers("id")[here], self.lammps.atoms("v")
        asked = self.homes.ask(ids, np.column_stack([self.share, velocity, self.places + displacement]))
        share, before = asked[:, :1], own[here]
        apart = self._shortest(asked[:, 4:] - self.lammps.atoms("x")[here])
        after = before + (1.0 - share) * (asked[:, 1:4] - before + _RETURN * apart / self._window)
        own[here] = after
        mass = share * self.lammps.masses()[here, None] / self.depth
        energy = 0.5 * self.lammps.constant("mvv2e") * (mass * (after**2 - before**2)).sum(axis=1)
        found = self.homes.bring(ids, np.column_stack([mass * (after - before), energy]))
        self._impulse, self.gained = found[:, :3], found[:, 3]

    def _of_group(self, group: str) -> NDArray[np.bool_]:
        """Which of this rank's atoms are in one of Suture's groups, (atoms,)."""
        return (self.lammps.integers("mask") & _open.bit(self.lammps.address, group)) != 0

    def _shortest(self, way: Array) -> Array:
        """The same where the box is periodic, whichever image is taken."""
        lower, upper = self.lammps.box
        lengths = np.where(self.lammps.periodic, upper - lower, np.inf)
        return way - np.where(np.isfinite(lengths), np.round(way / lengths) * np.nan_to_num(lengths, posinf=0.0), 0.0)

    def _look(self) -> Array:
        """Note forces on the led atoms and energies as LAMMPS has them at the end of the window.

        Returns the mean force of the window on the led atoms, (led, 3).
        """
        lammps, here = self.lammps, ~self._moves
        energies = lammps.compute_atoms("suture_pe")
        pushes = _inside.pushes(lammps.address, _PUSH)[here] / self.steps
        columns = [lammps.atoms("f")[here], pushes, energies[here, None]]
        found = self._led_homes.bring(lammps.integers("id")[here], np.hstack(columns))
        self.force[self.led] = found[:, :3] * self._force_factor
        self._energies[self.led] = found[:, 6] / self.depth
        self._free_energy = float(energies[~here].sum()) / self.depth
        return found[:, 3:6] * self._force_factor

    def feel(self) -> None:
        """Evaluate forces and energies where the atoms are now."""
        super().feel()
        self._free_energy = float(self._energies[~self.led].sum())

    def potential(self) -> float:
        """This rank's share of the energy that counts: all of the free atoms' that are here, of led ones by weight."""
        return self._free_energy + float(self.weight[self.led] @ self._energies[self.led])

    @property
    def _moves(self) -> NDArray[np.bool_]:
        """Which of this rank's atoms are free, (atoms,)."""
        return (self.lammps.integers("mask") & self._free) != 0

    def _count(self) -> tuple[Array, float, float]:
        """Momentum of the atoms here that move by themselves, the sum of its magnitudes, and kinetic energy; kept."""
        if self._counted[0] != self.lammps.commands:
            moves, share = self._moves, np.ones(self.lammps.count)
            if self.ties:
                moves, share = moves | self._of_group(_TIED), _blend.get(self.lammps.address, _SHARE)
            mass = (share * self.lammps.masses())[moves] / self.depth
            velocity = self.lammps.atoms("v")[moves]
            squares = np.einsum("ij,ij->i", velocity, velocity)
            kinetic = 0.5 * self.lammps.constant("mvv2e") * float(mass @ squares)
            self._counted = self.lammps.commands, (mass @ velocity, float(mass @ np.sqrt(squares)), kinetic)
        return self._counted[1]

    def inventory(self) -> dict[str, Array]:
        """Momentum and kinetic energy of free and tied atoms, and the potential energy that counts."""
        self.begin()
        momentum, _, kinetic = self._count()
        return {"momentum": momentum.copy(), "energy": np.array([kinetic + self.potential()])}

    def gross(self) -> dict[str, Array]:
        """Magnitudes of the free atoms' momenta, which cancel."""
        return {"momentum": np.full(3, self._count()[1])}

    def save(self) -> dict[str, Any]:
        """Where everything is, and how fast. Collective.

        This one goes on from there as a resumed one will, to the last bit: see ``Restart``.
        """
        self.begin()
        self._restart.arrange()
        self._restart.reseed(self.windows)
        saved = self._state()
        self.lead(self.displacement, self.led & ~self.tied)
        self.feel()
        return saved

    def _state(self) -> dict[str, Any]:
        return {
            "time": self.time,
            "windows": self.windows,
            "positions": self._bring(self.lammps.atoms("x")),
            "velocities": self._bring(self.lammps.atoms("v")),
            "displacement": self.displacement.copy(),
            "weight": self.weight.copy(),
            "weighed": self.weighed,
            "share": self.share.copy(),
            "heat": {name: given.copy() for name, given in self.heat.items()},
            "fixes": self._restart.save(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put every atom where ``save`` found it, before the first window.

        Raises ``SolverError`` where windows were run already.
        """
        if self._running:
            raise SolverError(
                f"participant '{self.name}': atoms in motion cannot repeat a window, as an implicit scheme asks; "
                "choose an explicit one, or time_integration = 'quasi-static'"
            )
        self.time, self.windows = float(state["time"]), int(state["windows"])
        self.displacement = np.array(state["displacement"])
        self._restore_weights(np.array(state["weight"]), bool(state["weighed"]))
        share = np.array(state["share"])
        if self.comm.allreduce(bool((self.led & (share > 0.0)).any()), op=MPI.LOR):
            self.tie(share)
        self.heat = {name: np.array(given) for name, given in state["heat"].items()}
        self.lammps.atoms("x")[:] = self._own(np.array(state["positions"]))
        self.lammps.atoms("v")[:] = self._own(np.array(state["velocities"]))
        self._restart.arrange()
        _inside.set_step(self.lammps.address, self.windows * self.steps)
        self._restart.reseed(self.windows)
        self._restart.restore(state["fixes"])
        self.begin()


def _band(settings: BathSettings) -> Band:
    """One slab: all that is outside of the box."""
    return Band(settings.lower, settings.upper, (0.0, np.inf), settings.rate, settings.length, settings.power)
