"""The L2 intersection's orders of convergence, on straight and curved shapes; its rims, sheets, slivers and gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from scipy.spatial import Delaunay

from suture.couplers.cells import Array
from suture.couplers.coverage import ROUND_OFF, allowed_gaps, uncovered
from suture.couplers.ghosts import Ghosts
from suture.couplers.integrals import Basis, mass_matrix
from suture.couplers.mass import iterations
from suture.couplers.mesh import Mesh

from . import surfaces
from .bases import amount, flat, project, quadratic, quads, state

Make = Callable[[int, int], Mesh]


def put_on_wave(x: Array) -> Array:
    return np.column_stack((x[:, :2], 0.1 * np.cos(5.0 * (x[:, 0] + x[:, 1]))))


def put_on_circle(x: Array) -> Array:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def circle(n: int, seed: int) -> Mesh:
    turn = 2 * np.pi * (np.arange(n) + np.random.default_rng(seed).uniform(-0.2, 0.2, n)) / n + seed
    points = np.column_stack((np.cos(turn), np.sin(turn), 0 * turn))
    return Mesh(points, {"line": np.column_stack((np.arange(n), (np.arange(n) + 1) % n))})


def disc(n: int, seed: int) -> Mesh:
    """n rings of triangles."""
    rings = [np.zeros((1, 2))]
    for r in range(1, n + 1):
        turn = 2 * np.pi * np.arange(6 * r) / (6 * r) + seed * r
        rings.append(r / n * np.column_stack((np.cos(turn), np.sin(turn))))
    xy = np.vstack(rings)
    return Mesh(np.column_stack((xy, np.zeros(len(xy)))), {"triangle": Delaunay(xy).simplices})


def ball(n: int, seed: int) -> Mesh:
    """n shells of tetrahedra."""
    shells = [np.zeros((1, 3))]
    for r in range(1, n + 1):
        i = np.arange(12 * r * r) + 0.5
        tilt, turn = np.arccos(1 - 2 * i / (12 * r * r)), np.pi * (1 + 5**0.5) * i + seed
        shells.append(r / n * np.column_stack((np.cos(turn) * np.sin(tilt), np.sin(turn) * np.sin(tilt), np.cos(tilt))))
    points = np.vstack(shells)
    tets = Delaunay(points).simplices
    a, b, c, d = (points[tets[:, k]] for k in range(4))
    return Mesh(points, {"tetra": tets[np.abs(np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a))) > 1e-3 / n**3]})


# Sizes, least order of a state, and of a density where the rim is straight or there is none.
SHAPES: dict[str, tuple[Make, tuple[int, ...], float, float]] = {
    "straight line": (lambda n, s: flat("line", n, s), (20, 80), 1.9, 1.9),
    "straight line3": (lambda n, s: flat("line3", n, s), (20, 80), 2.9, 2.9),
    "circle of line": (circle, (32, 128), 1.9, 1.9),
    "circle of line3": (lambda n, s: quadratic(circle(n, s), "line3", put_on_circle), (32, 128), 2.9, 2.9),
    "square of triangle": (lambda n, s: flat("triangle", n, s), (12, 48), 1.9, 1.9),
    "square of triangle6": (lambda n, s: flat("triangle6", n, s), (8, 32), 2.9, 2.9),
    "square of quad": (quads, (10, 40), 1.9, 1.9),
    "square of quad9": (lambda n, s: quadratic(quads(n, s), "quad9"), (8, 24), 2.9, 2.9),
    "cube of tetra": (surfaces.cube, (4, 12), 1.9, 1.9),
    "cube of tetra10": (lambda n, s: flat("tetra10", n, s), (3, 8), 2.9, 2.9),
}
# The rim cuts the surface obliquely, or is curved: there densities are of first order, so of order 1.5 in the mean.
RIMS: dict[str, tuple[Make, tuple[int, ...], float, float]] = {
    "wave of triangle": (surfaces.square, (20, 80), 1.9, 1.5),
    "wave of triangle6": (lambda n, s: quadratic(surfaces.square(n, s), "triangle6", put_on_wave), (8, 24), 2.9, 1.5),
    "wave of quad": (lambda n, s: quads(n, s, height=0.1), (10, 40), 1.9, 1.5),
    "wave of quad9": (
        lambda n, s: quadratic(quads(n, s, height=0.1), "quad9", put_on_wave),
        (6, 18),
        2.7,
        1.5,
    ),
    "disc of triangle": (disc, (5, 20), 1.8, 1.3),
    "ball of tetra": (ball, (3, 8), 1.8, 0.8),
}


def errors(make: Make, n: int) -> tuple[float, float, float]:
    """Of a state; of a density, from its nodal amounts, beyond the inner half; the same within it."""
    a, b = make(n, 1), make(round(1.3 * n), 2)
    projection, _ = project(a, b)
    masses = [mass_matrix(Basis.of(mesh, mesh.dimension))[0] for mesh in (a, b)]
    at_a, at_b = surfaces.smooth(a.points), surfaces.smooth(b.points)
    mapped = state(projection, at_b)
    given = masses[0] @ at_a
    received = amount(projection, given)
    assert abs(received.sum() - given.sum()) < 1e-14 * np.abs(given).sum()
    size = np.abs(masses[1]).sum(axis=1).A1
    density = (received - masses[1] @ at_b) / size
    return float(np.linalg.norm(mapped - at_a) / np.linalg.norm(at_a)), float(np.sqrt(density**2 @ size / size.sum()))


@pytest.mark.parametrize("shape", [*SHAPES, *RIMS])
def test_order_of_states_and_of_densities(shape):
    make, sizes, of_state, of_density = {**SHAPES, **RIMS}[shape]
    found = [errors(make, n) for n in sizes]
    orders = np.log(np.divide(found[0], found[-1])) / np.log(sizes[-1] / sizes[0])
    assert orders[0] > of_state and orders[1] > of_density, orders


def test_iterations_do_not_grow_with_the_mesh():
    for shape, most in (("straight line", 31), ("square of triangle", 37), ("cube of tetra", 42)):
        make, sizes, *_ = SHAPES[shape]
        for n in sizes:
            _, bounds = mass_matrix(Basis.of(make(n, 1), make(n, 1).dimension))
            assert iterations(bounds) <= most


def gaps(a: Mesh, b: Mesh) -> str:
    """What is wrong with A's cover by B, in words."""
    projection, found = project(a, b)
    basis = Basis.of(a, a.dimension)
    allowed = allowed_gaps(basis, projection.ghosts, found.covered, found.widest)
    return uncovered(basis, found.covered, allowed, "seam", "a", ("elements of 'b'", "nearest-projection"))


@pytest.mark.parametrize("shape", [*SHAPES, *RIMS])
def test_meshes_of_one_region_cover_each_other(shape):
    make, (n, *_), *_ = {**SHAPES, **RIMS}[shape]
    for a, b in ((make(n, 1), make(n, 2)), (make(n, 1), make(2 * n, 2)), (make(2 * n, 1), make(n, 2))):
        assert gaps(a, b) == ""


def extents(corners: Array) -> Array:
    """Of elements (k, nodes, 3), relative to the largest; slivers of a triangulation are nearly nothing."""
    least = np.linalg.svd(corners - corners.mean(axis=1, keepdims=True), compute_uv=False)
    rank = int((least[0] > 1e-9 * least[0, 0]).sum())
    size = least[:, :rank].prod(axis=1)
    return size / size.max()


@pytest.mark.parametrize("shape", [*SHAPES, "wave of triangle", "wave of quad", "disc of triangle", "ball of tetra"])
def test_a_missing_element_is_an_error(shape):
    make, (n, *_), *_ = {**SHAPES, **RIMS}[shape]
    n += 3 * (shape == "ball of tetra")
    a, b = make(n, 1), make(n, 2)
    ((kind, nodes),) = b.elements.items()
    for missing in np.random.default_rng(3).choice(np.flatnonzero(extents(b.points[nodes]) > 0.5), 5, replace=False):
        holed = replace(b, elements={kind: np.delete(nodes, missing, axis=0)})
        assert f"the {next(iter(a.elements))} of 'a' around (" in gaps(a, holed)


def test_only_the_nearest_of_two_sheets_counts():
    sheet = surfaces.square(9, 1)
    thin = 0.04 * np.array([0.0, 0.0, 1.0])
    n, tri = len(sheet), sheet.elements["triangle"]
    plate = Mesh(np.vstack((sheet.points, sheet.points + thin)), {"triangle": np.vstack((tri, n + tri[:, ::-1]))})
    fine = surfaces.square(14, 2)
    projection, found = project(fine, plate)
    assert gaps(fine, plate) == ""
    got = amount(projection, mass_matrix(Basis.of(fine, 2))[0].sum(axis=1).A1)
    assert np.abs(got[n:]).max() < 1e-2 * got[:n].max()
    lifted = replace(fine, points=fine.points + thin)
    got = amount(project(lifted, plate)[0], mass_matrix(Basis.of(fine, 2))[0].sum(axis=1).A1)
    assert np.abs(got[:n]).max() < 1e-2 * got[n:].max()
    assert found.covered.max() < 1 + 1e-6


def box(n: int, seed: int) -> Mesh:
    """Three faces of a cube that meet in a corner."""
    face = flat("triangle", n, seed)
    turned = [np.roll(face.points, k, axis=1) for k in range(3)]
    points, number = np.unique(np.round(np.vstack(turned), 12), axis=0, return_inverse=True)
    tri = np.vstack([face.elements["triangle"] + k * len(face) for k in range(3)])
    return Mesh(points, {"triangle": number.ravel()[tri]})


def test_an_edge_of_a_body_keeps_constants_and_densities():
    a, b = box(5, 1), box(7, 2)
    projection, _ = project(a, b)
    assert gaps(a, b) == ""
    loads = [mass_matrix(Basis.of(mesh, 2))[0].sum(axis=1).A1 for mesh in (a, b)]
    np.testing.assert_allclose(amount(projection, loads[0]), loads[1], atol=1e-12)
    np.testing.assert_allclose(state(projection, b.points @ [1.0, 2.0, 3.0]), a.points @ [1.0, 2.0, 3.0], atol=1e-11)


@pytest.mark.parametrize("thin", (1e-3, 1e-6, 1e-9))
def test_slivers_do_no_harm(thin):
    """Lines of one mesh that nearly coincide with those of the other, and thin triangles between them."""
    x = np.array([0.0, 0.3, 0.3 + thin, 0.7, 1.0])
    y = np.array([0.0, 0.5, 1.0])
    n, m = len(x), len(y)

    def mesh(lines: Array) -> Mesh:
        points = np.stack([*np.meshgrid(lines, y), np.zeros((m, len(lines)))], axis=-1).reshape(-1, 3)
        k = len(lines)
        low = (np.arange(m - 1)[:, None] * k + np.arange(k - 1)).ravel()
        tri = np.vstack((np.column_stack((low, low + 1, low + k + 1)), np.column_stack((low, low + k + 1, low + k))))
        return Mesh(points, {"triangle": tri})

    for a, b in ((mesh(x), mesh(x[[0, 2, 4]])), (mesh(x[[0, 1, 4]]), mesh(x)), (mesh(x), mesh(x))):
        projection, _ = project(a, b)
        assert gaps(a, b) == ""
        np.testing.assert_allclose(state(projection, np.ones(len(b))), 1.0, atol=1e-12)
        given = np.random.default_rng(1).normal(size=len(a))
        got = amount(projection, given)
        assert abs(got.sum() - given.sum()) < 1e-13 * np.abs(given).sum()
    assert n == 5


def test_a_flat_hole_is_small_but_seen():
    """One of 200 triangles of a fine mesh on a coarse one."""
    a, b = flat("triangle", 3, 1), flat("triangle", 11, 2)
    nodes = b.elements["triangle"]
    inside = np.argmin(np.linalg.norm(b.points[nodes].mean(axis=1) - 0.5 * np.array([1, 1, 0]), axis=1))
    holed = replace(b, elements={"triangle": np.delete(nodes, inside, axis=0)})
    _, found = project(a, holed)
    assert 1 - found.covered.min() > 1e3 * ROUND_OFF
    assert "of 'a' around (" in gaps(a, holed)


def test_elements_apart_do_not_meet():
    a = flat("triangle", 5, 1)
    far = flat("triangle", 5, 2)
    far = replace(far, points=far.points + np.array([0.0, 0.0, 0.5]))
    assert gaps(a, far).startswith("interface 'seam': 1 of the triangle of 'a' around (")


def test_ghosts_of_one_rank_are_none():
    ghosts = Ghosts(MPI.COMM_SELF, flat("triangle", 4, 1))
    values = np.ones((16, 2))
    assert ghosts.copy(values) is values and ghosts.add(values) is values
    assert not ghosts.shared.any()
