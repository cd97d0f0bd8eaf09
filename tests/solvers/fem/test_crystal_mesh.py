"""Meshes of kind ``crystal`` on any number of ranks: nodes, rims, what a cell of the lattice is covered by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from suture.solvers.crystal import CrystalSettings
from suture.solvers.crystal.meshing import LatticeMesh, lattice_mesh, plane_cell
from suture.solvers.fem import HeatSettings, SolidSettings

from ...mpi import mpirun
from .crystal_bodies import COPPER, MODULI_FROM_ATOMS, SHEET
from .play_crystal_mesh import PLANE, SPACE

ROOT = Path(__file__).parents[3]
MESHES = {"space": (SPACE, COPPER, 3), "plane": (PLANE, SHEET, 2)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, list[float]]]:
    found = {}
    for ranks in (1, 2, 3):
        file = tmp_path_factory.mktemp("mesh") / "found.json"
        mpirun(ranks, "-m", "tests.solvers.fem.play_crystal_mesh", file, cwd=ROOT)
        found[ranks] = json.loads(file.read_text())
    return found


def made(name: str) -> tuple[LatticeMesh, float]:
    """The same mesh by itself, and the size of a cell of the lattice."""
    settings, crystal, d = MESHES[name]
    lattice = CrystalSettings.model_validate(crystal).lattice
    cell = lattice if d == 3 else plane_cell(lattice)[0]
    radius, end = (5.0, 12.0) if d == 3 else (3.0, 10.0)
    core = lambda p: np.linalg.norm(p, axis=1) - radius  # noqa: E731
    void = lambda p: end - p[:, 0] + p[:, 1]  # noqa: E731
    made = lattice_mesh(cell, settings["lower"], settings["upper"], core, settings["grades"], void)
    return made, abs(float(np.linalg.det(cell)))


@pytest.mark.parametrize("name", MESHES)
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_mesh_is_that_of_the_lattice(name: str, ranks: int, runs: dict[int, dict[str, list[float]]]) -> None:
    """And the patch test: nodes with all of their elements feel no force under a uniform strain."""
    mesh, cell = made(name)
    nodes, volume, covered, inner, force, within, *rims, energy = runs[ranks][name]
    corners = mesh.points[mesh.elements]
    sizes = np.linalg.det(corners[:, 1:] - corners[:, :1]) / (2 if name == "plane" else 6)
    assert nodes == len(mesh.points) and volume == pytest.approx(sizes.sum(), rel=1e-12)
    assert rims == np.bincount(mesh.beyond, minlength=3).tolist() and min(rims) > 0
    shares = np.bincount(mesh.elements.ravel(), np.repeat(sizes, len(corners[0]))) / len(corners[0]) / cell
    assert covered == pytest.approx(np.minimum(shares, 1.0).sum(), rel=1e-9) and 0 < inner < nodes
    assert within < 1e-20 * force and force > 0.0 and energy > 0.0
    assert runs[1][name] == pytest.approx(runs[ranks][name], rel=1e-9, abs=1e-20)


def body(mesh: dict[str, Any]) -> dict[str, Any]:
    return {"mesh": mesh, "density": 1.0, "step": 1.0} | MODULI_FROM_ATOMS


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no crystal": (
        {"crystal": None, "material": "linear", "young": 1.0, "poisson": 0.3}, "in a body without 'crystal'",
    ),
    "grades": ({"mesh": SPACE | {"grades": [4.0, 4.0]}}, r"'grades' are \[4.0, 4.0\]; each must be more than the one"),
    "no grades": ({"mesh": SPACE | {"grades": []}}, "at least 1 item"),
    "corners": ({"mesh": SPACE | {"upper": [-20.0] * 3}}, "along x 'lower' is -14.46 and 'upper' -20.0"),
    "plane": ({"crystal": SHEET}, "a triangular lattice is plane; the mesh is not"),
    "side": ({"boundaries": {"x-lower": {"kind": "displacement", "x": 0}}}, "a crystal has no boundary 'x-lower'"),
    "probe": ({"probes": {"tip": [0.0, 1.0]}}, "probe 'tip' has 2 coordinates; it must have 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    change, message = MISTAKES[name]
    with pytest.raises(ValidationError, match=message):
        SolidSettings.model_validate(body(SPACE) | {"crystal": COPPER} | change)


def test_bodies_of_heat_have_no_crystal() -> None:
    settings = {"mesh": SPACE, "conductivity": 1.0, "capacity": 1.0, "initial": 0.0, "step": 1.0}
    with pytest.raises(ValidationError, match="a mesh of kind 'crystal' in a body without 'crystal'"):
        HeatSettings.model_validate(settings)
