"""A solid body at an interface: a boundary takes a displacement or a force; its whole volume takes a temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from ..couplers.cells import Array
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.mesh import Mesh
from ..couplers.protocols import Adapter
from ..couplers.scales import Scales
from ..couplers.units import ENERGY, UnitSystem, si_scale, si_value
from ..couplers.window import Window
from ..solvers.crystal.settings import CrystalSettings, LennardJonesSettings
from ..solvers.errors import SolverError
from ..solvers.fem import SolidSettings
from ..solvers.fem.mesh_settings import BoxMesh
from ..solvers.fem.start import start
from .bodies import as_mesh, at_middle, box_extents, check_body, regions_of, require_positive
from .hand_shake import HandShakeSettings, SolidHandShake
from .takes_momentum import TakesMomentum

if TYPE_CHECKING:
    from .solid_body import CoupledSolid

_EXCHANGES: dict[str, Exchange] = {
    "displacement": (("momentum", "energy"), ("displacement",)),
    "traction": (("displacement", "velocity"), ("momentum", "energy")),
    "temperature": (("energy",), ("temperature",)),
    "forces": (("displacement", "velocity", "shift", "blending", "covered", "weight", "force"), ("momentum", "energy")),
}
"""What a side gives and takes under each condition."""
_NEEDED: dict[str, Exchange] = {
    "displacement": (("momentum",), ("displacement",)),
    "traction": ((), ("momentum",)),
    "temperature": (("energy",), ("temperature",)),
    "forces": (("displacement", "shift", "blending", "covered", "weight", "force"), ("momentum",)),
}
"""What it must: a partner need not know of energy, nor look where the body went."""

_ATOMIC = 'units = {system = "lj", sigma = "1 angstrom", epsilon = "1 eV", mass = "1 g/mol"}'
"""Units that go together, and are those of files of potentials."""

_NODE_SECONDS = {"linear": 3e-6, "st-venant-kirchhoff": 2e-5, "neo-hookean": 2e-5, "cauchy-born": 3e-4}
"""Per step and node, measured in a plane with linear elements; for the estimate only."""


class SolidBoundarySettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of a solid body."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    boundary: str | None = None
    """Name of the boundary at the interface, which must be of kind ``seam``."""
    region: Literal["all"] | None = None
    """In place of a boundary: the whole body, which takes a temperature and gives the heat of straining."""
    condition: Literal["displacement", "traction", "temperature", "forces"]
    """What it takes: the partner's displacement, the momentum that the partner gives, a temperature, or the forces of
    atoms in the place of its own."""
    hand_shake: HandShakeSettings | None = None
    """Of the condition ``forces``: where atoms count, and where elements."""

    @model_validator(mode="after")
    def _fits_together(self) -> SolidBoundarySettings:
        if (self.boundary is None) == (self.region is None):
            raise ValueError("give either a 'boundary' by name, or region = \"all\"")
        if (self.region is not None) != (self.condition in ("temperature", "forces")):
            raise ValueError("the conditions 'temperature' and 'forces' go with region = \"all\", and only with it")
        if (self.hand_shake is not None) != (self.condition == "forces"):
            raise ValueError("a 'hand_shake' goes with the condition 'forces', and only with it")
        return self


class SolidBoundary:
    """The trace of a body's finite elements on a boundary; values are at its owned points, (n, 3).

    Momentum given is the reaction of the discrete balance, momentum taken a force at each point that is constant for as
    long as the amount is meant for; energy is what these forces work. What came and did not enter is the carry: of
    momentum round-off, added to what comes next; of energy the difference of the two sides' work.
    """

    def __init__(self, solver: CoupledSolid, boundary: str, condition: str, exchange: Exchange) -> None:
        self._solver = solver
        self._pushed = condition == "traction"
        solver.condition(boundary, "traction" if self._pushed else "displacement")
        self._seam = solver.seam(boundary)
        self._mesh = as_mesh(solver.space.boundary_trace(self._seam.facets))
        self._energy = "energy" in exchange[0] + exchange[1]
        if not self._energy:
            solver.book_work(boundary)
        self._momentum = TakesMomentum(len(self._seam.dofs), self._energy)

    def cells(self, quantity: str) -> Mesh:
        """The nodes of the trace, and the elements between them."""
        return self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's displacement."""
        if "displacement" in states and not self._pushed:
            self._seam.start_at(self._own(states["displacement"]))

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The displacement goes in a straight line to that at the end; momentum, and what is owed, enters evenly."""
        if self._pushed:
            self._momentum.receive(values)
            self._seam.force = self._own(self._momentum.due) / window.dt
        else:
            self._momentum.begin()
            self._seam.set_displacement(self._own(values["displacement"]), self._solver.time + window.dt)

    def account(self, dt: float) -> None:
        """Add what entered in the step."""
        self._momentum.enter(self._in_space(self._seam.impulse), self._seam.work)

    def send(self, window: Window) -> Mapping[str, Array]:
        """Displacement and velocity at the points, and the momentum and the energy that left at them."""
        dofs, motion = self._seam.dofs, (self._solver.displacement, self._solver.velocity)
        moved, velocity = (self._in_space(each.reshape(-1, self._solver.space.components)[dofs]) for each in motion)
        return {
            "displacement": moved,
            "velocity": velocity,
            "momentum": -self._momentum.taken,
            "energy": -self._momentum.work[:, None],
        }

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """What came, and what entered."""
        return self._momentum.save()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._momentum.restore(state)

    def received(self) -> Mapping[str, Array]:
        """What entered, where momentum is taken: what the loads that the body's balance used sum to, and their work."""
        return self._momentum.received() if self._pushed else {}

    def carry(self) -> Mapping[str, Array]:
        """What came and did not enter."""
        return self._momentum.carry() if self._pushed else {}

    def _own(self, values: Array) -> Array:
        """The components that the body has; in a plane it has no third one."""
        return values[:, : self._solver.space.components]

    def _in_space(self, values: Array) -> Array:
        return np.pad(values, ((0, 0), (0, 3 - values.shape[1])))


class SolidVolume:
    """The whole body, which takes a temperature and gives the heat that straining sets free, at its nodes."""

    def __init__(self, solver: CoupledSolid) -> None:
        self._solver = solver
        self._thermal = solver.open_volume()
        self._mesh = as_mesh(self._thermal.space.volume_trace())
        self._taken: Array = np.zeros(self._thermal.space.owned)

    def cells(self, quantity: str) -> Mesh:
        """The nodes, and the cells between them."""
        return self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's temperature."""
        self._thermal.start_at(states["temperature"][:, 0])

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The temperature goes in a straight line to that at the end."""
        self._thermal.set_temperature(values["temperature"][:, 0], self._solver.time + window.dt)
        self._taken = np.zeros_like(self._taken)

    def account(self, dt: float) -> None:
        """Add the heat of the step."""
        self._taken = self._taken + self._thermal.crossed

    def send(self, window: Window) -> Mapping[str, Array]:
        """The heat that left the body at its nodes."""
        return {"energy": -self._taken[:, None]}

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """The heat so far."""
        return {"taken": self._taken.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._taken = np.array(state["taken"])

    def received(self) -> Mapping[str, Array]:
        """No amounts are taken."""
        return {}

    def carry(self) -> Mapping[str, Array]:
        """Nor owed."""
        return {}


def _exchange(interface: SolidBoundarySettings) -> Exchange:
    return _EXCHANGES[interface.condition]


def _check(request: CheckRequest) -> Estimate:
    settings: SolidSettings = request.solver
    keys = ("density", "young", "poisson", "lame", "shear", "expansion")
    nodes = check_body(request, [(key, regions_of(getattr(settings, key))) for key in keys])
    require_positive(request, density=settings.density, young=settings.young, shear=settings.shear)
    for interface, side in request.interfaces.items():
        request.require_exchange(interface, "condition", *_NEEDED[side.condition])
        if side.condition == "temperature":
            _check_expansion(request, settings)
        if side.condition == "forces" and settings.crystal is None:
            table, allowed = f"participants.{request.participant}.solver", "'cauchy-born', where atoms push the body"
            raise request.report(table, "material", f"'{settings.material}'", allowed)
        if side.hand_shake is not None and side.hand_shake.scheme != "force-blended":
            _check_blended_energy(request, settings, interface, side.hand_shake)
    if settings.crystal is not None:
        _check_crystal(request, settings.crystal)
    steps = max(1.0, request.window / settings.step)
    seconds = steps * _NODE_SECONDS[settings.material] * nodes / request.ranks if nodes else None
    unknown = "a mesh of the crystal" if settings.mesh.kind == "crystal" else "a mesh file"
    return Estimate(size=f"about {nodes:.0f} nodes" if nodes else unknown, steps=steps, seconds=seconds)


def _scales(request: CheckRequest) -> Scales:
    """The slowest longitudinal vibration of a box with one end held, 4 L / c, and a tenth of that to follow it.

    Without inertia it follows at once.
    """
    settings: SolidSettings = request.solver
    if not isinstance(settings.mesh, BoxMesh):
        return Scales()
    extents, divisions = box_extents(settings.mesh)
    if settings.time_integration == "quasi-static":
        return Scales(length=float(extents.max()), finest=float(divisions.min()))
    density = at_middle(settings.density, settings.mesh)
    time = 4.0 * float(extents.max()) * math.sqrt(density / _stiffness(settings, settings.mesh, request.case))
    return Scales(
        length=float(extents.max()), finest=float(divisions.min()), times={"vibration": time}, resolves=0.1 * time
    )


def _stiffness(settings: SolidSettings, mesh: BoxMesh, case: Path) -> float:
    """Of longitudinal waves, in the middle of a box; in a crystal of those along x."""
    if settings.crystal is not None:
        return float(settings.crystal.create(case).at(np.eye(3)[None]).tangent[0, 0, 0, 0, 0])
    middle = {
        key: at_middle(material, mesh)
        for key in ("young", "poisson", "lame", "shear")
        if (material := getattr(settings, key)) is not None
    }
    if "young" in middle:
        modulus, ratio = middle["young"], middle["poisson"]
        return modulus * (1.0 - ratio) / ((1.0 + ratio) * (1.0 - 2.0 * ratio))
    return middle["lame"] + 2.0 * middle["shear"]


def _check_crystal(request: CheckRequest, crystal: CrystalSettings) -> None:
    """Refuse files that cannot be used, in units that are not the file's, and crystals that are not stable."""
    table = f"participants.{request.participant}.solver.crystal"
    if not isinstance(crystal.potential, LennardJonesSettings) and not _atomic(request.units):
        remedy = f"write {_ATOMIC} in [participants.{request.participant}], and its other numbers in these units"
        found = f"a file in eV and Å, in a participant of units {str(request.units)!r}"
        allowed = "a participant whose units go together and are Å and eV"
        raise request.report(f"{table}.potential", "file", found, allowed, remedy)
    try:
        c11, c12, c44 = crystal.create(request.case).elastic_constants()
    except SolverError as error:
        raise request.report(table, "potential", error, "one that can be used with this crystal") from error
    if not min(c11 - c12, c11 + 2.0 * c12, c44) > 0.0:  # as Born found for cubic crystals
        found = f"{crystal.constant:g}, at which the crystal is not stable"
        raise request.report(table, "constant", found, "a lattice constant near that without stress")


def _check_blended_energy(
    request: CheckRequest, settings: SolidSettings, interface: str, hand_shake: HandShakeSettings
) -> None:
    """Refuse crystals whose atoms' energies have no place of their own, or know of angles; and slits."""
    assert settings.crystal is not None, "refused before"
    table, scheme = f"interfaces.{interface}.sides.{request.participant}.hand_shake", f"'{hand_shake.scheme}'"
    kind, structure = settings.crystal.potential.kind, settings.crystal.structure
    if kind == "stillinger-weber" or structure == "diamond":
        found = f"{scheme} with the potential '{kind}' in the structure '{structure}'"
        allowed = "'force-blended' there; energies are blended of 'eam' and 'lennard-jones', one atom in a cell"
        raise request.report(table, "scheme", found, allowed)
    if hand_shake.scheme == "bridging-domain" and settings.time_integration != "velocity-verlet":
        allowed = "'velocity-verlet', as what is tied there are velocities; or 'energy-blended' as the scheme"
        solver, found = f"participants.{request.participant}.solver", f"'{settings.time_integration}' with {scheme}"
        raise request.report(solver, "time_integration", found, allowed)
    if hand_shake.scheme == "ghost-force-corrected" and getattr(settings.mesh, "void", None) is not None:
        allowed = (
            "'energy-blended' or 'force-blended' there: at a slit ghost forces are not told from those of a surface"
        )
        raise request.report(table, "scheme", f"{scheme} on a mesh with a 'void'", allowed)


def _atomic(units: UnitSystem) -> bool:
    """Whether units are coherent, with Å for lengths and eV for energies."""
    if units.system != "lj" or units.dimensionless:
        return False
    wanted = (("[length]", "1 angstrom"), (ENERGY, "1 eV"))
    return all(math.isclose(si_scale(each, units), si_value(one, each), rel_tol=1e-6) for each, one in wanted)


def _check_expansion(request: CheckRequest, settings: SolidSettings) -> None:
    table = f"participants.{request.participant}.solver"
    if settings.expansion is None:
        allowed = "a coefficient of thermal expansion, where a partner gives the temperature"
        raise request.report(table, "expansion", "nothing", allowed)
    if settings.temperature is not None:
        allowed = "no temperature, where a partner gives it"
        raise request.report(table, "temperature", settings.temperature.source, allowed, "remove it")


def _create_solver(settings: SolidSettings, context: Context) -> CoupledSolid:
    start()
    from .solid_body import CoupledSolid

    return CoupledSolid(settings, context)


def _create_adapter(solver: Any, settings: SolidBoundarySettings, context: Context) -> Adapter:
    if settings.hand_shake is not None:
        return SolidHandShake(solver, context.interface, settings.hand_shake, "energy" in context.exchange[1])
    if settings.boundary is None:
        return SolidVolume(solver)
    return SolidBoundary(solver, settings.boundary, settings.condition, context.exchange)


KIND = Kind(
    name="solid-mechanics",
    solver_settings=SolidSettings,
    interface_settings=SolidBoundarySettings,
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=("momentum", "energy", "displacement", "velocity", "shift", "blending", "covered", "weight", "force"),
    takes=("momentum", "energy", "displacement", "temperature"),
    check=_check,
    extent=lambda solver, interface: None,
    rewinds=True,
    resumes=True,
    exchange=_exchange,
    scales=_scales,
)
