"""The nearest place on every shape, found in a tree, is the nearest of all; corners' weights give it back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import Delaunay, cKDTree

from suture.couplers import nearest
from suture.couplers._nearest import Nearest
from suture.couplers.cells import Array
from suture.couplers.mesh import NODES, Mesh
from suture.couplers.nearest import (
    PARTS,
    _sources,
    _widened,
    box_distances,
    evaluate_nearest,
    near_enough,
    parts_of,
    serve_nearest,
)
from suture.couplers.rendezvous import Box, Summary, box_around

from . import surfaces
from .meetings import matrix_of, meet

SHAPES: dict[str, Array] = {
    "line": np.array([[0, 0, 0], [1, 0.2, 0.1]]),
    "triangle": np.array([[0, 0, 0], [1, 0.2, 0.1], [0.3, 1, -0.2]]),
    "quad": np.array([[0, 0, 0], [1, 0.1, 0.1], [1.2, 0.9, 0], [-0.1, 1, 0.2]]),
    "tetra": np.array([[0, 0, 0], [1, 0.1, 0], [0.2, 1, 0], [0.3, 0.2, 1]]),
    "hexahedron": np.array(
        [[0, 0, 0], [1, 0.1, 0], [1.1, 1, 0], [0, 1, 0.1], [0, 0, 1], [1, 0, 1.1], [1, 1.1, 1], [0.1, 1, 0.9]]
    ),
}
CUBE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])


def at(shape: str, x: Array, u: Array) -> Array:
    """The shape's place at local coordinates in the unit cube."""
    if shape in ("quad", "hexahedron"):
        axes = 2 if shape == "quad" else 3
        corners = CUBE[: len(x), :axes]
        return np.prod(np.where(corners, u[:axes], 1 - u[:axes]), axis=1) @ x
    v = np.sort(np.concatenate(([0.0], u[: len(x) - 1], [1.0])))
    return np.diff(v) @ x


@pytest.mark.parametrize("shape", SHAPES)
def test_a_foot_is_nearer_than_any_other_place_of_the_shape(shape):
    x = SHAPES[shape]
    points = np.random.default_rng(5).uniform(-0.6, 1.6, (60, 3))
    distance, node, weight, _ = Nearest(x, [(shape, np.arange(len(x), dtype=np.int32)[None])]).query(points)
    foot = np.einsum("ik,ikj->ij", weight, x[node])
    np.testing.assert_allclose(weight.sum(axis=1), 1.0, rtol=1e-15)
    assert weight.min() >= 0.0
    np.testing.assert_allclose(((foot - points) ** 2).sum(axis=1), distance, atol=1e-14)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 3), axis=-1).reshape(-1, 3)
    places = np.array([at(shape, x, u) for u in grid])
    for p, d in zip(points, distance, strict=True):
        start = grid[np.argmin(((places - p) ** 2).sum(axis=1))]
        best = minimize(lambda u, p=p: ((at(shape, x, u) - p) ** 2).sum(), start, bounds=[(0, 1)] * 3)
        assert d <= best.fun + 1e-7


def test_nearest_points_are_those_of_a_k_d_tree_in_graded_clouds():
    rng = np.random.default_rng(3)
    cloud = rng.uniform(0.0, 1.0, (5000, 3)) ** 6
    points = rng.uniform(-0.2, 1.2, (3000, 3)) ** 5
    distance, node, _, _ = Nearest(cloud, []).query(points)
    expected, index = cKDTree(cloud).query(points)
    np.testing.assert_allclose(np.sqrt(distance), expected, rtol=1e-14)
    assert np.array_equal(node[:, 0], index)


def test_mixed_elements_are_all_looked_at():
    """A triangle, a quadrilateral and a line far from one another."""
    points = np.array(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [6, 0, 0], [6, 1, 0], [5, 1, 0], [9, 0, 0], [9, 1, 0]]
    )
    mesh = Mesh(points, {"triangle": [[0, 1, 2]], "quad": [[3, 4, 5, 6]], "line": [[7, 8]]})
    queries = np.array([[0.2, 0.3, 1], [5.5, 0.25, -2], [9.5, 0.5, 0]])
    distance, node, weight, middle = Nearest(mesh.points, parts_of(mesh)).query(queries, True)
    np.testing.assert_allclose(distance, [1.0, 4.0, 0.25])
    foot = np.einsum("ik,ikj->ij", weight, mesh.points[node])
    np.testing.assert_allclose(foot, [[0.2, 0.3, 0], [5.5, 0.25, 0], [9, 0.5, 0]], atol=1e-14)
    np.testing.assert_allclose(middle[1:], [[5.5, 0.5, 0], [9, 0.5, 0]])


DEGENERATE = {
    "one point": np.zeros((1, 3)),
    "the same point many times": np.ones((40, 3)),
    "on a line": np.linspace(0, 1, 50)[:, None] * np.array([1.0, 2, 3]),
    "far from the origin": np.random.default_rng(1).uniform(0, 1, (50, 3)) + 1e6,
    "huge": np.random.default_rng(1).uniform(0, 1, (50, 3)) * 1e12,
    "tiny": np.random.default_rng(1).uniform(0, 1, (50, 3)) * 1e-12,
}


@pytest.mark.parametrize("cloud", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_clouds(cloud):
    points = np.vstack((cloud, cloud + 0.3 * np.ptp(cloud, axis=0) + 0.1, [[1e9, -1e9, 0.0]]))
    distance, node, _, _ = Nearest(cloud, []).query(points)
    np.testing.assert_allclose(np.sqrt(distance), cKDTree(cloud).query(points)[0], rtol=1e-12)
    assert len(Nearest(cloud, []).query(np.zeros((0, 3)))[0]) == 0


def test_degenerate_elements_are_their_edges():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 0]])
    for shape, nodes in {
        "triangle": [[0, 1, 2]],
        "quad": [[0, 1, 2, 3]],
        "tetra": [[0, 1, 2, 3]],
        "line": [[0, 3]],
    }.items():
        distance, node, weight, _ = Nearest(points, [(shape, np.array(nodes, dtype=np.int32))]).query(
            np.array([[1.5, 1, 0]])
        )
        foot = (weight[0][:, None] * points[node[0]]).sum(axis=0)
        expected = [0.0, 0, 0] if shape == "line" else [1.5, 0, 0]
        np.testing.assert_allclose(foot, expected, atol=1e-14)
        assert distance[0] == pytest.approx(((np.array([1.5, 1, 0]) - expected) ** 2).sum())


@pytest.mark.parametrize("kind", PARTS)
def test_linear_parts_fill_their_element(kind):
    """Their lengths, areas or volumes add up to the element's, every node is in one, and so is every place in it."""
    corners = {"line": SHAPES["line"], "tetra": SHAPES["tetra"], "hexahedron": CUBE.astype(float)}
    base = kind.rstrip("0123456789")
    x = corners.get(base, SHAPES.get(base))
    x = x * [1, 1, 0] if base in ("quad", "triangle") else x
    edges = {"line": [(0, 1)], "triangle": [(0, 1), (1, 2), (2, 0)], "quad": [(0, 1), (1, 2), (2, 3), (3, 0)]}
    edges["tetra"] = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]
    nodes = [*x, *(0.5 * (x[a] + x[b]) for a, b in edges.get(base, []) if NODES[kind] > len(x))]
    nodes = np.array([*nodes, *([x.mean(axis=0)] if kind == "quad9" else [])])
    assert len(nodes) == NODES[kind]
    parts = parts_of(Mesh(nodes, {kind: [list(range(len(nodes)))]}))
    whole = sum(measure(nodes[each]) for _, part in parts for each in part)
    assert whole == pytest.approx(measure(x), rel=1e-12)
    assert set(np.concatenate([part.ravel() for _, part in parts])) == set(range(len(nodes)))
    inside = np.array([at(base, x, u) for u in np.random.default_rng(0).uniform(size=(200, 3))])
    assert np.sqrt(Nearest(nodes, parts).query(inside)[0].max()) < 1e-12


def measure(x: Array) -> float:
    """Length, area in x, y or volume of the convex hull of the corners."""
    if len(x) == 2:
        return float(np.linalg.norm(x[1] - x[0]))
    y = x[:, :2] if np.ptp(x[:, 2]) == 0.0 else x
    simplices = y[Delaunay(y).simplices]
    return float(np.abs(np.linalg.det(simplices[:, 1:] - simplices[:, :1])).sum() / (2 if y.shape[1] == 2 else 6))


def random_boxes(rng: np.random.Generator) -> dict[int, Box]:
    """Around a few points each, by rank; some are flat and some meet."""
    found: dict[int, Box] = {}
    for rank in (3, 4, 7, 11, 12):
        found[rank] = box_around(rng.uniform(-1, 1, 3) + rng.uniform(0.0, 0.6, 3) * rng.uniform(-1, 1, (4, 3)).round(1))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_distances_from_boxes_are_those_to_their_nearest_and_farthest_places(seed):
    rng = np.random.default_rng(seed)
    boxes = [np.array(box) for box in random_boxes(rng).values()]
    points = np.vstack((rng.uniform(-2, 2, (40, 3)), [0.5 * box.sum(axis=0) for box in boxes]))
    tuples = [(tuple(low), tuple(high)) for low, high in boxes]
    nearest = [((points - np.clip(points, low, high)) ** 2).sum(axis=1) for low, high in boxes]
    np.testing.assert_allclose(box_distances(points, tuples), nearest, rtol=1e-14, atol=1e-15)
    corners = [np.where(CUBE.astype(bool), high, low) for low, high in boxes]
    farthest = [((points[:, None] - each) ** 2).sum(axis=2).max(axis=1) for each in corners]
    np.testing.assert_allclose(box_distances(points, tuples, farthest=True), farthest, rtol=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_a_rank_is_asked_if_its_box_may_hold_the_nearest_place(seed):
    """Nothing in the box is farther from the points' box than its farthest place: who is farther need not be asked."""
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng)
    around = box_around(rng.uniform(-1, 1, 3) + rng.uniform(-0.2, 0.2, (5, 3)))
    low, high = np.array(around)
    gaps, spans = {}, {}
    for rank, box in boxes.items():
        (first, last), corners = np.array(box), np.where(CUBE.astype(bool), high, low)
        gaps[rank] = np.linalg.norm(np.maximum(0.0, np.maximum(first - high, low - last)))
        ends = np.where(CUBE.astype(bool), last, first)
        spans[rank] = np.linalg.norm(corners[:, None] - ends, axis=2).max()
    assert near_enough(around, boxes) == [rank for rank in boxes if gaps[rank] <= min(spans.values())]
    assert near_enough(None, boxes) == []


def test_a_rank_is_asked_where_its_box_is_just_as_near_as_the_nearest_one_is_far():
    point, near, far = ((0.0,) * 3, (0.0,) * 3), ((1.0, 0, 0), (3.0, 0, 0)), ((-4.0, 0, 0), (-3.0, 0, 0))
    assert near_enough(point, {0: near, 1: far}) == [0, 1]
    assert near_enough(point, {0: near, 1: ((-4.0, 0, 0), (-3.001, 0, 0))}) == [0]
    assert near_enough(point, {0: near, 1: point}) == [1]


NOTHING = Mesh(np.zeros((0, 3)))


def dealt(points: Array, parts: int, seed: int) -> list[Mesh]:
    """Points in any order on ranks, the second of which has none."""
    part = np.random.default_rng(seed).integers(0, parts, len(points))
    clouds = [Mesh(points[part == k]) for k in range(parts)]
    return [clouds[0], NOTHING, *clouds[1:]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("ranks", [1, 3])
def test_of_points_that_are_just_as_near_the_first_along_x_y_z_counts_whoever_has_it(seed, every, ranks):
    """In a simple cubic lattice, and in that of every second of its points."""
    rng = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(np.arange(4), np.arange(3), np.arange(2), indexing="ij"), axis=-1).reshape(-1, 3)
    source = dealt(rng.permutation(lattice[lattice.sum(axis=1) % every == every - 1]).astype(float), ranks, seed)
    at = dealt(
        np.vstack((lattice + 0.5, lattice + np.array([0.5, 0.0, 0.25]), lattice + rng.uniform(-2, 2, (24, 3)))), 2, seed
    )
    points, places = (np.vstack([each.points for each in side]) for side in (source, at))
    order = np.lexsort(points.T[::-1])
    nearest = order[((points[order] - places[:, None]) ** 2).sum(axis=2).argmin(axis=1)]
    matrix = matrix_of(*meet(evaluate_nearest, serve_nearest, at, source, False))
    assert np.array_equal(matrix, np.eye(len(points))[nearest])


def patch(kind: str, low: float, height: float) -> Mesh:
    """Two elements from low to low + 1 along x."""
    x, y = np.meshgrid([low, low + 0.5, low + 1.0], [0.0, 1.0])
    points = np.column_stack((x.ravel(), y.ravel(), height * np.sin(3.0 * x.ravel() + y.ravel())))
    quads = np.array([[0, 1, 4, 3], [1, 2, 5, 4]])
    return Mesh(points, {kind: quads if kind == "quad" else np.vstack((quads[:, :3], quads[:, [0, 2, 3]]))})


@pytest.mark.parametrize("kinds", [("triangle",), ("triangle", "quad", "triangle"), ("quad", "quad")])
def test_the_nearest_place_of_all_ranks_elements_is_found(kinds):
    """Also by elements of other numbers of corners, and where boxes overlap."""
    source = [patch(kind, 0.8 * k, 0.3) for k, kind in enumerate(kinds)]
    at = [Mesh(np.random.default_rng(k).uniform([-1, -1, -1], [4, 2, 1], (n, 3))) for k, n in enumerate((30, 0, 20))]
    places, points = np.vstack([each.points for each in at]), np.vstack([each.points for each in source])
    matrix = matrix_of(*meet(evaluate_nearest, serve_nearest, at, [NOTHING, *source], True))
    feet = matrix @ points
    each = [Nearest(mesh.points, parts_of(mesh)).query(places)[0] for mesh in source]
    np.testing.assert_allclose(((feet - places) ** 2).sum(axis=1), np.min(each, axis=0), rtol=1e-12)
    owner = np.repeat(np.arange(len(source)), [len(mesh) for mesh in source])
    whose = np.argmin(each, axis=0)
    assert all(not row[owner != k].any() for row, k in zip(matrix, whose, strict=True))


def test_a_place_on_an_edge_is_in_the_element_whose_middle_is_first_whoever_is_asked_first():
    """The smaller element's rank is, as its farthest place is nearer."""
    edge, triangle = [[0.0, 0, 0], [0, 1, 0]], {"triangle": [[0, 1, 2]]}
    small, large = (Mesh(np.array([*edge, [x, 0.0, 0.0]]), triangle) for x in (0.5, -2.0))
    at, weights = [Mesh(np.array([[0.0, 0.25, 0.0]]))], [0.75, 0.25, 0.0]
    for source, expected in (([small, large], [0, 0, 0, *weights]), ([large, small], [*weights, 0, 0, 0])):
        matrix = matrix_of(*meet(evaluate_nearest, serve_nearest, at, source, True))
        np.testing.assert_allclose(matrix, [expected], rtol=0, atol=1e-15)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_values_at_ghosts_are_asked_of_their_owners(ranks):
    whole = surfaces.square(7, seed=1)
    source = [surfaces.share(whole, rank, ranks)[0] for rank in range(ranks)]
    places = np.random.default_rng(0).uniform([0, 0, -0.2], [1, 1, 0.2], (60, 3))
    pulls, gives = meet(evaluate_nearest, serve_nearest, [Mesh(places[:25]), Mesh(places[25:])], source, True)
    feet = matrix_of(pulls, gives) @ np.vstack([mesh.owned_points for mesh in source])
    distance, node, weight, _ = Nearest(whole.points, parts_of(whole)).query(places)
    np.testing.assert_allclose(((feet - places) ** 2).sum(axis=1), distance, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(feet, np.einsum("ik,ikj->ij", weight, whole.points[node]), rtol=0, atol=1e-13)


def test_a_mesh_is_its_owned_points_where_elements_do_not_count():
    whole = surfaces.square(7, seed=1)
    shares = [surfaces.share(whole, rank, 2) for rank in range(2)]
    places = np.random.default_rng(0).uniform([0, 0, -0.2], [1, 1, 0.2], (60, 3))
    matrix = matrix_of(*meet(evaluate_nearest, serve_nearest, [Mesh(places)], [mesh for mesh, _ in shares], False))
    order = np.concatenate([own for _, own in shares])
    assert np.array_equal(order[matrix.argmax(axis=1)], cKDTree(whole.points).query(places)[1])
    assert np.array_equal(np.sort(matrix, axis=1)[:, -2:], np.tile([0.0, 1.0], (60, 1)))


def test_nobody_asks_who_is_too_far():
    source = [Mesh(np.eye(3) + np.array([10.0 * k, 0.0, 0.0])) for k in range(4)]
    _, gives = meet(evaluate_nearest, serve_nearest, [Mesh(np.array([[9.0, 0.5, 0.0]]))], source, False)
    assert [len(give.asked) for give in gives] == [0, 1, 0, 0]


Log = list[tuple[list[list[float]], bool]]


class Heard:
    """A tree that takes down where it is asked, and whether for what decides between equals."""

    def __init__(self, points: Array, log: Log) -> None:
        self._tree, self._log = Nearest(points, []), log

    def query(self, points: Array, with_middle: bool) -> tuple[Array, ...]:
        self._log.append((points.tolist(), with_middle))
        return self._tree.query(points, with_middle)


@pytest.mark.parametrize("scale", [1e-9, 1.0])
def test_only_ranks_that_may_have_something_nearer_are_asked_after_the_first(monkeypatch, scale):
    """First is the nearest box, of several around a place the one whose farthest place is nearest."""
    rng = np.random.default_rng(4)
    corners = ((0.0, 1.0), (0.5, 2.0), (1.4, 1.0), (5.0, 1.0))
    source = [Mesh(scale * rng.uniform([x, 0, 0], [x + 1.0, y, 1], (20, 3))) for x, y in corners]
    places = scale * rng.uniform([-0.5, -0.5, 0], [2.5, 2.5, 1.5], (300, 3))
    heard: dict[int, Log] = {id(mesh): [] for mesh in source}
    monkeypatch.setattr(nearest, "_tree", lambda own, elements: Heard(own.points, heard[id(own)]))
    meet(evaluate_nearest, serve_nearest, [Mesh(places)], source, False)
    low, far = (box_distances(places, [box_around(each.points) for each in source], farthest=f) for f in (False, True))
    first = np.lexsort((far, low), axis=0)[0] == np.arange(4)[:, None]
    found = np.array([cKDTree(each.points).query(places)[0] ** 2 for each in source])[first.T.nonzero()[1], range(300)]
    others = ~first & (low <= found)
    again = others | (first & others.any(axis=0))
    assert (low == 0.0).sum(axis=0).max() == 2 and others.any(axis=1).tolist() == [True, True, True, False]
    for mesh, *rounds in zip(source, first, again, strict=True):
        expected = [(places[each].tolist(), turn == 1) for turn, each in enumerate(rounds) if each.any()]
        assert heard[id(mesh)] == expected


def test_elements_of_fewer_corners_take_their_first_again_without_weight():
    node, weight = np.array([[3, 5, 7], [2, 1, 0]], dtype=np.int32), np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    assert np.array_equal(_widened(node, 5), [[3, 5, 7, 3, 3], [2, 1, 0, 2, 2]]) and _widened(node, 5).dtype == np.int32
    assert np.array_equal(_widened(weight, 4), [[0.2, 0.3, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert np.array_equal(_widened(node, 3), node)


def test_owners_are_told_where_elements_have_ghosts():
    whole, side = surfaces.square(7, seed=1), {}
    meeting: Any = SimpleNamespace(source="sam", side=lambda name: side)
    for ranks in (1, 2):
        side |= {rank: Summary.of(surfaces.share(whole, rank, ranks)[0]) for rank in range(ranks)}
        for elements in (False, True):
            boxes, corners, told = _sources(meeting, elements)
            assert sorted(boxes) == list(range(ranks)) and corners == (3 if elements else 1)
            assert told == (elements and ranks == 2)
