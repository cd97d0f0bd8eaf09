"""Crystals without strain: where the neighbours of an atom are.

All atoms of these structures see the same neighbours, but for an inversion: the energy of one tells that of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]
StructureName = Literal["fcc", "bcc", "diamond", "triangular"]
Direction = tuple[int, int, int]
Orientation = tuple[Direction, Direction, Direction]
ALONG_AXES: Orientation = ((1, 0, 0), (0, 1, 0), (0, 0, 1))

_FACE_CENTRED = 0.5 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
_CELLS: dict[StructureName, Array] = {
    "fcc": _FACE_CENTRED,
    "bcc": 0.5 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    "diamond": _FACE_CENTRED,
    "triangular": np.array([[1.0, 0.0, 0.0], [0.5, 0.75**0.5, 0.0], [0.0, 0.0, 1.0]]),
}
"""Primitive vectors, rows, in lattice constants."""
_ATOMS: dict[StructureName, Array] = {"diamond": np.array([[0.0, 0.0, 0.0], [0.25, 0.25, 0.25]])}
"""Places of the atoms of a primitive cell, in lattice constants; default: one atom."""


_MOST_CELLS = 1e6


@dataclass(frozen=True)
class Structure:
    """A crystal at rest: its primitive cell and the places of the atoms in it."""

    name: StructureName
    constant: float
    """Edge of the cubic cell; of ``triangular`` the spacing of atoms."""
    rotation: Array
    """(3, 3); its columns are the directions of the crystal's own axes in space."""
    cell: Array
    """(3, 3), rows are primitive vectors; the third of ``triangular`` is one unit of depth, not the lattice's."""
    atoms: Array
    """(b, 3)."""

    @property
    def dimension(self) -> int:
        """2 of a lattice in the plane, else 3."""
        return 2 if self.name == "triangular" else 3

    @property
    def volume(self) -> float:
        """Of one atom; in a plane its area."""
        return abs(float(np.linalg.det(self.cell))) / len(self.atoms)

    def bonds(self, reach: float) -> Array:
        """Bonds of the first atom to all others nearer than ``reach``, (m, 3 + b - 1), the nearest first.

        The first three numbers are the bond; the others, one for each atom but the first, are 1 for the one at its end.
        So F and the shifts of the other atoms relative to the first, side by side, (3, 3 + b - 1), times a bond is that
        bond in the strained crystal.
        """
        longest = reach + float(np.linalg.norm(self.atoms, axis=1).max())
        counts = np.ceil(longest * np.linalg.norm(np.linalg.inv(self.cell), axis=0))
        counts[self.dimension :] = 0
        if not np.prod(2.0 * counts + 1.0) < _MOST_CELLS:
            far = f"{reach / self.constant:.3g} lattice constants of {self.constant:g}"
            raise SolverError(
                f"bonds reach over {reach:g}, {far}; they must reach over less than {_MOST_CELLS:.0e} cells"
            )
        steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts.astype(int)), indexing="ij"), axis=-1)
        places = steps.reshape(-1, 3) @ self.cell
        ends = np.eye(len(self.atoms))[:, 1:]
        every = [np.hstack([places + to - self.atoms[0], np.tile(end, (len(places), 1))])
                 for to, end in zip(self.atoms, ends, strict=True)]  # fmt: skip
        bonds = np.concatenate(every)
        lengths = np.linalg.norm(bonds[:, :3], axis=1)
        order = np.argsort(lengths, kind="stable")
        order = order[(lengths[order] > 1e-9 * self.constant) & (lengths[order] < reach)]
        return bonds[order]


def structure(name: StructureName, constant: float, orientation: Any = ALONG_AXES) -> Structure:
    """A crystal by name, ``fcc``, ``bcc``, ``diamond`` or ``triangular``.

    The rows of ``orientation`` are the crystal directions along x, y and z, whole numbers, orthogonal and right-handed.
    Close-packed rows of ``triangular``, a lattice in the plane, lie along x. Raises ``SolverError`` for what is none.
    """
    names = get_args(StructureName)
    if name not in names:
        raise SolverError(f"the structure is {name!r}; it must be {', '.join(names[:-1])} or {names[-1]}")
    if not (np.isfinite(constant) and constant > 0.0):
        raise SolverError(f"the lattice constant is {constant:g}; it must be positive")
    problem = misoriented(name, orientation)
    if problem:
        raise SolverError(problem)
    rows = np.array(orientation, dtype=np.float64)
    rotation = rows / np.linalg.norm(rows, axis=1)[:, None]
    atoms = _ATOMS.get(name, np.zeros((1, 3)))
    cell = constant * _CELLS[name]
    if name == "triangular":
        cell[2, 2] = 1.0
    return Structure(name, constant, rotation, cell @ rotation.T, constant * atoms @ rotation.T)


def misoriented(name: str, orientation: Any) -> str:
    """What is wrong with the crystal directions along x, y and z, in words; else an empty text."""
    rows = np.array(orientation, dtype=np.float64)
    if rows.shape != (3, 3) or (rows != np.round(rows)).any():
        return f"the orientation is {orientation}; it must be three crystal directions of three whole numbers each"
    if name == "triangular":
        turned = (rows != np.eye(3)).any()
        return "a triangular lattice has its rows along x; it takes no orientation" if turned else ""
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if rows[i] @ rows[j]:
            return f"the crystal directions along {'xyz'[i]} and {'xyz'[j]} are not orthogonal: {orientation}"
    if np.linalg.det(rows) < 0.5:
        return f"the crystal directions along x, y, z are not right-handed: {orientation}; turn one of them round"
    return ""
