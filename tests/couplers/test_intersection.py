"""The L2 intersection: exact integrals, transposes, sums, constants both ways, orders, rims, and gaps refused."""

from __future__ import annotations

import itertools
from math import factorial

import numpy as np
import pytest

from suture.couplers.cells import Array
from suture.couplers.integrals import CODES, Basis, intersect, mass_matrix
from suture.couplers.mass import iterations
from suture.couplers.mesh import Mesh
from suture.couplers.quadrature import simplex_rule

from .bases import amount, flat, project, state

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
