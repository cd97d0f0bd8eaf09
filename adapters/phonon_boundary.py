"""Phonons at an interface: a boundary takes the temperature beyond it and gives the heat that left, or takes heat."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from ..couplers.cells import Array, Cells
from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.mesh import Mesh
from ..couplers.scales import Scales
from ..couplers.window import Window
from ..solvers.bte.checks import cell_count, check_interface, check_settings, lengths, relaxation
from ..solvers.bte.materials import in_si, material_files
from ..solvers.bte.meshes import create
from ..solvers.bte.settings import FileMesh, FilmMesh, PhononSettings
from ..solvers.errors import SolverError
from .bodies import check_seams
from .takes_heat import TakesHeat

if TYPE_CHECKING:
    from .phonon_body import CoupledPhonons

_EXCHANGES: dict[str, Exchange] = {
    "temperature": (("energy", "temperature"), ("temperature",)),
    "flux": (("temperature",), ("energy",)),
}
"""What a side gives and takes under each condition."""

_UNKNOWN_SECONDS = 2e-8
"""Per sweep and unknown, measured; for the estimate only."""
_SWEEPS = 12


class PhononBoundarySettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of phonons."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    boundary: str
    """Name of the boundary at the interface, which must be of kind ``seam``."""
    condition: Literal["temperature", "flux"] = "temperature"
    """What it takes: the temperature of the body beyond, or the heat that this gives."""


class PhononBoundary(TakesHeat):
    """The faces of a boundary. Heat given is what crossed the faces, exactly; of a film they are one cell.

    Under the condition ``temperature`` the temperature given is the one that was taken: together with the heat it makes
    the partner's Robin condition exact, whose coefficient is what the wall emits.
    """

    def __init__(self, solver: CoupledPhonons, settings: PhononBoundarySettings) -> None:
        self._solver = solver
        self._seam = solver.seam(settings.boundary)
        self._seam.take(settings.condition)
        super().__init__(self._seam.owned, _EXCHANGES[settings.condition][1])
        self._shape = _trace(solver, settings.boundary)

    def cells(self, quantity: str) -> Cells | Mesh:
        """The cross-section of a film; else the vertices of the faces, and the faces."""
        return self._shape

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's temperature."""
        if "temperature" in states:
            self._seam.start_at(states["temperature"][:, 0])

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The temperature goes in a straight line to that at the end; heat, and what is owed, enters evenly."""
        if "temperature" in self._takes:
            self._seam.set_temperature(values["temperature"][:, 0], window.dt)
        else:
            self._seam.set_rate(self._owe(values) / window.dt / self._solver.area)
        self._begin()

    def account(self, dt: float) -> None:
        """Add what entered in the step."""
        self._taken = self._taken + self._seam.crossed

    def send(self, window: Window) -> Mapping[str, Array]:
        """The temperature beyond, and the heat that left."""
        return {"temperature": self._seam.temperature[:, None], "energy": -self._taken[:, None]}

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)


def _trace(solver: CoupledPhonons, boundary: str) -> Cells | Mesh:
    seam, mesh = solver.seam(boundary), solver.settings.mesh
    if isinstance(mesh, FilmMesh):
        corners = np.array([[mesh.lower], [mesh.upper]])[:, :, None, :].repeat(seam.owned, axis=2)[:, 0]
        corners[:, :, 0] = seam.points[: seam.owned, 0]
        return Cells(corners[0], corners[1])
    points = np.zeros((len(seam.points), 3))
    points[:, : seam.points.shape[1]] = seam.points
    kind = "line" if seam.points.shape[1] == 2 else "triangle"
    # A face belongs to the rank that holds its cell, and once to each slab.
    faces = seam.faces if solver.problem.part.group.rank == 0 else seam.faces[:0]
    used = np.union1d(np.unique(faces), np.arange(seam.owned)).astype(np.int64)
    row = np.full(len(points), -1, dtype=np.int32)
    row[used] = np.arange(len(used), dtype=np.int32)
    return Mesh(points[used], {kind: row[faces]}, owned=seam.owned, ids=seam.ids[used])


def _exchange(interface: PhononBoundarySettings) -> Exchange:
    return _EXCHANGES[interface.condition]


def _check(request: CheckRequest) -> Estimate | None:
    settings: PhononSettings = request.solver
    place = f"participants.{request.participant}.solver"
    if find_spec("petsc4py") is None:
        found = "phonon transport needs petsc4py (python3-petsc4py-real)"
        allowed = "a kind whose programs are installed"
        raise request.report(f"participants.{request.participant}", "kind", found, allowed, "install them")
    check_seams(request)
    for interface, side in request.interfaces.items():
        if side.condition == "flux" and getattr(settings.boundaries[side.boundary], "transmissivity", None) == 0.0:
            table, found = f"interfaces.{interface}.sides.{request.participant}", "'flux' where nothing passes"
            raise request.report(table, "condition", found, "'temperature', or a transmissivity above 0")
        gives = ("energy",) if side.condition == "temperature" else ()
        request.require_exchange(interface, "condition", gives, _EXCHANGES[side.condition][1])
    mesh = None
    if isinstance(settings.mesh, FileMesh):
        try:
            mesh = create(settings.mesh, request.case)
        except SolverError as error:
            raise request.report(f"{place}.mesh", "file", error, "straight triangles or tetrahedra") from error
    steps = 1.0 if settings.step is None else max(1.0, request.window / settings.step)
    for kind in in_si(settings.material):
        request.require_si("material", f"kind {kind!r}")
    if _to_be_made(request, settings):
        return Estimate(size=f"{cell_count(settings)} cells, of a material that is made first", steps=steps)
    try:
        unknowns = check_settings(settings, mesh, request.case, request.ranks)
        for one in settings.interfaces:
            file = one.file and request.case / one.file
            if file not in request.made or file.exists():
                check_interface(one, settings, request.case)
    except SolverError as error:
        key = str(error).split("'")[1] if "'" in str(error) else "material"
        raise request.report(place, key, error, "settings that fit the mesh and one another") from error
    stages = 2.0 if settings.time_integration == "sdirk2" else 1.0
    seconds = steps * stages * _SWEEPS * unknowns * _UNKNOWN_SECONDS / request.ranks
    return Estimate(size=f"{cell_count(settings)} cells, {unknowns:.2g} unknowns", steps=steps, seconds=seconds)


def _to_be_made(request: CheckRequest, settings: PhononSettings) -> bool:
    """Whether a stage has yet to make a file of a material."""
    files = {request.case / file for file in material_files(settings.material)}
    return any(file in request.made and not file.exists() for file in files)


def _scales(request: CheckRequest) -> Scales:
    """A time to diffuse and to fly across, and a tenth of it to follow; a steady state has none."""
    settings: PhononSettings = request.solver
    size = lengths(settings)
    if size is None or settings.time_integration == "steady" or _to_be_made(request, settings):
        return Scales(length=size and size[0], finest=size and size[1])
    time = relaxation(settings, size[0], request.case)
    return Scales(length=size[0], finest=size[1], times={"phonons": time}, resolves=0.1 * time)


def _create_solver(settings: PhononSettings, context: Context) -> CoupledPhonons:
    from .phonon_body import CoupledPhonons

    return CoupledPhonons(settings, context)


def _create_adapter(solver: Any, settings: PhononBoundarySettings, context: Context) -> PhononBoundary:
    return PhononBoundary(solver, settings)


KIND = Kind(
    name="phonon-transport",
    solver_settings=PhononSettings,
    interface_settings=PhononBoundarySettings,
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
