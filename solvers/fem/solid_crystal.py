"""The inner forces of a crystal: in every element the strain is uniform, and the energy that of a lattice so strained.

Elements are linear simplices. In a plane the crystal does not strain along z, or it is a lattice in the plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crystal import CauchyBorn, State
from ..errors import SolverError
from . import engine
from .algebra import Matrix
from .elasticity import Traction
from .engine import Index, ufl
from .space import Space

Array = NDArray[np.float64]

_ROUND_OFF = 16.0 * float(np.finfo(float).eps)
"""Of a crystal's stress, relative to its stiffness: what bonds leave as they cancel, measured, is at most a third."""


class CrystalElasticity:
    """Large displacements of a crystal, on the body at rest (total Lagrangian).

    Units are the potential's. ``shift`` tells where the atoms of a cell are. Raises ``SolverError`` for elements that
    are not linear simplices.
    """

    linear = False

    def __init__(self, space: Space, crystal: CauchyBorn) -> None:
        self._space, self.crystal = space, crystal
        self._require_simplices()
        self._cells = engine.cell_dofs(space.functions)
        self._slopes, self._volumes = _geometry(space.points[self._cells][:, :, : space.components])
        self._here, self._work = space.function(), space.function()
        self._seen: Array = np.full_like(self._here.x.array, np.nan)
        self._rest = crystal.at(np.eye(3)[None])
        self._state = crystal.at(np.zeros((0, 3, 3)))
        d, domain = space.components, space.domain.mesh
        self._stress, self._stiffness = (engine.zeros(engine.function_space(domain, "DG", 0, d**n)) for n in (2, 4))
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        self._force = engine.compiled(ufl.inner(_matrix(self._stress, d), ufl.grad(test)) * ufl.dx)
        stretched = ufl.dot(_matrix(self._stiffness, d * d), _flat(ufl.grad(trial), d))
        self._tangent = engine.compiled(ufl.inner(stretched, _flat(ufl.grad(test), d)) * ufl.dx)
        self._matrix = Matrix(engine.assemble_matrix(self._tangent))
        self.round_off = self._smallest_force()
        self._weights: Array | None = None

    def weigh(self, weights: Array) -> None:
        """Let the energy at each of this rank's nodes, ghosts included, count by a weight, (nodes,), linear in between.

        It is ``energy`` that does, and ``counted_force``; ``force`` and ``tangent`` remain whole.
        """
        self._weights = weights[self._cells].mean(axis=1)

    def force(self, displacement: Array) -> Array:
        """The integral of P : grad(test)."""
        self.at(displacement)
        return engine.assemble_vector(self._force, self._work)

    def counted_force(self, displacement: Array) -> Array:
        """The derivative of the energy that counts."""
        self.at(displacement)
        if self._weights is None:
            return self.force(displacement)
        d = self._space.components
        stress = self._state.stress[:, :d, :d]
        self._fill(self._stress, self._weights[:, None, None] * stress)
        counted = engine.assemble_vector(self._force, self._work)
        self._fill(self._stress, stress)
        return counted

    def energy(self, displacement: Array) -> float:
        """The integral over this rank's cells of what is more than at rest, as it counts."""
        self.at(displacement)
        counted = self._volumes if self._weights is None else self._weights * self._volumes
        return float((self._state.energy - self._rest.energy) @ counted)

    def turned(self, displacement: Array) -> float:
        """The volume of cells that are no crystal any more."""
        self.at(displacement)
        return float(self._volumes[np.isnan(self._state.energy)].sum())

    def tangent(self, displacement: Array) -> Matrix:
        """Assembled again, in place of the last one."""
        self.at(displacement)
        return self._assembled(self._state.tangent)

    def counted_tangent(self, displacement: Array) -> Matrix:
        """The second derivative of the energy that counts, in place of the last one."""
        self.at(displacement)
        weights = np.ones_like(self._volumes) if self._weights is None else self._weights
        return self._assembled(weights[:, None, None, None, None] * self._state.tangent)

    def _assembled(self, stiffness: Array) -> Matrix:
        d = self._space.components
        self._fill(self._stiffness, stiffness[:, :d, :d, :d, :d])
        engine.assemble_again(self._matrix.petsc, self._tangent)
        return self._matrix

    def traction(self, facets: Index) -> Traction:
        """The integral of P N times the test functions over the facets."""
        return Traction(self, self._space, _matrix(self._stress, self._space.components), facets)

    def at(self, displacement: Array) -> None:
        """Let the forms see a displacement; collective."""
        values = self._here.x.array
        values[: len(displacement)] = displacement
        self._here.x.scatter_forward()
        if np.array_equal(values, self._seen):
            return
        self._state = self._strained(values)
        self._seen = values.copy()
        d = self._space.components
        self._fill(self._stress, self._state.stress[:, :d, :d])

    def cell_shift(self, displacement: Array) -> Array:
        """Where the atoms of a cell went beyond the strain in each of this rank's elements, (elements, atoms, 3).

        Their mean is zero. Collective.
        """
        self.at(displacement)
        return self._state.shift.copy()

    def shift(self, displacement: Array) -> Array:
        """How far the second atom of a cell went from the first, beyond the strain, at owned nodes, (owned, 3).

        The mean of the elements around a node, by their volumes. The first atom lies half of it behind the displacement
        and the second half of it ahead; it is zero where a cell has one atom. Collective.
        """
        shift = self.cell_shift(displacement)
        between = shift[:, -1] - shift[:, 0]
        columns = np.column_stack([np.ones(len(between)), between]) * self._volumes[:, None]
        sums = np.column_stack([self._around_nodes(column) for column in columns.T])
        return sums[:, 1:] / sums[:, :1]

    def _fill(self, function: Any, values: Array) -> None:
        """Give a function each element's values."""
        places = engine.cell_dofs(function.function_space)[:, 0]
        function.x.array.reshape(len(places), -1)[places] = values.reshape(len(places), -1)

    def _around_nodes(self, values: Array) -> Array:
        """The sum of the elements' values around each owned node; collective."""
        blocks = self._work.x.array.reshape(-1, self._space.components)
        blocks[:] = 0.0
        np.add.at(blocks[:, 0], self._cells, values[:, None])
        engine.add_ghosts(self._work)
        return blocks[: self._space.owned, 0].copy()

    def _strained(self, values: Array) -> State:
        """The crystal in each element."""
        d = self._space.components
        nodes = values.reshape(-1, d)[self._cells]
        gradients = np.tile(np.eye(3), (len(self._cells), 1, 1))
        gradients[:, :d, :d] += np.swapaxes(nodes, 1, 2) @ self._slopes
        return self.crystal.at(gradients)

    def _smallest_force(self) -> float:
        """Norm of forces that are nothing but round-off; collective."""
        stiffness = np.abs(self._rest.tangent).max()
        own = float(np.sum((self._slopes * self._volumes[:, None, None]) ** 2))
        return _ROUND_OFF * stiffness * float(np.sqrt(self._space.domain.comm.allreduce(own)))

    def _require_simplices(self) -> None:
        domain = self._space.domain
        cell, bent = domain.mesh.topology.cell_type.name, engine.geometry_degree(domain.mesh)
        if self._space.degree != 1 or cell not in ("triangle", "tetrahedron") or bent != 1:
            raise SolverError(
                f"the mesh is of {cell} cells of degree {bent}, and 'order' is {self._space.degree}; the material "
                "'cauchy-born' needs straight triangles or tetrahedra with order = 1"
            )


def _geometry(corners: Array) -> tuple[Array, Array]:
    """Gradients of the shape functions, (cells, d + 1, d), and volumes of simplices with corners (cells, d + 1, d)."""
    edges = corners[:, 1:] - corners[:, :1]
    others = np.swapaxes(np.linalg.inv(edges), 1, 2)
    slopes = np.concatenate([-others.sum(axis=1, keepdims=True), others], axis=1)
    return slopes, np.abs(np.linalg.det(edges)) / (2.0 if corners.shape[2] == 2 else 6.0)


def _matrix(function: Any, d: int) -> Any:
    """d² values as a (d, d) matrix."""
    return ufl.as_matrix([[function[i * d + j] for j in range(d)] for i in range(d)])


def _flat(gradient: Any, d: int) -> Any:
    """A matrix as a vector, row by row."""
    return ufl.as_vector([gradient[i, j] for i in range(d) for j in range(d)])
