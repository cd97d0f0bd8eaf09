"""Radial basis functions on clusters: what they reproduce, and point sets that are no solid cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.spatial import cKDTree

from suture.couplers._radial import build_blocks, nearest_distances
from suture.couplers.cells import Array
from suture.couplers.mapping_settings import KernelName, MappingSettings, RadialBasis
from suture.couplers.mesh import Mesh
from suture.couplers.operators import Blocks
from suture.couplers.radial import (
    Lattice,
    _around,
    _hash,
    _in,
    _lattice,
    _pull,
    _radius_of,
    evaluate_radial,
    serve_radial,
)
from suture.couplers.rendezvous import Meeting, Summary

from . import surfaces
from .meetings import Hall, Own, dense, matrix_of, meet

KERNELS = get_args(KernelName)


def operator(points: Array, at: Array, kernel: str = "compact-c6", support: float = 0.0, count: int = 50) -> Blocks:
    """On one lattice cell around everything, whatever its size."""
    both = np.vstack((points, at))
    size = 2.0 * max(np.ptp(both, axis=0).max(), 1e-300)
    row, first_row, column, first_column, value, lost = build_blocks(
        points, at, both.min(axis=0) - 0.1 * size, size, kernel, support, count
    )
    assert len(lost) == 0
    return Blocks(len(at), len(points), row, first_row, column.astype(np.int32), first_column, value)


def mapped(w: Blocks, values: Array) -> Array:
    out = np.empty((w.rows, 1))
    w.apply(np.ascontiguousarray(values[:, None]), out)
    return out[:, 0]


CLOUDS = {
    "solid": np.random.default_rng(1).uniform(0, 1, (800, 3)),
    "wavy surface": surfaces.square(25, 1).points,
    "plane": surfaces.square(25, 1, height=0.0).points,
    "tilted plane": surfaces.square(25, 1, height=0.0).points
    @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0],
    "line": surfaces.line(300, 1).points * [1, 0, 0],
    "curve": surfaces.line(300, 1).points,
    "two points": np.array([[0.0, 0, 0], [1, 0, 0]]),
    "one point": np.zeros((1, 3)),
    "every point twice": np.repeat(surfaces.square(20, 1).points, 2, axis=0),
    "tiny": surfaces.square(20, 1).points * 1e-9,
    "huge": surfaces.square(20, 1).points * 1e9,
    "far from the origin": surfaces.square(20, 1).points + np.array([1e5, 0, 0]),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_constants_and_linear_functions_are_kept_on_any_cloud(cloud, kernel):
    rng = np.random.default_rng(2)
    weights = rng.dirichlet(np.ones(min(3, len(cloud))), 200)
    at = np.einsum("ik,ikj->ij", weights, cloud[rng.integers(0, len(cloud), (200, 1)) + np.zeros(weights.shape, int)])
    w = operator(cloud, at, kernel)
    np.testing.assert_allclose(mapped(w, np.ones(len(cloud))), 1.0, rtol=1e-13)
    centred, size = cloud - cloud.mean(axis=0), max(np.ptp(cloud, axis=0).max(), 1e-300)
    slope = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(mapped(w, centred @ slope), (at - cloud.mean(axis=0)) @ slope, atol=1e-9 * size)


@pytest.mark.parametrize("kernel", KERNELS)
def test_values_are_kept_where_the_points_coincide(kernel):
    cloud = surfaces.square(25, 1).points
    values = surfaces.smooth(cloud)
    np.testing.assert_allclose(mapped(operator(cloud, cloud, kernel), values), values, atol=1e-6)


def test_the_product_and_its_transpose_are_adjoint():
    a, b = surfaces.square(25, 1).points, surfaces.square(30, 2).points
    w, rng = operator(a, b), np.random.default_rng(1)
    for components in (1, 3):
        x, y = rng.normal(size=(len(a), components)), rng.normal(size=(len(b), components))
        wx, wty = np.empty_like(y), np.empty_like(x)
        w.apply(x, wx)
        w.apply_transposed(y, wty)
        assert (y * wx).sum() == pytest.approx((wty * x).sum(), rel=1e-12)


def test_values_of_any_magnitude_are_mapped_alike():
    a, b = surfaces.square(25, 1).points, surfaces.square(30, 2).points
    w, values = operator(a, b), surfaces.smooth(a)
    for magnitude in (1e-300, 1e-12, 1e12):
        np.testing.assert_allclose(mapped(w, magnitude * values) / magnitude, mapped(w, values), rtol=1e-13)


def test_a_longer_support_is_more_accurate_and_the_default_is_long():
    a, b = surfaces.square(40, 1).points, surfaces.square(50, 2).points
    error = {
        r: np.abs(mapped(operator(a, b, support=r), surfaces.smooth(a)) - surfaces.smooth(b)).max()
        for r in (0.1, 0.5, 0.0)
    }
    assert error[0.1] > 2 * error[0.5] and error[0.0] < 1.5 * error[0.5]


def test_points_in_no_cell_near_a_point_are_left_to_the_nearest_neighbour():
    a = surfaces.square(10, 1).points
    *_, lost = build_blocks(a, np.array([[0.5, 0.5, 0.0], [40.0, 0, 0]]), np.zeros(3), 1.0, "compact-c6", 0.0, 50)
    assert lost.tolist() == [1]


def test_distances_to_the_nearest_ones():
    points, samples = CLOUDS["solid"], CLOUDS["solid"][:7]
    expected = np.sort(((samples[:, None] - points) ** 2).sum(axis=2), axis=1)[:, :20]
    np.testing.assert_allclose(nearest_distances(points, samples, 20), expected, rtol=1e-12)
    assert np.isinf(nearest_distances(points[:3], samples, 5)[:, 3:]).all()


MISTAKES = {
    "kind": {"kind": "nearest-neighbor"},
    "kernel": {"kind": "rbf", "kernel": "c6"},
    "support_radius": {"kind": "rbf", "support_radius": -1.0},
    "cluster": {"kind": "rbf", "cluster": 3},
    "Extra inputs": {"kind": "binning", "kernel": "gaussian"},
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_settings_refuse_what_they_do_not_know(mistake):
    with pytest.raises(ValidationError):
        TypeAdapter(MappingSettings).validate_python(mistake)


LATTICE = Lattice(np.array([-0.1, 0.2, 3.0]), 0.3, (7, 1, 9))


@pytest.mark.parametrize("seed", range(4))
def test_a_place_asks_for_the_cells_of_the_lattice_up_to_two_beyond_its_own(seed):
    rng = np.random.default_rng(seed)
    shape = np.array(LATTICE.shape)
    at = LATTICE.origin + LATTICE.size * rng.uniform(-4.5, shape + 4.5, (3, 3))
    at = np.vstack((at, LATTICE.origin + np.array([1e9, 0, 0]), at[0]))
    cells = np.stack(np.meshgrid(*map(np.arange, LATTICE.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    own = np.floor((at - LATTICE.origin) / 0.3)
    near = (np.abs(cells[:, None] - own) <= 2).all(axis=2).any(axis=1)
    assert np.array_equal(LATTICE.number(cells), np.arange(7 * 1 * 9)), "in the order of x, y, z"
    assert np.array_equal(_around(LATTICE, at), np.flatnonzero(near))
    assert len(_around(LATTICE, np.zeros((0, 3)))) == 0


@pytest.mark.parametrize("largest", [20, 300, 10**6, 10**13])
def test_numbers_that_are_wanted_are_found(largest):
    """Whether they lie close together or not, and whichever of both reaches farther."""
    rng = np.random.default_rng(largest)
    for low, high in ((0, 1), (-0.5, 0.5), (0.5, 1.5), (2, 3)):
        wanted = np.unique(rng.integers(int(low * largest), int(high * largest), 15))
        number = np.concatenate((rng.integers(0, largest, 10), rng.permutation(wanted)[:5]))
        assert np.array_equal(_in(number, wanted), np.isin(number, wanted))
    assert len(_in(np.zeros(0, dtype=np.int64), wanted)) == 0


def test_samples_are_chosen_by_where_they_are():
    """As many as they should be in a regular grid too, the same ones in any order, and however zero is signed."""
    lines = np.linspace(-1.0, 1.0, 21)
    points = np.stack(np.meshgrid(lines, lines, lines), axis=-1).reshape(-1, 3)
    drawn = _hash(points)
    assert drawn.min() >= 0 and len(np.unique(drawn)) == len(points)
    for share in (0.1, 0.5, 0.9):
        expected, spread = share * len(points), np.sqrt(share * (1 - share) * len(points))
        assert abs(np.sum(drawn < share * 2.0**63) - expected) < 4 * spread
    assert np.array_equal(_hash(points[::-1]), drawn[::-1])
    assert np.array_equal(_hash(-np.zeros((2, 3))), _hash(np.zeros((2, 3))))


def splitmix64(state: int) -> int:
    """The first number after a state (Steele, Lea & Flood, OOPSLA 2014, doi:10.1145/2660193.2660195)."""
    mixed = (state + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def test_coordinates_are_mixed_by_splitmix64():
    assert splitmix64(0) == 0xE220A8397B1DCDAF  # as everybody's
    points = np.random.default_rng(0).normal(size=(50, 3))
    for point, drawn in zip(points, _hash(points), strict=True):
        mixed = 0
        for bits in point.view(np.uint64).tolist():
            mixed = splitmix64(mixed ^ bits)
        assert drawn == mixed >> 1


def test_where_no_point_is_a_sample_there_is_one_cell():
    points = np.random.default_rng(0).uniform(0, 1e9, (400, 3))
    points = points[_hash(points) > 0.5 * 2.0**63]
    assert 32 / len(points) < 0.5
    for lattice in lattices([Mesh(points)], [Mesh(points)], 10):
        assert lattice.size == pytest.approx(1.5 * 1.0173205 * np.ptp(points, axis=0).max(), rel=1e-12)


def test_ranks_that_have_points_near_the_wanted_cells_are_asked():
    """Cells 8 to 12, 0 and 2 to 6 along x, y and z are wanted around one place."""
    lattice = Lattice(np.array([-0.1, 0.2, 3.0]), 0.3, (20, 1, 9))
    low, high = lattice.origin + 0.3 * np.array([8, 0, 2]), lattice.origin + 0.3 * np.array([13, 1, 7])
    inside = np.array([low + 0.1, high - 0.1])
    boxes, near = [inside, np.array([low - 9.0, high + 9.0])], [0, 1]
    for axis in range(3):
        for first, last, asked in (
            (low[axis] - 9.0, low[axis] + 0.01, True),
            (low[axis] - 9.0, low[axis] - 0.01, False),
            (high[axis] - 0.01, high[axis] + 9.0, True),
            (high[axis] + 0.01, high[axis] + 9.0, False),
        ):
            boxes.append(inside.copy())
            boxes[-1][:, axis] = first, last
            near += [len(boxes) - 1] if asked else []
    summaries = {rank: Summary.of(Mesh(box)) for rank, box in enumerate(boxes)} | {99: Summary.of(Mesh(inside[:0]))}
    sent: list[dict[int, Any]] = []
    pair: Any = SimpleNamespace(
        name="eve", theirs=tuple(summaries), swap=lambda parcels, kinds: sent.append(parcels) or {}
    )
    at = lattice.origin + 0.3 * np.array([[10.5, 0.5, 4.5]])
    points, owner, number = _pull(Meeting("seam", "eve", "sam", pair, summaries, True), lattice, at)
    assert sorted(sent[0]) == near and sent[1] == {} and [len(points), len(owner), len(number)] == [0, 0, 0]
    assert all(np.array_equal(wanted, _around(lattice, at)) for (wanted,) in sent[0].values())


def lattices(at: list[Mesh], source: list[Mesh], cluster: int) -> list[Lattice]:
    """What the ranks of both sides take for the lattice."""
    found = meet(
        lambda meeting, own: _lattice(meeting, np.zeros((0, 3)), cluster),
        lambda meeting, own: _lattice(meeting, own.points, cluster),
        at,
        source,
    )
    lattices: Any = [*found[0], *found[1]]
    return lattices


def radius(points: Array, count: int) -> float:
    """The median over the samples of what holds ``count`` points."""
    drawn = points[_hash(points) < 32 / len(points) * 2.0**63]
    return float(np.median(cKDTree(points).query(drawn, count)[0][:, count - 1] ** 2) ** 0.5)


SPREADS: dict[str, tuple[Array, bool]] = {
    "one point": (np.zeros((1, 3)), False),
    "three clusters of points on a line": (np.linspace(0, 1, 30)[:, None] * [3.0, 1.0, 2.0], False),
    "four clusters of points on a line": (np.linspace(0, 1, 40)[:, None] * [3.0, 1.0, 2.0], False),
    "one point more": (np.linspace(0, 1, 41)[:, None] * [3.0, 1.0, 2.0], True),
    "every place ten times": (np.repeat(np.random.default_rng(1).uniform(size=(9, 3)), 10, axis=0), False),
    "a box": (np.random.default_rng(2).uniform(0, [3.0, 1.2, 0.3], (2000, 3)), True),
}


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("name", SPREADS)
def test_the_lattice_is_the_same_for_everybody_and_just_holds_all_points(name, scale):
    """A cell is five times as wide as what holds a cluster; where all points are few, or far apart, there is one."""
    points, several = SPREADS[name]
    points = scale * (points + np.array([-0.5, 2.0, 7.0]))
    found = lattices(clouds(points[:5], 2), clouds(points, len(points) // 3), 10)
    one, *others = found
    for other in others:
        assert np.array_equal(other.origin, one.origin) and (other.size, other.shape) == (one.size, one.shape)
    widest = 1.5 * max(np.ptp(points, axis=0).max(), 1e-300)
    size = min(5.0 * radius(points, 10), widest) if several else widest
    assert one.size == pytest.approx(1.0173205 * size, rel=1e-12) and (size < widest) == several
    np.testing.assert_allclose(points.min(axis=0) - one.origin, 0.0137 * one.size, atol=1e-14 * np.abs(points).max())
    cells = one.cells(points)
    assert cells.min() == 0 and np.array_equal(cells.max(axis=0) + 1, one.shape)
    assert several or one.shape == (1, 1, 1)


def clouds(points: Array, *cuts: int) -> list[Mesh]:
    """On ranks, one of which has nothing."""
    shares = [Mesh(each) for each in np.split(points, cuts)]
    return [*shares[:1], Mesh(np.zeros((0, 3))), *shares[1:]]


@pytest.mark.parametrize("support", [None, 0.4])
@pytest.mark.parametrize(("n", "length"), [(12, 3.0), (300, 3.0), (300, 30.0)])
def test_radial_functions_are_the_same_however_points_are_dealt(n, length, support):
    """Few points in one lattice cell, many in several, of which some are sent; two places are far from all of them."""
    rng = np.random.default_rng(n)
    points, places = rng.uniform(0, [length, 1.0, 0.2], (n, 3)), rng.uniform(0, [length, 1.0, 0.2], (40, 3))
    places[[7, 9]] = [[0.5 * length, 50.0, -70.0], [-80.0, 1.0, 30.0]]
    places = places[np.argsort(places[:, 0])]
    settings = RadialBasis(kind="rbf", kernel="compact-c2", cluster=10, support_radius=support)
    one = matrix_of(*meet(evaluate_radial, serve_radial, [Mesh(places)], [Mesh(points)], settings))
    many = matrix_of(*meet(evaluate_radial, serve_radial, clouds(places, 5, 20), clouds(points, n // 3), settings))
    np.testing.assert_allclose(many, one, rtol=0, atol=1e-12)
    near = np.abs(places[:, 2]) < 1.0
    assert near.sum() == 38
    for far in np.flatnonzero(~near):
        assert np.array_equal(one[far], np.eye(n)[np.linalg.norm(points - places[far], axis=1).argmin()])
    lattice = lattices([Mesh(places)], [Mesh(points)], 10)[0]
    *blocks, _ = build_blocks(points, places, lattice.origin, lattice.size, "compact-c2", support or 0.0, 10)
    np.testing.assert_allclose(one[near], dense(Blocks(40, n, *blocks))[0][near], rtol=0, atol=1e-12)
    np.testing.assert_allclose((one @ points)[near], places[near], rtol=0, atol=1e-10)


def test_the_radius_that_holds_a_number_of_points_is_a_median_over_some_of_them():
    points = np.random.default_rng(0).uniform(size=(400, 3))
    drawn = points[_hash(points) < 32 / 400 * 2.0**63]
    shares = np.split(points, [150, 160])
    hall: Any = Hall(3)
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(_radius_of, Own(hall, k, 3), shares[k], 400, 12) for k in range(3)]
    assert 10 < len(drawn) < 60
    np.testing.assert_allclose([each.result() for each in found], radius(points, 12), rtol=1e-14)
