"""Lagrange functions on a mesh: where their dofs are, formulas at them, and their trace on a boundary or a region."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..expression import Expression
from . import engine
from .engine import Index
from .meshes import Domain, coordinates

Array = NDArray[np.float64]

# Reference nodes of meshio's types: corners, middles of edges by their corners, then middles of everything.
_EDGES: dict[str, tuple[tuple[int, int], ...]] = {
    "line": (),
    "line3": ((0, 1),),
    "triangle": (),
    "triangle6": ((0, 1), (1, 2), (2, 0)),
    "quad": (),
    "quad9": ((0, 1), (1, 2), (2, 3), (3, 0)),
    "tetra": (),
    "tetra10": ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)),
    "hexahedron": (),
}
_TYPES: dict[tuple[str, int], str] = {
    ("interval", 1): "line",
    ("interval", 2): "line3",
    ("triangle", 1): "triangle",
    ("triangle", 2): "triangle6",
    ("quadrilateral", 1): "quad",
    ("quadrilateral", 2): "quad9",
    ("tetrahedron", 1): "tetra",
    ("tetrahedron", 2): "tetra10",
    ("hexahedron", 1): "hexahedron",
}
"""meshio's name of an element by DOLFINx's name of the cell and the degree of the functions."""
_CYCLIC = {"quadrilateral": (0, 1, 3, 2), "hexahedron": (0, 1, 3, 2, 4, 5, 7, 6)}
"""Basix counts the corners of these by rows, meshio around."""


@dataclass(frozen=True)
class Trace:
    """The dofs on a boundary or in a region, as an interface's points, and the elements between them."""

    points: Array
    """(n, 3), owned ones first."""
    element: str
    """meshio's name of the elements."""
    nodes: Index
    """(elements, nodes), rows of ``points``, in meshio's order."""
    dofs: Index
    """(n,) local dof (of vectors: block) of each point."""
    owned: int
    ids: NDArray[np.int64]
    """(n,) global number of each dof."""

    @property
    def own(self) -> Index:
        """Local dofs of the owned points, (owned,)."""
        return self.dofs[: self.owned]


class Space:
    """Scalar or vector functions of degree 1, 2, ... on a domain."""

    def __init__(self, domain: Domain, degree: int, components: int = 1) -> None:
        self.domain = domain
        self.degree = degree
        self.components = components
        self.functions = engine.function_space(domain.mesh, "Lagrange", degree, components)
        self._map = self.functions.dofmap.index_map
        self.owned: int = self._map.size_local
        """Dofs (of vectors: blocks) that this rank owns."""
        self.size: int = self._map.size_global * components
        """Number of unknowns of the whole mesh."""

    @cached_property
    def points(self) -> Array:
        """Where the dofs are, ghosts behind the owned ones, (n, 3)."""
        return self.functions.tabulate_dof_coordinates()

    def function(self, name: str = "f") -> Any:
        """A function that is zero everywhere."""
        made = engine.zeros(self.functions)
        made.name = name
        return made

    def at_dofs(self, formula: Expression, t: float = 0.0, dofs: Index | None = None) -> Array:
        """A formula's values at dofs (default: all of this rank, ghosts too), (n,)."""
        points = self.points if dofs is None else self.points[dofs]
        return np.array(np.broadcast_to(formula(**coordinates(points), t=t), (len(points),)), dtype=np.float64)

    def on_facets(self, facets: Index) -> Index:
        """Owned dofs on facets that belong to any rank; collective. In ascending order."""
        cells, places = engine.cell_and_place(self.domain.mesh, facets)
        closure = engine.closure_dofs(self.functions, self.domain.dimension - 1)
        return self._owned_of(engine.cell_dofs(self.functions)[cells[:, None], closure[places]])

    def boundary_trace(self, facets: Index) -> Trace:
        """The trace on facets; collective."""
        cells, places = engine.cell_and_place(self.domain.mesh, facets)
        closure = engine.closure_dofs(self.functions, self.domain.dimension - 1)
        dofs = engine.cell_dofs(self.functions)[cells[:, None], closure[places]]
        kind = engine.facet_type(self.domain.mesh).name
        local = self._nodes_of_facets()
        order = np.array([_meshio_order(kind, self.degree, local[place]) for place in range(len(closure))])
        return self._trace(kind, np.take_along_axis(dofs, order[places], axis=1))

    def volume_trace(self) -> Trace:
        """All dofs, and the cells between them; collective."""
        kind = self.domain.mesh.topology.cell_type.name
        order = _meshio_order(kind, self.degree, self._reference_nodes())
        owned_cells = self.domain.mesh.topology.index_map(self.domain.dimension).size_local
        return self._trace(kind, engine.cell_dofs(self.functions)[:owned_cells][:, order])

    def _trace(self, kind: str, dofs: Index) -> Trace:
        owned = self._owned_of(dofs)
        used = np.unique(dofs)
        all_dofs = np.concatenate([owned, used[used >= self.owned]]).astype(np.int32)
        row = np.full(self.owned + self._map.num_ghosts, -1, dtype=np.int32)
        row[all_dofs] = np.arange(len(all_dofs))
        ids = np.asarray(self._map.local_to_global(all_dofs), dtype=np.int64)
        element = _TYPES[kind, self.degree]
        return Trace(self.points[all_dofs], element, row[dofs], all_dofs, len(owned), ids)

    def _owned_of(self, dofs: Index) -> Index:
        """Owned dofs among those that any rank names; collective."""
        if self.domain.comm.size == 1:
            return np.unique(dofs).astype(np.int32)
        mark = engine.zeros(self.functions)
        blocks = mark.x.array.reshape(-1, self.components)
        blocks[np.unique(dofs), 0] = 1.0
        mark.x.scatter_reverse(engine.ADD)
        return np.flatnonzero(blocks[: self.owned, 0] > 0.5).astype(np.int32)

    def _reference_nodes(self) -> Array:
        """Reference coordinates of a cell's dofs, (dofs, dim): each is the middle of the entity that it belongs to."""
        cell = engine.basix_cell(self.domain.mesh)
        corners, topology = engine.basix.geometry(cell), engine.basix.topology(cell)
        layout = self.functions.dofmap.dof_layout
        nodes = np.zeros((layout.num_dofs, corners.shape[1]))
        for dimension, entities in enumerate(topology):
            for number, entity in enumerate(entities):
                nodes[layout.entity_dofs(dimension, number)] = corners[entity].mean(axis=0)
        return nodes

    def _nodes_of_facets(self) -> Array:
        """Reference coordinates of the dofs on each facet of a cell, (facets, dofs, dim)."""
        return self._reference_nodes()[engine.closure_dofs(self.functions, self.domain.dimension - 1)]


def _meshio_order(kind: str, degree: int, nodes: Array) -> NDArray[np.intp]:
    """Places of an element's dofs, at reference coordinates ``nodes`` (n, dim), in meshio's order."""
    if (kind, degree) not in _TYPES:
        raise SolverError(f"functions of degree {degree} on a {kind} have no trace that an interface knows")
    edges = _EDGES[_TYPES[kind, degree]]
    count = {"interval": 2, "triangle": 3, "quadrilateral": 4, "tetrahedron": 4, "hexahedron": 8}[kind]
    corners = np.arange(count)[list(_CYCLIC.get(kind, range(count)))]
    x = nodes[corners]
    wanted = [x, *(0.5 * (x[a] + x[b])[None] for a, b in edges)]
    if len(nodes) > count + len(edges):
        wanted.append(x.mean(axis=0)[None])
    distance = np.linalg.norm(np.concatenate(wanted)[:, None] - nodes[None], axis=2)
    return np.argmin(distance, axis=1)
