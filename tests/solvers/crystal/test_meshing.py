"""Meshes of a lattice: they fill their box, conform, end at the core, and have nodes at places of the lattice."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from suture.solvers.crystal import structure
from suture.solvers.crystal.meshing import RIMS, LatticeMesh, cell_volume, lattice_mesh, plane_cell
from suture.solvers.errors import SolverError

CUBE = ([-16.0] * 3, [16.0] * 3)
FCC = structure("fcc", 4.0).cell
BCC = structure("bcc", 4.0).cell
TURNED = structure("diamond", 4.0, [[1, 1, -2], [1, 1, 1], [1, -1, 0]]).cell


def nowhere(points: np.ndarray) -> np.ndarray:
    return np.ones(len(points))


def ball(radius: float) -> Any:
    return lambda points: np.linalg.norm(points, axis=1) - radius


def volumes(mesh: LatticeMesh) -> np.ndarray:
    """Of the elements, positive where they are right-handed."""
    corners = mesh.points[mesh.elements]
    return np.linalg.det(corners[:, 1:] - corners[:, :1]) / math.factorial(corners.shape[2])


def facet_counts(mesh: LatticeMesh) -> dict[tuple[int, ...], int]:
    """How many elements have each facet."""
    found: dict[tuple[int, ...], int] = {}
    for element in np.sort(mesh.elements, axis=1).tolist():
        for facet in combinations(element, len(element) - 1):
            found[facet] = found.get(facet, 0) + 1
    return found


def flux(mesh: LatticeMesh) -> float:
    """The volume inside of the rim, by the divergence of x, from its facets alone (up to their sign)."""
    counts, total = facet_counts(mesh), 0.0
    corners = mesh.points[mesh.elements]
    for element, points in zip(mesh.elements, corners, strict=True):
        for left in range(len(element)):
            facet = tuple(sorted(np.delete(element, left).tolist()))
            if counts[facet] == 1:
                others = np.delete(points, left, axis=0)
                edges = others[1:] - others[:1]
                normal = np.cross(*edges) if len(edges) == 2 else np.array([edges[0, 1], -edges[0, 0]])
                normal = normal * np.sign(normal @ (others[0] - points[left]))
                total += others[0] @ normal / math.factorial(mesh.points.shape[1])
    return total


@pytest.mark.parametrize("cell", [FCC, BCC, TURNED], ids=["fcc", "bcc", "turned"])
@pytest.mark.parametrize("radius", [-1.0, 5.0], ids=["whole", "core"])
def test_a_mesh_conforms(cell: np.ndarray, radius: float) -> None:
    """Every facet is of two elements, or on the rim, and is named there; volumes add up to what the rim encloses."""
    mesh = lattice_mesh(cell, *CUBE, ball(radius), [6.0, 11.0], nowhere)
    counts, size = facet_counts(mesh), volumes(mesh)
    assert size.min() > 0.0 and set(counts.values()) == {1, 2}
    rim = {facet for facet, count in counts.items() if count == 1}
    assert {tuple(facet) for facet in np.sort(mesh.facets, axis=1).tolist()} == rim and len(mesh.facets) == len(rim)
    assert size.sum() == pytest.approx(flux(mesh), rel=1e-12)
    whole = np.unique(mesh.elements)
    assert np.array_equal(whole, np.arange(len(mesh.points)))
    steps = mesh.points @ np.linalg.inv(cell)
    assert np.abs(steps - np.round(steps)).max() < 1e-9
    assert set(mesh.beyond.tolist()) == ({0, 1} if radius > 0.0 else {0})


def test_the_whole_box_is_filled() -> None:
    """A cube whose corners are places of every grade of the lattice."""
    mesh = lattice_mesh(FCC, *CUBE, ball(-1.0), [6.0, 11.0], nowhere)
    assert volumes(mesh).sum() == pytest.approx(32.0**3, rel=1e-12)


def test_grades_are_where_they_are_said_to_be() -> None:
    """All places near the core, every second of them up to the next distance, every fourth beyond; none is missing."""
    grades = [6.0, 11.0]
    mesh = lattice_mesh(FCC, *CUBE, ball(4.0), grades, nowhere)
    steps = np.round(mesh.points @ np.linalg.inv(FCC)).astype(int)
    level = np.min([np.where(steps % 4 == 0, 2, np.where(steps % 2 == 0, 1, 0))], axis=(0, 2))
    distance = ball(4.0)(mesh.points)
    assert (level[distance > 11.0 + 1e-9] == 2).all() and (level[distance > 6.0 + 1e-9] >= 1).all()
    ranges = np.stack(np.meshgrid(*3 * [np.arange(-12, 13)], indexing="ij"), axis=-1).reshape(-1, 3)
    places = ranges @ FCC
    near = (ball(4.0)(places) > 0.0) & (ball(4.0)(places) <= 6.0)
    found = {tuple(each) for each in steps.tolist()}
    assert {tuple(each) for each in ranges[near].tolist()} <= found
    small = volumes(mesh)[(distance[mesh.elements] <= 6.0).all(axis=1)]
    assert small == pytest.approx(np.full(len(small), cell_volume(FCC, 3) / 6.0), rel=1e-9) and len(small) > 100


def test_rims_are_named() -> None:
    """The core's rim is beside the core and nowhere else; the void's faces it; the rest is on the box."""
    mesh = lattice_mesh(FCC, *CUBE, ball(5.0), [40.0], lambda p: np.where((p[:, 2] > 8) & (p[:, 0] > 0), -1.0, 1.0))
    assert RIMS == ("outer", "core", "void")
    middles, distance = mesh.points[mesh.facets].mean(axis=1), ball(5.0)(mesh.points[mesh.facets].reshape(-1, 3))
    nearest = distance.reshape(-1, 3).max(axis=1)
    for number, near in enumerate((False, True, False)):
        chosen = mesh.beyond == number
        assert chosen.any() and ((nearest[chosen] < 4.0) == near).all()
    void = middles[mesh.beyond == 2]
    assert (np.minimum(void[:, 2] - 4.0, void[:, 0] + 4.0) > 0.0).all()
    assert (np.abs(middles[mesh.beyond == 0]).max(axis=1) > 13.0).all()
    elements = mesh.points[mesh.elements].mean(axis=1)
    assert not ((elements[:, 2] > 8) & (elements[:, 0] > 0)).any()


@pytest.mark.parametrize(("name", "area"), [("triangular", 2.25 * 0.75**0.5), ("fcc", 2.25 * 0.125**0.5)])
def test_a_plane(name: str, area: float) -> None:
    """A lattice in the plane, and one in space seen along its close-packed rows, whose spacing is its period."""
    of = structure(name, 1.5, *([] if name == "triangular" else [[[0, 0, 1], [1, -1, 0], [1, 1, 0]]]))
    cell, depth = plane_cell(of.cell)
    assert abs(np.linalg.det(cell)) == pytest.approx(area, rel=1e-12) == cell_volume(of.cell, 2)
    assert depth * area == pytest.approx(of.volume, rel=1e-12)
    mesh = lattice_mesh(cell, [-15.0] * 2, [15.0] * 2, ball(3.0), [4.0], lambda p: 1.0 - 2.0 * (p[:, 0] > 11.0))
    counts = facet_counts(mesh)
    assert set(counts.values()) == {1, 2} and list(counts.values()).count(1) == len(mesh.facets)
    assert volumes(mesh).min() > 0.0 and volumes(mesh).sum() == pytest.approx(flux(mesh), rel=1e-12)
    assert set(mesh.beyond.tolist()) == {0, 1, 2}


def test_mistakes_are_named() -> None:
    with pytest.raises(SolverError, match="the core leaves no room for elements in the box of the mesh"):
        lattice_mesh(FCC, *CUBE, ball(30.0), [4.0], nowhere)
    long = structure("fcc", 4.0, [[0, 0, 1], [9, -1, 0], [1, 9, 0]]).cell
    with pytest.raises(SolverError, match="no short period along z; turn another direction of the crystal there"):
        plane_cell(long)
