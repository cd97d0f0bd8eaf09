"""DOLFINx as the rest of the package sees it. What differs between its versions 0.5 and 0.10 stands here alone.

PETSc must be started on the ranks that use it before this module is imported: see ``start`` of the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import basix as _basix  # pyright: ignore[reportMissingImports]
import dolfinx as _dolfinx  # pyright: ignore[reportMissingImports]
import dolfinx.fem.petsc
import dolfinx.io
import dolfinx.jit
import numpy as np
import ufl as _ufl  # pyright: ignore[reportMissingImports]
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc as _PETSc  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

from .jit import compile_on

# Their types differ from version to version, as far as they have any.
basix: Any = _basix
ufl: Any = _ufl
PETSc: Any = _PETSc
_engine: Any = _dolfinx
cpp, fem, io, la, mesh = _engine.cpp, _engine.fem, _engine.io, _engine.la, _engine.mesh

__all__ = ["MPI", "PETSc", "basix", "fem", "io", "la", "mesh", "ufl"]

VERSION = tuple(int(part) for part in _engine.__version__.split(".")[:2])

Index = NDArray[np.int32]

ADD = la.ScatterMode.add if hasattr(la, "ScatterMode") else la.InsertMode.add
"""How ``scatter_reverse`` puts what ghosts hold to their owners' values."""

CELLS = {
    "interval": mesh.CellType.interval,
    "triangle": mesh.CellType.triangle,
    "quadrilateral": mesh.CellType.quadrilateral,
    "tetrahedron": mesh.CellType.tetrahedron,
    "hexahedron": mesh.CellType.hexahedron,
}


# -- meshes ------------------------------------------------------------------------------------------------------------


def create_box(comm: MPI.Comm, corners: Sequence[Sequence[float]], cells: Sequence[int], cell: str) -> Any:
    """A rectangle or box from its lower and upper corner, divided evenly; distributed, without ghost cells."""
    create = {2: mesh.create_rectangle, 3: mesh.create_box}[len(cells)]
    points = [np.asarray(corner, dtype=np.float64) for corner in corners]
    return _settled(create(comm, points, list(cells), CELLS[cell], ghost_mode=mesh.GhostMode.none))


def _settled(domain: Any) -> Any:
    """The mesh, whose geometry has the name that compiling the first form gives it.

    FFCx 0.5 changes the mesh as it compiles: what comes next had another signature in a start that compiles than in one
    that finds the code compiled, and so was compiled twice.
    """
    if VERSION < (0, 6):
        whole = domain.ufl_domain()
        (element,) = set(whole.ufl_coordinate_element().sub_elements())
        named = element.reconstruct(variant="equispaced")
        whole._ufl_coordinate_element = ufl.VectorElement(named, dim=domain.geometry.dim)
    return domain


def create_mesh(comm: MPI.Comm, cells: NDArray[np.int64], points: NDArray[np.float64], cell: str, degree: int) -> Any:
    """A distributed mesh, without ghost cells, from each rank's share of cells, (n, nodes), and points, (m, dim).

    ``cells`` name rows of all ranks' points one after the other, in VTK's order of nodes.
    """
    dimension = points.shape[1]
    order = perm_vtk(CELLS[cell], cells.shape[1])
    cells = np.ascontiguousarray(cells[:, order])
    if VERSION < (0, 7):
        domain = ufl.Mesh(ufl.VectorElement("Lagrange", ufl.Cell(cell, geometric_dimension=dimension), degree))
        return _settled(mesh.create_mesh(comm, cells, points, domain, ghost_mode=mesh.GhostMode.none))
    element = basix.ufl.element("Lagrange", cell, degree, shape=(dimension,))
    partitioner = mesh.create_cell_partitioner(mesh.GhostMode.none)
    if VERSION < (0, 10):
        return mesh.create_mesh(comm, cells, points, element, partitioner)
    return mesh.create_mesh(comm, cells, element, points, partitioner=partitioner)


def perm_vtk(cell: Any, nodes: int) -> NDArray[np.int64]:
    """Columns of VTK's order of nodes that give DOLFINx's own."""
    return np.asarray(cpp.io.perm_vtk(cell, nodes), dtype=np.int64)


def facet_type(domain: Any) -> Any:
    """Type of the facets of a mesh of one type of cell."""
    return cpp.mesh.cell_entity_type(domain.topology.cell_type, domain.topology.dim - 1, 0)


def tags_from_input(domain: Any, dimension: int, entities: NDArray[np.int64], values: Index) -> Any:
    """Tags of entities, which a file names by its points, (n, nodes) in DOLFINx's order; each rank gives its share."""
    given = domain._mesh if hasattr(domain, "_mesh") else domain
    distribute = cpp.io.distribute_entity_data if hasattr(domain, "_mesh") else io.distribute_entity_data
    local, tags = distribute(given, dimension, np.ascontiguousarray(entities), np.ascontiguousarray(values))
    domain.topology.create_connectivity(dimension, 0)
    domain.topology.create_connectivity(dimension, domain.topology.dim)
    return mesh.meshtags_from_entities(
        domain, dimension, cpp.graph.AdjacencyList_int32(local), np.asarray(tags, dtype=np.int32)
    )


def read_xdmf(comm: MPI.Comm, path: str, grid: str, facets: str | None, cells: str | None) -> tuple[Any, Any, Any]:
    """Mesh, facet tags and cell tags of an XDMF file, read in parallel; tags are None where they have no name."""
    with io.XDMFFile(comm, path, "r") as file:
        domain = _settled(file.read_mesh(ghost_mode=mesh.GhostMode.none, name=grid))
        dimension = domain.topology.dim
        domain.topology.create_connectivity(dimension - 1, dimension)
        of_facets, of_cells = (file.read_meshtags(domain, name=name) if name else None for name in (facets, cells))
    return domain, of_facets, of_cells


# -- spaces ------------------------------------------------------------------------------------------------------------


def function_space(domain: Any, family: str, degree: int, components: int = 1) -> Any:
    """Scalar functions, or vectors of several components, of a family such as ``Lagrange`` or ``DG``."""
    if hasattr(fem, "functionspace"):
        element = (family, degree) if components == 1 else (family, degree, (components,))
        return compile_on(domain.comm, lambda jit: fem.functionspace(domain, element, jit_options=jit), _cache())
    cell = domain.ufl_cell()
    if family == "DG" and cell.cellname() in ("quadrilateral", "hexahedron"):
        family = "DQ"
    element = ufl.FiniteElement(family, cell, degree)
    if components > 1:
        element = ufl.VectorElement(element, dim=components)
    return compile_on(domain.comm, lambda jit: fem.FunctionSpace(domain, element, jit_params=jit), _cache())


def compiled(form: Any) -> Any:
    """A form ready for assembly. Its code is compiled where it is not known yet, and kept for every later run."""
    (domain,) = form.ufl_domains()
    key = "jit_params" if VERSION < (0, 6) else "jit_options"
    return compile_on(domain.ufl_cargo().comm, lambda jit: fem.form(form, **{key: jit}), _cache())


def _cache() -> Path:
    """The folder in which compiled code is kept."""
    options = _engine.jit.get_parameters() if VERSION < (0, 6) else _engine.jit.get_options()
    folder = Path(options["cache_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cell_dofs(space: Any) -> Index:
    """Dofs (of vectors: blocks) of each local cell, (cells, dofs a cell)."""
    listed = space.dofmap.list
    if isinstance(listed, np.ndarray):
        return listed
    return listed.array.reshape(-1, space.dofmap.dof_layout.num_dofs)


def closure_dofs(space: Any, dimension: int) -> NDArray[np.intp]:
    """Places in a cell's dofs of those on each of its entities of a dimension, (entities, dofs an entity).

    All entities of a dimension must be of one type.
    """
    layout = space.dofmap.dof_layout
    number = len(basix.topology(basix_cell(space.mesh))[dimension])
    return np.array([layout.entity_closure_dofs(dimension, entity) for entity in range(number)], dtype=np.intp)


def basix_cell(domain: Any) -> Any:
    """Basix's name of the mesh's type of cell."""
    return getattr(basix.CellType, domain.topology.cell_type.name)


def zeros(space: Any) -> Any:
    """The function that is zero everywhere."""
    return fem.Function(space)


def exterior_facets(domain: Any) -> Index:
    """This rank's facets that belong to one cell of the whole mesh only."""
    dimension = domain.topology.dim
    domain.topology.create_connectivity(dimension - 1, dimension)
    domain.topology.create_connectivity(dimension, dimension - 1)
    return np.asarray(mesh.exterior_facet_indices(domain.topology), dtype=np.int32)


def cell_and_place(domain: Any, facets: Index) -> tuple[Index, Index]:
    """The one cell of each exterior facet, and the facet's number in that cell; both (n,)."""
    dimension = domain.topology.dim
    to_cell = domain.topology.connectivity(dimension - 1, dimension)
    cells = to_cell.array[to_cell.offsets[facets]]
    to_facet = domain.topology.connectivity(dimension, dimension - 1)
    around = to_facet.array.reshape(-1, to_facet.offsets[1] - to_facet.offsets[0])[cells]
    return cells, np.argmax(around == facets[:, None], axis=1).astype(np.int32)


def add_ghosts(function: Any) -> None:
    """Add what this rank holds at ghosts to their owners' values, and copy the sums back."""
    function.x.scatter_reverse(ADD)
    function.x.scatter_forward()


def assemble_matrix(form: Any) -> Any:
    """The assembled PETSc matrix of a bilinear form, without boundary conditions."""
    matrix = fem.petsc.assemble_matrix(form)
    matrix.assemble()
    return matrix


def assemble_again(matrix: Any, form: Any) -> None:
    """Overwrite a matrix with what its bilinear form has become."""
    matrix.zeroEntries()
    fem.petsc.assemble_matrix(matrix, form)
    matrix.assemble()


def assemble_vector(form: Any, function: Any) -> NDArray[np.float64]:
    """Owned values of a linear form; ``function`` of the same space is overwritten."""
    function.x.array[:] = 0.0
    fem.assemble_vector(function.x.array, form)
    function.x.scatter_reverse(ADD)
    return function.x.array[: owned_size(function.function_space)].copy()


def assemble_scalar(form: Any) -> float:
    """This rank's share of an integral."""
    return float(fem.assemble_scalar(form))


def owned_size(space: Any) -> int:
    """Number of values that this rank owns."""
    return space.dofmap.index_map.size_local * space.dofmap.index_map_bs


def surface_measure(domain: Any, facets: Index) -> Any:
    """The measure of integrals over this rank's ``facets``; every form over it has the same compiled code."""
    chosen = np.sort(facets)
    tags = mesh.meshtags(domain, domain.topology.dim - 1, chosen, np.ones(len(chosen), dtype=np.int32))
    return ufl.Measure("ds", domain=domain, subdomain_data=tags)(1)


def geometry_degree(domain: Any) -> int:
    """Degree of the mesh's own geometry."""
    if VERSION < (0, 7):
        return domain.ufl_domain().ufl_coordinate_element().degree()
    return domain.geometry.cmap.degree


def xdmf(comm: MPI.Comm, path: Any) -> Any:
    """An XDMF file to write to."""
    return io.XDMFFile(comm, str(path), "w")


def write_tags(file: Any, tags: Any, domain: Any) -> None:
    """Write tags of the mesh to an XDMF file, which has the mesh already."""
    domain.topology.create_connectivity(tags.dim, domain.topology.dim)
    if VERSION < (0, 7):
        file.write_meshtags(tags)
    else:
        file.write_meshtags(tags, domain.geometry)
