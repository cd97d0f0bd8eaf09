"""Crystals as the material of finite elements: patch tests, derivatives, shifts, tension, waves, books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.crystal import CauchyBorn, CrystalSettings
from suture.solvers.crystal.structures import ALONG_AXES
from suture.solvers.errors import SolverError
from suture.solvers.fem import SolidSettings
from suture.solvers.fem.solid_balance import Balance
from suture.solvers.fem.solid_crystal import CrystalElasticity

from .crystal_bodies import BLOCK, COPPER, MODULI_FROM_ATOMS, SHEET, SILICON, block, crystal, sheet, uniform
from .solids import UNIT, imbalance, solid

CRYSTALS = {"copper": COPPER, "silicon": SILICON}
PLANE = {"kind": "box", "lower": [0, 0], "upper": [30, 20], "cells": [6, 4]}
DIRECTION = np.array([[0.9, 0.3, -0.2], [-0.5, -0.4, 0.6], [0.1, 0.7, 0.5]])


def continuum(of: dict[str, Any]) -> CauchyBorn:
    return CrystalSettings.model_validate(of).create(Path())


def strained(gradient: np.ndarray) -> np.ndarray:
    """As one deformation gradient, (1, 3, 3)."""
    return np.eye(3)[None] + np.pad(gradient, (0, 3 - len(gradient)))


# -- uniform strain ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strain", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("name", CRYSTALS)
def test_patch(name: str, strain: float, tmp_path: Path) -> None:
    """Inner nodes of an unstructured mesh feel no force, and the energy is W times the volume."""
    body, gradient = crystal(block(tmp_path), CRYSTALS[name], tmp_path), strain * DIRECTION
    points, moved = body.space.points, uniform(body, gradient)
    inner = ((points > 1e-9) & (points < BLOCK - 1e-9)).all(axis=1)
    forces = body.material.force(moved).reshape(-1, 3)
    assert inner.sum() == 8 and np.abs(forces[inner]).max() < 1e-12
    one = continuum(CRYSTALS[name])
    energy = (one.at(strained(gradient)).energy - one.at(np.eye(3)[None]).energy)[0]
    assert body.material.energy(moved) == pytest.approx(BLOCK**3 * energy, rel=1e-9, abs=1e-10)
    if strain:
        assert np.abs(forces).max() > 0.5


@pytest.mark.parametrize("of", [SILICON, SHEET], ids=["silicon", "sheet"])
def test_patch_in_a_plane(of: dict[str, Any]) -> None:
    """Silicon does not strain along z, but its atoms may shift so; of a plane lattice there is no z."""
    body, gradient = crystal(PLANE, of), 0.02 * DIRECTION[:2, :2]
    points, moved = body.space.points, uniform(body, gradient)
    inner = (points[:, 0] > 1e-9) & (points[:, 0] < 30 - 1e-9) & (points[:, 1] > 1e-9) & (points[:, 1] < 20 - 1e-9)
    forces = body.material.force(moved).reshape(-1, 2)
    assert np.abs(forces[inner]).max() < 1e-12 < 0.05 < np.abs(forces).max()
    state, rest = continuum(of).at(strained(gradient)), continuum(of).at(np.eye(3)[None])
    assert body.material.energy(moved) == pytest.approx(600.0 * (state.energy - rest.energy)[0], rel=1e-9)
    upper = points[:, 0] > 30 - 1e-9
    np.testing.assert_allclose(forces[upper].sum(axis=0), 20.0 * state.stress[0, :2, 0], rtol=1e-10)


@pytest.mark.parametrize("mesh", ["block", "plane"])
def test_the_shift_of_uniform_strain(mesh: str, tmp_path: Path) -> None:
    """In a plane sheared along cubic axes atoms shift across it."""
    of = SILICON if mesh == "block" else SILICON | {"orientation": ALONG_AXES}
    body = crystal(block(tmp_path) if mesh == "block" else PLANE, of, tmp_path)
    gradient = 0.02 * DIRECTION[: body.space.components, : body.space.components]
    wanted, moved = continuum(of).at(strained(gradient)).shift[0], uniform(body, gradient)
    assert np.abs(wanted[:, 2]).min() > 0.001
    cells = body.material.cell_shift(moved)
    np.testing.assert_allclose(cells, np.broadcast_to(wanted, cells.shape), atol=1e-12)
    nodes = body.material.shift(moved)
    np.testing.assert_allclose(nodes, np.broadcast_to(wanted[1] - wanted[0], (body.space.owned, 3)), atol=1e-12)


def test_the_shift_at_a_node_is_the_mean_around_it_by_volume(tmp_path: Path) -> None:
    body = crystal(block(tmp_path), SILICON, tmp_path)
    moved = uniform(body, 0.02 * DIRECTION) + 0.1 * np.random.default_rng(3).normal(size=3 * body.space.owned)
    cells, material = body.material.cell_shift(moved), body.material
    node = int(np.argmin(np.linalg.norm(body.space.points - 0.4 * BLOCK, axis=1)))
    around = (material._cells == node).any(axis=1)
    mean = np.average((cells[:, 1] - cells[:, 0])[around], axis=0, weights=material._volumes[around])
    np.testing.assert_allclose(material.shift(moved)[node], mean, rtol=1e-12)


def test_a_lattice_of_single_atoms_has_no_shift() -> None:
    body = crystal(PLANE, COPPER)
    assert not body.material.shift(uniform(body, 0.02 * DIRECTION[:2, :2])).any()


# -- derivatives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["copper", "silicon", "sheet"])
def test_forces_and_tangents_are_derivatives(name: str, tmp_path: Path) -> None:
    body = crystal(PLANE, SHEET) if name == "sheet" else crystal(block(tmp_path), CRYSTALS[name], tmp_path)
    material, draw = body.material, np.random.default_rng(4)
    at, along, h = 0.1 * draw.normal(size=body.displacement.size), draw.normal(size=body.displacement.size), 1e-6
    ahead, behind = at + h * along, at - h * along
    slope = (material.energy(ahead) - material.energy(behind)) / (2.0 * h)
    assert material.force(at) @ along == pytest.approx(slope, rel=1e-6)
    curvature = (material.force(ahead) - material.force(behind)) / (2.0 * h)
    product = material.tangent(at) @ along
    # A spline has no second derivative where two of its cubics meet; some bond of some element may be there.
    limit = 1e-4 if name == "copper" else 1e-7
    assert np.abs(product - curvature).max() < limit * np.abs(product).max()
    other = draw.normal(size=along.size)
    assert other @ product == pytest.approx(along @ (material.tangent(at) @ other), rel=1e-10)


# -- statics and waves -------------------------------------------------------------------------------------------------

ROLLERS: dict[str, Any] = {f"{axis}-lower": {"kind": "displacement", axis: 0.0} for axis in "xyz"}


@pytest.mark.parametrize("name", CRYSTALS)
def test_small_tension(name: str) -> None:
    """Young's modulus along a cubic axis is C11 - 2 C12² / (C11 + C12)."""
    of = {key: value for key, value in CRYSTALS[name].items() if key != "orientation"}
    of["constant"] = continuum(of).equilibrium_constant()
    c11, c12, _ = continuum(of).elastic_constants()
    body = crystal(
        {"kind": "box", "lower": [0, 0, 0], "upper": [20, 10, 10], "cells": [4, 2, 2]}, of, step=1.0,
        time_integration="quasi-static", boundaries=ROLLERS | {"x-upper": {"kind": "displacement", "x": "20e-6*t"}},
    )  # fmt: skip
    body.advance(1.0)
    force = body.rows()["x-upper"]["momentum"][0]
    assert force / 100.0 / 1e-6 == pytest.approx(c11 - 2.0 * c12**2 / (c11 + c12), rel=1e-4)


def test_newtons_method_converges_quadratically(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Silicon that is sheared by four per cent at once: residuals, relative to the forces."""
    sizes: list[float] = []
    relative = Balance._relative
    monkeypatch.setattr(Balance, "_relative", lambda self, *a: sizes.append(relative(self, *a)) or sizes[-1])
    held = {"kind": "displacement", "x": 0.0, "y": 0.0, "z": 0.0}
    body = crystal(
        {"kind": "box", "lower": [0, 0, 0], "upper": [20, 10, 10], "cells": [6, 3, 3]}, SILICON, step=1.0,
        time_integration="quasi-static", boundaries={"x-lower": held, "x-upper": held | {"y": "0.8*t"}},
    )  # fmt: skip
    body.advance(1.0)
    assert sizes[0] > 1e-4 > sizes[1] and sizes[1] < sizes[0] ** 2
    assert len(sizes) <= 5 and sizes[-1] < 1e-9


@pytest.mark.parametrize("integration", ["quasi-static", "generalised-alpha"])
@pytest.mark.parametrize("name", ["copper", "silicon"])
def test_a_crystal_at_rest_stays_there(name: str, integration: str) -> None:
    """What is left of forces without stress is round-off, which Newton's method must not chase."""
    of = CRYSTALS[name] | {"constant": continuum(CRYSTALS[name]).equilibrium_constant()}
    mesh = {"kind": "box", "lower": [0, 0, 0], "upper": [20, 10, 10], "cells": [4, 2, 2]}
    body = crystal(mesh, of, step=1.0, time_integration=integration, boundaries=ROLLERS)
    body.advance(3.0)
    assert np.abs(body.displacement).max() < 1e-11


def test_a_small_load_on_a_crystal_that_is_turned() -> None:
    """By half a radian: a load near the round-off of its bonds is not chased beyond that, and still balanced."""
    of = COPPER | {"constant": continuum(COPPER).equilibrium_constant()}
    turn = [[np.cos(0.5) - 1.0, -np.sin(0.5)], [np.sin(0.5), np.cos(0.5) - 1.0]]
    u = [f"{a}*x + {b}*y" for a, b in turn]
    body = crystal(
        PLANE, of, step=1.0, time_integration="quasi-static", displacement=u,
        boundaries={
            "x-lower": {"kind": "displacement", "x": u[0], "y": u[1]},
            "x-upper": {"kind": "traction", "traction": [0, 1e-9]},
        },
    )  # fmt: skip
    body.advance(2.0)
    assert body.rows()["x-lower"]["momentum"][1] == pytest.approx(-2.0 * 20.0 * 1e-9, rel=1e-3)


def test_longitudinal_waves() -> None:
    """A standing wave along [100], with sides on rollers: a quarter of its period is L / (2 sqrt(C11 / density))."""
    of = COPPER | {"constant": continuum(COPPER).equilibrium_constant()}
    length, cells, density = 200.0, 24, 63.546 / (3.615**3 / 4.0)
    quarter = 0.5 * length * np.sqrt(density / continuum(of).elastic_constants().c11)
    lateral = {f"{axis}-{end}": {"kind": "displacement", axis: 0.0} for axis in "yz" for end in ("lower", "upper")}
    ends = {f"x-{end}": {"kind": "displacement", "x": 0.0} for end in ("lower", "upper")}
    amplitude = 0.005
    body = crystal(
        {"kind": "box", "lower": [0, 0, 0], "upper": [length, 8, 8], "cells": [cells, 1, 1]}, of,
        step=quarter / 16.0, density=density, boundaries=lateral | ends,
        displacement=[f"{amplitude}*sin({np.pi / length}*x)", 0, 0],
    )  # fmt: skip
    middle = int(np.argmin(np.linalg.norm(body.space.points - [0.5 * length, 0, 0], axis=1)))
    course = []
    for _ in range(4):
        body.advance(quarter)
        course.append(body.displacement.reshape(-1, 3)[middle, 0] / amplitude)
    # Midpoint rule and elements make 1 - cos(phase) of 2e-3 of the period in all.
    np.testing.assert_allclose(course, [0.0, -1.0, 0.0, 1.0], atol=1e-2)


# -- books, mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [{}, {"spectral_radius": 0.6}, {"time_integration": "quasi-static"}])
def test_the_books_balance(variant: dict[str, Any]) -> None:
    rest, through, _ = imbalance(sheet(**variant))
    assert (np.abs(rest) <= 1e-12 * through).all(), rest / through


def test_a_crystal_that_is_crushed_at_once_is_an_error() -> None:
    """Elements that are turned inside out are no crystal: the step is halved as long as that helps, and then told."""
    held = {"kind": "displacement", "x": 0.0, "y": 0.0}
    body = crystal(
        PLANE, SHEET, step=1.0, time_integration="quasi-static",
        boundaries={"x-lower": held, "x-upper": held | {"x": "-31*t"}},
    )  # fmt: skip
    with pytest.raises(SolverError, match="have not converged in .* try a smaller 'step'"):
        body.advance(1.0)


WRONG: dict[str, dict[str, Any]] = {
    "there is no 'crystal'; give its structure and potential": {"crystal": None},
    "a crystal of a linear material; 'material' must be 'cauchy-born'": {"material": "linear"},
    "a crystal has its elasticity from its potential; remove young and poisson": {"young": 1.0, "poisson": 0.3},
    "'order' is 2; the material 'cauchy-born' needs order = 1": {"order": 2},
    "needs triangles or tetrahedra": {"mesh": PLANE | {"cell": "quadrilateral"}},
    "thermal expansion of a cauchy-born material": {"expansion": 1e-5},
    "a triangular lattice is plane; the mesh is not": {
        "mesh": {"kind": "box", "lower": [0, 0, 0], "upper": [1, 1, 1], "cells": [1, 1, 1]},
    },
    "not right-handed": {"crystal": COPPER | {"orientation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}},
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_settings_that_do_not_fit(message: str) -> None:
    settings = UNIT | MODULI_FROM_ATOMS | {"mesh": PLANE, "crystal": SHEET}
    SolidSettings.model_validate(settings)
    with pytest.raises(ValueError, match=message):
        SolidSettings.model_validate(settings | WRONG[message])


def test_a_mesh_of_other_cells_is_an_error(tmp_path: Path) -> None:
    import meshio

    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    meshio.write(tmp_path / "square.vtk", meshio.Mesh(points, {"quad": np.array([[0, 1, 2, 3]])}))
    with pytest.raises(SolverError, match="the mesh is of quadrilateral cells .* needs straight triangles or tetra"):
        crystal({"kind": "file", "file": "square.vtk"}, SHEET, tmp_path)


def test_a_potential_that_is_missing_is_an_error() -> None:
    of = COPPER | {"potential": {"kind": "eam", "file": "Cu_none.eam"}}
    with pytest.raises(SolverError, match=r"there is no potential file Cu_none\.eam"):
        crystal(PLANE, of)


def test_the_material_is_the_one_of_the_settings() -> None:
    assert isinstance(crystal(PLANE, SHEET).material, CrystalElasticity)
    assert not isinstance(solid(PLANE, MPI.COMM_SELF).material, CrystalElasticity)
