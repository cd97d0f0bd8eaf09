"""Phonons in two and three dimensions, and in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.bte._sweep import Sweeper
from suture.solvers.bte.quadrature import fitted, product
from suture.solvers.bte.simplices import Simplices, Topology

from .bodies import box, film, fixed, gray, rows, solved, solver

# Squares with one hot wall: Kn; mean fluxes of the hot, the opposite, each other wall; by the integral equation.
SQUARES = [(10.0, 0.972551, 0.382857, 0.294847), (0.1, 0.33804, 0.029499, 0.15427)]
# Gratings: eta = 2 pi path / period; amplitudes at 0.5, 1 and 2 lifetimes; by two exact methods.
GRATINGS = [(0.5, (0.991148061, 0.969669058, 0.908778586)), (5.0, (0.335246424, -0.093239371, 0.004554889))]


@pytest.mark.parametrize(("kn", "hot", "opposite", "side"), SQUARES)
def test_a_square_has_the_wall_fluxes_of_the_integral_equation(
    kn: float, hot: float, opposite: float, side: float
) -> None:
    found = rows(solved(box([40, 40], kn, directions={"polar": 4, "azimuthal": 64})))
    assert 4.0 * found["x-lower"] == pytest.approx(hot, abs=1e-3)
    assert -4.0 * found["x-upper"] == pytest.approx(opposite, abs=1e-3)
    assert -2.0 * (found["y-lower"] + found["y-upper"]) == pytest.approx(side, abs=1e-3)
    assert abs(sum(found.values())) <= 1e-12 * found["x-lower"]


def amplitudes(eta: float, step: float, **changes: Any) -> list[float]:
    mesh = {"kind": "film", "lower": [0.0] * 3, "upper": [np.pi / eta, 1.0, 1.0], "grading": 0.0}
    mirrors = {side: {"kind": "surface", "specularity": 1.0} for side in ("x-lower", "x-upper")}
    settings = film(1.0, mesh=mesh, initial=f"cos({eta}*x)", step=step, boundaries=mirrors)
    made = solver(settings | {"time_integration": "sdirk2"} | changes)
    wave = np.cos(eta * made.corners[:, :, 0])
    mass = made.problem.topology.volume[:, None, None] * (np.ones((2, 2)) + np.eye(2)) / 6.0
    out = []
    for steps in (1, 1, 2):
        for _ in range(steps):
            made.advance(0.5)
        out.append(np.einsum("ci,cij,cj", wave, mass, made.temperature) / np.einsum("ci,cij,cj", wave, mass, wave))
    return out


@pytest.mark.parametrize(("eta", "exact"), GRATINGS)
def test_a_grating_decays_as_the_exact_solution(eta: float, exact: tuple[float, ...]) -> None:
    assert amplitudes(eta, 0.0125) == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize(("method", "order"), [("sdirk2", 1.8), ("backward-euler", 0.8)])
def test_order_in_time(method: str, order: float) -> None:
    exact = GRATINGS[1][1]
    errors = [
        np.abs(np.subtract(amplitudes(5.0, step, time_integration=method), exact)).max() for step in (0.05, 0.025)
    ]
    assert np.log2(errors[0] / errors[1]) > order, errors


def test_what_a_transient_stores_is_what_entered() -> None:
    made = solver(
        box(
            [6, 6],
            0.3,
            time_integration="sdirk2",
            step=0.05,
            initial="0.1*x",
            source="x*t",
            tolerance=1e-6,
            boundaries={
                "x-lower": fixed("1+t", transmissivity=0.5),
                "x-upper": {"kind": "surface", "specularity": 0.5},
                "y-lower": {"kind": "periodic"},
                "y-upper": {"kind": "periodic"},
            },
        )
    )
    before = float(made.inventory()["energy"][0])
    made.advance(0.4)
    gained = float(made.inventory()["energy"][0]) - before
    found = rows(made)
    assert gained == pytest.approx(sum(found.values()), rel=1e-12)
    # Each row matters.
    assert all(abs(found[name]) > 1e-3 * gained for name in ("x-lower", "source"))


def test_a_periodic_square_repeats_what_a_film_does() -> None:
    """Translation along y changes nothing, and periodic faces must not either."""
    pair = {side: {"kind": "periodic"} for side in ("y-lower", "y-upper")}
    sides = {"x-lower": fixed(1.0), "x-upper": fixed(0.0)}
    plane = rows(solved(box([24, 3], 0.5, directions={"polar": 8, "azimuthal": 64}, boundaries=sides | pair)))
    assert plane["x-lower"] == pytest.approx(rows(solved(film(0.5)))["x-lower"], rel=2e-4)


def test_a_mirrored_square_repeats_what_a_film_does() -> None:
    mirrors = {side: {"kind": "surface", "specularity": 1.0} for side in ("y-lower", "y-upper")}
    sides = {"x-lower": fixed(1.0), "x-upper": fixed(0.0)}
    plane = rows(solved(box([24, 3], 0.5, directions={"polar": 8, "azimuthal": 64}, boundaries=sides | mirrors)))
    assert plane["x-lower"] == pytest.approx(rows(solved(film(0.5)))["x-lower"], rel=2e-4)
    assert abs(sum(plane.values())) <= 1e-12 * plane["x-lower"]


def test_a_mirror_that_keeps_a_hundredth_is_found_by_the_balance() -> None:
    mirrors = {side: {"kind": "surface", "specularity": 1.0} for side in ("y-lower", "y-upper")}
    made = solver(box([8, 3], 0.5, boundaries={"x-lower": fixed(1.0), "x-upper": fixed(0.0)} | mirrors))
    made.advance(1.0)
    assert abs(sum(rows(made).values())) <= 1e-12 * rows(made)["x-lower"]
    leaking = solver(box([8, 3], 0.5, boundaries={"x-lower": fixed(1.0), "x-upper": fixed(0.0)} | mirrors))
    for keeping in leaking.problem.transport.keepings:
        keeping.factor[:] = 0.99
    leaking.advance(1.0)
    assert abs(sum(rows(leaking).values())) > 1e-3 * rows(leaking)["x-lower"]


def test_a_cube_thick_of_mean_free_paths_conducts_as_fourier_says() -> None:
    mirrors = {f"{axis}-{end}": {"kind": "surface", "specularity": 1.0} for axis in "yz" for end in ("lower", "upper")}
    sides = {"x-lower": fixed(1.0), "x-upper": fixed(0.0)}
    made = rows(solved(box([6, 2, 2], 0.01, directions={"polar": 2, "azimuthal": 8}, boundaries=sides | mirrors)))
    assert 4.0 * made["x-lower"] == pytest.approx(0.01314653524, rel=0.01)


def test_cells_that_feed_each_other_in_a_ring_are_solved_together() -> None:
    """Intervals closed to a ring have the solution of a long row of such rings, one after the other."""
    source = np.array([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0], [0.2, 0.7]])
    ring, row = swept(source, closed=True), swept(np.tile(source, (40, 1)), closed=False)
    assert ring == pytest.approx(row[-4:], rel=1e-12)


def swept(source: np.ndarray, closed: bool) -> np.ndarray:
    """What phonons with a mean free path of one make of lattice temperatures in cells of length one, from the left."""
    n = len(source)
    cells = np.stack([np.arange(n), np.arange(1, n + 1)], axis=1).astype(np.int32)
    mesh = Simplices(np.arange(n + 1.0)[:, None], cells, np.zeros(n, dtype=np.int32), ("row",))
    topology = Topology.of(mesh)
    if closed:  # face 1 of the first cell, at its vertex 0, is face 0 of the last one
        topology.neighbour[0, 1], topology.neighbour[-1, 0] = n - 1, 0
        topology.across[0, 1, 0], topology.across[-1, 0, 1] = 1, 0
    sweeper = Sweeper(
        topology.area, topology.volume, topology.neighbour, topology.across, mesh.region, n, topology.radius
    )
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    sweeper.materials(one, one, one, zero, one, np.ones((1, 1, 1)), np.zeros(1, dtype=np.int32), 1)
    kept, faces = np.zeros((1, 0, 1, 1)), np.zeros((2, 1, 1))
    sweeper.boundaries(faces, faces.copy(), np.full(2, -1, dtype=np.int32))
    sweeper.add([1.0, 0.0, 0.0], 1.0, 0, 0.0, [1.0])
    assert max(sweeper.order_of(0)[1]) == (n if closed else 1)
    theta, moments, nothing = np.zeros((n, 2, 1)), np.zeros((1, n, 2)), np.zeros(0)
    sweeper.sweep(0, 1, 0, -1, source, 0 * source, moments, theta, kept, kept.copy(), nothing, 0.0, nothing, nothing)
    return theta[:, :, 0]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_quadratures_have_the_sums_that_walls_need(dimension: int) -> None:
    angle = 0.3
    normals = np.eye(dimension)
    if dimension > 1:
        turned = np.eye(dimension)[0] * np.cos(angle) + np.eye(dimension)[1] * np.sin(angle)
        normals = np.concatenate(
            [normals, turned[None] * [[1.0] * dimension], turned[None] * ([1.0, -1.0, 1.0][:dimension])]
        )
    q = fitted(product(dimension, 4, 1 if dimension == 1 else 16), dimension, normals)
    s, w = q.directions[:, :dimension], q.weights
    assert w.sum() == pytest.approx(4.0 * np.pi, rel=1e-14)
    assert w @ s == pytest.approx(0.0, abs=1e-13)
    assert np.einsum("n,ni,nj", w, s, s) == pytest.approx(4.0 * np.pi / 3.0 * np.eye(dimension), abs=1e-12)
    for normal in normals:
        along = s @ normal
        assert (w * along)[along > 0.0].sum() == pytest.approx(np.pi, rel=1e-12)


def test_layers_of_one_material_without_an_interface_are_one_film() -> None:
    layers = film()["mesh"] | {"layers": {"left": [0.0, 0.4], "right": [0.4, 1.0]}}
    one = rows(solved(film(0.5, mesh=layers, material=gray(0.5))))
    assert one["x-lower"] == pytest.approx(rows(solved(film(0.5)))["x-lower"], rel=1e-6)


def test_around_pores_far_larger_than_mean_free_paths_fourier_is_right() -> None:
    """Rayleigh's square array of round pores; linear finite elements on this mesh are 0.8 % above."""
    ends = (("left", "right"), ("bottom", "top"))
    pairs = {name: {"kind": "periodic", "to": to} for one in ends for name, to in (one, one[::-1])}
    made = solver(
        {
            "mesh": {"kind": "file", "file": "pores.msh", "scale": 0.01},
            "material": gray(1e-4),
            "gradient": [-1.0, 0.0, 0.0],
            "initial": 0.0,
            "time_integration": "steady",
            "boundaries": {**pairs, "pore": {"kind": "surface"}},
        },
        Path(__file__).parents[3] / "cases" / "pores",
    )
    made.advance(1.0)
    porosity = np.pi * 0.3**2
    rayleigh = 1.0 - 2.0 * porosity / (1.0 + porosity - 0.305827 * porosity**4)
    flux = made.mean_flux() * made.problem.topology.volume.sum()
    assert flux[0] / (1e-4 / 3.0) == pytest.approx(rayleigh, rel=0.01)
    assert abs(flux[1]) < 1e-3 * flux[0] and flux[2] == 0.0
