"""A heat-conducting body at an interface: a boundary takes a temperature, heat or both; its whole volume takes heat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from ..couplers.cells import Array
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.mesh import Mesh
from ..couplers.scales import Scales
from ..couplers.window import Window
from ..solvers.conductivity_file import read_conductivity
from ..solvers.errors import SolverError
from ..solvers.fem import HeatSettings
from ..solvers.fem.body_settings import Positive
from ..solvers.fem.mesh_settings import BoxMesh
from ..solvers.fem.start import start
from .bodies import as_mesh, at_middle, box_extents, check_body, regions_of, require_positive
from .takes_heat import TakesHeat

if TYPE_CHECKING:
    from ..solvers.fem.seams import HeatSeam
    from ..solvers.fem.space import Trace
    from .heat_body import CoupledHeat

_EXCHANGES: dict[str, Exchange] = {
    "temperature": (("energy", "temperature"), ("temperature",)),
    "flux": (("temperature",), ("energy",)),
    "robin": (("temperature",), ("energy", "temperature")),
}
"""What a side gives and takes under each condition."""

_DOF_SECONDS = 2e-6
"""Per step and dof, measured; for the estimate only."""


class HeatBoundarySettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of a heat-conducting body."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    boundary: str | None = None
    """Name of the boundary at the interface, which must be of kind ``seam``."""
    region: Literal["all"] | None = None
    """In place of a boundary: the whole body, which takes heat as a source and gives its temperature."""
    condition: Literal["temperature", "flux", "robin"] = "flux"
    """What it takes: the partner's temperature, the heat that the partner gives, or both."""
    coefficient: Positive | None = None
    """Of a Robin condition: heat per area, time and temperature; best near the partner's own (docs/slab.md)."""
    overlap: bool = False
    """Whether the body's temperature is given wherever it is, and not on the boundary alone: for a partner whose own
    cells lie in the body, such as particles with a buffer there."""

    @model_validator(mode="after")
    def _fits_together(self) -> HeatBoundarySettings:
        if (self.boundary is None) == (self.region is None):
            raise ValueError("give either a 'boundary' by name, or region = \"all\"")
        if self.region is not None and self.condition != "flux":
            raise ValueError(f"region = \"all\" with the condition '{self.condition}'; it must be 'flux'")
        if (self.condition == "robin") != (self.coefficient is not None):
            raise ValueError("a 'coefficient' goes with the condition 'robin', and only with it")
        if self.overlap and (self.boundary is None or self.condition != "flux"):
            raise ValueError("'overlap' without a boundary of the condition 'flux'; with another no volume's are given")
        return self


class HeatBoundary(TakesHeat):
    """The trace of a body's finite elements on a boundary, or in the whole body; values are at its owned dofs.

    Heat given is the reaction of the discrete balance, heat taken a load at each dof.
    """

    def __init__(self, solver: CoupledHeat, settings: HeatBoundarySettings) -> None:
        self._solver = solver
        self._seam, trace = self._open(solver, settings)
        self._mesh = as_mesh(trace)
        self._body = as_mesh(solver.space.volume_trace()) if settings.overlap else None
        super().__init__(len(self._seam.dofs), _EXCHANGES[settings.condition][1])

    @staticmethod
    def _open(solver: CoupledHeat, settings: HeatBoundarySettings) -> tuple[HeatSeam, Trace]:
        if settings.boundary is None:
            return solver.open_volume(), solver.space.volume_trace()
        solver.condition(settings.boundary, settings.condition, settings.coefficient or 0.0)
        seam = solver.seam(settings.boundary)
        return seam, solver.space.boundary_trace(seam.facets)

    def cells(self, quantity: str) -> Mesh:
        """The nodes of the trace, and the elements between them; of the body, for a temperature that it gives there."""
        return self._body if self._body and quantity == "temperature" else self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's temperature."""
        if "temperature" in states:
            self._seam.start_at(states["temperature"][:, 0])

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The temperature goes in a straight line to that at the end; heat, and what is owed, enters evenly."""
        if "temperature" in self._takes:
            self._seam.set_temperature(values["temperature"][:, 0], self._solver.time + window.dt)
        if "energy" in self._takes:
            self._seam.set_rate(self._owe(values) / window.dt)
        self._begin()

    def account(self, dt: float) -> None:
        """Add what entered in the step."""
        self._taken = self._taken + self._seam.crossed

    def send(self, window: Window) -> Mapping[str, Array]:
        """The temperature at the dofs of its mesh, and the heat that left at the boundary's."""
        seen = slice(self._solver.space.owned) if self._body else self._seam.dofs
        return {
            "temperature": self._solver.temperature[seen][:, None],
            "energy": -self._taken[:, None],
        }

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)


def _exchange(interface: HeatBoundarySettings) -> Exchange:
    return _EXCHANGES[interface.condition]


def _check(request: CheckRequest) -> Estimate:
    settings: HeatSettings = request.solver
    materials = (("conductivity", settings.conductivity), ("capacity", settings.capacity))
    nodes = check_body(request, [(key, regions_of(material)) for key, material in materials])
    require_positive(request, conductivity=settings.conductivity, capacity=settings.capacity)
    _check_conductivity(request, settings)
    for interface, side in request.interfaces.items():
        gives = ("energy",) if side.condition == "temperature" else ()
        request.require_exchange(interface, "condition", gives, _EXCHANGES[side.condition][1])
    steps = max(1.0, request.window / settings.step)
    seconds = steps * _DOF_SECONDS * nodes / request.ranks if nodes else None
    return Estimate(size=f"about {nodes:.0f} nodes" if nodes else "a mesh file", steps=steps, seconds=seconds)


def _check_conductivity(request: CheckRequest, settings: HeatSettings) -> None:
    if settings.conductivity_file is None:
        return
    request.require_si("conductivity_file", repr(str(settings.conductivity_file)))
    path = request.case / settings.conductivity_file
    if path in request.made and not path.exists():
        return
    try:
        read_conductivity(path)
    except SolverError as error:
        place = f"participants.{request.participant}.solver"
        allowed = "a file of a conductivity over temperature"
        raise request.report(place, "conductivity_file", error, allowed, "add the stage that makes it") from error


def _conductivity(request: CheckRequest, settings: HeatSettings, mesh: BoxMesh) -> float | None:
    """In the middle of a box, and of a file's temperatures; None where a stage has yet to make the file."""
    if settings.conductivity_file is None:
        return at_middle(settings.conductivity, mesh)
    try:
        curve = read_conductivity(request.case / settings.conductivity_file)
    except SolverError:
        return None
    return float(curve.value(np.array(sum(curve.range) / 2.0)))


def _scales(request: CheckRequest) -> Scales:
    """The slowest mode of a box between ends of given temperature, L² / (π² α), and a tenth of that to follow it."""
    settings: HeatSettings = request.solver
    if not isinstance(settings.mesh, BoxMesh):
        return Scales()
    extents, divisions = box_extents(settings.mesh)
    conductivity = _conductivity(request, settings, settings.mesh)
    if conductivity is None:
        return Scales(length=float(extents.max()), finest=float(divisions.min()))
    diffusivity = conductivity / at_middle(settings.capacity, settings.mesh)
    time = float(extents.max()) ** 2 / (np.pi**2 * diffusivity)
    return Scales(length=float(extents.max()), finest=float(divisions.min()), times={"heat": time}, resolves=0.1 * time)


def _create_solver(settings: HeatSettings, context: Context) -> CoupledHeat:
    start()
    from .heat_body import CoupledHeat

    return CoupledHeat(settings, context)


def _create_adapter(solver: Any, settings: HeatBoundarySettings, context: Context) -> HeatBoundary:
    return HeatBoundary(solver, settings)


KIND = Kind(
    name="heat-conduction",
    solver_settings=HeatSettings,
    interface_settings=HeatBoundarySettings,
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=("energy", "temperature"),
    takes=("energy", "temperature"),
    check=_check,
    extent=lambda solver, interface: None,
    rewinds=True,
    resumes=True,
    exchange=_exchange,
    scales=_scales,
)
