"""Films: fluxes, slips and profiles against the integral equation, orders of convergence, and what balances."""

from __future__ import annotations

import numpy as np
import pytest

from .bodies import FILMS, film, fixed, gray, rows, solved, solver


@pytest.mark.parametrize(("kn", "q", "slip"), FILMS)
def test_a_gray_film_has_the_flux_and_the_slip_of_the_integral_equation(kn: float, q: float, slip: float) -> None:
    made = solved(film(kn))
    found, ends = rows(made), made.ends()
    assert ends is not None
    assert 4.0 * found["x-lower"] == pytest.approx(q, rel=1e-4)
    assert 0.75 / kn * 4.0 * found["x-lower"] == pytest.approx(0.75 / kn * q, rel=1e-4)
    assert 1.0 - ends[1][0, 0] == pytest.approx(slip, abs=1e-4)
    assert ends[1][-1, 1] == pytest.approx(slip, abs=1e-4)
    assert abs(sum(found.values())) <= 1e-12 * found["x-lower"]
    assert made.iterations <= 15


@pytest.mark.parametrize(("kn", "q", "slip"), FILMS)
def test_a_refined_film_agrees_to_six_digits(kn: float, q: float, slip: float) -> None:
    made = solved(film(kn, 256, directions={"polar": 32}))
    assert 4.0 * rows(made)["x-lower"] == pytest.approx(q, rel=1e-6)


def test_a_film_of_two_bands() -> None:
    """v = 1, heat capacities 1/2, mean free paths 0.1 and 10; by the integral equation."""
    two = {"kind": "bands", "heat_capacity": [0.5, 0.5], "velocity": [1.0, 1.0], "mean_free_path": [0.1, 10.0]}
    made = solved(film(material=two))
    ends = made.ends()
    assert ends is not None
    assert rows(made)["x-lower"] == pytest.approx(0.1310974166, rel=1e-4)
    assert 1.0 - ends[1][0, 0] == pytest.approx(0.0632247220, abs=1e-4)  # of the lattice


@pytest.mark.parametrize(("delta", "ratio"), [(0.1, 0.209132585), (1.0, 0.683856595), (10.0, 0.962500069)])
def test_along_a_film_with_diffuse_surfaces(delta: float, ratio: float) -> None:
    """Fuchs and Sondheimer's closed form of the conductivity along the film, over the bulk's."""
    rough = {"kind": "surface"}
    made = solved(
        film(1.0 / delta, gradient=[0.0, 1.0, 0.0], boundaries={"x-lower": rough, "x-upper": rough}, initial=0.0)
    )
    assert made.solution is not None
    flux = made.problem.topology.volume @ made.solution.flux[1].mean(axis=1)
    assert -flux / (1.0 / delta / 3.0) == pytest.approx(ratio, rel=1e-4)


def test_profiles_agree_with_the_integral_equation() -> None:
    """T(x) solves 2 T = E2(tau x) + integral E1(tau |x - x'|) T tau dx' for a film from 1 to 0: by Nystroem here."""
    kn = 0.5
    made = solved(film(kn))
    ends = made.ends()
    assert ends is not None
    x, exact = _nystroem(1.0 / kn)
    inner = slice(4, -4)  # at the walls the points of the integral equation end
    places, found = ends[0].ravel()[inner], ends[1].ravel()[inner]
    assert found == pytest.approx(np.interp(places, x, exact), abs=1e-4)


def _nystroem(tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss points, and T there with the kernel's singularity subtracted."""
    from scipy.special import expn

    nodes, weights = np.polynomial.legendre.leggauss(400)
    x, w = 0.5 * (nodes + 1.0), 0.5 * weights
    distance = np.abs(x[:, None] - x) + np.eye(len(x))
    kernel = tau * expn(1, tau * distance) * w * (1.0 - np.eye(len(x)))
    whole = 2.0 - expn(2, tau * x) - expn(2, tau * (1.0 - x))
    matrix = np.diag(2.0 - whole + kernel.sum(axis=1)) - kernel
    return x, np.linalg.solve(matrix, expn(2, tau * x))


def test_order_in_space() -> None:
    """Linear elements on even cells: second order at least."""
    mesh = film()["mesh"] | {"grading": 0.0}
    fine = {"directions": {"polar": 24}}
    q = [4.0 * rows(solved(film(0.3, mesh=mesh | {"cells": n}, **fine)))["x-lower"] for n in (8, 16, 32, 256)]
    errors = np.abs(np.array(q[:-1]) - q[-1])
    orders = np.log2(errors[:-1] / errors[1:])
    assert (orders > 1.9).all(), orders


def test_order_in_angle() -> None:
    q = [4.0 * rows(solved(film(1.0, 256, directions={"polar": n})))["x-lower"] for n in (3, 6, 12)]
    errors = np.abs(np.array(q) - 0.55340599333)
    assert (np.log2(errors[:-1] / errors[1:]) > 3.0).all(), errors


@pytest.mark.parametrize("tolerance", [1e-3, 1e-10])
def test_energy_balances_at_any_tolerance(tolerance: float) -> None:
    made = solved(film(0.001, tolerance=tolerance))
    found = rows(made)
    assert abs(sum(found.values())) <= 1e-12 * found["x-lower"]


def test_without_the_last_correction_energy_does_not_balance() -> None:
    unlike = {"x-lower": fixed(1.0), "x-upper": fixed(0.0, transmissivity=0.3)}
    made = solved(film(0.1, tolerance=9e-3, boundaries=unlike))
    assert made.solution is not None
    walls = made.problem.walls
    out = sum(float(walls.crossing(wall, made.solution.arriving).sum()) for wall in walls.walls)
    assert abs(out) > 1e-9 * rows(made)["x-lower"]


def test_nothing_flows_at_equal_temperatures() -> None:
    layers = film()["mesh"] | {"layers": {"left": [0.0, 0.4], "right": [0.4, 1.0]}}
    made = solved(
        film(
            mesh=layers,
            material={"left": gray(0.3), "right": gray(0.2, 2.0, 0.7)},
            initial=300.0,
            boundaries={"x-lower": fixed(300.0), "x-upper": fixed(300.0, transmissivity=0.3)},
        )
    )
    assert max(abs(heat) for heat in rows(made).values()) <= 1e-14 * 0.25 * 300.0


@pytest.mark.parametrize("t", [0.2, 0.4, 0.9])
def test_two_layers_and_their_interface_have_the_resistance_of_the_closed_form(t: float) -> None:
    """C v R / 4 = 1/Q + 1/Q + 1/t - 2: to either half the interface is a wall that emits what the other says."""
    layers = film()["mesh"] | {"layers": {"left": [0.0, 0.5], "right": [0.5, 1.0]}, "cells": 128}
    between = {"regions": ["left", "right"], "kind": "transmissivity", "transmissivity": t}
    made = solved(film(mesh=layers, material={"left": gray(0.5), "right": gray(0.5)}, interfaces=[between]))
    expected = 2.0 / 0.55340599333 + 1.0 / t - 2.0
    assert 0.25 / rows(made)["x-lower"] == pytest.approx(expected, rel=1e-6)


def test_a_given_heat_asks_for_its_temperature() -> None:
    """What a flux boundary lets in arrives, and the temperature beyond is that which would drive it."""
    made = solved(film(0.5, boundaries={"x-lower": {"kind": "flux", "flux": 0.07}, "x-upper": fixed(0.0)}))
    assert made.solution is not None
    wall = made.problem.wall("x-lower")
    beyond = made.problem.walls.beyond(wall, made.solution.arriving[wall.faces])
    same = solved(film(0.5, boundaries={"x-lower": fixed(float(beyond[0, 0]) + 0.5), "x-upper": fixed(0.0)}))
    assert rows(made)["x-lower"] == pytest.approx(0.07, rel=1e-14)
    assert rows(same)["x-lower"] == pytest.approx(0.07, rel=1e-8)


def test_save_and_restore_repeat_a_step_bit_for_bit() -> None:
    made = solver(film(0.5, time_integration="sdirk2", step=0.1))
    made.advance(0.1)
    kept = made.save()
    made.advance(0.1)
    first = made.temperature.copy(), rows(made)
    made.restore(kept)
    made.advance(0.1)
    assert np.array_equal(first[0], made.temperature)
    assert first[1] == rows(made)
