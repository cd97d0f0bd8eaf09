"""The cell-intersection mapping: sums and constants to round-off, gaps refused by name, first order for states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from suture.couplers.cells import Array, Cells
from suture.couplers.errors import MappingError
from suture.couplers.mapping import measures, overlaps, require_cover
from suture.couplers.operators import Blocks, Sparse, Stencil, compact, row_defect

from .meetings import dense

PLANES = {"surface in x, y": (0, 1), "surface in x, z": (0, 2), "line in y": (1,), "volume": (0, 1, 2)}
LOWER, UPPER = np.array([-0.3, 0.1, 2.0]), np.array([1.7, 1.1, 3.5])


def grid(lines: list[Array]) -> Cells:
    """All boxes between the grid lines of each axis; an axis with one line is flat."""
    lows = np.meshgrid(*(x[:-1] if len(x) > 1 else x for x in lines), indexing="ij")
    highs = np.meshgrid(*(x[1:] if len(x) > 1 else x for x in lines), indexing="ij")
    return Cells(*(np.column_stack([x.ravel() for x in corner]) for corner in (lows, highs)))


def random_grid(rng: np.random.Generator, axes: tuple[int, ...], most: int = 7) -> Cells:
    """Between LOWER and UPPER, with random lines along ``axes``, in random order."""
    lines = []
    for axis in range(3):
        inner = np.sort(rng.uniform(LOWER[axis], UPPER[axis], rng.integers(0, most)))
        lines.append(np.concatenate(([LOWER[axis]], inner, [UPPER[axis]])) if axis in axes else LOWER[axis : axis + 1])
    cells = grid(lines)
    order = rng.permutation(len(cells))
    return Cells(cells.lower[order], cells.upper[order])


def uniform(n: int) -> Cells:
    """n by n cells of the unit square."""
    lines = np.linspace(0.0, 1.0, n + 1)
    return grid([lines, lines, np.zeros(1)])


def map_amounts(a: Cells, b: Cells, amounts: Array) -> Array:
    i, j, shared = overlaps(a, b)
    return np.bincount(i, shared / measures(a)[j] * amounts[j], len(b))


def map_states(a: Cells, b: Cells, states: Array) -> Array:
    i, j, shared = overlaps(a, b)
    return np.bincount(i, shared * states[j], len(b)) / measures(b)


@pytest.mark.parametrize("axes", PLANES.values(), ids=PLANES.keys())
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_sums_and_constants_are_kept_between_any_two_grids(axes, seed):
    rng = np.random.default_rng(seed)
    a, b = random_grid(rng, axes), random_grid(rng, axes)
    amounts = rng.normal(size=len(a))
    i, j, shared = overlaps(a, b)
    require_cover(a, np.bincount(j, shared, len(a)), "a", "b", "seam")
    require_cover(b, np.bincount(i, shared, len(b)), "b", "a", "seam")
    scale = np.abs(amounts).sum()
    assert map_amounts(a, b, amounts).sum() == pytest.approx(amounts.sum(), abs=1e-14 * scale)
    covered = np.bincount(i, shared, len(b))
    constant = np.bincount(i, shared * 3.7, len(b)) / covered  # as the exchange does: the covered part is the divisor
    np.testing.assert_allclose(constant, 3.7, rtol=1e-14)


def test_the_conservative_map_is_the_transpose_of_the_consistent_one():
    rng = np.random.default_rng(1)
    a, b = random_grid(rng, (0, 1)), random_grid(rng, (0, 1))
    amounts, states = rng.normal(size=len(a)), rng.normal(size=len(b))
    work_there = map_amounts(a, b, amounts) @ states
    work_here = amounts @ map_states(b, a, states)
    assert work_there == pytest.approx(work_here, rel=1e-13)


def averages(cells: Cells) -> Array:
    """Cell averages of exp(x) sin(3 y + 1) on the unit square."""
    (x0, y0), (x1, y1) = cells.lower.T[:2], cells.upper.T[:2]
    return (np.exp(x1) - np.exp(x0)) * (np.cos(3 * y0 + 1) - np.cos(3 * y1 + 1)) / 3 / measures(cells)


@pytest.mark.parametrize("kind", ["state", "amount per area"])
def test_piecewise_constants_converge_to_first_order(kind):
    errors = []
    for n in (10, 20, 40, 80):
        a, b = uniform(n), uniform(3 * n // 2 - 1)
        there = averages(a)
        if kind == "state":
            mapped = map_states(a, b, there)
        else:
            mapped = map_amounts(a, b, there * measures(a)) / measures(b)
        errors.append(np.abs(mapped - averages(b)) @ measures(b))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 1.0) < 0.1), orders


def test_a_grid_that_contains_the_other_is_exact_in_one_direction():
    fine, coarse = uniform(12), uniform(4)
    np.testing.assert_allclose(map_states(fine, coarse, averages(fine)), averages(coarse), rtol=1e-13)


def test_slender_cells_are_not_tried_against_all_others():
    """100,000 strips: all pairs of them would be 10 billion."""
    edges = np.linspace(0.0, 1.0, 100_001)
    strips = grid([edges, np.array([0.0, 1.0]), np.zeros(1)])
    i, j, shared = overlaps(strips, strips)
    assert np.array_equal(np.sort(i), np.arange(100_000)) and np.array_equal(i, j)
    assert shared.sum() == pytest.approx(1.0, rel=1e-12)


def test_a_cell_that_is_half_covered_is_named():
    a = grid([np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(1)])
    b = grid([np.array([0.0, 1.0, 1.5]), np.array([0.0, 1.0]), np.zeros(1)])
    _, j, shared = overlaps(a, b)
    message = r"interface 'seam': 0\.5 of the cell of 'a' from \(1, 0, 0\) to \(2, 1, 0\) is not covered by .* of 'b'"
    with pytest.raises(MappingError, match=message):
        require_cover(a, np.bincount(j, shared, 2), "a", "b", "seam")


@pytest.mark.parametrize(("covered", "excess"), [(2.0, "1"), (1.25, r"0\.25")])
def test_a_cell_that_is_covered_twice_is_named(covered, excess):
    with pytest.raises(MappingError, match=rf"{excess} of the cell of 'a' .* is covered twice"):
        require_cover(uniform(1), np.array([covered]), "a", "b", "seam")


@pytest.mark.parametrize(("gap", "meets"), [(0.0, True), (0.9e-9, True), (1.5e-9, False), (1e-6, False), (0.5, False)])
@pytest.mark.parametrize(("size", "height"), [(1.0, 0.0), (1e-9, 0.0), (1e12, 0.0), (1.0, 10.0)])
def test_planes_must_coincide(gap, meets, size, height):
    """Relative to the interface's size, wherever it is."""
    a, b = uniform(2), uniform(3)
    at, up = np.array([0, 0, height]), np.array([0, 0, height + gap])
    a, b = Cells(size * (a.lower + at), size * (a.upper + at)), Cells(size * (b.lower + up), size * (b.upper + up))
    assert (len(overlaps(a, b)[0]) > 0) == meets


def test_cells_without_any_extent_meet_where_they_are():
    place = Cells(np.array([[0.0, 2.0, 3.0]]), np.array([[0.0, 2.0, 3.0]]))
    with np.errstate(all="raise"):
        assert [x.tolist() for x in overlaps(place, place)] == [[0], [0], [1.0]]


def test_a_surface_does_not_meet_a_volume():
    a = uniform(2)
    up = np.array([0, 0, 0.5])
    b = Cells(a.lower - up, a.upper + up)
    assert len(overlaps(a, b)[0]) == 0


def test_no_cells_on_a_rank_share_nothing():
    nothing = Cells(np.zeros((0, 3)), np.zeros((0, 3)))
    assert [len(x) for x in overlaps(uniform(2), nothing)] == [0, 0, 0]
    assert [len(x) for x in overlaps(nothing, uniform(2))] == [0, 0, 0]


def test_cells_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="exceeds"):
        Cells(np.ones((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="must be equal"):
        Cells(np.zeros((1, 3)), np.zeros((2, 3)))


MATRICES = {
    "as it is": (np.eye(3), Stencil, True),
    "in another order": (np.eye(3)[[1, 2, 0]], Stencil, False),
    "some of more": (np.eye(4)[:3], Stencil, False),
    "one twice": (np.eye(2)[[0, 0, 1]], Stencil, False),
    "one each, weighed": (np.diag([1.0, 0.5, 1.0]), Stencil, False),
    "one each, weighed more": (np.diag([1.0, 1.5, 1.0]), Stencil, False),
    "as many in all": (np.array([[0.5, 0.5], [0.0, 0.0]]), Sparse, False),
    "no rows": (np.zeros((0, 3)), Stencil, False),
    "several each": (np.array([[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]]), Sparse, False),
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_compact_form_of_a_matrix_is_the_matrix(name):
    matrix, kind, identity = MATRICES[name]
    operator = compact(csr_matrix(matrix))
    assert isinstance(operator, kind) and getattr(operator, "identity", False) == identity
    assert (operator.rows, operator.columns) == matrix.shape
    given, transposed = dense(operator)
    np.testing.assert_array_equal(given, matrix)
    np.testing.assert_array_equal(transposed, matrix.T)
    assert row_defect(operator) == np.abs(matrix.sum(axis=1) - 1.0).max(initial=0.0)


def test_a_stencil_adds_up_its_columns_by_their_weights():
    stencil = Stencil(np.array([[0, 2], [2, 1]], dtype=np.int32), np.array([[0.25, 0.75], [0.5, 1.0]]), 3)
    expected = np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.5]])
    assert not stencil.identity and row_defect(stencil) == 0.5
    for found, wanted in zip(dense(stencil), (expected, expected.T), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_blocks_that_share_rows_and_columns_add_up():
    blocks = Blocks(
        rows=3,
        columns=4,
        row=np.array([0, 2, 2], dtype=np.int32),
        first_row=np.array([0, 2, 3]),
        column=np.array([1, 3, 0, 1], dtype=np.int32),
        first_column=np.array([0, 2, 4]),
        value=np.array([0.5, 0.25, 2.0, 4.0, 8.0, 16.0]),
    )
    expected = np.array([[0, 0.5, 0, 2], [0, 0, 0, 0], [8, 16.25, 0, 4]])
    for found, wanted in zip(dense(blocks), (expected, expected.T), strict=True):
        np.testing.assert_array_equal(found, wanted)
