"""Meshes from boxes and files: gmsh's, XDMF, what meshio reads; named boundaries and regions; mistakes in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest

from suture.solvers.errors import SolverError

from .bodies import given, heat, held, rows, square

GMSH = Path(__file__).parents[2] / "cases" / "meshes"
LINEAR_FIELD = "1 + 2*x - y"


def area(body: Any) -> float:
    """Heat of a body with unit capacity and temperature."""
    return held(body)


def two_regions(n: int = 4, groups: bool = True) -> meshio.Mesh:
    """A unit square of triangles whose halves are regions 7 and 8; x = 0 is group 3, x = 1 group 4."""
    x, y = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1))
    points = np.column_stack((x.ravel(), y.ravel(), np.zeros(x.size)))
    first = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    corner = np.column_stack((first, first + 1, first + n + 2, first + n + 1))
    triangles = np.concatenate((corner[:, [0, 1, 2]], corner[:, [0, 2, 3]]))
    region = np.where(points[triangles, 0].mean(axis=1) < 0.5, 7, 8)
    left = np.arange(n + 1) * (n + 1)
    lines = np.concatenate([np.column_stack((side[:-1], side[1:])) for side in (left, left + n)])
    sides = np.repeat([3, 4], n)
    data = {"gmsh:physical": [region, sides], "gmsh:geometrical": [region, sides]} if groups else {}
    names = {"copper": np.array([7, 2]), "glass": np.array([8, 2]), "hot": np.array([3, 1]), "cold": np.array([4, 1])}
    return meshio.Mesh(
        points, [("triangle", triangles), ("line", lines)], cell_data=data, field_data=names if groups else {}
    )


def test_gmsh_with_curved_cells() -> None:
    """The area of a square and a segment of a circle, of the order that quadratic sides have."""
    bulge = 0.2
    radius = (0.25 + bulge**2) / (2 * bulge)
    angle = 2 * np.arcsin(0.5 / radius)
    body = heat(
        {"kind": "file", "file": "arc-left-coarse.msh"}, directory=GMSH, initial=1.0, order=2,
        boundaries=given(1.0, "bottom", "top", "end", "cut"), capacity={"body": 1.0},
    )  # fmt: skip
    assert area(body) == pytest.approx(1 + 0.5 * radius**2 * (angle - np.sin(angle)), rel=2e-5)


def test_groups_of_cells_and_facets(tmp_path: Path) -> None:
    """Two layers in a row: the flux is that of resistances 0.5/4 + 0.5/1, and both groups of facets get it."""
    two_regions().write(tmp_path / "layers.msh", file_format="gmsh22", binary=False)
    body = heat(
        {"kind": "file", "file": "layers.msh"}, directory=tmp_path, conductivity={"copper": 4.0, "glass": "1"},
        boundaries=given(1.0, "hot") | given(0.0, "cold"), step=1e4, time_integration="backward-euler",
    )  # fmt: skip
    body.advance(1e4)
    before = rows(body)
    body.advance(1e4)
    assert rows(body)["hot"] - before["hot"] == pytest.approx(1e4 / 0.625, rel=1e-4)
    assert rows(body)["cold"] - before["cold"] == pytest.approx(-1e4 / 0.625, rel=1e-4)


def test_a_scale_turns_the_files_units_into_the_participants(tmp_path: Path) -> None:
    two_regions().write(tmp_path / "mm.msh", file_format="gmsh22", binary=False)
    body = heat({"kind": "file", "file": "mm.msh", "scale": 1e-3}, directory=tmp_path, initial=1.0)
    assert area(body) == pytest.approx(1e-6, rel=1e-12)


@pytest.mark.parametrize("suffix", [".vtu", ".vtk", ".xdmf", ".med", ".mesh", ".inp"])
def test_what_meshio_reads(suffix: str, tmp_path: Path) -> None:
    """Without groups, boundaries are named by formulas."""
    mesh = two_regions(groups=False)
    if suffix in (".med", ".mesh"):
        mesh.points = mesh.points[:, :2]
    mesh.write(tmp_path / f"square{suffix}")
    bottom = {"kind": "flux", "flux": 2.0, "where": "y"}
    body = heat({"kind": "file", "file": f"square{suffix}"}, directory=tmp_path, boundaries={"bottom": bottom})
    body.advance(0.3)
    assert held(body) == pytest.approx(0.6, rel=1e-12)


def test_xdmf_of_dolfinx_is_read_in_parallel_with_its_tags(tmp_path: Path) -> None:
    from suture.solvers.fem import engine

    body = heat(square(4))
    mesh = body.domain.mesh
    chosen = np.sort(body.domain.boundaries["x-upper"])
    tags = engine.mesh.meshtags(mesh, 1, chosen, np.full(len(chosen), 5, dtype=np.int32))
    tags.name = "sides"
    with engine.xdmf(mesh.comm, tmp_path / "square.xdmf") as file:
        file.write_mesh(mesh)
        engine.write_tags(file, tags, mesh)
    read = heat(
        {"kind": "file", "file": "square.xdmf", "facet_tags": "sides"}, directory=tmp_path,
        boundaries={"5": {"kind": "flux", "flux": 1.0}},
    )  # fmt: skip
    read.advance(0.3)
    assert held(read) == pytest.approx(0.3, rel=1e-12)


def test_a_formula_names_a_part_of_a_side() -> None:
    part = {"kind": "flux", "flux": 1.0, "where": "max(max(abs(x - 1), y - 0.5), 0)"}
    body = heat(square(4), boundaries={"part": part})
    body.advance(0.2)
    assert held(body) == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize(
    ("mesh", "order", "element", "count"),
    [
        (square(2), 1, "line", 2),
        (square(2, cell="quadrilateral"), 2, "line3", 2),
        ({"kind": "box", "lower": [0, 0, 0], "upper": [1, 1, 1], "cells": [2, 2, 2]}, 2, "triangle6", 8),
        ({"kind": "box", "lower": [0] * 3, "upper": [1] * 3, "cells": [2] * 3, "cell": "hexahedron"}, 1, "quad", 4),
        ({"kind": "box", "lower": [0] * 3, "upper": [1] * 3, "cells": [2] * 3, "cell": "hexahedron"}, 2, "quad9", 4),
    ],
)
def test_traces_have_their_nodes_where_meshio_has_them(
    mesh: dict[str, Any], order: int, element: str, count: int
) -> None:
    """Corners around, then the middles of the edges in their order, then the middle; edges never cross."""
    body = heat(mesh, order=order, boundaries={"x-upper": {"kind": "seam"}})
    trace = body.space.boundary_trace(body.seam("x-upper").facets)
    assert trace.element == element and len(trace.nodes) == count
    x = trace.points[trace.nodes]
    assert np.allclose(x[..., 0], 1.0)
    corners = {"line": 2, "line3": 2, "triangle6": 3, "quad": 4, "quad9": 4}[element]
    edges = [(k, (k + 1) % corners) for k in range(corners if corners > 2 else 1)]
    for k, (a, b) in enumerate(edges):
        assert np.allclose(
            np.linalg.norm(x[:, a] - x[:, b], axis=1).round(12) ** 2 % 0.25, 0.0
        )  # no diagonal of a quad
        if order == 2:
            assert np.allclose(x[:, corners + k], 0.5 * (x[:, a] + x[:, b]))
    if element == "quad9":
        assert np.allclose(x[:, 8], x[:, :4].mean(axis=1))


@pytest.mark.parametrize(
    ("mesh", "order", "element"),
    [
        (square(2), 2, "triangle6"),
        (square(2, cell="quadrilateral"), 2, "quad9"),
        ({"kind": "box", "lower": [0, 0, 0], "upper": [1, 1, 1], "cells": [1, 1, 1]}, 2, "tetra10"),
    ],
)
def test_traces_of_volumes(mesh: dict[str, Any], order: int, element: str) -> None:
    from suture.couplers.mesh import NODES

    body = heat(mesh, order=order)
    trace = body.space.volume_trace()
    assert trace.element == element and trace.nodes.shape[1] == NODES[element]
    edges = {
        "triangle6": [(0, 1), (1, 2), (2, 0)],
        "quad9": [(0, 1), (1, 2), (2, 3), (3, 0)],
        "tetra10": [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
    }[element]
    corners = {"triangle6": 3, "quad9": 4, "tetra10": 4}[element]
    x = trace.points[trace.nodes]
    for k, (a, b) in enumerate(edges):
        assert np.allclose(x[:, corners + k], 0.5 * (x[:, a] + x[:, b]))


def surface_in_space() -> meshio.Mesh:
    mesh = two_regions()
    mesh.points[:, 2] = mesh.points[:, 0]
    return mesh


def of_two_types() -> meshio.Mesh:
    points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0]]
    return meshio.Mesh(points, [("quad", [[0, 1, 2, 3]]), ("triangle", [[1, 4, 2]])])


BROKEN = {
    "no cells": (
        lambda: meshio.Mesh([[0, 0, 0], [1, 0, 0]], [("line", [[0, 1]])]),
        "no cells of a known type: found line",
    ),
    "in space": (surface_in_space, "a surface in space; cells of dimension 2 must lie in the plane z = 0"),
    "two types": (of_two_types, r"cells of several types \(quad, triangle\); a mesh must have one"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_meshes_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    make, message = BROKEN[name]
    make().write(tmp_path / "bad.vtk")
    with pytest.raises(SolverError, match=message):
        heat({"kind": "file", "file": "bad.vtk"}, directory=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.msh", None, "no such file"),
        ("broken.msh", "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n", "meshio cannot read it"),
        ("strange.xyz", "what?", "no mesh that meshio can read|meshio cannot read it"),
        ("empty.vtu", "", "no mesh that meshio can read|meshio cannot read it"),
    ],
)
def test_files_that_cannot_be_read(name: str, content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SolverError, match=message):
        heat({"kind": "file", "file": name}, directory=tmp_path)


def test_a_group_that_is_not_there() -> None:
    with pytest.raises(SolverError, match="boundary 'hot': the mesh names bottom, top, end, cut; use one of these"):
        heat({"kind": "file", "file": "arc-left-coarse.msh"}, directory=GMSH, boundaries=given(1.0, "hot"))


def test_a_region_that_is_not_covered(tmp_path: Path) -> None:
    two_regions().write(tmp_path / "layers.msh", file_format="gmsh22", binary=False)
    with pytest.raises(SolverError, match=r"conductivity has no value at .*, which is in none of the regions copper"):
        heat({"kind": "file", "file": "layers.msh"}, directory=tmp_path, conductivity={"copper": 4.0})
