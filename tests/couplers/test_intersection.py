"""The L2 intersection: exact integrals, transposes, sums, constants both ways, orders, rims, and gaps refused."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import factorial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suture.couplers.cells import Array, Cells
from suture.couplers.errors import MappingError
from suture.couplers.integrals import CODES, REACH, Basis, intersect, mass_matrix
from suture.couplers.intersection import (
    _introduce,
    _pull,
    _without_gaps,
    evaluate_intersection,
    serve_intersection,
)
from suture.couplers.mapping import measures
from suture.couplers.mass import iterations
from suture.couplers.mesh import Mesh
from suture.couplers.projection import Projection
from suture.couplers.quadrature import simplex_rule
from suture.couplers.rendezvous import Meeting, Summary

from . import surfaces
from .bases import amount, flat, project, state
from .meetings import dense, matrix_of, meet
from .test_mapping import grid

SIZE = {1: (9, 14), 2: (5, 7), 3: (3, 4)}
PAIRS = [
    *(("line", "line"), ("line3", "line"), ("line", "line3"), ("line3", "line3")),
    *(("triangle", "triangle"), ("triangle6", "triangle"), ("triangle6", "triangle6"), ("triangle", "quad")),
    *(("quad", "triangle6"), ("quad8", "quad9"), ("quad9", "quad8"), ("quad9", "quad9")),
    *(("tetra", "tetra"), ("tetra", "tetra10"), ("tetra10", "tetra10")),
]


def dimension(kind: str) -> int:
    return flat(kind, 3, 1).dimension


def two(mine: str, near: str) -> tuple[Mesh, Mesh]:
    n, m = SIZE[dimension(mine)]
    return flat(mine, n, seed=1), flat(near, m, seed=2)


def coordinates(mesh: Mesh) -> Array:
    """Along the segment, or x, y, z."""
    return mesh.points @ np.array([[0.6], [0.0], [0.8]]) if mesh.dimension == 1 else mesh.points[:, : mesh.dimension]


def monomials(d: int, degree: int) -> list[tuple[int, ...]]:
    return [e for e in itertools.product(range(degree + 1), repeat=d) if sum(e) <= degree]


def complete(kind: str) -> int:
    """Degree up to which the basis holds all polynomials."""
    return 1 if kind in ("line", "triangle", "quad", "tetra") else 2


@pytest.mark.parametrize("d", (1, 2, 3))
@pytest.mark.parametrize("degree", range(1, 10))
def test_quadrature_is_exact(d, degree):
    rule = simplex_rule(d, degree)
    assert (rule[:, -1] > 0).all()
    for powers in monomials(d, degree):
        exact = np.prod([factorial(k) for k in powers]) * factorial(d) / factorial(sum(powers) + d)
        assert rule[:, -1] @ np.prod(rule[:, 1:-1] ** np.array(powers), axis=1) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize(("mine", "near"), PAIRS)
def test_integrals_of_products_of_polynomials_are_exact(mine, near):
    a, b = two(mine, near)
    x, y = coordinates(a), coordinates(b)
    mixed = intersect(Basis.of(a, a.dimension), Basis.of(b, a.dimension)).matrix
    for p in monomials(a.dimension, complete(mine)):
        for q in monomials(a.dimension, complete(near)):
            found = np.prod(x ** np.array(p), axis=1) @ mixed @ np.prod(y ** np.array(q), axis=1)
            assert found == pytest.approx(np.prod([1.0 / (k + m + 1) for k, m in zip(p, q, strict=True)]), rel=1e-12)


@pytest.mark.parametrize("kind", CODES)
def test_the_mass_matrix_lies_between_its_bounds(kind):
    mesh = flat(kind, SIZE[dimension(kind)][1], seed=3)
    matrix, (low, high) = mass_matrix(Basis.of(mesh, mesh.dimension))
    scale = 1.0 / np.sqrt(matrix.diagonal())
    values = np.linalg.eigvalsh(scale[:, None] * matrix.toarray() * scale)
    assert low * (1 - 1e-12) <= values[0] and values[-1] <= high * (1 + 1e-12)
    assert iterations((low, high)) < 90


@pytest.mark.parametrize(("mine", "near"), PAIRS)
def test_polynomials_that_both_bases_hold_are_reproduced(mine, near):
    a, b = two(mine, near)
    projection, _ = project(a, b)
    for p in monomials(a.dimension, min(complete(mine), complete(near))):
        at_b = np.prod(coordinates(b) ** np.array(p), axis=1)
        np.testing.assert_allclose(state(projection, at_b), np.prod(coordinates(a) ** np.array(p), axis=1), atol=1e-12)


@pytest.mark.parametrize(("mine", "near"), PAIRS)
def test_amounts_keep_their_sum_first_moment_and_constant_density(mine, near):
    a, b = two(mine, near)
    projection, _ = project(a, b)
    given = np.random.default_rng(5).normal(size=len(a))
    got = amount(projection, given)
    assert abs(got.sum() - given.sum()) < 1e-14 * np.abs(given).sum() * (1 if complete(mine) == 1 else 3)
    assert np.abs(coordinates(b).T @ got - coordinates(a).T @ given).max() < 1e-13 * np.abs(given).sum()
    loads = [mass_matrix(Basis.of(mesh, a.dimension))[0].sum(axis=1).A1 for mesh in (a, b)]
    np.testing.assert_allclose(amount(projection, loads[0]), loads[1], rtol=0, atol=1e-13 * np.abs(loads[1]).max())


@pytest.mark.parametrize(("mine", "near"), PAIRS)
def test_work_is_equal_on_both_sides(mine, near):
    a, b = two(mine, near)
    projection, _ = project(a, b)
    rng = np.random.default_rng(7)
    force, velocity = rng.normal(size=len(a)), rng.normal(size=len(b))
    here, there = force * state(projection, velocity), amount(projection, force) * velocity
    assert abs(here.sum() - there.sum()) < 1e-13 * np.abs(there).sum()


@pytest.mark.parametrize("magnitude", (1e-200, 1e-12, 1e12, 1e200))
def test_values_of_any_magnitude_are_mapped_alike(magnitude):
    projection, _ = project(*two("triangle", "triangle"))
    u = np.random.default_rng(1).normal(size=projection.columns)
    np.testing.assert_allclose(
        state(projection, magnitude * u) / magnitude, state(projection, u), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("kind", CODES)
def test_between_matching_meshes_the_projection_is_the_identity(kind):
    mesh = flat(kind, SIZE[dimension(kind)][0], seed=3)
    order = np.random.default_rng(3).permutation(len(mesh.points))
    place = np.argsort(order)
    other = Mesh(mesh.points[order], {k: place[nodes][::-1] for k, nodes in mesh.elements.items()})
    projection, found = project(mesh, other)
    u = np.random.default_rng(4).normal(size=len(mesh))
    np.testing.assert_allclose(state(projection, u[order]), u, rtol=0, atol=1e-11)
    np.testing.assert_allclose(amount(projection, u)[place], u, rtol=0, atol=1e-11)
    assert found.covered == pytest.approx(np.ones(len(found.covered)), abs=1e-12)
    assert found.covers == pytest.approx(np.ones(len(found.covers)), abs=1e-12)


def test_the_projection_is_its_formula():
    """Also with outer points, whose functions the neighbours take; several components."""
    a, b = two("triangle6", "triangle")
    a = replace(a, outer=a.points[:, 0] < 1e-9)
    projection, found = project(a, b)
    extend = projection.extension.extend(np.eye(len(a)))
    extend = extend[:, extend.any(axis=0)]
    mass = mass_matrix(Basis.of(a, 2))[0].toarray()
    reduced = np.linalg.solve(extend.T @ mass @ extend, extend.T @ found.matrix.toarray())
    matrix, transposed = dense(projection)
    assert (projection.rows, projection.columns) == (len(a), len(b)) and a.outer is not None and a.outer.any()
    np.testing.assert_allclose(matrix, extend @ reduced, rtol=0, atol=1e-12)
    np.testing.assert_allclose(transposed, matrix.T, rtol=0, atol=1e-13)


def piece(kind: str, n: int, low: float, high: float) -> Mesh:
    """Of the straight unit segment, square or cube: what is between low and high along it, or along x."""
    mesh = flat(kind, n, seed=round(10 * low))
    along = np.array([0.6, 0.0, 0.8]) if mesh.dimension == 1 else np.array([1.0, 0.0, 0.0])
    stretched = (high - low) * mesh.points if mesh.dimension == 1 else mesh.points * [high - low, 1.0, 1.0]
    return Mesh(stretched + low * along, mesh.elements)


def joined(meshes: list[Mesh]) -> Mesh:
    """Side by side, without a point in common."""
    shift = np.cumsum([0, *(len(mesh) for mesh in meshes)])
    parts = [mesh.elements[kind] + n for mesh, n in zip(meshes, shift, strict=False) for kind in mesh.elements]
    (kind,) = meshes[0].elements
    return Mesh(np.vstack([mesh.points for mesh in meshes]), {kind: np.vstack(parts)})


NONE = Mesh(np.zeros((0, 3)))


@pytest.mark.parametrize(("mine", "near", "n"), [("line", "line3", 4), ("quad", "triangle", 3), ("tetra", "tetra", 2)])
def test_ranks_together_build_the_projection_of_all_elements(mine, near, n):
    at = [piece(mine, n, 0.0, 0.4), piece(mine, n + 1, 0.4, 1.0)]
    source = [NONE, piece(near, n, 0.0, 0.55), piece(near, n + 1, 0.55, 0.8), piece(near, n, 0.8, 1.0)]
    matrix = matrix_of(*meet(evaluate_intersection, serve_intersection, at, source, alone=True))
    expected, _ = dense(project(joined(at), joined(source[1:]))[0])
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-12)


def between(*lines: list[float]) -> Cells:
    """Cells between the lines of each axis; flat along the others."""
    return grid([np.array(each) for each in lines] + [np.zeros(1)] * (3 - len(lines)))


LEFT, RIGHT = between([0.0, 0.1, 0.35], [0.0, 0.5, 1.0]), between([0.35, 0.6, 1.0], [0.0, 0.3, 1.0])
NO_CELLS = Cells(np.zeros((0, 3)), np.zeros((0, 3)))


def test_cells_take_means_and_meshes_the_projection_of_what_is_constant_in_cells():
    meshes, cells = [piece("triangle", 4, 0.0, 0.6), piece("triangle", 3, 0.6, 1.0)], [LEFT, NO_CELLS, RIGHT]
    place = np.vstack([each.centres for each in cells])
    size = np.concatenate([measures(LEFT), measures(RIGHT)])
    matrix = matrix_of(*meet(evaluate_intersection, serve_intersection, cells, meshes, alone=True))
    whole = joined(meshes)
    slope = np.array([2.0, -3.0, 0.0])
    np.testing.assert_allclose(matrix @ (whole.points @ slope), place @ slope, rtol=0, atol=1e-13)
    mass = mass_matrix(Basis.of(whole, 2))[0].toarray()
    np.testing.assert_allclose(size @ matrix, mass.sum(axis=0), rtol=0, atol=1e-14)
    back = matrix_of(*meet(evaluate_intersection, serve_intersection, meshes, cells, alone=True))
    np.testing.assert_allclose(mass @ back, matrix.T * size, rtol=0, atol=1e-13)  # both are the mixed integrals


def half(low: float = 0.5) -> Mesh:
    return piece("quad", 3, low, 1.0)


MISFITS = {
    "a cell without elements": (
        LEFT,
        half(0.2),
        r"1 of the cell of 'eve' .* by the elements of 'sam'.*rbf",
    ),
    "elements without cells": (
        RIGHT,
        half(0.0),
        r"of the quad of 'sam' around .* by the cells of 'eve'.*rbf",
    ),
    "cells without elements": (half(0.4), RIGHT, r"of the cell of 'sam' from \(0\.35.* by the elements of 'eve'.*rbf"),
    "an element without cells": (half(0.3), RIGHT, r"of the quad of 'eve' around .* not covered by the cells of 'sam'"),
    "too few elements": (
        half(0.5),
        half(0.6),
        r"of the quad of 'eve' around .* by the elements of 'sam'.*nearest",
    ),
    "too many elements": (half(0.5), half(0.0), r"1 of the quad of 'sam' around .* by the elements of 'eve'"),
    "lonely points": (
        Mesh(np.vstack((half().points, [[0.7, 0.25, 0.0], [0.9, 0.25, 0.0]])), half().elements),
        half(),
        r"the point at \(0\.7, 0\.25, 0\) of 'eve' belongs to no element",
    ),
    "outer points only": (
        replace(half(), outer=np.ones(9, dtype=bool)),
        half(),
        "some elements of 'eve' have outer points only",
    ),
    "a line among them": (
        half(),
        Mesh(half().points, {**half().elements, "line": [[0, 1]]}),
        "elements of one dimension on both sides, here 2; there are also (line|others)$",
    ),
    "a line that sticks out": (
        between([0.5, 0.75, 1.0]),
        Mesh(np.array([[0.4, 0.0, 0.0], [0.7, 0.0, 0.0], [1.0, 0.0, 0.0]]), {"line": [[0, 1], [1, 2]]}),
        r"0\.333 of the line of 'sam' around .* by the cells of 'eve'.*rbf",
    ),
    "a cell without any extent": (
        Cells(np.array([[0.0, 0.0, 0.0], [0.7, 0.2, 0.0]]), np.array([[1.0, 1.0, 0.0], [0.7, 0.4, 0.0]])),
        half(0.0),
        r"1 of the cell of 'eve' from \(0\.7, 0\.2, 0\) to \(0\.7, 0\.4, 0\) is not covered",
    ),
    "an unknown type": (
        Mesh(np.eye(8, 3), {"hexahedron": [list(range(8))]}),
        piece("tetra", 2, 0.0, 1.0),
        "knows elements of type line, .*; (hexahedron|another) is none of them",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_told(name):
    at, source, text = MISFITS[name]
    with pytest.raises(MappingError, match=f"interface 'seam': .*{text}"):
        meet(evaluate_intersection, serve_intersection, [at], [source], alone=True)


def test_less_than_half_of_an_element_may_cover_nothing_between_meshes_and_where_only_states_go():
    wide = piece("quad", 3, 0.4, 1.0)  # its first elements reach 0.1 of 0.3 beyond
    meet(evaluate_intersection, serve_intersection, [half()], [wide], alone=True)
    with pytest.raises(MappingError, match=r"0\.6\d* of the quad of 'sam'"):
        meet(evaluate_intersection, serve_intersection, [piece("quad", 3, 0.6, 1.0)], [wide], alone=True)
    cells = between([0.5, 0.75, 1.0], [0.0, 1.0])
    meet(evaluate_intersection, serve_intersection, [cells], [wide], alone=True, amounts=False)
    with pytest.raises(MappingError, match=r"0\.3\d* of the quad of 'sam'"):
        meet(evaluate_intersection, serve_intersection, [cells], [wide], alone=True)
    meet(
        evaluate_intersection,
        serve_intersection,
        [half(0.5)],
        [between([0.0, 0.6, 1.0], [0.0, 1.0])],
        alone=True,
        amounts=False,
    )


def test_a_mesh_that_is_not_quite_flat_may_cover_cells_more_than_once():
    """Its elements are a little longer than the cells that they cover."""
    wavy, cells = surfaces.square(12, 1, height=0.03), between([0.0, 0.3, 0.7, 1.0], [0.0, 0.4, 1.0])
    matrix = matrix_of(*meet(evaluate_intersection, serve_intersection, [wavy], [cells], alone=True))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_elements_are_asked_of_ranks_within_both_sides_reach(scale):
    """Beyond the own elements' reach by that of the other side's widest one, in any direction."""
    asked: list[dict[int, Any]] = []
    mesh = Mesh(scale * (surfaces.square(4, 1).points + 3.0), surfaces.square(4, 1).elements)
    summaries = {0: Summary.of(mesh)}
    pair: Any = SimpleNamespace(
        name="eve",
        mine=(0,),
        theirs=range(1, 13),
        reduce=lambda values, op: np.maximum(values, [0.5 * scale, 0, 0]),
        swap=lambda parcels, kinds: asked.append(parcels),
    )
    meeting = Meeting("seam", "eve", "sam", pair, summaries, amounts=True)
    basis, widest = _introduce(meeting, mesh)
    assert widest == pytest.approx(max(0.5 * scale, basis.diameters().max()), rel=1e-15)
    boxes = basis.cover()
    low, high = boxes[:, :3].min(axis=0), boxes[:, 3:].max(axis=0)
    summaries.clear()
    for axis, (rank, gap) in itertools.product(range(3), ((1, 0.99), (2, 1.01), (3, 0.99), (4, 1.01))):
        away = np.zeros(3)
        away[axis] = (high - low)[axis] + gap * REACH * widest
        corners = Mesh(np.array([low, high]) + (away if rank < 3 else -away), {"line": [[0, 1]]})
        summaries[4 * axis + rank] = Summary.of(corners)
    _pull(meeting, basis, widest)
    assert sorted(asked[0]) == [1, 3, 5, 7, 9, 11]
    assert all(np.array_equal(parcel[0], boxes) for parcel in asked[0].values())


def test_what_would_not_keep_constants_is_refused_unless_another_rank_raises_already():
    """That one does not take part in the products that show it."""
    a, b = two("triangle", "quad")
    projection, found = project(a, b)
    pair: Any = SimpleNamespace(name="eve", mine=(), theirs=())
    meeting = Meeting("seam", "eve", "sam", pair, {}, amounts=True)
    basis = Basis.of(a, 2)
    assert _without_gaps(meeting, basis, found, projection, {}).operator is projection
    bad = Projection.of(basis, 0.75 * found.matrix, projection.ghosts, projection.extension)
    with pytest.raises(MappingError, match="'seam': a constant of 'sam' would be off by 0.25 of itself at 'eve'"):
        _without_gaps(meeting, basis, found, bad, {})
    elsewhere: Any = SimpleNamespace(size=1, allreduce=lambda mine, op: True)
    projection.ghosts.comm = elsewhere
    assert _without_gaps(meeting, basis, found, bad, {}).operator is bad
