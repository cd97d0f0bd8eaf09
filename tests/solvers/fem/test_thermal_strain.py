"""Thermal strain against closed forms, and the heat that straining takes: books to round-off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.errors import SolverError

from .bodies import SIDES
from .solids import CLAMPED, at, beam, held, imbalance, rows, solid

YOUNG, POISSON, ALPHA, COLD = 100.0, 0.3, 1e-3, 300.0
BETA = YOUNG * ALPHA / (1 - 2 * POISSON)
"""(3 lambda + 2 mu) alpha."""
HEATED: dict[str, Any] = {"expansion": ALPHA, "reference_temperature": COLD}
ROLLERS: dict[str, Any] = {f"{axis}-lower": {"kind": "displacement", axis: 0.0} for axis in "xy"}


def test_a_free_body_expands_without_stress() -> None:
    """In plane strain by (1 + nu) alpha theta; the third direction is held, so the plane bears stress and no force."""
    body = solid(
        beam(), **HEATED, temperature="300 + 50*t", step=1.0, time_integration="quasi-static", boundaries=ROLLERS
    )
    body.advance(1.0)
    strain = (1 + POISSON) * ALPHA * 50.0
    assert at(body, 2.0, 1.0) == pytest.approx([2 * strain, strain], rel=1e-12)
    assert rows(body)["x-lower"][:2] == pytest.approx(0.0, abs=1e-12)


def test_a_free_body_in_space_expands_by_alpha_theta() -> None:
    body = solid(
        {"kind": "box", "lower": [0, 0, 0], "upper": [2, 1, 1], "cells": [2, 2, 2]},
        **HEATED, temperature=350.0, step=1.0, time_integration="quasi-static",
        boundaries=ROLLERS | {"z-lower": {"kind": "displacement", "z": 0.0}},
    )  # fmt: skip
    body.advance(1.0)
    assert at(body, 2.0, 1.0, 1.0) == pytest.approx([2 * ALPHA * 50, ALPHA * 50, ALPHA * 50], rel=1e-12)


def test_a_clamped_body_bears_the_whole_stress() -> None:
    """sigma = -beta theta on every side, whatever the mesh."""
    held_fast = {name: {"kind": "displacement", "x": 0.0, "y": 0.0} for name in SIDES}
    body = solid(
        beam(3, 3), **HEATED, temperature="300 + 50*t", step=1.0, time_integration="quasi-static", boundaries=held_fast
    )
    body.advance(1.0)
    for name, normal, size in zip(SIDES, ([-1, 0], [1, 0], [0, -1], [0, 1]), (1, 1, 2, 2), strict=True):
        assert rows(body)[name][:2] == pytest.approx(-BETA * 50 * size * np.array(normal), abs=1e-11)


def test_a_hot_side_bends_a_strip() -> None:
    """A linear temperature is free of stress: the strip bends to the curvature (1 + nu) alpha dT/dy."""
    curvature = (1 + POISSON) * ALPHA * 20
    body = solid(
        {"kind": "box", "lower": [0, -0.5], "upper": [10, 0.5], "cells": [10, 2]}, order=2, **HEATED,
        temperature="300 + 20*y", step=1.0, time_integration="quasi-static",
        boundaries={"x-lower": {"kind": "displacement", "x": 0.0, "y": f"{curvature / 2}*y**2"}},
    )  # fmt: skip
    body.advance(1.0)
    assert at(body, 10.0, 0.0)[1] == pytest.approx(-curvature * 50, rel=1e-10)


@pytest.mark.parametrize("more", [{}, {"spectral_radius": 0.5}, {"time_integration": "quasi-static"}, {"order": 2}])
def test_the_books_balance(more: dict[str, Any]) -> None:
    body = solid(
        beam(), **HEATED, temperature="300 + 40*x*sin(5*t)", velocity=["0.3*x", "0.2*x*y"], boundaries=CLAMPED, **more
    )
    rest, through, brought = imbalance(body)
    assert (np.abs(rest[:3]) <= 1e-12 * through[:3] + 1e-14).all(), (rest, through)
    assert abs(rest[3]) <= 1e-13 * through[3]
    assert abs(brought["heat"][3]) > 0.1 * through[3]
    if not more:
        assert abs(brought["numerical dissipation"][3]) < 1e-13 * through[3]


def test_what_a_partner_gives_is_in_the_books_node_by_node() -> None:
    body = solid(beam(), **HEATED, velocity=["0.3*x", "0.2*x*y"], boundaries=CLAMPED)
    thermal = body.open_volume()
    x = thermal.space.points[: thermal.space.owned, 0]
    thermal.start_at(np.full_like(x, COLD))
    assert "heat" not in body.rows()
    before, heat = held(body), np.zeros_like(x)
    for window in range(4):
        thermal.set_temperature(COLD + 10 * x * window, body.time + 0.12)
        body.advance(0.12)
        heat += thermal.crossed
    rest = held(body) - before - sum(rows(body).values())
    assert rest[3] == pytest.approx(heat.sum(), rel=1e-12)
    # Straining takes beta T div u, here nearly T0 beta of the change of volume, which the ends' motion tells.
    swelling = BETA * sum(body.displacement.reshape(-1, 2)[n] @ w for n, w in enumerate(volume_weights(body)))
    assert heat.sum() == pytest.approx(COLD * swelling, rel=0.1)


def volume_weights(body: Any) -> np.ndarray:
    """The derivative of the body's volume by every point's displacement, (n, 2), for linear elements."""
    from suture.solvers.fem.engine import assemble_vector, compiled, ufl

    form = compiled(ufl.div(ufl.TestFunction(body.space.functions)) * ufl.dx)
    return assemble_vector(form, body.space.function()).reshape(-1, 2)


def test_restored_with_its_temperature() -> None:
    body = solid(beam(), **HEATED, boundaries=CLAMPED)
    thermal = body.open_volume()
    thermal.set_temperature(np.full(thermal.space.owned, 320.0), 0.3)
    body.advance(0.12)
    state = body.save()
    body.advance(0.12)
    first, heat = body.displacement.copy(), thermal.crossed.copy()
    body.restore(state)
    body.advance(0.12)
    assert (body.displacement == first).all() and (thermal.crossed == heat).all()


def test_a_body_that_does_not_expand_has_no_volume_to_open() -> None:
    with pytest.raises(SolverError, match="a body without 'expansion' does not feel a temperature"):
        solid(beam()).open_volume()
