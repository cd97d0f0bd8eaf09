"""A distributed mesh with named boundaries and regions, from a box, a file or a crystal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crystal.meshing import RIMS, lattice_mesh, plane_cell
from ..errors import SolverError
from ..expression import SpaceExpression
from . import engine
from .engine import MPI, Index
from .mesh_files import Groups, MeshFile, grids, read
from .mesh_settings import BoxMesh, CrystalMesh, FileMesh, divided

Array = NDArray[np.float64]

ON = 1e-9
"""A place is on a boundary where its formula is no larger than this, times the mesh's size."""


@dataclass(frozen=True)
class Domain:
    """This rank's share of a mesh. Facets and cells are named by their local numbers."""

    mesh: Any
    boundaries: Mapping[str, Index]
    """This rank's facets of each boundary that the mesh itself names."""
    regions: Mapping[str, Index]
    """This rank's cells of each region."""
    size: float
    """Largest extent of the whole mesh."""
    exterior: Index
    """This rank's facets on the rim of the whole mesh."""

    @property
    def comm(self) -> MPI.Comm:
        """The ranks that share the mesh."""
        return self.mesh.comm

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.mesh.topology.dim

    def facets(self, name: str, where: SpaceExpression | None) -> Index:
        """This rank's facets of a boundary: those on which ``where`` is zero, or of the group of that name.

        Raises ``SolverError``, on all ranks alike, where there are none.
        """
        if where is not None:
            found = self.exterior[self._zero(where)]
        elif name in self.boundaries:
            found = np.intersect1d(self.boundaries[name], self.exterior)
        else:
            names = ", ".join(self.boundaries) or "none"
            raise SolverError(
                f"boundary {name!r}: the mesh names {names}; use one of these names, or say where it is by "
                f"'where', a formula that is zero on it"
            )
        if not self.comm.allreduce(len(found)):
            what = f"'where' = {where.source!r} is zero on none of them" if where else "none of them is in that group"
            raise SolverError(f"boundary {name!r}: no facets on the rim of the mesh: {what}")
        return found.astype(np.int32)

    def _zero(self, where: SpaceExpression) -> Any:
        """Whether a formula is zero at all corners of each exterior facet."""
        corners = engine.function_space(self.mesh, "Lagrange", 1)
        cells, places = engine.cell_and_place(self.mesh, self.exterior)
        dofs = engine.cell_dofs(corners)[cells[:, None], engine.closure_dofs(corners, self.dimension - 1)[places]]
        x = corners.tabulate_dof_coordinates()
        return (np.abs(where(**coordinates(x))) <= ON * self.size)[dofs].all(axis=1)


def coordinates(points: Any) -> dict[str, Any]:
    """``x``, ``y`` and ``z`` of points (n, 3), as formulas take them."""
    return {axis: points[:, number] for number, axis in enumerate("xyz")}


def create(
    settings: BoxMesh | FileMesh | CrystalMesh, comm: MPI.Comm, directory: Path, lattice: Array | None = None
) -> Domain:
    """The mesh; file names are relative to ``directory``. Raises ``SolverError`` where it cannot be made.

    ``lattice`` (3, 3) has the primitive vectors of the body's crystal as rows, for a mesh of kind ``crystal``.
    """
    if isinstance(settings, BoxMesh):
        return _box(settings, comm)
    if isinstance(settings, CrystalMesh):
        assert lattice is not None, "checked with the settings"
        return _domain(*_distributed(comm, lambda: _from_crystal(settings, lattice), 1.0))
    path = directory / settings.file
    if path.suffix == ".xdmf" and settings.grid in grids(path):
        return _domain(*_from_xdmf(settings, comm, path))
    return _domain(*_distributed(comm, lambda: read(path), settings.scale))


def _domain(mesh: Any, facets: Any, cells: Any, names: tuple[Mapping[str, int], Mapping[str, int]]) -> Domain:
    x = mesh.geometry.x
    low = np.array([mesh.comm.allreduce(x[:, axis].min(initial=np.inf), op=MPI.MIN) for axis in range(3)])
    high = np.array([mesh.comm.allreduce(x[:, axis].max(initial=-np.inf), op=MPI.MAX) for axis in range(3)])
    groups = [
        {name: np.asarray(tags.indices[tags.values == number], dtype=np.int32) for name, number in named.items()}
        for tags, named in zip((facets, cells), names, strict=True)
    ]
    return Domain(mesh, groups[0], groups[1], float((high - low).max()), engine.exterior_facets(mesh))


def _box(settings: BoxMesh, comm: MPI.Comm) -> Domain:
    cell = settings.cell or ("triangle" if settings.dimension == 2 else "tetrahedron")
    mesh = engine.create_box(comm, (settings.lower, settings.upper), settings.cells, cell)
    for axis, ratio in enumerate(settings.expansion):
        ends = settings.lower[axis], settings.upper[axis], settings.cells[axis]
        x = mesh.geometry.x[:, axis]
        x[:] = np.interp(x, divided(*ends), divided(*ends, ratio))
    bare = Domain(mesh, {}, {}, float(np.subtract(settings.upper, settings.lower).max()), engine.exterior_facets(mesh))
    sides = {}
    for number, side in enumerate(settings.sides):
        axis, end = divmod(number, 2)
        place = (settings.lower, settings.upper)[end][axis]
        sides[side] = bare.exterior[bare._zero(SpaceExpression(f"{'xyz'[axis]} - ({place!r})"))]
    return Domain(mesh, sides, {}, bare.size, bare.exterior)


def _from_xdmf(settings: FileMesh, comm: MPI.Comm, path: Path) -> tuple[Any, Any, Any, Any]:
    """Read in parallel. Tags have no names: groups are named by their numbers."""
    for key in ("facet_tags", "cell_tags"):
        name = getattr(settings, key)
        if name and name not in grids(path):
            raise SolverError(f"{path}: no grid is named {name!r} ({key!r}); it has {', '.join(sorted(grids(path)))}")
    mesh, *tags = engine.read_xdmf(comm, str(path), settings.grid, settings.facet_tags, settings.cell_tags)
    mesh.geometry.x[:] *= settings.scale
    names = []
    for each in tags:
        own = [] if each is None else np.unique(each.values).tolist()
        numbers = sorted(set().union(*comm.allgather(own)))
        names.append({str(number): number for number in numbers})
    return mesh, *tags, tuple(names)


def _from_crystal(settings: CrystalMesh, lattice: Array) -> MeshFile:
    """The places of a lattice, with names of the rims."""

    def field(formula: SpaceExpression, points: Array) -> Array:
        in_space = np.pad(points, ((0, 0), (0, 3 - points.shape[1])))
        return np.broadcast_to(np.asarray(formula(**coordinates(in_space)), dtype=float), (len(points),))

    cell = plane_cell(lattice)[0] if settings.dimension == 2 else lattice
    void = settings.void or SpaceExpression("1")
    made = lattice_mesh(
        cell,
        settings.lower,
        settings.upper,
        lambda points: field(settings.core, points),
        settings.grades,
        lambda points: field(void, points),
    )
    rims = Groups(made.facets, (made.beyond + 1).astype(np.int32), {name: n for n, name in enumerate(RIMS, 1)})
    kind = "triangle" if settings.dimension == 2 else "tetrahedron"
    return MeshFile(kind, 1, made.points, Groups(made.elements, np.zeros(len(made.elements), np.int32)), rims)


def _distributed(comm: MPI.Comm, make: Callable[[], MeshFile], scale: float) -> tuple[Any, Any, Any, Any]:
    """Made on rank 0 and distributed. What cannot be made is an error on all ranks alike."""
    found: MeshFile | SolverError | None = None
    if comm.rank == 0:
        try:
            found = make()
        except SolverError as error:
            found = error
    told = comm.bcast(found if isinstance(found, SolverError) else None if found is None else _outline(found))
    if isinstance(told, SolverError):
        raise told
    cell, degree, widths, names, dimension = told
    points = found.points * scale if isinstance(found, MeshFile) else np.zeros((0, dimension))
    groups = [found.cells, found.facets] if isinstance(found, MeshFile) else [_nothing(width) for width in widths]
    mesh = engine.create_mesh(comm, groups[0].nodes, points, cell, degree)
    tags = [
        engine.tags_from_input(mesh, dimension - less, _reordered(mesh, group, less), group.numbers)
        for less, group in enumerate(groups)
    ]
    return mesh, tags[1], tags[0], (names[1], names[0])


def _outline(found: MeshFile) -> tuple[Any, ...]:
    groups = (found.cells, found.facets)
    widths = tuple(group.nodes.shape[1] for group in groups)
    return found.cell, found.degree, widths, tuple(group.names for group in groups), found.points.shape[1]


def _nothing(width: int) -> Groups:
    return Groups(np.zeros((0, width), dtype=np.int64), np.zeros(0, dtype=np.int32))


def _reordered(mesh: Any, group: Groups, less: int) -> Any:
    """Nodes of the entities in DOLFINx's order, of those that belong to a group."""
    kind = engine.facet_type(mesh) if less else mesh.topology.cell_type
    return group.nodes[:, engine.perm_vtk(kind, group.nodes.shape[1])]
