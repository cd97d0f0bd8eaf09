"""Cells with cells, and particles with cells, on several ranks a side: the operators are those of brute force."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suture.couplers.boxes import (
    _near,
    _send_near,
    evaluate_binning,
    evaluate_cells,
    holders,
    serve_binning,
    serve_cells,
)
from suture.couplers.cells import Array, Cells
from suture.couplers.errors import MappingError
from suture.couplers.mesh import Mesh
from suture.couplers.rendezvous import Summary, places

from .meetings import matrix_of, meet
from .test_mapping import LOWER, PLANES, UPPER, grid, random_grid, uniform

NO_CELLS, NO_POINTS = Cells(np.zeros((0, 3)), np.zeros((0, 3))), Mesh(np.zeros((0, 3)))


def strips(cells: Cells, axis: int, parts: int) -> list[Cells]:
    """By their centres along an axis; and a rank that has none."""
    part = (parts * np.argsort(np.argsort(cells.centres[:, axis]))) // len(cells)
    shares = [Cells(cells.lower[part == k], cells.upper[part == k]) for k in range(parts)]
    return [shares[0], NO_CELLS, *shares[1:]]


def joined(shares: list[Cells]) -> Cells:
    return Cells(np.vstack([each.lower for each in shares]), np.vstack([each.upper for each in shares]))


def shared(a: Cells, b: Cells, axes: tuple[int, ...]) -> Array:
    """Measures that all cells of both share."""
    low, high = np.maximum(a.lower[:, None], b.lower), np.minimum(a.upper[:, None], b.upper)
    return np.clip(high - low, 0.0, None)[:, :, list(axes)].prod(axis=2)


@pytest.mark.parametrize("axes", PLANES.values(), ids=PLANES)
@pytest.mark.parametrize("seed", range(2))
def test_cells_take_the_means_of_what_they_share(axes, seed):
    rng = np.random.default_rng(seed)
    at, source = (strips(random_grid(rng, axes, 6), axis, n) for axis, n in ((axes[0], 2), (axes[-1], 3)))
    both = shared(joined(at), joined(source), axes)
    pulls, gives = meet(evaluate_cells, serve_cells, at, source)
    np.testing.assert_allclose(matrix_of(pulls, gives), both / both.sum(axis=1)[:, None], rtol=0, atol=1e-13)
    first = np.cumsum([0, *map(len, source)])
    for k, own in enumerate(np.split(both > 0.0, np.cumsum([len(each) for each in at])[:-1])):
        for n, give in enumerate(gives):  # nobody asks for what it does not need
            needed = np.flatnonzero(own[:, first[n] : first[n + 1]].any(axis=0))
            assert np.array_equal(give.asked.get(2 * k, []), needed)


def part(cells: Cells, low: float, high: float) -> Cells:
    inside = (cells.centres[:, 0] > low) & (cells.centres[:, 0] < high)
    return Cells(cells.lower[inside], cells.upper[inside])


def test_amounts_need_the_source_s_cells_covered_and_states_do_not():
    left, both = [part(uniform(4), 0.0, 0.5)], strips(uniform(8), 0, 2)
    with pytest.raises(MappingError, match=r"'seam': 1 of the cell of 'sam' from \(0\.5.* by the cells of 'eve'"):
        meet(evaluate_cells, serve_cells, left, both)
    matrix = matrix_of(*meet(evaluate_cells, serve_cells, left, both, amounts=False))
    np.testing.assert_allclose(matrix @ places(joined(both))[:, 0], places(left[0])[:, 0])
    for amounts in (False, True):
        with pytest.raises(MappingError, match=r"'seam': 1 of the cell of 'eve' from \(0\.5.* by the cells of 'sam'"):
            meet(evaluate_cells, serve_cells, both, left, amounts=amounts)


def test_boxes_that_touch_a_box_are_near_it():
    box = ((1.0, -2.0, 3.0), (2.0, -1.0, 5.0))
    for axis in range(3):
        for sign in (-1, 1):
            for gap, near in ((0.0, True), (1e-7, True), (4e-6, True), (6e-6, False), (0.1, False)):
                shift = np.zeros(3)
                shift[axis] = sign * (box[1][axis] - box[0][axis] + gap)
                low, high = (np.array(corner) + shift for corner in box)
                if np.abs([low, high]).max() <= 5.0:
                    assert _near(low[None], high[None], box).tolist() == ([0] if near else [])
    away = np.array([[9.0, 9.0, 9.0], [1.5, -1.5, 4.0]])
    assert _near(away, away, box).tolist() == [1]
    assert _near(away, away, None).tolist() == [] and _near(away[:0], away[:0], box).tolist() == []
    assert _near(away, away, None).dtype == np.int32
    origin = np.zeros(3)
    assert _near(origin[None], origin[None], (tuple(origin), tuple(origin))).tolist() == [0], "without any extent"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_what_is_near_but_for_axes_that_do_not_count_is_sent(scale):
    """A particle goes to the rank below whose cells it is, and to no other."""
    sent: list[dict[int, Any]] = []
    corners, away = scale * np.array([uniform(2).lower, uniform(2).upper]), scale * np.array([2.0, 0.0, 0.0])
    cells = {3: Cells(*corners), 5: Cells(*(corners + away)), 8: NO_CELLS}
    meeting: Any = SimpleNamespace(
        evaluation="eve",
        side=lambda name: {rank: Summary.of(each) for rank, each in cells.items()},
        pair=SimpleNamespace(swap=lambda parcels, kinds: sent.append(parcels)),
    )
    points = scale * np.array([[1.5, 0.5, 0.0], [2.5, 0.5, 70.0], [0.5, 1.5, -70.0], [3.0, 0.0, -9.0]])
    _send_near(meeting, points, points, np.array([False, False, True]))
    low, high, number = sent[0][5]
    assert number.tolist() == [1, 3] and np.array_equal(low, points[number]) and np.array_equal(high, low)
    _send_near(meeting, points, points)
    assert not any(len(each) for rank, parcel in (*sent[0].items(), *sent[1].items()) if rank != 5 for each in parcel)
    assert not any(len(each) for each in sent[1][5])


def inside(cells: Cells, points: Array, axes: tuple[int, ...]) -> Array:
    """Which cell holds which point, faces included, (cells, points)."""
    held = (points >= cells.lower[:, None]) & (points <= cells.upper[:, None])
    return held[:, :, list(axes)].all(axis=2)


def particles(rng: np.random.Generator, cells: Cells, axes: tuple[int, ...], n: int) -> Array:
    """In the cells, at their corners, and in their middle; far away along axes that are flat."""
    own = rng.uniform(LOWER, UPPER, (n, 3))
    own = np.vstack((own, cells.lower[:20], cells.upper[-20:], cells.centres))
    flat = [axis for axis in range(3) if axis not in axes]
    own[:, flat] += rng.uniform(-9.0, 9.0, (len(own), len(flat)))
    return own


@pytest.mark.parametrize("axes", PLANES.values(), ids=PLANES)
@pytest.mark.parametrize("seed", range(2))
def test_cells_take_the_means_of_their_particles_and_particles_what_their_cell_has(axes, seed):
    rng = np.random.default_rng(seed)
    cells = strips(random_grid(rng, axes, 5), axes[0], 2)
    points = particles(rng, joined(cells), axes, 60)
    order = np.argsort(points[:, axes[-1]] + rng.uniform(0.0, 0.2, len(points)))
    clouds = [Mesh(points[each]) for each in np.split(order, [40])] + [NO_POINTS]
    points, held = points[order], inside(joined(cells), points[order], axes)
    pulls, gives = meet(evaluate_binning, serve_binning, cells, clouds)
    np.testing.assert_allclose(matrix_of(pulls, gives), held / held.sum(axis=1)[:, None], rtol=0, atol=1e-14)
    # Of cells that meet at a particle the first along x, then y, then z.
    rank = np.empty(held.shape[0], dtype=int)
    rank[np.lexsort(joined(cells).centres.T[::-1])] = np.arange(len(rank))
    chosen = np.where(held, rank[:, None], len(rank)).argmin(axis=0)
    matrix = matrix_of(*meet(evaluate_binning, serve_binning, clouds, cells))
    assert np.array_equal(matrix, np.eye(len(rank))[chosen])


def test_cells_without_particles_and_particles_without_a_cell_are_named():
    cells, cloud = [uniform(2), NO_CELLS], [NO_POINTS, Mesh(np.array([[0.2, 0.3, 7.0], [0.7, 0.1, -5.0]]))]
    with pytest.raises(MappingError, match=r"'seam': the cell of 'eve' from \(0, 0\.5, 0\) to \(0\.5, 1, 0\) holds no"):
        meet(evaluate_binning, serve_binning, cells, cloud)
    outside = [Mesh(np.array([[0.2, 0.3, 7.0], [0.7, 1.1, 0.0]])), NO_POINTS]
    with pytest.raises(MappingError, match=r"the particle of 'eve' at \(0\.7, 1\.1, 0\) is in no cell of 'sam'"):
        meet(evaluate_binning, serve_binning, outside, cells)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_point_is_held_by_a_cell_with_its_faces_however_slender(scale):
    """Cells of very different sizes; points on faces, and beyond them by 1e-6."""
    low = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.001, 0.0, 0.0]])
    cells = Cells(scale * low, scale * np.array([[1.0, 2.0, 0.5], [1.001, 2.0, 0.5], [50.0, 2.0, 0.5]]))
    faces = np.concatenate([np.array([c - 1e-6, c, c + 1e-6]) for c in (0.0, 1.0, 1.001, 50.0)])
    points = scale * np.stack(np.meshgrid(faces, [-1e-6, 0.0, 2.0, 2.0 + 1e-6], [0.0, 0.5]), axis=-1).reshape(-1, 3)
    cell, point = holders(cells, points, np.zeros(3, dtype=bool))
    found = np.zeros((3, len(points)), dtype=bool)
    found[cell, point] = True
    assert np.array_equal(found, inside(cells, points, (0, 1, 2))) and len(cell) == found.sum()
    for flat in (np.array([True, True, True]), np.array([True, False, True])):
        expected = 0 if flat.all() else inside(cells, points, (1,)).sum()
        assert len(holders(cells, points, flat)[0]) == expected
    for some, any_points in ((NO_CELLS, points), (cells, points[:0])):
        assert [len(each) for each in holders(some, any_points, np.zeros(3, dtype=bool))] == [0, 0]


@pytest.mark.parametrize("scale", [1e-9, 1.0])
def test_particles_are_not_tried_against_all_cells(scale):
    """In 2000 strips, each of which holds its particle: the four million pairs would take 64 MB."""
    edges = np.linspace(0.0, scale, 2001)
    strips = grid([edges, np.array([0.0, scale]), np.zeros(1)])
    points = strips.centres + scale * np.array([1e-4, 0.0, 5.0])
    tracemalloc.start()
    cell, point = holders(strips, points, np.array([False, False, True]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(cell[np.argsort(point)], np.arange(2000)) and len(point) == 2000
    assert most < 4e6
