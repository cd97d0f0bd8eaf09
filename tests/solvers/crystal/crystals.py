"""Crystals for the tests, and the same crystals as atoms of LAMMPS."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.crystal import CauchyBorn, CrystalSettings
from suture.solvers.crystal.potential_files import FOLDER
from suture.solvers.md.library import Lammps

CORNER = np.array([0.12, 0.12, 0.12])
"""Where the first atom lies in its cell: not where rounding decides."""
SHOWN = "thermo_style custom step pe " + " ".join(f"c_p[{k}]" for k in range(1, 7))
"""LAMMPS works out for us only what it prints."""
GPA = 160.21766208
"""One eV/Å³."""
MISHIN = {"kind": "eam", "file": "Cu_mishin1.eam.alloy", "element": "Cu"}
SILICON = {"kind": "stillinger-weber", "file": "Si.sw", "element": "Si"}
ARGON = {"kind": "lennard-jones", "epsilon": 0.0104, "sigma": 3.4, "cutoff": 8.5}
CRYSTALS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "copper": (
        {"structure": "fcc", "constant": 3.615, "potential": MISHIN},
        ["pair_style eam/alloy", f"pair_coeff * * {FOLDER}/Cu_mishin1.eam.alloy Cu"],
    ),
    "funcfl": (
        {"structure": "fcc", "constant": 3.615, "potential": {"kind": "eam", "file": "Cu_u3.eam"},
         "orientation": [[1, -1, 0], [1, 1, -2], [1, 1, 1]]},
        ["pair_style eam", f"pair_coeff * * {FOLDER}/Cu_u3.eam"],
    ),
    "iron": (
        {"structure": "bcc", "constant": 2.8553, "potential": {**MISHIN, "file": "AlFe_mm.eam.fs", "element": "Fe"}},
        ["pair_style eam/fs", f"pair_coeff * * {FOLDER}/AlFe_mm.eam.fs Fe"],
    ),
    "alloy": (
        {"structure": "fcc", "constant": 3.52, "potential": {**MISHIN, "file": "CuNi.eam.alloy", "element": "Ni"}},
        ["pair_style eam/alloy", f"pair_coeff * * {FOLDER}/CuNi.eam.alloy Ni"],
    ),
    "silicon": (
        {"structure": "diamond", "constant": 5.43095, "potential": SILICON,
         "orientation": [[1, 1, -2], [1, 1, 1], [1, -1, 0]]},
        ["pair_style sw", f"pair_coeff * * {FOLDER}/Si.sw Si"],
    ),
    "argon": (
        {"structure": "fcc", "constant": 5.3, "potential": ARGON},
        ["pair_style lj/smooth/linear 8.5", "pair_coeff * * 0.0104 3.4"],
    ),
    "shifted": (
        {"structure": "fcc", "constant": 5.3, "potential": ARGON | {"truncation": "shifted"}},
        ["pair_style lj/cut 8.5", "pair_coeff * * 0.0104 3.4", "pair_modify shift yes"],
    ),
    "sheet": (
        {"structure": "triangular", "constant": 3.8, "potential": ARGON | {"truncation": "cut"}},
        ["pair_style lj/cut 8.5", "pair_coeff * * 0.0104 3.4"],
    ),
}  # fmt: skip
"""Settings by name, and how LAMMPS is told the same potential."""


def crystal(name: str) -> CauchyBorn:
    return CrystalSettings.model_validate(CRYSTALS[name][0]).create(Path())


def gradients(n: int, size: float, dimension: int = 3, seed: int = 0) -> np.ndarray:
    """Deformation gradients (n, 3, 3), the identity and anything up to ``size``."""
    found = np.tile(np.eye(3), (n, 1, 1))
    shape = (n, dimension, dimension)
    found[:, :dimension, :dimension] += np.random.default_rng(seed).uniform(-size, size, shape)
    return found


class Atoms:
    """Energy density, first Piola-Kirchhoff stress and largest force of a strained crystal, by LAMMPS.

    LAMMPS wants the first vector of its box along x and the second in the plane of x and y, so the crystal is turned.
    """

    REPEATED = 4

    def __init__(self, name: str, gradient: np.ndarray, shift: np.ndarray, folder: Path) -> None:
        of = crystal(name).structure
        turn, box = np.linalg.qr(gradient @ of.cell.T)
        sign = np.sign(np.diag(box))
        turn, box = turn * sign, box * sign[:, None]
        self._lammps = Lammps(MPI.COMM_SELF, folder / "log.lammps", {})
        self._open(of.dimension, box)
        steps = product(*(range(self.REPEATED if axis < of.dimension else 1) for axis in range(3)))
        corner = CORNER * (np.arange(3) < of.dimension)
        for step in steps:
            for atom, moved in zip(of.atoms, shift, strict=True):
                inside = turn.T @ (gradient @ atom + moved) + box @ (np.array(step) + corner)
                self._command("create_atoms 1 single", *inside)
        assert self._lammps.constant("natoms") == len(of.atoms) * self.REPEATED**of.dimension
        for line in ["mass 1 1.0", *CRYSTALS[name][1], "compute p all pressure NULL virial", SHOWN, "run 0"]:
            self._lammps.command(line)
        self._read(of.dimension, turn, gradient, of.volume)

    def _command(self, words: str, *numbers: float) -> None:
        self._lammps.command(" ".join([words, *(f"{number:.17g}" for number in numbers)]))

    def _open(self, dimension: int, box: np.ndarray) -> None:
        for line in [
            f"dimension {dimension}",
            "units metal",
            "boundary p p p",
            "atom_modify sort 0 0",
            "box tilt large",
        ]:
            self._lammps.command(line)
        many = self.REPEATED * box
        height = many[2, 2] if dimension == 3 else 0.5
        corners = [0.0, many[0, 0], 0.0, many[1, 1], -height * (dimension == 2), height]
        self._command("region box prism", *corners, many[0, 1], many[0, 2], many[1, 2])
        for line in ["create_box 1 box", "neigh_modify one 10000 page 100000"]:
            self._lammps.command(line)

    def _read(self, dimension: int, turn: np.ndarray, gradient: np.ndarray, volume: float) -> None:
        value = self._lammps.variable
        pressure = np.zeros((3, 3))
        places = [(0, 0), (1, 1), (0, 1)] if dimension == 2 else [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
        columns = (1, 2, 4) if dimension == 2 else (1, 2, 3, 4, 5, 6)
        for (i, j), column in zip(places, columns, strict=True):
            self._lammps.command(f"variable p{column} equal c_p[{column}]")
            pressure[i, j] = pressure[j, i] = value(f"p{column}") / self._lammps.constant("nktv2p")
        self._lammps.command("variable e equal pe")
        cauchy = -turn @ pressure @ turn.T
        self.energy = value("e") / self._lammps.count / volume
        self.stress = np.linalg.det(gradient) * cauchy @ np.linalg.inv(gradient).T
        self.force = float(np.abs(self._lammps.atoms("f")).max())
        self._lammps.close()
