"""Radial basis functions on clusters: what they reproduce, and point sets that are no solid cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
from suture.couplers.radial import Lattice, _around, _hash, _in, _radius_of, evaluate_radial, serve_radial

from . import surfaces
from .meetings import Hall, Own, matrix_of, meet

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


@pytest.mark.parametrize("largest", [20, 300, 10**6])
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
    assert np.array_equal(_hash(-0.0 * points[:5]), _hash(0.0 * np.abs(points[:5])))


def clouds(points: Array, *cuts: int) -> list[Mesh]:
    """On ranks, one of which has nothing."""
    shares = [Mesh(each) for each in np.split(points, cuts)]
    return [*shares[:1], Mesh(np.zeros((0, 3))), *shares[1:]]


@pytest.mark.parametrize("n", [12, 300])
def test_radial_functions_are_the_same_however_points_are_dealt(n):
    """Few points in one lattice cell, and many in several; one place is far from all of them."""
    rng = np.random.default_rng(n)
    points, places = rng.uniform(0, [3.0, 1.0, 0.2], (n, 3)), rng.uniform(0, [3.0, 1.0, 0.2], (40, 3))
    places[7] = [60.0, 50.0, -70.0]
    settings = RadialBasis(kind="rbf", kernel="compact-c2", cluster=10)
    one = matrix_of(*meet(evaluate_radial, serve_radial, [Mesh(places)], [Mesh(points)], settings))
    many = matrix_of(*meet(evaluate_radial, serve_radial, clouds(places, 5, 20), clouds(points, n // 3), settings))
    np.testing.assert_allclose(many, one, rtol=0, atol=1e-12)
    assert np.array_equal(one[7], np.eye(n)[np.linalg.norm(points - places[7], axis=1).argmin()])
    near = np.arange(40) != 7
    np.testing.assert_allclose((one @ points)[near], places[near], rtol=0, atol=1e-10)


def test_the_radius_that_holds_a_number_of_points_is_a_median_over_some_of_them():
    points = np.random.default_rng(0).uniform(size=(400, 3))
    drawn = points[_hash(points) < 32 / 400 * 2.0**63]
    expected = np.median(cKDTree(points).query(drawn, 12)[0][:, 11] ** 2) ** 0.5
    shares = np.split(points, [150, 160])
    hall: Any = Hall(3)
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(_radius_of, Own(hall, k, 3), shares[k], 400, 12) for k in range(3)]
    assert 10 < len(drawn) < 60
    np.testing.assert_allclose([each.result() for each in found], expected, rtol=1e-14)
