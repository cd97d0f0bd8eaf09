"""Diffusion equations of discontinuous linear functions on simplices, as the transport sweeps degenerate to them.

The modified interior penalty form (Wang and Ragusa, Nucl. Sci. Eng. 166 (2010) 145): symmetric interior penalty where
cells are thin, and where they are thick the jump that isotropic half-range fluxes leave, a quarter of heat capacity
times speed. That is what makes it stable at any number of mean free paths in a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from ..errors import SolverError
from .petsc import PETSc
from .simplices import Topology, face_corners

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Coefficients:
    """Of one equation; (cells,) each."""

    conductivity: Array
    absorption: Array
    """Heat per volume and temperature."""
    quarter: Array
    """Heat through a face per area and temperature, one way: heat capacity times speed over four."""


@dataclass(frozen=True)
class Couplings:
    """Boundary faces that are one place: the vertex k of face ``one`` is the vertex ``vertex[:, k]`` of ``other``."""

    one: Index
    other: Index
    vertex: Index
    """(n, d)."""
    conductance: Array | None = None
    """(n,) heat per area and temperature between them; where it is not given they are joined as cells are."""


class Diffusion:
    """One such equation, factorised. Values are at the rank's rows: its share of the cells, (share, d + 1).

    The arrays of the mesh have the cells of the rank and, after them, their neighbours on other ranks. Raises
    ``SolverError`` where it cannot be solved.
    """

    def __init__(
        self,
        topology: Topology,
        coefficients: Coefficients,
        exchange: Array,
        couplings: list[Couplings],
        rows: slice,
        number: Index,
        comm: MPI.Comm,
    ) -> None:
        """``exchange`` (boundary faces,) is what a face lets out, per area and temperature.

        ``rows`` are the cells of the rank's share; ``number`` (cells,) is every cell's number in all.
        """
        corners = topology.area.shape[1]
        assembly = _Assembly(topology, coefficients, rows, number)
        assembly.cells()
        assembly.faces()
        assembly.boundary(exchange)
        for coupling in couplings:
            assembly.couple(coupling)
        matrix = assembly.matrix()
        share = (rows.stop - rows.start) * corners
        size = ((share, None), (share, None))
        self._matrix = PETSc.Mat().createAIJ(size, csr=(matrix.indptr, matrix.indices, matrix.data), comm=comm)
        self._solver = PETSc.KSP().create(comm)
        self._solver.setOperators(self._matrix)
        self._solver.setType("preonly")
        preconditioner = self._solver.getPC()
        preconditioner.setType("cholesky")
        preconditioner.setFactorSolverType("mumps")
        self._in, self._out = self._matrix.createVecs()
        self._shape = (-1, corners)

    def solve(self, right: Array) -> Array:
        """The solution for a right-hand side that is already integrated; collective."""
        self._in.array[:] = right.ravel()
        self._solver.solve(self._in, self._out)
        if self._solver.getConvergedReason() < 0:
            raise SolverError("the diffusion equation that accelerates the transport could not be solved")
        return self._out.array.copy().reshape(self._shape)

    def free(self) -> None:
        """Release the factors."""
        for one in (self._solver, self._matrix, self._in, self._out):
            one.destroy()


class _Assembly:
    """Collects the entries of the matrix."""

    def __init__(self, topology: Topology, coefficients: Coefficients, rows: slice, number: Index) -> None:
        self._topology, self._of, self._rows, self._number = topology, coefficients, rows, number
        self._corners = topology.area.shape[1]
        self._d = self._corners - 1
        self._entries: list[tuple[Index, Index, Array]] = []
        self._height = self._d * topology.volume[:, None] / np.linalg.norm(topology.area, axis=2)

    def _add(self, one: Index, other: Index, blocks: Array) -> None:
        """Blocks (n, d + 1, d + 1) of rows of the cells ``one`` and columns of the cells ``other``."""
        mine = (one >= self._rows.start) & (one < self._rows.stop)
        row = self._dofs(one[mine] - self._rows.start)[:, :, None] + np.zeros((1, 1, self._corners), dtype=np.int64)
        column = self._dofs(self._number[other[mine]])[:, None, :] + np.zeros((1, self._corners, 1), dtype=np.int64)
        self._entries.append((row.ravel(), column.ravel(), blocks[mine].ravel()))

    def _dofs(self, cells: Index) -> Index:
        return cells[:, None] * self._corners + np.arange(self._corners)

    def cells(self) -> None:
        """Conduction and absorption inside the cells."""
        volume, area, masses = self._topology.volume, self._topology.area, self._topology.cell_masses
        stiffness = np.einsum("cix,cjx->cij", area, area) / ((self._d * volume) ** 2)[:, None, None]
        blocks = (self._of.conductivity * masses.sum(axis=(1, 2)))[:, None, None] * stiffness
        blocks = blocks + self._of.absorption[:, None, None] * masses
        self._add(np.arange(len(volume)), np.arange(len(volume)), blocks)

    def faces(self) -> None:
        """Faces between cells."""
        cell, face = np.nonzero(self._topology.neighbour >= 0)
        other = self._topology.neighbour[cell, face].astype(np.int64)
        # Where the other cell's vertices stand among this one's: across[j] is the other's number of vertex j.
        across = self._topology.across[cell, face].astype(np.int64)
        self._join(cell, face, other, across)

    def couple(self, coupling: Couplings) -> None:
        """Faces of the boundary that are one place."""
        owner, place = self._topology.owner.astype(np.int64), self._topology.place.astype(np.int64)
        for one, other, vertex in _both_ways(coupling):
            local = face_corners(place[other], self._d)
            across = np.zeros((len(one), self._corners), dtype=np.int64)
            np.put_along_axis(
                across, face_corners(place[one], self._d), np.take_along_axis(local, vertex, axis=1), axis=1
            )
            if coupling.conductance is None:
                self._join(owner[one], place[one], owner[other], across)
            else:
                self._exchange(owner[one], place[one], owner[other], across, coupling.conductance)

    def _join(self, cell: Index, face: Index, other: Index, across: Index) -> None:
        """This cell's rows of the interior penalty terms."""
        # The other cell's face is opposite to the vertex that `across` does not name.
        named = np.take_along_axis(across, face_corners(face, self._d), axis=1).sum(axis=1)
        beyond = self._corners * self._d // 2 - named
        on_face = self._topology.face_masses(cell, face)
        penalty = np.maximum(
            0.5 * (self._of.quarter[cell] + self._of.quarter[other]),
            self._corners * (self._stiff(cell, face) + self._stiff(other, beyond)),
        )
        own, far = self._slopes(cell, face), -self._slopes(other, beyond)
        mean = on_face.sum(axis=2)
        to_other = self._scatter(across, face)
        jump = penalty[:, None, None] * on_face
        # -{K du/dn}[w] - {K dw/dn}[u], of this cell's test functions w, along this cell's normal.
        mine = jump - 0.5 * (mean[:, :, None] * own[:, None, :] + own[:, :, None] * mean[:, None, :])
        theirs = -np.einsum("nij,njk->nik", jump, to_other)
        theirs = theirs - 0.5 * mean[:, :, None] * far[:, None, :]
        theirs = theirs + 0.5 * own[:, :, None] * np.einsum("nj,njk->nk", mean, to_other)[:, None, :]
        self._add(cell, cell, mine)
        self._add(cell, other, theirs)

    def _exchange(self, cell: Index, face: Index, other: Index, across: Index, conductance: Array) -> None:
        blocks = conductance[:, None, None] * self._topology.face_masses(cell, face)
        self._add(cell, cell, blocks)
        self._add(cell, other, -np.einsum("nij,njk->nik", blocks, self._scatter(across, face)))

    def boundary(self, exchange: Array) -> None:
        """What the boundary lets out."""
        owner, place = self._topology.owner.astype(np.int64), self._topology.place.astype(np.int64)
        self._add(owner, owner, exchange[:, None, None] * self._topology.face_masses(owner, place))

    def matrix(self) -> csr_matrix:
        """In compressed rows."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        share, total = self._rows.stop - self._rows.start, int(self._number.max(initial=0)) + 1
        matrix = coo_matrix((value, (row, column)), shape=(share * self._corners, total * self._corners)).tocsr()
        matrix.sum_duplicates()
        return matrix

    def _stiff(self, cell: Index, face: Index) -> Array:
        return self._of.conductivity[cell] / self._height[cell, face]

    def _slopes(self, cell: Index, face: Index) -> Array:
        """K d(phi)/dn of the cell's functions, (n, d + 1), along its outward normal."""
        vector = self._topology.area[cell, face]
        normal = vector / np.linalg.norm(vector, axis=1)[:, None]
        along = np.einsum("nix,nx->ni", self._topology.area[cell], normal)
        return -along * (self._of.conductivity[cell] / (self._d * self._topology.volume[cell]))[:, None]

    def _scatter(self, across: Index, face: Index) -> Array:
        """(n, d + 1, d + 1) one where this cell's vertex j is the other's vertex k."""
        on = 1.0 - np.eye(self._corners)[face]
        return on[:, :, None] * np.eye(self._corners)[across]


def _both_ways(coupling: Couplings) -> list[tuple[Index, Index, Index]]:
    back = np.argsort(coupling.vertex, axis=1)
    return [(coupling.one, coupling.other, coupling.vertex), (coupling.other, coupling.one, back)]
