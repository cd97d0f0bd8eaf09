"""Solid mechanics by finite elements: orders of convergence, patch tests, beams and rigid motions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.errors import SolverError
from suture.solvers.fem import solid_balance
from suture.solvers.fem.solid_balance import Balance
from suture.solvers.fem.solid_loads import vector_at

from .bodies import SIDES, orders, square
from .solids import CLAMPED, LAWS, at, beam, held, mixed, rows, solid

# -- manufactured solutions --------------------------------------------------------------------------------------------

A, B, K, LAME, SHEAR = 1.3, 0.9, 0.6, 2.0, 1.0


def linear_wave(omega: float) -> dict[str, Any]:
    """u = (sin ax cos by, k cos ax sin by) cos wt.

    div sigma = (lambda + mu) grad div u + mu laplace u with div u = (a + k b) cos ax cos by cos wt and
    laplace u = -(a^2 + b^2) u.
    """
    div, laplace = (LAME + SHEAR) * (A + K * B), SHEAR * (A**2 + B**2)
    shape, course = [f"sin({A}*x)*cos({B}*y)", f"cos({A}*x)*sin({B}*y)"], f"cos({omega}*t)"
    weights = [div * A + laplace - omega**2, div * B + (laplace - omega**2) * K]
    return {
        "displacement": [shape[0], f"{K}*{shape[1]}"],
        "body_force": [f"{weight}*{each}*{course}" for weight, each in zip(weights, shape, strict=True)],
        "reference": [f"{shape[0]}*{course}", f"{K}*{shape[1]}*{course}"],
    }


ANGLE = 0.5
COS, SIN = float(np.cos(ANGLE)), float(np.sin(ANGLE))


def stretched(law: str) -> dict[str, Any]:
    """A bar that a stretch F = 1 + g' along x, g = sin(2x) cos(t/4) / 8, deforms, turned by an angle as a whole.

    Its force is rho g'' - dP/dF(F) g_xx along x, turned likewise, with P = (mu + lambda / 2) (F - 1/F) or
    (lambda + 2 mu) (F^3 - F) / 2.
    """
    g, f, gxx = "0.125*sin(2*x)*cos(t/4)", "(1 + 0.25*cos(2*x)*cos(t/4))", "(-0.5*sin(2*x)*cos(t/4))"
    tangent = f"{0.5 * (LAME + 2 * SHEAR)}*(3*{f}**2 - 1)"
    if law == "neo-hookean":
        tangent = f"{SHEAR + 0.5 * LAME}*(1 + 1/{f}**2)"
    force = f"(-{g}/16 - {tangent}*{gxx})"
    u = [f"{COS}*(x + {g}) - {SIN}*y - x", f"{SIN}*(x + {g}) + {COS}*y - y"]
    at_start = [each.replace("*cos(t/4)", "") for each in u]
    return {
        "material": law,
        "displacement": at_start,
        "body_force": [f"{COS}*{force}", f"{SIN}*{force}"],
        "reference": u,
    }


def manufactured(n: int, order: int, step: float, problem: dict[str, Any], **more: Any) -> Any:
    given = dict(zip("xy", problem["reference"], strict=True))
    body = solid(
        square(n), order=order, step=step, lame=LAME, shear=SHEAR,
        boundaries={name: {"kind": "displacement", **given} for name in SIDES}, **problem, **more,
    )  # fmt: skip
    body.advance(0.5)
    return body


@pytest.mark.parametrize(("order", "sizes"), [(1, (8, 16, 32)), (2, (4, 8, 16))])
def test_order_in_space(order: int, sizes: tuple[int, ...]) -> None:
    """One more than the elements', in the mean square; steps are so short that they do not show."""
    errors = [mean_square(manufactured(n, order, 0.5 / 16 / 2**order, linear_wave(0.5))) for n in sizes]
    assert orders(errors)[-1] > order + 1 - 0.15, errors


@pytest.mark.parametrize("law", ["st-venant-kirchhoff", "neo-hookean"])
@pytest.mark.parametrize(("order", "sizes"), [(1, (4, 8, 16)), (2, (2, 4, 8))])
def test_order_in_space_with_large_displacements(law: str, order: int, sizes: tuple[int, ...]) -> None:
    errors = [mean_square(manufactured(n, order, 0.5 / 8 / 2**order, stretched(law))) for n in sizes]
    assert orders(errors)[-1] > order + 1 - 0.25, errors


def mean_square(body: Any) -> float:
    """Error at the nodes, in the mean square weighted by the mass."""
    error = body.displacement - vector_at(body.space, body.settings.reference, body.time)
    return float(np.sqrt(error @ (body._mass @ error)))


@pytest.mark.parametrize("radius", [1.0, 0.5, 0.0])
def test_order_in_time(radius: float) -> None:
    errors = [
        manufactured(4, 4, 0.5 / n, linear_wave(2.0), spectral_radius=radius).largest_error() for n in (8, 16, 32)
    ]
    assert orders(errors)[-1] == pytest.approx(2.0, abs=0.2), errors


# -- exact states ------------------------------------------------------------------------------------------------------

GRADIENT = np.array([[0.10, 0.25], [-0.05, 0.20]])


def stress(law: str, gradient: np.ndarray) -> np.ndarray:
    """First Piola-Kirchhoff stress of a uniform displacement gradient, in a plane."""
    f, identity = np.eye(2) + gradient, np.eye(2)
    if law == "linear":
        return LAME * np.trace(gradient) * identity + SHEAR * (gradient + gradient.T)
    if law == "neo-hookean":
        inverse = np.linalg.inv(f).T
        return SHEAR * (f - inverse) + 0.5 * LAME * (np.linalg.det(f) ** 2 - 1.0) * inverse
    strain = 0.5 * (f.T @ f - identity)
    return f @ (LAME * np.trace(strain) * identity + 2.0 * SHEAR * strain)


def crooked(path: Path, n: int = 4) -> Path:
    """A unit square of n by n quadrilaterals' triangles, whose inner points are anywhere."""
    import meshio

    x, y = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1), indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    inner = (np.abs(points - 0.5) < 0.49).all(axis=1)
    points[inner] += 0.3 / n * np.random.default_rng(1).uniform(-1, 1, (inner.sum(), 2))
    i, j = np.meshgrid(range(n), range(n), indexing="ij")
    corner = (i * (n + 1) + j).ravel()
    cells = [
        np.stack([corner, corner + n + 1, corner + n + 2], axis=1),
        np.stack([corner, corner + n + 2, corner + 1], axis=1),
    ]
    meshio.write(path, meshio.Mesh(points, {"triangle": np.concatenate(cells)}))
    return path


@pytest.mark.parametrize("law", LAWS)
def test_patch(law: str, tmp_path: Path) -> None:
    """On a crooked mesh a uniform strain is exact, and each side bears what the stress says."""
    crooked(tmp_path / "crooked.vtu")
    u = {axis: f"t*({row[0]}*x + {row[1]}*y)" for axis, row in zip("xy", GRADIENT, strict=True)}
    places = dict(zip(SIDES, ("x", "x - 1", "y", "y - 1"), strict=True))
    body = solid(
        {"kind": "file", "file": "crooked.vtu"}, directory=tmp_path, material=law, step=1.0, lame=LAME, shear=SHEAR,
        time_integration="quasi-static", reference=list(u.values()),
        boundaries={name: {"kind": "displacement", "where": where, **u} for name, where in places.items()},
    )  # fmt: skip
    body.advance(1.0)
    assert body.largest_error() < 1e-13
    piola, brought = stress(law, GRADIENT), rows(body)
    for name, normal in zip(SIDES, ([-1, 0], [1, 0], [0, -1], [0, 1]), strict=True):
        assert brought[name][:2] == pytest.approx(piola @ normal, abs=1e-12)


@pytest.mark.parametrize("law", LAWS[1:])
def test_a_rigid_rotation_is_free_of_stress(law: str) -> None:
    angle = 1.1
    body = solid(beam(), material=law)
    turned = [f"{np.cos(angle)}*x - {np.sin(angle)}*y - x + 3", f"{np.sin(angle)}*x + {np.cos(angle)}*y - y - 1"]
    turn = solid(beam(), material=law, displacement=turned).displacement
    assert np.abs(body._inner.force(turn)).max() < 1e-12
    assert abs(body._inner.energy(turn)) < 1e-13
    stretch = vector_at(body.space, solid(beam(), displacement=["0.1*x", 0]).settings.displacement)
    assert np.abs(body._inner.force(stretch)).max() > 1.0


@pytest.mark.parametrize("law", LAWS[1:])
def test_small_strains_are_seen_as_well_as_large_ones(law: str) -> None:
    """A strain of 1e-9 has its stress and its energy to nine digits, as far as the law is linear there."""
    small, linear = (solid(beam(), material=each, displacement=["1e-9*x*y", "1e-9*y"]) for each in (law, "linear"))
    u = small.displacement
    expected = linear._inner.force(u)
    assert np.abs(small._inner.force(u) - expected).max() < 1e-8 * np.abs(expected).max()
    assert small._inner.energy(u) == pytest.approx(linear._inner.energy(u), rel=1e-8)


@pytest.mark.parametrize("law", LAWS[1:])
def test_energy_is_the_same_on_both_sides_of_where_its_formula_changes(law: str) -> None:
    """Between the series for small strains and the logarithm."""
    body = solid(beam(), material=law)
    stretch = vector_at(body.space, solid(beam(), displacement=["x", 0]).settings.displacement)
    below, above = (body._inner.energy((0.00498756 + d) * stretch) for d in (0.0, 1e-6))
    slope = float(body._inner.force(0.00498756 * stretch) @ stretch)
    assert above - below == pytest.approx(1e-6 * slope, rel=1e-3)


@pytest.mark.parametrize("law", LAWS[1:])
def test_the_tangent_is_the_forces_derivative(law: str) -> None:
    body = solid(beam(), material=law, displacement=["0.1*x*y", "0.2*x**2"])
    here, random = body.displacement, np.random.default_rng(2).standard_normal(body.displacement.shape)
    exact = body._inner.tangent(here) @ random
    h = 1e-5
    difference = (body._inner.force(here + h * random) - body._inner.force(here - h * random)) / (2 * h)
    assert np.abs(difference - exact).max() < 1e-6 * np.abs(exact).max()
    work = (body._inner.energy(here + h * random) - body._inner.energy(here - h * random)) / (2 * h)
    assert work == pytest.approx(float(body._inner.force(here) @ random), rel=1e-7)


def test_newton_converges_quadratically(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[float] = []
    relative = Balance._relative

    def noted(self: Balance, *terms: Any) -> float:
        sizes.append(relative(self, *terms))
        return sizes[-1]

    monkeypatch.setattr(Balance, "_relative", noted)
    monkeypatch.setattr(solid_balance, "_NEAR", 0.0)
    load = {"x-upper": {"kind": "traction", "traction": [0.0, 0.5]}}
    body = solid(beam(), material="neo-hookean", time_integration="quasi-static", step=1.0, boundaries=CLAMPED | load)
    body.advance(1.0)
    quadratic = [after / before**2 for before, after in pairwise(sizes) if 1e-6 < before < 0.5]
    assert len(quadratic) == 2 and max(quadratic) < 1.0, sizes
    assert sizes[-1] < 1e-13


def test_a_boundary_may_go_far_in_one_step() -> None:
    """Two elements' lengths: the others go along in the first step of Newton's method, and none is torn."""
    pushed = CLAMPED | {"x-upper": {"kind": "displacement", "x": -0.5, "y": 0.3}}
    body = solid(beam(), material="neo-hookean", time_integration="quasi-static", step=1.0, boundaries=pushed)
    body.advance(1.0)
    assert at(body, 2.0, 0.5) == pytest.approx([-0.5, 0.3], rel=1e-14)


# -- beams -------------------------------------------------------------------------------------------------------------


def test_the_first_frequency_of_a_cantilever() -> None:
    """Euler and Bernoulli: omega = 1.8751^2 sqrt(E I / (rho A L^4)), here with L / h = 20 within 1 %.

    It starts with the velocity of the deflection under a uniform load, near the mode; half a period is between two
    returns of the tip to the middle.
    """
    young, length, height = 1e4, 20.0, 1.0
    omega = 1.875104**2 * np.sqrt(young / 12.0) * height / length**2
    step = 2 * np.pi / omega / 80
    body = solid(
        {"kind": "box", "lower": [0, 0], "upper": [length, height], "cells": [20, 1]}, order=2, step=step,
        young=young, poisson=0.0, velocity=[0, f"1e-6*x**2*({6 * length**2} - {4 * length}*x + x**2)"],
        boundaries=CLAMPED,
    )  # fmt: skip
    times, tips = [0.0], [0.0]
    while body.time < 1.2 * 2 * np.pi / omega:
        body.advance(step)
        times.append(body.time)
        tips.append(at(body, length, 0.5)[1])
    first, second, *_ = (
        times[n] + step * abs(tips[n]) / abs(tips[n + 1] - tips[n])
        for n in range(1, len(tips) - 1)
        if tips[n] * tips[n + 1] < 0.0
    )
    assert np.pi / (second - first) == pytest.approx(omega, rel=0.01)


def test_a_cantilever_in_space_under_its_weight() -> None:
    """q L^4 / (8 E I) for the tip, within 1 %, by multigrid."""
    young, length, weight = 1e4, 10.0, 0.01
    body = solid(
        {"kind": "box", "lower": [0, 0, 0], "upper": [length, 1, 1], "cells": [10, 1, 1], "cell": "hexahedron"},
        order=2, young=young, poisson=0.0, step=1.0, time_integration="quasi-static", body_force=[0, 0, -weight],
        linear_solver="iterative",
        boundaries={"x-lower": {"kind": "displacement", "x": 0, "y": 0, "z": 0}},
    )  # fmt: skip
    body.advance(1.0)
    assert at(body, length, 0.5, 0.5)[2] == pytest.approx(-weight * length**4 / (8 * young / 12), rel=0.01)
    assert rows(body)["x-lower"][2] == pytest.approx(weight * length, rel=1e-10)


# -- rewind, errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
def test_save_and_restore_repeat_a_window_to_the_last_bit(law: str) -> None:
    body = mixed(law, spectral_radius=0.8)
    body.advance(0.12)
    state = body.save()
    body.advance(0.12)
    first, first_rows, first_held = body.displacement.copy(), rows(body), held(body)
    body.restore(state)
    body.advance(0.12)
    assert (body.displacement == first).all() and (held(body) == first_held).all()
    assert all((rows(body)[name] == values).all() for name, values in first_rows.items())


def test_another_body_goes_on_from_what_was_saved() -> None:
    one, other = mixed("neo-hookean"), mixed("neo-hookean")
    one.advance(0.12)
    other.restore(one.save())
    one.advance(0.12)
    other.advance(0.12)
    assert (one.displacement == other.displacement).all()


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no such place": (
        {"boundaries": {"tip": {"kind": "traction", "traction": [1, 0], "where": "x - 3"}}},
        "boundary 'tip': no facets on the rim of the mesh",
    ),
    "no region": ({"young": {"steel": 1.0}}, "young names the region 'steel'; the mesh names none"),
    "unstable": ({"poisson": 0.5}, "poisson is not between -1 and 0.5 everywhere; the body would not be stable"),
    "unstable too": ({"young": None, "poisson": None, "lame": -1.0, "shear": 1.0}, "lame is not above -2/3 of shear"),
    "no mass": ({"density": "x - 1"}, "density is .* it must be positive"),
    "not finite": (
        {
            "boundaries": {"x-upper": {"kind": "traction", "traction": ["1/(t - 0.05)", 0]}},
            "time_integration": "quasi-static",
        },
        "the displacement is not finite at time 0.05: look at the boundaries' formulas",
    ),
    "too much": (
        {
            "boundaries": CLAMPED | {"x-upper": {"kind": "displacement", "x": -2.5}},
            "material": "neo-hookean",
            "time_integration": "quasi-static",
        },
        r"the displacements at time 0.05 have not converged in 25 Newton steps, .* try a smaller 'step'",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    settings, message = MISTAKES[name]
    with pytest.raises(SolverError, match=message):
        solid(beam(), **({"boundaries": CLAMPED} | settings)).advance(0.05)


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "half": ({"poisson": None}, "the elasticity is given by young; it must be young and poisson, or lame and shear"),
    "nothing free": ({"boundaries": {"x-lower": {"kind": "displacement"}}}, "no direction is given"),
    "along z": ({"boundaries": {"x-lower": {"kind": "displacement", "z": 0}}}, "along z; the mesh is plane"),
    "three": ({"body_force": [0, 0, 1]}, "body_force has 3 components; the mesh has 2 dimensions"),
    "expansion": ({"expansion": 1e-5, "material": "neo-hookean"}, "'material' must be 'linear'"),
    "temperature": ({"temperature": 300.0}, "a temperature without 'expansion' has no effect"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_do_not_fit(name: str) -> None:
    settings, message = SETTINGS[name]
    with pytest.raises(ValueError, match=message):
        solid(beam(), **settings)


def test_no_seam_of_that_name() -> None:
    with pytest.raises(SolverError, match="the body has no seam 'cut'; it has none"):
        solid(beam()).seam("cut")
