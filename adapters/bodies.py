"""What bodies of finite elements have in common at interfaces: traces as meshes, and what a case may get wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..couplers.case_mistakes import listed, suggestion
from ..couplers.cells import Array
from ..couplers.kind import CheckRequest
from ..couplers.mesh import Mesh
from ..solvers.errors import SolverError
from ..solvers.fem.mesh_files import MeshFile, grids, read
from ..solvers.fem.mesh_settings import BoxMesh, CrystalMesh, FileMesh
from ..solvers.fem.start import missing

if TYPE_CHECKING:
    from ..solvers.fem.space import Trace

HIGHEST_ORDER = 2
"""Of finite elements at an interface."""


def as_mesh(trace: Trace) -> Mesh:
    """The trace as one side's discretisation of an interface."""
    return Mesh(trace.points, {trace.element: trace.nodes}, owned=trace.owned, ids=trace.ids)


def check_body(request: CheckRequest, regions: Iterable[tuple[str, Iterable[str]]]) -> float:
    """Refuse seams without partners, orders that no interface knows, and mesh files that do not fit the case.

    ``regions`` are keys of the solver's table with the names of regions that they use. Returns the number of nodes of
    the mesh, about; 0 where only the run will know.
    """
    place = f"participants.{request.participant}"
    if missing():
        raise request.report(place, "kind", missing(), "a kind whose programs are installed", "install them")
    check_seams(request)
    settings = request.solver
    if request.interfaces and settings.order > HIGHEST_ORDER:
        allowed = f"1 or {HIGHEST_ORDER} at an interface"
        raise request.report(f"{place}.solver", "order", settings.order, allowed)
    if isinstance(settings.mesh, BoxMesh):
        _check_volume(request, settings.mesh)
        return float(np.prod([n * settings.order + 1 for n in settings.mesh.cells]))
    if isinstance(settings.mesh, CrystalMesh):
        return 0.0
    return _check_file(request, settings.mesh, regions)


def check_seams(request: CheckRequest) -> None:
    """Refuse interfaces without a seam of their own, and seams without an interface."""
    table = f"participants.{request.participant}.solver.boundaries"
    boundaries, used = request.solver.boundaries, {}
    seams = [name for name, boundary in boundaries.items() if boundary.kind == "seam"]
    for name, side in request.interfaces.items():
        place, key = f"interfaces.{name}.sides.{request.participant}", side.boundary
        if key is None:
            key = "the whole body"
        elif key not in seams:
            kind = f"a boundary of kind {boundaries[key].kind!r}" if key in boundaries else "no boundary of the solver"
            remedy = suggestion(key, seams) or f'write {key} = {{ kind = "seam" }} in [{table}]'
            raise request.report(place, "boundary", f"{key!r}, {kind}", "a boundary of kind 'seam'", remedy)
        if key in used:
            found = f"{key!r}, which interface {used[key]!r} has already"
            raise request.report(place, "boundary", found, "a boundary of its own for each interface")
        used[key] = name
    for name in seams:
        if name not in used:
            remedy = f'name it in an interface: [interfaces.NAME.sides.{request.participant}] boundary = "{name}"'
            raise request.report(table, name, "a seam that no interface names", "a seam with a partner", remedy)


def _check_volume(request: CheckRequest, mesh: BoxMesh) -> None:
    for name, side in request.interfaces.items():
        if getattr(side, "region", None) and mesh.cell == "hexahedron" and request.solver.order > 1:
            place = f"interfaces.{name}.sides.{request.participant}"
            allowed = "a mesh of tetrahedra, or of hexahedra with order = 1"
            raise request.report(place, "region", "the volume of quadratic hexahedra", allowed)


def _check_file(request: CheckRequest, mesh: FileMesh, regions: Iterable[tuple[str, Iterable[str]]]) -> float:
    table, path = f"participants.{request.participant}.solver", request.case / mesh.file
    if not path.is_file():
        raise request.report(f"{table}.mesh", "file", mesh.file, "a mesh file, relative to the case")
    if mesh.grid in grids(path):
        return 0.0  # DOLFINx reads it in parallel, and not before it runs
    try:
        found = read(path)
    except SolverError as error:
        raise request.report(f"{table}.mesh", "file", error, "a mesh that can be read") from error
    names = list(found.facets.names)
    for name, boundary in request.solver.boundaries.items():
        if boundary.where is None and name not in names:
            remedy = suggestion(name, names) or "name a physical group of the mesh, or say 'where'"
            raise request.report(
                f"{table}.boundaries", name, f"no group of facets in {path.name}", listed(names), remedy
            )
    _check_regions(request, path, found, regions)
    return float(len(found.points) * (request.solver.order / found.degree) ** found.points.shape[1])


def _check_regions(
    request: CheckRequest, path: Path, found: MeshFile, regions: Iterable[tuple[str, Iterable[str]]]
) -> None:
    names = list(found.cells.names)
    for key, used in regions:
        for name in used:
            if name not in names:
                table = f"participants.{request.participant}.solver.{key}"
                remedy = suggestion(name, names) or "name a physical group of the mesh"
                raise request.report(table, name, f"no group of cells in {path.name}", listed(names), remedy)


def regions_of(material: Any) -> tuple[str, ...]:
    """The regions that a material of the settings names."""
    return tuple(material) if isinstance(material, dict) else ()


def require_positive(request: CheckRequest, **materials: Any) -> None:
    """Refuse a material of the solver, by key, that is not positive in the middle of a box; None is no material."""
    mesh = request.solver.mesh
    for key, material in materials.items():
        if (
            material is not None
            and isinstance(mesh, BoxMesh)
            and not 0.0 < (value := at_middle(material, mesh)) < np.inf
        ):
            table = f"participants.{request.participant}.solver"
            raise request.report(table, key, f"{value:g} in the middle of the box", "a positive number")


def box_extents(mesh: BoxMesh) -> tuple[Array, Array]:
    """Extents of a box, and of one of its divisions, along each axis."""
    extents = np.subtract(mesh.upper, mesh.lower)
    return extents, extents / mesh.cells


def at_middle(material: Any, mesh: BoxMesh) -> float:
    """A material's value in the middle of a box; the mean over regions where there are several."""
    place = dict(zip("xyz", [*(0.5 * np.add(mesh.lower, mesh.upper)), 0.0], strict=False))
    formulas = material.values() if isinstance(material, dict) else [material]
    return float(np.mean([formula(**place) for formula in formulas]))
