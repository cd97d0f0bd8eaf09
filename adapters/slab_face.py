"""A slab at an interface: its end takes the partner's temperature, the heat that the partner lost, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from ..couplers.cells import Array, Cells
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.scales import Scales
from ..couplers.window import Window
from ..solvers.slab import ENDS, Slab, SlabSettings, SolverError
from ..solvers.slab.settings import End, Positive
from .profiles import ProfileFile
from .takes_heat import TakesHeat

_EXCHANGES: dict[str, Exchange] = {
    "temperature": (("energy", "temperature"), ("temperature",)),
    "flux": (("temperature",), ("energy",)),
    "robin": (("temperature",), ("energy", "temperature")),
}
"""What a side gives and takes under each condition."""

# Seconds per step, and per step and cell, measured; for the estimate only.
_STEP_SECONDS, _CELL_SECONDS = 7e-5, 1.5e-8


class SlabFaceSettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of a slab."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    side: End
    """End of the slab at the interface; its boundary must be of kind ``seam``."""
    condition: Literal["temperature", "flux", "robin"]
    """What the end takes: the partner's temperature, the heat that the partner gives, or both."""
    coefficient: Positive | None = None
    """Of a Robin condition: heat per area, time and temperature; best near the partner's own (docs/slab.md)."""

    @model_validator(mode="after")
    def _coefficient_of_robin(self) -> SlabFaceSettings:
        if (self.condition == "robin") != (self.coefficient is not None):
            raise ValueError("a 'coefficient' goes with the condition 'robin', and only with it")
        return self


class CoupledSlab(Slab):
    """The slab with a file of its profiles."""

    def __init__(self, settings: SlabSettings, context: Context) -> None:
        super().__init__(settings)
        edges = np.linspace(settings.lower[settings.direction], settings.upper[settings.direction], settings.cells + 1)
        self._file = ProfileFile(context.output / "profiles.h5", settings.direction, edges, context.done)
        self._recorded = -1.0

    def record(self, time: float) -> None:
        """Keep the profile at ``time``, once, at however many interfaces the slab has a part."""
        if time > self._recorded:
            self._file.append(time, temperature=self.temperature)
            self._recorded = time


class SlabFace(TakesHeat):
    """One end of a slab: a single cell, the cross-section."""

    def __init__(self, solver: Slab, settings: SlabFaceSettings) -> None:
        self._solver = solver
        self._end: End = settings.side
        self._seam = solver.seam(settings.side)
        solver.condition(settings.side, settings.condition, settings.coefficient or 0.0)
        super().__init__(1, _EXCHANGES[settings.condition][1])
        lower, upper = _extent(solver.settings, settings)
        self._cells = Cells(np.array([lower]), np.array([upper]))

    def cells(self, quantity: str) -> Cells:
        """The cross-section."""
        return self._cells

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's temperature."""
        if "temperature" in states:
            self._seam.start_at(states["temperature"].item())

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The temperature goes in a straight line to that at the end; heat, and what is owed, enters evenly."""
        if "temperature" in self._takes:
            self._seam.set_temperature(values["temperature"].item(), self._solver.time + window.dt)
        if "energy" in self._takes:
            self._seam.set_flux(self._owe(values).item() / (self._solver.settings.area * window.dt))
        self._begin()

    def account(self, dt: float) -> None:
        """Add what entered in the step."""
        self._taken = self._taken + self._solver.crossed(self._end)

    def send(self, window: Window) -> Mapping[str, Array]:
        """The temperature of the face, and the heat that left through it."""
        return {"temperature": np.array([[self._seam.temperature]]), "energy": -self._taken[:, None]}

    def record(self, window: Window) -> None:
        """Keep the profile."""
        if isinstance(self._solver, CoupledSlab):
            self._solver.record(window.end)


def _extent(
    solver: SlabSettings, interface: SlabFaceSettings
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """The cross-section at the side's end."""
    lower, upper = list(solver.lower), list(solver.upper)
    axis = solver.direction
    lower[axis] = upper[axis] = (solver.lower, solver.upper)[ENDS.index(interface.side)][axis]
    return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])


def _exchange(interface: SlabFaceSettings) -> Exchange:
    return _EXCHANGES[interface.condition]


def _check(request: CheckRequest) -> Estimate:
    """Refuse more ranks than one, sides that are no seam, seams without an interface, materials that make no sense."""
    settings: SlabSettings = request.solver
    if request.ranks > 1:
        place, allowed = f"participants.{request.participant}", "1: a slab is a line of cells, which one rank holds"
        raise request.report(place, "ranks", request.ranks, allowed, "remove it")
    _check_seams(request, settings)
    for interface, side in request.interfaces.items():
        gives = ("energy",) if side.condition == "temperature" else ()
        request.require_exchange(interface, "condition", gives, _EXCHANGES[side.condition][1])
    try:
        Slab(settings)
    except SolverError as error:
        place = f"participants.{request.participant}.solver"
        raise request.report(place, str(error).split()[0], error, "a formula that holds in the whole slab") from error
    steps = max(1.0, request.window / settings.step)
    seconds = steps * (_STEP_SECONDS + _CELL_SECONDS * settings.cells)
    return Estimate(size=f"{settings.cells} cells", steps=steps, seconds=seconds)


def _check_seams(request: CheckRequest, settings: SlabSettings) -> None:
    used: dict[str, str] = {}
    for name, side in request.interfaces.items():
        table = f"interfaces.{name}.sides.{request.participant}"
        kind = settings.boundaries[side.side].kind
        if kind != "seam":
            remedy = f'set [participants.{request.participant}.solver.boundaries] {side.side} = {{kind = "seam"}}'
            raise request.report(table, "side", f"{side.side!r}, an end of kind {kind!r}", "an end of 'seam'", remedy)
        if side.side in used:
            found = f"{side.side!r}, which interface {used[side.side]!r} has already"
            raise request.report(table, "side", found, "an end of its own for each interface")
        used[side.side] = name
    for end, boundary in settings.boundaries.items():
        if boundary.kind == "seam" and end not in used:
            table = f"participants.{request.participant}.solver.boundaries"
            remedy = f'name it in an interface: [interfaces.NAME.sides.{request.participant}] side = "{end}"'
            raise request.report(table, end, "a seam that no interface names", "a seam with a partner", remedy)


def _scales(request: CheckRequest) -> Scales:
    """The slowest mode of the slab between ends of given temperature, L² / (π² α), and a tenth of that to follow it."""
    settings: SlabSettings = request.solver
    places = settings.positions(settings.centres())
    resistance = float(np.mean(1.0 / settings.conductivity(**places)))
    time = settings.length**2 * resistance * float(np.mean(settings.capacity(**places))) / np.pi**2
    finest = settings.length / settings.cells
    return Scales(length=settings.length, finest=finest, times={"heat": time}, resolves=0.1 * time)


def _create_adapter(solver: Any, settings: SlabFaceSettings, context: Context) -> SlabFace:
    return SlabFace(solver, settings)


KIND = Kind(
    name="heat-slab",
    solver_settings=SlabSettings,
    interface_settings=SlabFaceSettings,
    create_solver=CoupledSlab,
    create_adapter=_create_adapter,
    gives=("energy", "temperature"),
    takes=("energy", "temperature"),
    check=_check,
    extent=_extent,
    rewinds=True,
    resumes=True,
    exchange=_exchange,
    scales=_scales,
)
