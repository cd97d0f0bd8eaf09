"""The time stepper: SSP Runge-Kutta on conservative finite volumes, with a book of what crosses every side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from . import fields
from ._fluxes import Kernel
from .beyond import Beyond
from .closures import Fluid, create_fluid
from .grid import EQUATIONS, Grid
from .partition import GHOSTS
from .ramp import Ramp
from .settings import SIDES, NavierStokesSettings, Reservoir, Wall

if TYPE_CHECKING:
    from mpi4py import MPI

Array = NDArray[np.float64]
Book = dict[str, Array]

# Shu & Osher (1988): state = a start + (1 - a)(state + dt residual), for a; the weight with which the stage's residual
# enters the step; and the fraction of the step at which it is taken.
_STAGES = ((0.0, 1.0 / 6.0, 0.0), (0.75, 1.0 / 6.0, 1.0), (1.0 / 3.0, 2.0 / 3.0, 0.5))

_DENSITY, _VELOCITY, _ENERGY, _TEMPERATURE, _PRESSURE = 0, slice(1, 4), 4, 5, 6
_VISCOSITY, _BULK_VISCOSITY, _CONDUCTIVITY, _SOUND_SPEED, _FIELDS = 7, 8, 9, 10, 11
_SENT = [_DENSITY, 1, 2, 3, _TEMPERATURE, _PRESSURE]


class NavierStokes:
    """Compressible Navier-Stokes equations in one, two or three dimensions on a uniform grid.

    Second-order central finite volumes with kinetic-energy- and entropy-preserving fluxes (Kuya, Totani & Kawai 2018)
    and SSP-RK3 in time. There is no shock capturing: flows must be resolved. ``folder`` is where file names in the
    settings start. Every method is collective over ``comm`` unless it says otherwise; amounts are this rank's share.
    """

    def __init__(self, settings: NavierStokesSettings, comm: MPI.Comm, folder: str | Path = ".") -> None:
        from mpi4py import MPI  # not before: importing it starts MPI

        self.settings = settings
        self.comm = comm.Dup()
        self._largest = MPI.MAX
        self.fluid: Fluid = create_fluid(settings.fluid, Path(folder))
        self.grid = Grid(settings, self.comm)
        self.time = 0.0
        self._fields = np.zeros((_FIELDS, *self.grid.padded))
        self._heat_capacity = np.zeros(self.grid.padded)
        self._kernel = self._create_kernel()
        self._crossed: dict[str, Array] = {}
        self._seam_flux: dict[str, Array] = {}
        self._beyond: dict[str, Beyond] = {}
        self._shared_walls: dict[str, Ramp] = {}
        self._set_boundaries()
        named = [side for side, boundary in settings.boundaries.items() if boundary.kind in ("wall", "reservoir")]
        named += ["body force"] if settings.body_force else []
        self._rows = {name: np.zeros(EQUATIONS) for name in named}
        self._set_initial_state()

    # -- the protocol of a solver --------------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The longest stable step from the present state, times ``cfl``."""
        return self._max_dt

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``max_dt`` allows it, else as many equal steps as it takes.

        Raises ``SolverError`` on every rank where the state leaves the fluid's range.
        """
        for crossed in self._crossed.values():
            crossed[:] = 0.0
        left = dt
        while left > 0.0:
            steps = math.ceil(left / self._max_dt - 1e-9)
            step = left if steps <= 1 else left / steps
            self._step(step)
            left = 0.0 if steps <= 1 else left - step
        for side in self._rows.keys() & self._crossed.keys():
            added = _total(self._crossed[side])
            if side in self._shared_walls:
                added[-1] = 0.0  # the partner's
            self._rows[side] += added

    def inventory(self) -> Book:
        """Mass (1,), momentum (3,) and total energy (1,) in this rank's cells."""
        return _book(_total(self.grid.state) * self.grid.cell_volume)

    def rows(self) -> dict[str, Book]:
        """What each wall, reservoir and the body force added so far (this rank's share), by name of the side.

        A wall that a partner shares has the impulse only: its heat crosses to the partner, as ``seam_amounts`` says.
        """
        return {name: _book(total) for name, total in self._rows.items()}

    def save(self) -> dict[str, Any]:
        """A copy of the state, the rows and the seam's fluxes."""
        return {
            "time": self.time,
            "state": self.grid.state.copy(),
            "rows": {name: total.copy() for name, total in self._rows.items()},
            "seam_flux": {side: flux.copy() for side, flux in self._seam_flux.items()},
            "beyond": {side: beyond.save() for side, beyond in self._beyond.items()},
            "shared_walls": {side: ramp.save() for side, ramp in self._shared_walls.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = state["time"]
        self.grid.state[:] = state["state"]
        for name, total in state["rows"].items():
            self._rows[name][:] = total
        for side, flux in state["seam_flux"].items():
            self.set_seam_flux(side, flux)
        for side, beyond in state["beyond"].items():
            if side not in self._beyond:  # of a run that is resumed
                self.extend_seam(side)
            self._beyond[side].restore(beyond)
        for side, ramp in self._shared_walls.items():
            ramp.restore(state["shared_walls"][side])
        self._refresh()

    def write_fields(self, path: str | Path) -> None:
        """Write the fields for ParaView as ``path`` (without suffix); ``fields.pvd`` beside it lists all times."""
        fields.write(self, Path(path), self.time)

    # -- the present state ---------------------------------------------------------------------------------------------

    @property
    def density(self) -> Array:
        """Density of this rank's cells, (z, y, x); not collective."""
        return self._fields[(_DENSITY, *self.grid.interior)]

    @property
    def velocity(self) -> Array:
        """Velocity of this rank's cells, (3, z, y, x); not collective."""
        return self._fields[(_VELOCITY, *self.grid.interior)]

    @property
    def temperature(self) -> Array:
        """Temperature of this rank's cells, (z, y, x); not collective."""
        return self._fields[(_TEMPERATURE, *self.grid.interior)]

    @property
    def pressure(self) -> Array:
        """Pressure of this rank's cells, (z, y, x); not collective."""
        return self._fields[(_PRESSURE, *self.grid.interior)]

    def time_derivative(self) -> Array:
        """Rate of change of the conserved variables of this rank's cells, (z, y, x, 5), per unit volume."""
        self._load(self.time)
        self._evaluate_residual(0.0, self.time)
        return self.grid.residual.copy()

    # -- seams ---------------------------------------------------------------------------------------------------------

    def seam_cells(self, side: str) -> tuple[Array, Array]:
        """Lower and upper corners (n, 3) of this rank's faces of ``side``, x fastest; flat along the normal."""
        axis, end = _axis_end(side)
        lower, upper = self.grid.boxes(*self._layer_range(side, 1))
        (lower if end else upper)[:, axis] = (upper if end else lower)[:, axis]
        return lower, upper

    def set_seam_flux(self, side: str, flux: Array) -> None:
        """Prescribe mass, momentum and energy per area and time, (faces, 5), positive into the domain.

        It holds, unchanged through all stages and steps, until it is set again.
        """
        if side in self._seam_flux:
            self._seam_flux[side] = np.array(flux, dtype=np.float64).reshape(-1, EQUATIONS)
            self._kernel.set_seam(*_axis_end(side), self._seam_flux[side])
        elif len(flux):
            raise SolverError(f"side '{side}' has no seam on this rank")

    def seam_amounts(self, side: str) -> Array:
        """What entered through each of this rank's faces of ``side`` in the last ``advance``, (faces, 5).

        It is the sum over stages of the fluxes that the residual used.
        """
        return self._crossed[side].copy() if side in self._crossed else np.zeros((0, EQUATIONS))

    def beyond_cells(self, side: str) -> tuple[Array, Array]:
        """Lower and upper corners (n, 3) of the cells of this rank's size beyond ``side``: a layer, then the next."""
        axis, end = _axis_end(side)
        lower, upper = self.layer_cells(side, 1)
        step = np.zeros(3)
        step[axis] = (1.0 if end else -1.0) * self.grid.spacing[axis]
        steps = [(1 + layer) * step for layer in range(GHOSTS)]
        return np.concatenate([lower + s for s in steps]), np.concatenate([upper + s for s in steps])

    def open_seam(self, side: str) -> None:
        """Let the faces of a seam be like those inside: what is beyond is the partner's, and no flux is prescribed.

        Until ``set_seam_state`` says what is there, it is what the cells next to the seam hold. Collective.
        """
        self.extend_seam(side)
        if self._seam_flux.pop(side, None) is not None:
            self._kernel.open(*_axis_end(side))
        self._refresh()

    def extend_seam(self, side: str) -> None:
        """Let the faces next to a seam, but not those on it, see the partner's cells beyond it. Collective.

        Without, the fields go on beyond a seam in straight lines, which is of second order.
        """
        axis, end = self._seam(side)
        values = self._energies(self.layer_states(side, 1)[0][:, :5])
        self._beyond[side] = Beyond(self.grid, self.comm, axis, end, np.tile(values, (GHOSTS, 1)))
        self._refresh()

    def sees_beyond(self, side: str) -> bool:
        """Whether the faces next to a seam see the partner's cells beyond it; alike on all ranks."""
        return side in self._beyond

    def set_seam_state(self, side: str, state: Array, time: float) -> None:
        """Let density, velocity and temperature (n, 5) of ``beyond_cells`` go in a straight line to these at ``time``.

        They stay there. A ``time`` that is not later than the present one sets them at once. Collective.
        """
        self._beyond[side].go_to(self._energies(np.asarray(state, dtype=np.float64)), self.time, time)
        if time <= self.time:
            self._refresh()

    def close_seam(self, side: str) -> None:
        """Let a seam be a wall at rest, impermeable and without slip, whose temperature is the partner's. Collective.

        Until ``set_wall_temperature`` says what it is, each face is as warm as the cell next to it. The impulse on it
        is booked in a row by the side's name; ``seam_amounts`` has the impulse too, and the heat that entered.
        """
        axis, end = self._seam(side)
        self._rows[side] = np.zeros(EQUATIONS)
        if self._seam_flux.pop(side, None) is not None:
            self._kernel.set_wall(axis, end, True, (0.0, 0.0, 0.0), 0.0, 0.0)
            self._shared_walls[side] = Ramp(self.layer_states(side, 1)[0][:, 4].copy())
        self._refresh()

    def set_wall_temperature(self, side: str, temperature: Array, time: float) -> None:
        """Let the temperature of the faces (n,) of ``close_seam`` go in a straight line to this one at ``time``.

        It stays there. A ``time`` that is not later than the present one sets it at once. Collective.
        """
        if side in self._shared_walls:
            self._shared_walls[side].go_to(np.array(temperature, dtype=np.float64), self.time, time)
        if time <= self.time:
            self._refresh()

    def wall_temperature(self, side: str) -> Array:
        """The present temperature of this rank's faces of a seam that is a wall, (faces,); not collective."""
        return self._shared_walls[side].at(self.time) if side in self._shared_walls else np.zeros(0)

    def _seam(self, side: str) -> tuple[int, int]:
        """Axis and end of a seam."""
        if side not in [name for name, boundary in self.settings.boundaries.items() if boundary.kind == "seam"]:
            raise SolverError(f"side '{side}' is no seam")
        return _axis_end(side)

    def _energies(self, state: Array) -> Array:
        """Density, velocity and internal energy (n, 5), of density, velocity and temperature."""
        return np.column_stack([state[:, :4], np.broadcast_to(self.fluid.energy(state[:, 0], state[:, 4]), len(state))])

    def layer_cells(self, side: str, count: int) -> tuple[Array, Array]:
        """Lower and upper corners (n, 3) of this rank's cells in the ``count`` layers next to ``side``, x fastest."""
        return self.grid.boxes(*self._layer_range(side, count))

    def layer_states(self, side: str, count: int) -> tuple[Array, Array]:
        """State of the cells of ``layer_cells``: density, velocity (three), temperature and pressure, each (n, 6).

        First the values, then their derivatives along the side's axis: central, one-sided at a seam.
        """
        axis, _ = _axis_end(side)
        first, last = self._layer_range(side, count)

        def cut(shift: int) -> Array:
            index = []
            for a in (2, 1, 0):
                offset = GHOSTS * (a in self.grid.active) + (shift if a == axis else 0)
                index.append(slice(first[a] + offset, last[a] + offset))
            return self._fields[(slice(None), *index)].reshape(_FIELDS, -1)[_SENT].T

        return cut(0), (cut(1) - cut(-1)) / (2.0 * self.grid.spacing[axis])

    def _layer_range(self, side: str, count: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """This rank's index range of the first ``count`` layers at ``side``; empty where it has none of them."""
        axis, end = _axis_end(side)
        grid = self.grid
        first, last = [0, 0, 0], list(grid.owned)
        low, high = (grid.cells[axis] - count, grid.cells[axis]) if end else (0, count)
        first[axis] = min(max(low - grid.start[axis], 0), grid.owned[axis])
        last[axis] = min(max(high - grid.start[axis], 0), grid.owned[axis])
        return (first[0], first[1], first[2]), (last[0], last[1], last[2])

    # -- set-up --------------------------------------------------------------------------------------------------------

    def _create_kernel(self) -> Kernel:
        grid = self.grid
        return Kernel(
            grid.owned,
            [axis in grid.active for axis in range(3)],
            grid.valid_lower,
            grid.valid_upper,
            tuple(grid.spacing),
            state=grid.state,
            local=grid.local,
            residual=grid.residual,
            fields=self._fields,
        )

    def _set_boundaries(self) -> None:
        for side, boundary in self.settings.boundaries.items():
            axis, end = _axis_end(side)
            if not self.grid.touches(axis, end):
                continue
            if isinstance(boundary, Wall):
                isothermal = boundary.temperature is not None
                self._kernel.set_wall(
                    axis, end, isothermal, boundary.velocity, boundary.slip_length, boundary.temperature or 0.0
                )
            elif isinstance(boundary, Reservoir):
                self._kernel.set_reservoir(axis, end, *self._reservoir_state(side, boundary))
            else:
                faces = self.grid.state.size // EQUATIONS // self.grid.owned[axis]
                self._seam_flux[side] = np.zeros((faces, EQUATIONS))
                self._kernel.set_seam(axis, end, self._seam_flux[side])
            self._crossed[side] = self._kernel.crossed(axis, end)

    def _reservoir_state(self, side: str, boundary: Reservoir) -> tuple[float, float, float, float]:
        """Pressure, density, temperature and energy of the fluid that a reservoir holds."""
        temperature = np.array([boundary.temperature])
        density = np.array([boundary.density or self._density_of(side, boundary)])
        pressure, energy = self.fluid.pressure(density, temperature), self.fluid.energy(density, temperature)
        return float(pressure[0]), float(density[0]), boundary.temperature, float(np.broadcast_to(energy, 1)[0])

    def _density_of(self, side: str, boundary: Reservoir) -> float:
        """The density that has the reservoir's pressure: secant steps, starting inside the fluid's range."""
        from scipy.optimize import root_scalar

        target, temperature = boundary.pressure, np.array([boundary.temperature])
        assert target is not None
        low, high = self.fluid.density_range
        start = (1.0, 1.1) if math.isinf(high) else (0.5 * (low + high), 0.45 * low + 0.55 * high)

        def excess(density: float) -> float:
            return float(self.fluid.pressure(np.array([density]), temperature)[0]) - target

        found = root_scalar(excess, method="secant", x0=start[0], x1=start[1], rtol=1e-14)
        density = float(found.root)
        if not (low < density < high) or abs(excess(density)) > 1e-9 * max(abs(target), 1e-300):
            raise SolverError(
                f"reservoir '{side}': no density between {low:g} and {high:g} has pressure {target:g} at temperature "
                f"{boundary.temperature:g}; the fluid's closure does not reach that state"
            )
        return density

    def _set_initial_state(self) -> None:
        initial, grid = self.settings.initial, self.grid
        x, y, z = grid.centres()
        density, temperature = initial.density(x=x, y=y, z=z), initial.temperature(x=x, y=y, z=z)
        self._require_valid(density, temperature, 0.0, "the initial state")
        self.set_state(density, [u(x=x, y=y, z=z) for u in initial.velocity], temperature)

    def set_state(self, density: Array, velocity: Any, temperature: Array) -> None:
        """Replace the state of this rank's cells: (z, y, x), three of them, (z, y, x)."""
        state = self.grid.state
        u, v, w = velocity
        state[..., 0] = density
        for component, value in enumerate((u, v, w)):
            state[..., 1 + component] = density * value
        kinetic = 0.5 * (np.square(u) + np.square(v) + np.square(w))
        state[..., 4] = density * (self.fluid.energy(density, temperature) + kinetic)
        self._refresh()

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _step(self, dt: float) -> None:
        """One SSP-RK3 step; the primitive fields of the present state are at hand from the last ``_refresh``."""
        start = self.grid.state.copy()
        for index, (keep, weight, when) in enumerate(_STAGES):
            if index:
                self._load(self.time + when * dt)
            self._evaluate_residual(weight * dt, self.time + when * dt)
            self._kernel.stage(keep, start, dt)
        self.time += dt
        self._refresh()

    def _load(self, time: float) -> None:
        """Primitive fields and closures on the owned cells and their ghosts, from the conserved state."""
        self.grid.exchange()
        for side, beyond in self._beyond.items():
            if beyond.here:
                self._kernel.set_beyond(*_axis_end(side), beyond.at(time))
        for side, ramp in self._shared_walls.items():
            self._kernel.set_wall_temperature(*_axis_end(side), ramp.at(time))
        self._kernel.primitives()
        f, fluid = self._fields, self.fluid
        density = f[_DENSITY]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # reported with a position by _refresh
            f[_TEMPERATURE] = temperature = fluid.temperature(density, f[_ENERGY])
            f[_PRESSURE] = fluid.pressure(density, temperature)
            f[_VISCOSITY] = fluid.viscosity(density, temperature)
            f[_BULK_VISCOSITY] = fluid.bulk_viscosity(density, temperature)
            f[_CONDUCTIVITY] = fluid.conductivity(density, temperature)
            f[_SOUND_SPEED] = fluid.sound_speed(density, temperature)
        self._kernel.fill_ghosts()

    def _evaluate_residual(self, weight: float, time: float) -> None:
        self._kernel.compute_residual(weight)
        if self.settings.body_force:
            self._add_body_force(weight, time)

    def _add_body_force(self, weight: float, time: float) -> None:
        assert self.settings.body_force is not None
        state, residual = self.grid.state, self.grid.residual
        x, y, z = self.grid.centres()
        source = np.zeros_like(residual)
        for component, formula in enumerate(self.settings.body_force, start=1):
            acceleration = formula(x=x, y=y, z=z, t=time)
            source[..., component] = state[..., 0] * acceleration
            source[..., 4] += state[..., component] * acceleration
        residual += source
        self._rows["body force"] += weight * self.grid.cell_volume * _total(source)

    def _refresh(self) -> None:
        """Primitive fields and step limit of the present state; ends the run on every rank if the state is invalid."""
        self._load(self.time)
        problem = self._invalid(self.density, self.temperature, self.time, "the flow")
        rate = math.nan if problem else self._stability_rate()
        if math.isnan(rate) and problem is None:
            problem = f"the flow at time {self.time:g}: the speed of sound is not real somewhere; the fluid is unstable"
        rate = self.comm.allreduce(math.inf if problem else rate, op=self._largest)
        if math.isinf(rate):
            raise SolverError(problem or f"the flow at time {self.time:g} became invalid on another rank")
        self._max_dt = self.settings.cfl / rate

    def _stability_rate(self) -> float:
        density, temperature = self._fields[_DENSITY], self._fields[_TEMPERATURE]
        self._heat_capacity[...] = self.fluid.heat_capacity(density, temperature)
        return self._kernel.stability_rate(self._heat_capacity)

    def _require_valid(self, density: Array, temperature: Array, time: float, what: str) -> None:
        """Raise on every rank where any has an invalid state."""
        problem = self._invalid(density, temperature, time, what)
        problems = [text for text in self.comm.allgather(problem) if text]
        if problems:
            raise SolverError(problems[0])

    def _invalid(self, density: Array, temperature: Array, time: float, what: str) -> str | None:
        """Where and how the state leaves the fluid's range, or None."""
        ranges = (self.fluid.density_range, self.fluid.temperature_range)
        for name, value, (low, high) in zip(("density", "temperature"), (density, temperature), ranges, strict=True):
            if low < value.min() and value.max() < high:
                continue
            bad = np.unravel_index(np.argmin((low < value) & (value < high)), value.shape)
            position = ", ".join(f"{centre[bad]:g}" for centre in self.grid.centres())
            return (
                f"{what} at time {time:g}: {name} is {value[bad]:g} in the cell at ({position}); the fluid's closure "
                f"holds between {low:g} and {high:g}. The flow is unresolved, or the state does not fit the fluid"
            )
        return None


def _axis_end(side: str) -> tuple[int, int]:
    """Axis 0 to 2 and end 0 (lower) or 1 (upper) of a side's name."""
    if side not in SIDES:
        raise SolverError(f"unknown side {side!r}; allowed are {', '.join(SIDES)}")
    index = SIDES.index(side)
    return index // 2, index % 2


def _total(values: Array) -> Array:
    """Sum over all but the last axis, pairwise: row by row, the round-off of many cells would show in the books."""
    return np.ascontiguousarray(values.reshape(-1, values.shape[-1]).T).sum(axis=1)


def _book(values: Array) -> Book:
    return {"mass": values[0:1].copy(), "momentum": values[1:4].copy(), "energy": values[4:5].copy()}
