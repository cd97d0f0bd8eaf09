"""Multipliers at an outer Dirichlet boundary: constants and sums stay, quadratic bases keep lines, known orders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from suture.couplers.cells import Array
from suture.couplers.ghosts import Ghosts
from suture.couplers.integrals import Basis, mass_matrix
from suture.couplers.mesh import Mesh
from suture.couplers.multipliers import Extension

from . import surfaces
from .bases import amount, flat, project, state
from .test_intersection import SIZE

KINDS = ("line", "line3", "triangle", "triangle6", "quad", "quad8", "quad9", "tetra", "tetra10")


def ends(mesh: Mesh, sides: int = 1) -> Mesh:
    """Outer points at the lowest, or at both ends of, the first direction in which the mesh extends."""
    x = mesh.points[:, 0] / np.ptp(mesh.points[:, 0])
    return replace(mesh, outer=(x < 1e-9) | ((x > 1 - 1e-9) & (sides == 2)))


def all_around(mesh: Mesh) -> Mesh:
    """Outer points everywhere on the rim of a unit square or cube."""
    x = mesh.points[:, : mesh.dimension]
    return replace(mesh, outer=((x < 1e-9) | (x > 1 - 1e-9)).any(axis=1))


def two(kind: str) -> tuple[Mesh, Mesh]:
    n, m = SIZE[flat(kind, 3, 1).dimension]
    return ends(flat(kind, n, 1)), flat(kind, m, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_constants_sums_and_work_are_kept(kind):
    a, b = two(kind)
    projection, _ = project(a, b)
    np.testing.assert_allclose(state(projection, np.ones(len(b))), 1.0, atol=1e-12)
    rng = np.random.default_rng(1)
    force, velocity = rng.normal(size=len(a)), rng.normal(size=len(b))
    received = amount(projection, force)
    assert abs(received.sum() - force.sum()) < 1e-13 * np.abs(force).sum()
    assert abs(received @ velocity - force @ state(projection, velocity)) < 1e-13 * np.abs(received * velocity).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_density_arrives_as_such(kind):
    """Whether the outer points' part is given there, or already with their neighbours' multipliers."""
    a, b = two(kind)
    projection, _ = project(a, b)
    loads = [mass_matrix(Basis.of(mesh, a.dimension))[0].sum(axis=1).A1 for mesh in (a, b)]
    moved = projection.extension.restrict(loads[0][:, None])[:, 0]
    assert np.abs(moved[a.outer]).max() == 0.0 and moved.sum() == pytest.approx(loads[0].sum(), rel=1e-14)
    for given in (loads[0], moved):
        np.testing.assert_allclose(amount(projection, given), loads[1], rtol=0, atol=1e-12 * np.abs(loads[1]).max())


@pytest.mark.parametrize("kind", ("line3", "quad9", "quad8"))
def test_quadratic_bases_keep_straight_lines(kind):
    a, b = two(kind)
    projection, _ = project(a, b)
    slope = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(state(projection, b.points @ slope), a.points @ slope, atol=1e-12)


def test_on_a_line_the_space_is_that_of_the_literature():
    """The first element has a constant multiplier if linear, and a linear one if quadratic."""
    for kind, known, expected in (("line", [1], [1.0]), ("line3", [1, -1], [-1.0, 2.0])):
        mesh = ends(flat(kind, 4, 1))
        extension = Extension(Basis.of(mesh, 1), mesh.outer, Ghosts(MPI.COMM_SELF, mesh))
        nodes = mesh.elements[kind][0]
        unit = np.zeros((len(mesh), len(known)))
        unit[nodes[known], range(len(known))] = 1.0
        assert extension.extend(unit)[nodes[0]] == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "sizes", "least"), [("line", (20, 80), 1.4), ("line3", (20, 80), 2.4)])
def test_order_next_to_an_outer_boundary(kind, sizes, least):
    assert order(lambda n, seed: ends(flat(kind, n, seed), sides=2), sizes) > least


@pytest.mark.parametrize(
    ("kind", "sizes", "least"), [("triangle", (8, 32), 1.4), ("triangle6", (6, 24), 1.9), ("tetra", (4, 10), 1.4)]
)
def test_order_where_all_of_the_rim_is_outer(kind, sizes, least):
    assert order(lambda n, seed: all_around(flat(kind, n, seed)), sizes) > least


def order(make, sizes: tuple[int, int]) -> float:
    """Of a state, in the mean square over the mesh."""
    errors = []
    for n in sizes:
        a, b = make(n, 1), flat(next(iter(make(n, 1).elements)), round(1.3 * n), 2)
        projection, _ = project(a, b)
        error: Array = state(projection, surfaces.smooth(b.points)) - surfaces.smooth(a.points)
        errors.append(np.sqrt(error @ mass_matrix(Basis.of(a, a.dimension))[0] @ error))
    return float(np.log(errors[0] / errors[1]) / np.log(sizes[1] / sizes[0]))


def test_without_another_point_there_is_no_multiplier():
    mesh = replace(flat("triangle", 3, 1), outer=np.ones(9, dtype=bool))
    assert Extension(Basis.of(mesh, 2), mesh.outer, Ghosts(MPI.COMM_SELF, mesh)).unresolved
