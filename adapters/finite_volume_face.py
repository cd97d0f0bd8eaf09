"""One side of a Navier-Stokes box at an interface: amounts in and the states of its cells out, or the reverse.

A side that is a wall to its partner is ``finite_volume_wall``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..couplers.cells import Array, Cells, total
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.window import Window
from ..solvers.navier_stokes import SIDES, NavierStokes, NavierStokesSettings, SolverError
from ..solvers.navier_stokes.closures import MeasuredSettings, create_fluid
from ..solvers.navier_stokes.estimate import initial_problem, longest_step
from ..solvers.navier_stokes.partition import GHOSTS, most_ranks, processors
from ..solvers.navier_stokes.settings import AXES, Side, Vector
from .finite_volume_wall import FiniteVolumeWall
from .flow_profiles import FlowProfiles
from .flow_scales import flow_scales

AMOUNTS: tuple[str, ...] = ("mass", "momentum", "energy")
STATES: tuple[str, ...] = ("density", "velocity", "temperature", "pressure")

_BEYOND: tuple[str, ...] = ("density", "velocity", "temperature")
"""States that make the cells beyond a side."""
_EXCHANGES: dict[str, Exchange] = {
    "amounts": (STATES, AMOUNTS + _BEYOND),
    "states": (AMOUNTS + STATES, _BEYOND),
    "wall": (("energy", "temperature"), ("temperature",)),
}
"""What a side gives and takes under each condition; where amounts are taken, states may come too."""

_AMOUNT_COLUMNS = {"mass": slice(0, 1), "momentum": slice(1, 4), "energy": slice(4, 5)}
_STATE_COLUMNS = {"density": slice(0, 1), "velocity": slice(1, 4), "temperature": slice(4, 5), "pressure": slice(5, 6)}

# The partner takes states as constant on each cell given; parts of a cell carry its linear profile to second order.
_PARTS = 4

# Seconds per step and per cell and stage, measured; for the estimate only.
_STEP_SECONDS, _CELL_SECONDS = 6e-5, 1.2e-7


class FiniteVolumeFaceSettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of a finite-volume participant."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    side: Side
    """Side of the box at the interface; its boundary must be of kind ``seam``."""
    condition: Literal["amounts", "states", "wall"] = "amounts"
    """What the side takes: amounts, as fluxes through its faces, the states of the partner's cells beyond it, or as a
    wall the partner's temperature."""
    layers: Annotated[int, Field(ge=1)] = 8
    """Layers of cells next to the side whose state is given, unless it is a wall; at most all of them."""
    shift: Vector = (0.0, 0.0, 0.0)
    """From where the side is to where its partner meets it: in a circuit that closes, the circuit's length."""

    @model_validator(mode="after")
    def _no_moved_walls(self) -> FiniteVolumeFaceSettings:
        if self.condition == "wall" and any(self.shift):
            raise ValueError("'shift' is for sides through which the flow goes on; 'condition' is \"wall\"")
        return self


class CoupledFlow(NavierStokes):
    """The flow solver with its output folder, and a record of profiles along each axis that an interface is across."""

    def __init__(self, settings: NavierStokesSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case)
        self._output = context.output
        self._done = context.done
        self._profiles: dict[int, FlowProfiles] = {}

    def profiles(self, axis: int) -> FlowProfiles:
        """The record along an axis, which both sides across it share: ``profiles.h5``, of another ``profiles-x.h5``."""
        if axis not in self._profiles:
            name = f"profiles-{AXES[axis]}.h5" if self._profiles else "profiles.h5"
            self._profiles[axis] = FlowProfiles(self, axis, self._output / name, self._done)
        return self._profiles[axis]

    def write(self, window: int, time: float) -> None:
        """Write the fields at the end of ``window``; -1 is the initial state."""
        self.write_fields(self._output / f"fields_{window + 1:06d}")


class FiniteVolumeFace:
    """Puts amounts into the faces of one side as a constant flux, and gives the state of the cells next to it.

    Amounts live on the side's faces, positive when they enter; states on the cells of the first ``layers`` layers,
    each cut in four along the normal so that the linear profile inside a cell is passed on. Under the condition
    ``states`` no amounts come in: the side's faces are like those inside, and what they let out is given. The states of
    two layers of cells beyond the side come in, in straight lines in time; a side that takes amounts may have them too.
    """

    def __init__(
        self, solver: NavierStokes, settings: FiniteVolumeFaceSettings, profiles: FlowProfiles | None = None
    ) -> None:
        self._solver = solver
        self._profiles = profiles
        self._side = settings.side
        self._axis, self._end = SIDES.index(settings.side) // 2, SIDES.index(settings.side) % 2
        self._layers = settings.layers
        self._shift = np.array(settings.shift)
        self._faces = self._moved(*solver.seam_cells(settings.side))
        extents = np.delete(self._faces.upper - self._faces.lower, self._axis, axis=1)
        self._areas = extents.prod(axis=1)[:, None]
        self._parts = self._moved(*_split(*solver.layer_cells(settings.side, settings.layers), self._axis))
        self._spacing = solver.grid.spacing[self._axis]
        self._open = settings.condition == "states"
        if self._open:
            solver.open_seam(settings.side)
        self._taken = np.zeros((len(self._faces), 5))
        self._due = np.zeros_like(self._taken)

    def _moved(self, lower: Array, upper: Array) -> Cells:
        """Where the partner meets them."""
        return Cells(lower + self._shift, upper + self._shift)

    def cells(self, quantity: str) -> Cells:
        """The side's faces for amounts, the parts of its cells for states."""
        return self._faces if quantity in AMOUNTS else self._parts

    def taken_cells(self, quantity: str) -> Cells:
        """The side's faces for amounts, the cells beyond it for states."""
        return self._faces if quantity in AMOUNTS else self._moved(*self._solver.beyond_cells(self._side))

    def prepare(self, states: Mapping[str, Array]) -> None:
        """The flow starts from its own initial state; what lies beyond its side is the partner's, if it says so."""
        if states and not self._solver.sees_beyond(self._side):
            self._solver.extend_seam(self._side)
        self._set_states(states, self._solver.time)

    def _set_states(self, states: Mapping[str, Array], time: float) -> None:
        if self._solver.sees_beyond(self._side):
            self._solver.set_seam_state(self._side, np.concatenate([states[name] for name in _BEYOND], axis=1), time)

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Spread the amounts of the window, and what round-off left of earlier ones, evenly over its time.

        The states beyond the side go in a straight line to those at the end.
        """
        self._set_states(values, self._solver.time + window.dt)
        if self._open:
            self._taken = np.zeros_like(self._due)
            return
        message = [
            values.get(name, np.zeros((len(self._faces), n))) for name, n in zip(AMOUNTS, (1, 3, 1), strict=True)
        ]
        self._due = self._due - self._taken + np.concatenate(message, axis=1)
        self._taken = np.zeros_like(self._due)
        self._solver.set_seam_flux(self._side, self._due / (self._areas * window.dt))

    def account(self, dt: float) -> None:
        """Add what the solver's faces let in during the step."""
        self._taken += self._solver.seam_amounts(self._side)

    def send(self, window: Window) -> Mapping[str, Array]:
        """The state of the cells next to the side, and the amounts that left through an open one."""
        values, slopes = self._solver.layer_states(self._side, self._layers)
        shifts = self._spacing * ((np.arange(_PARTS) + 0.5) / _PARTS - 0.5)
        parts = np.concatenate([values + slopes * shift for shift in shifts])
        states = {name: parts[:, columns] for name, columns in _STATE_COLUMNS.items()}
        if not self._open:
            return states
        return states | {name: -self._taken[:, columns] for name, columns in _AMOUNT_COLUMNS.items()}

    def record(self, window: Window) -> None:
        """Keep the profile along the normal."""
        if self._profiles:
            self._profiles.sample(window.end)

    def save(self) -> dict[str, Array]:
        """What arrived, and what was let in."""
        return {"due": self._due.copy(), "taken": self._taken.copy()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Return to what ``save`` gave."""
        self._due, self._taken = state["due"].copy(), state["taken"].copy()

    def received(self) -> Mapping[str, Array]:
        """What the side's faces let in during the window, as the solver summed it."""
        return {} if self._open else _book(self._taken)

    def carry(self) -> Mapping[str, Array]:
        """What arrived and was not let in: round-off, which the next window makes good."""
        return {} if self._open else _book(self._due - self._taken)

    def initial_amounts(self, window: Window) -> Mapping[str, Array]:
        """What the present state would drive through the side in a window: pressure, and convection where it flows."""
        values, slopes = self._solver.layer_states(self._side, 1)
        inward = -1.0 if self._end else 1.0
        face = values - slopes * (0.5 * inward * self._spacing)
        density, velocity, temperature, pressure = face[:, 0], face[:, 1:4], face[:, 4], face[:, 5]
        normal = inward * velocity[:, self._axis]
        energy = self._solver.fluid.energy(density, temperature) + 0.5 * np.square(velocity).sum(axis=1)
        momentum = (density * normal)[:, None] * velocity
        momentum[:, self._axis] += inward * pressure
        flux = np.column_stack([density * normal, momentum, (density * energy + pressure) * normal])
        amounts = flux * self._areas * window.dt
        return {name: amounts[:, columns] for name, columns in _AMOUNT_COLUMNS.items()}


def _split(lower: Array, upper: Array, axis: int) -> tuple[Array, Array]:
    """Each box cut into equal parts along ``axis``: all first parts, all second parts, and so on."""
    step = (upper - lower)[:, axis] / _PARTS
    lowers = np.concatenate([lower] * _PARTS)
    uppers = np.concatenate([upper] * _PARTS)
    for part in range(_PARTS):
        block = slice(part * len(lower), (part + 1) * len(lower))
        lowers[block, axis] = lower[:, axis] + part * step
        # The last part ends where the cell does, to the last bit.
        uppers[block, axis] = upper[:, axis] if part == _PARTS - 1 else lower[:, axis] + (part + 1) * step
    return lowers, uppers


def _book(amounts: Array) -> dict[str, Array]:
    column_sums = total(amounts)
    return {name: column_sums[columns] for name, columns in _AMOUNT_COLUMNS.items()}


def _extent(
    solver: NavierStokesSettings, interface: FiniteVolumeFaceSettings
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """The rectangle of the side, where the partner meets it."""
    axis, end = SIDES.index(interface.side) // 2, SIDES.index(interface.side) % 2
    lower = [corner + shift for corner, shift in zip(solver.lower, interface.shift, strict=True)]
    upper = [corner + shift for corner, shift in zip(solver.upper, interface.shift, strict=True)]
    lower[axis] = upper[axis] = (lower, upper)[end][axis]
    return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])


def _check(request: CheckRequest) -> Estimate | None:
    """Refuse seams without an interface, sides that are no seam, fluids that cannot be read, states out of range."""
    settings: NavierStokesSettings = request.solver
    table = f"participants.{request.participant}.solver"
    _check_seams(request, settings)
    for name, side in request.interfaces.items():
        _check_exchange(request, name, side.condition)
    cells = int(np.prod(settings.cells))
    if processors(settings.cells, request.ranks) is None:
        place, most = f"participants.{request.participant}", most_ranks(settings.cells)
        allowed = f"a number of ranks, at most {most}, that gives each {GHOSTS} cells along every axis that has several"
        raise request.report(place, "ranks", request.ranks, allowed, "use fewer ranks")
    fluid_file = request.case / settings.fluid.file if isinstance(settings.fluid, MeasuredSettings) else None
    if fluid_file in request.made and not fluid_file.exists():
        return None
    try:
        fluid = create_fluid(settings.fluid, request.case)
    except SolverError as error:
        raise request.report(
            f"{table}.fluid", "file", error, "a file of a measured fluid", "add the stage that measures it"
        ) from error
    problem = initial_problem(settings, fluid)
    if problem:
        remedy = "start from a state that the fluid's closure covers"
        raise request.report(f"{table}.initial", *problem, remedy)
    step = longest_step(settings, fluid)
    if not 0.0 < step < np.inf:
        found, allowed = f"a longest time step of {step:g} in this state", "a state that a flow can start from"
        raise request.report(f"{table}.initial", "", found, allowed, "look for numbers that are too large or too small")
    steps = max(1.0, request.window / step)
    seconds = steps * (_STEP_SECONDS + 3.0 * _CELL_SECONDS * cells / request.ranks)
    return Estimate(size=f"{cells} cells", steps=steps, seconds=seconds)


def _check_exchange(request: CheckRequest, name: str, condition: str) -> None:
    """Refuse a side whose partner is not what its condition needs."""
    taken = request.exchanged[name][1] if name in request.exchanged else ()
    if condition == "wall":
        request.require_exchange(name, "condition", ("energy",), ("temperature",))
    elif condition == "states" or any(state in taken for state in _BEYOND):
        request.require_exchange(name, "condition", AMOUNTS if condition == "states" else (), _BEYOND)


def _check_seams(request: CheckRequest, settings: NavierStokesSettings) -> None:
    table = f"participants.{request.participant}.solver"
    used: dict[str, str] = {}
    for name, interface in request.interfaces.items():
        side = interface.side
        place = f"interfaces.{name}.sides.{request.participant}"
        boundary = settings.boundaries.get(side)
        if boundary is None or boundary.kind != "seam":
            found = f"{side!r}, whose boundary is {'absent' if boundary is None else f'of kind {boundary.kind!r}'}"
            remedy = f'write {side} = {{ kind = "seam" }} in [{table}.boundaries], or name the side that is one'
            raise request.report(place, "side", found, "a side whose boundary is of kind 'seam'", remedy)
        if side in used:
            raise request.report(
                place, "side", f"{side!r}, as in [interfaces.{used[side]}]", "one interface for each seam"
            )
        used[side] = name
    for side, boundary in settings.boundaries.items():
        if boundary.kind == "seam" and side not in used:
            remedy = f'name it in an interface: [interfaces.NAME.sides.{request.participant}] side = "{side}"'
            raise request.report(
                f"{table}.boundaries", side, "a seam that no interface names", "a seam with a partner", remedy
            )


def _create_solver(settings: NavierStokesSettings, context: Context) -> CoupledFlow:
    return CoupledFlow(settings, context)


def _create_adapter(
    solver: Any, settings: FiniteVolumeFaceSettings, context: Context
) -> FiniteVolumeFace | FiniteVolumeWall:
    profiles = solver.profiles(SIDES.index(settings.side) // 2)
    if settings.condition == "wall":
        return FiniteVolumeWall(solver, settings.side, profiles)
    return FiniteVolumeFace(solver, settings, profiles)


KIND = Kind(
    name="finite-volume",
    solver_settings=NavierStokesSettings,
    interface_settings=FiniteVolumeFaceSettings,
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=STATES + AMOUNTS,
    takes=AMOUNTS + _BEYOND,
    exchange=lambda interface: _EXCHANGES[interface.condition],
    check=_check,
    extent=_extent,
    rewinds=True,
    resumes=True,
    scales=flow_scales,
)
