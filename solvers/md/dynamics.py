"""Molecular dynamics by LAMMPS: the user's script sets it up, and it advances window by window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mpi4py import MPI
from numpy.typing import ArrayLike, NDArray

from ..errors import SolverError
from . import _inside
from .atoms import FluidAtoms
from .library import Array, Lammps
from .restart import Restart
from .settings import MolecularDynamicsSettings
from .trial import whole_steps
from .walls import WallBook

AXES = {"x": 0, "y": 1, "z": 2}

Side = Literal["above", "below"]
"""Of a plane."""


@dataclass(frozen=True)
class Bounds:
    """The planes that end the interior: fluid atoms with ``lower <= x[axis] < upper`` are inside."""

    axis: int = 0
    lower: float = -np.inf
    upper: float = np.inf


class MolecularDynamics:
    """LAMMPS on a duplicate of ``comm``, run by the user's own script.

    The interior (what the inventory counts) is the fluid group, within its ``bound``. Quantities are in the script's
    units: momentum in mass × velocity, energy in LAMMPS' energy unit. All methods are collective; inventories and
    rows are this rank's share.

    Parameters
    ----------
    script
        Path of the LAMMPS script. It defines everything but the coupled run: atoms, potentials, groups, fixes that
        integrate, the time step, and may run its own equilibration. The variable ``output`` holds ``output``.
    window
        Length of a window in the script's time unit: a whole number of its time steps.
    name
        Who is named if LAMMPS stops and does not return (see ``guard``).
    """

    def __init__(
        self,
        settings: MolecularDynamicsSettings,
        comm: MPI.Comm,
        script: Path,
        output: Path,
        window: float,
        name: str = "molecular dynamics",
    ) -> None:
        self.settings = settings
        self._window = window
        self._bounds = Bounds()
        self._running = self._exchanging = False
        self._atoms: FluidAtoms | None = None
        self._sides = np.zeros((3, 7))
        self._counted_at = -1
        """The number of LAMMPS' commands at which all sides were counted: they are asked for three times a window."""
        self.windows = 0
        """Windows that were run, settling included."""
        self.beginnings = 0
        """Times that LAMMPS was set up for the windows to come: at first, and where a resumed run would be."""
        self.on_step: Callable[[], None] | None = None
        """If set, called at the start of the next window and after each of its steps (and costs accordingly)."""
        self.at_exchange: Callable[[], None] | None = None
        """If set, called once in the next window, while neighbours are listed anew: there atoms can come and go."""
        variables = {"output": str(output.resolve()), **settings.variables}
        self.lammps = Lammps(comm, output.resolve() / "log.lammps", variables, f"participant '{name}'")
        self.comm = self.lammps.comm
        self._restart = Restart(self.lammps)
        self.lammps.script(script.resolve())
        self.timestep = self.lammps.constant("dt")
        try:
            self.steps = whole_steps(window, self.timestep)
        except ValueError as error:
            raise SolverError(f"participant '{name}': {error}") from error
        self._fluid = self.lammps.group_bit(settings.fluid)
        if self.lammps.step:
            self.lammps.command("reset_timestep 0")
        self.walls = {
            name: WallBook(self.lammps, number, wall)
            for number, (name, wall) in enumerate(sorted(settings.walls.items()))
        }
        self._wall_bits = {name: self.lammps.group_bit(wall.group) for name, wall in settings.walls.items()}
        self._walls_beyond: dict[str, Side] = {}
        """Walls that are on the other side of a bound with all of their atoms: they are of what is beyond."""

    def _tally_pair_energies(self) -> None:
        """Per-atom energies on the last step of each window only, natively."""
        for command in (
            "compute suture_pe all pe/atom pair",
            "compute suture_pe_sum all reduce sum c_suture_pe",
            f"fix suture_tally all ave/time {self.steps} 1 {self.steps} c_suture_pe_sum",
        ):
            self.lammps.command(command)

    def bound(self, axis: str, at: float, beyond: Side = "above") -> None:
        """End the interior at the plane ``axis = at``; what is ``beyond`` it, above or below, is not inside.

        A second call with the other side ends it there too, along the same axis.
        """
        kept = self._bounds if self._bounds.axis == AXES[axis] else Bounds(AXES[axis])
        self._bounds = replace(kept, **{"upper" if beyond == "above" else "lower": at})
        self._counted_at = -1

    def open_fluid(self) -> FluidAtoms:
        """Let atoms of the fluid come and go, before ``begin``. Idempotent, collective.

        Raises
        ------
        SolverError
            The fluid has several types of atoms, or LAMMPS has what would need more: long-range forces, a triclinic
            box, a run style other than ``verlet``, a pair style whose energies are not known pair by pair.
        """
        if self._atoms is None:
            self._atoms = FluidAtoms(self.lammps, self._fluid)
        return self._atoms

    def change_atoms(self, leaving: Sequence[int], places: Array, velocities: Array) -> None:
        """Take out the fluid's atoms with the ids ``leaving``, and put in others, (n, 3). Collective.

        All ranks say the same. ``at_exchange`` may do that and no one else: ``velocities`` are those of the middle of
        the step, as ``Surroundings.enter`` gives them.
        """
        assert self._atoms is not None, "open_fluid() comes first"
        assert self._exchanging, "atoms come and go while neighbours are listed anew"
        if len(leaving) or len(places):
            self._atoms.change(leaving, places, velocities)

    def _exchange(self) -> None:
        assert self.at_exchange is not None
        self._exchanging = True
        try:
            self.at_exchange()
        finally:
            self.at_exchange, self._exchanging = None, False
            self.lammps.forget()

    def begin(self) -> None:
        """Set LAMMPS up for the windows; no command that defines fixes or computes may follow. Idempotent.

        From here on LAMMPS' thermodynamic output is the step only: it is computed at both ends of every ``run``, and
        pressure and energies there would cost several per cent of a window.
        """
        if self._running:
            return
        self._walls_beyond = self._find_walls_beyond()
        self._tally_pair_energies()
        self.lammps.command("thermo_style custom step")
        self._running = True
        self._set_up()

    def _set_up(self) -> None:
        self._restart.set_up()
        self.beginnings += 1
        for wall in self.walls.values():
            wall.open()

    def _find_walls_beyond(self) -> dict[str, Side]:
        found: dict[str, Side] = {}
        height, masks = self.lammps.atoms("x")[:, self._bounds.axis], self.lammps.integers("mask")
        for name, bit in self._wall_bits.items():
            own = height[(masks & bit) != 0]
            lowest = self.comm.allreduce(float(own.min(initial=np.inf)), op=MPI.MIN)
            highest = self.comm.allreduce(float(own.max(initial=-np.inf)), op=MPI.MAX)
            if lowest >= self._bounds.upper:
                found[name] = "above"
            elif highest < self._bounds.lower:
                found[name] = "below"
        return found

    @property
    def max_dt(self) -> float:
        """The window."""
        return self._window

    def advance(self, dt: float) -> None:
        """Run one window.

        Raises
        ------
        SolverError
            ``dt`` is not the window: forces and energies are summed by LAMMPS itself over whole windows.
        """
        if abs(dt - self._window) > 1e-9 * self._window:
            raise SolverError(f"molecular dynamics advances by whole windows of {self._window:g}, not by {dt:g}")
        self.begin()
        if self._atoms and self.at_exchange:
            self._atoms.await_exchange(self._exchange, self.steps)
        if self.on_step is None:
            self.lammps.run(self.steps)
        else:
            self._run_stepwise(self.on_step)
        if self._atoms:
            self._atoms.after_run()
        for wall in self.walls.values():
            wall.close_window()
        self.windows += 1

    def _run_stepwise(self, on_step: Callable[[], None]) -> None:
        on_step()
        for _ in range(self.steps):
            self.lammps.run(1)
            on_step()

    def fluid(self) -> NDArray[np.bool_]:
        """Which of this rank's atoms are fluid, (atoms,)."""
        return (self.lammps.integers("mask") & self._fluid) != 0

    def inventory(self) -> dict[str, Array]:
        """Mass, momentum, and kinetic energy plus half of each pair's energy of the interior.

        Pairs of fluid and wall count wholly, on the side of the wall. The script must exclude pairs of wall and wall.
        """
        return self._held(0)

    def beyond(self, side: Side = "above") -> dict[str, Array]:
        """The same of the fluid beyond the bound on this side."""
        return self._held(1 if side == "above" else 2)

    def _held(self, side: int) -> dict[str, Array]:
        self.begin()
        if self._counted_at != self.lammps.commands:
            self._sides, self._counted_at = self._count(), self.lammps.commands
        _, mass, *momentum, square, potential = self._sides[side]
        energy = 0.5 * self.lammps.constant("mvv2e") * square + potential
        return {"mass": np.array([mass]), "momentum": np.array(momentum), "energy": np.array([energy])}

    def _count(self) -> Array:
        lammps, bounds = self.lammps, self._bounds
        assert _inside.tallied(lammps.address) == lammps.step, "energies are tallied at the windows' ends only"
        planes = (bounds.axis, bounds.lower, bounds.upper)
        # A fluid–wall pair counts wholly where the wall is: half is tallied to the wall's atom.
        beyond = sum(self._wall_bits[name] for name in self._walls_beyond)
        inside = sum(bit for name, bit in self._wall_bits.items() if name not in self._walls_beyond)
        return _inside.sides(lammps.address, self._fluid, inside, beyond, *planes, "suture_pe")

    @property
    def fluid_bit(self) -> int:
        """The fluid's bit in the atoms' masks."""
        return self._fluid

    def moments(self, axis: int, edges: Array) -> Array:
        """Of the fluid in bins along an axis: number, mass, Σmv (3), Σmv², (bins, 6), this rank's share."""
        return _inside.moments(self.lammps.address, self._fluid, axis, edges)

    def drive(self, axis: int, edges: Array, shift: ArrayLike, velocity: ArrayLike, factor: ArrayLike) -> Array:
        """Shift the fluid's velocities in each bin, (bins, 3), then scale what differs from ``velocity``, (bins, 3).

        Returns what that added to this rank's atoms: a row for the shift and one for the scaling, with three
        components of momentum and the kinetic energy.
        """
        self._counted_at = -1
        return _inside.drive(self.lammps.address, self._fluid, axis, edges, shift, velocity, factor)

    def redraw(self, chosen: NDArray[np.bool_], velocities: Array) -> Array:
        """Give this rank's ``chosen`` atoms, (atoms,), other velocities, (n, 3).

        Returns what that added to them: three components of momentum and the kinetic energy.
        """
        self._counted_at = -1
        mass, own = self.lammps.masses()[chosen], self.lammps.atoms("v")
        before = own[chosen]
        own[chosen] = velocities
        momentum = mass @ (velocities - before)
        energy = 0.5 * self.lammps.constant("mvv2e") * float(mass @ (velocities**2 - before**2).sum(axis=1))
        return np.array([*momentum, energy])

    def rows(self) -> dict[str, dict[str, Array]]:
        """What each wall gave to the interior since the start: momentum and energy."""
        self.begin()
        return {name: wall.row() for name, wall in self.walls.items() if name not in self._walls_beyond}

    def rows_beyond(self, side: Side = "above") -> dict[str, dict[str, Array]]:
        """The same of walls that are beyond the bound on this side with all of their atoms, to what is there."""
        self.begin()
        return {name: self.walls[name].row() for name, there in self._walls_beyond.items() if there == side}

    def save(self) -> dict[str, Any]:
        """This rank's atoms, its fixes' states and what the walls gave: what a resumed run starts from. Collective.

        This one goes on from there as that will, to the last bit: see ``Restart``.
        """
        self.begin()
        self._restart.arrange()
        self._restart.reseed(self.windows)
        saved = self._state()
        self._set_up()
        return saved

    def _state(self) -> dict[str, Any]:
        atoms = {name: self.lammps.integers(name).copy() for name in ("id", "image", "type")}
        atoms |= {name: self.lammps.atoms(name).copy() for name in ("x", "v")}
        walls = {name: {"impulse": wall.impulse, "work": wall.work} for name, wall in self.walls.items()}
        next_id = self._atoms.next_id if self._atoms else 0
        counts = {"windows": self.windows, "next id": next_id}
        return {"atoms": atoms, "fixes": self._restart.save(), "walls": walls, **counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put every atom where ``save`` found it, on as many ranks; before the first window. Collective.

        Where atoms come and go, those of the fluid that the script makes and that had gone are taken out, and those
        that had come are put in.

        Raises
        ------
        SolverError
            The script makes other atoms than those that were saved.
        """
        assert not self._running, "a run is resumed before it begins"
        parts = self.comm.allgather(state["atoms"])
        saved = {name: np.concatenate([part[name] for part in parts]) for name in state["atoms"]}
        if self._atoms:
            self._atoms.match(saved)
            self._atoms.next_id = int(state["next id"])
        order = np.argsort(saved["id"])
        own, ids = self.lammps.integers("id"), saved["id"][order]
        place = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
        unlike = int(np.count_nonzero(ids[place] != own)) + abs(len(ids) - self.comm.allreduce(len(own)))
        if self.comm.allreduce(unlike):
            raise SolverError("the script does not make the atoms that the checkpoint has; it has changed since")
        for name in ("x", "v"):
            self.lammps.atoms(name)[:] = saved[name][order[place]]
        self.lammps.integers("image")[:] = saved["image"][order[place]]
        self._restart.arrange()
        for name, wall in self.walls.items():
            wall.impulse, wall.work = state["walls"][name]["impulse"], float(state["walls"][name]["work"])
        self.windows = int(state["windows"])
        # What the script lets depend on time goes on: variables of the step, a wall that moves or swings.
        _inside.set_step(self.lammps.address, self.windows * self.steps)
        self._restart.reseed(self.windows)
        self._restart.restore(state["fixes"])

    def close(self) -> None:
        """Free what LAMMPS holds."""
        self.lammps.close()
