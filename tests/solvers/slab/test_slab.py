"""The slab against exact solutions, its orders, its books, its seams, and what it says to mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from suture.solvers.slab import Slab, SlabSettings, SolverError

W = 2.0
"""Wave number of the exact solution exp(-W² t) cos(W x) of k = c = 1."""


def slab(**changes: Any) -> Slab:
    tables = {
        "lower": [0, 0, 0],
        "upper": [1, 2, 3],
        "cells": 20,
        "conductivity": 1.0,
        "capacity": 1.0,
        "initial": f"cos({W}*x)",
        "step": 0.01,
        "boundaries": {"lower": {"kind": "flux", "flux": 0.0}, "upper": {"kind": "flux", "flux": 0.0}},
    }
    return Slab(SlabSettings.model_validate(tables | changes))


def exact(x: Any, t: float) -> Any:
    return np.exp(-W * W * t) * np.cos(W * x)


def entering(begin: float, end: float) -> float:
    """Mean rate at which the exact solution lets heat in at x = 1."""
    part = (np.exp(-W * W * begin) - np.exp(-W * W * end)) / (W * W)
    return -W * np.sin(W) * part / (end - begin)


def centres(solver: Slab) -> np.ndarray:
    return solver.settings.centres()


def run(solver: Slab, until: float) -> Slab:
    while solver.time < until - 1e-12:
        solver.advance(solver.max_dt)
    return solver


OUTER = {
    "temperature": {"kind": "temperature", "temperature": f"exp(-{W * W}*t)*{np.cos(W)}"},
    "flux": {"kind": "flux", "flux": f"-{W * np.sin(W)}*exp(-{W * W}*t)"},
    "convection": {
        "kind": "convection",
        "coefficient": 5.0,
        "temperature": f"exp(-{W * W}*t)*{np.cos(W) - W * np.sin(W) / 5.0}",
    },
}


def boundaries(upper: str) -> dict[str, Any]:
    return {"lower": {"kind": "flux", "flux": 0.0}, "upper": OUTER[upper]}


@pytest.mark.parametrize("upper", OUTER)
@pytest.mark.parametrize(("scheme", "order"), [("sdirk2", 2), ("backward-euler", 1)])
def test_orders_in_space_and_time(upper: str, scheme: str, order: int) -> None:
    errors = []
    for n in (1, 2, 4):
        step = 0.02 / n ** (2 / order)  # the space's error, of second order, and the time's fall alike
        solver = run(slab(cells=10 * n, step=step, time_integration=scheme, boundaries=boundaries(upper)), 0.4)
        errors.append(np.sqrt(np.mean((solver.temperature - exact(centres(solver), 0.4)) ** 2)))
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (rates > 1.85).all(), rates
    assert errors[-1] < 1e-3


def test_a_jump_of_the_conductivity_costs_nothing() -> None:
    held = {"lower": {"kind": "temperature", "temperature": 1.0}, "upper": {"kind": "temperature", "temperature": 0.0}}
    kinked = slab(
        conductivity="50.5+49.5*tanh(1e9*(x-0.5))", initial=0.0, cells=10, step=50.0, boundaries=held,
        time_integration="backward-euler",
    )  # fmt: skip
    for _ in range(60):
        kinked.advance(50.0)
    x = centres(kinked)
    flux = 1.0 / (0.5 / 1.0 + 0.5 / 100.0)
    steady = np.where(x < 0.5, 1.0 - flux * x, flux * (1.0 - x) / 100.0)
    assert kinked.temperature == pytest.approx(steady, abs=1e-12)


def test_a_source_makes_the_parabola() -> None:
    held = {end: {"kind": "temperature", "temperature": 0.0} for end in ("lower", "upper")}
    made = slab(source="8", initial=0.0, cells=40, boundaries=held, time_integration="backward-euler", step=1e3)
    for _ in range(5):
        made.advance(1e3)
    x = centres(made)
    assert made.temperature == pytest.approx(4 * x * (1 - x), abs=1.1 * 8 / 8 / 40**2)
    assert made.rows()["source"]["energy"][0] == pytest.approx(8 * 6 * 5e3)


@pytest.mark.parametrize("scheme", ["sdirk2", "backward-euler"])
def test_the_books_balance_to_round_off(scheme: str) -> None:
    sides = {
        "lower": {"kind": "convection", "coefficient": 3.0, "temperature": "sin(9*t)"},
        "upper": {"kind": "temperature", "temperature": "1 + t"},
    }
    solver = slab(
        source="x + sin(t)", conductivity="1e3 + 999*sin(9*x)", capacity="1 + x", boundaries=sides,
        time_integration=scheme,
    )  # fmt: skip
    opening = solver.inventory()["energy"][0]
    run(solver, 2.0)
    rows = {name: row["energy"][0] for name, row in solver.rows().items()}
    assert set(rows) == {"lower", "upper", "source"}
    change = solver.inventory()["energy"][0] - opening
    assert abs(change - sum(rows.values())) < 1e-13 * sum(map(abs, rows.values()))
    assert min(map(abs, rows.values())) > 0.1


def seam(condition: str, coefficient: float = 0.0, **changes: Any) -> Slab:
    sides = {"lower": {"kind": "flux", "flux": 0.0}, "upper": {"kind": "seam"}}
    solver = slab(boundaries=sides, **changes)
    solver.condition("upper", condition, coefficient)  # type: ignore[arg-type]
    solver.seam("upper").start_at(exact(1.0, 0.0))
    return solver


def couple(solver: Slab, until: float, off: float = 0.0) -> float:
    """Feed the seam the exact flux and temperature; returns the heat that entered."""
    taken, dt = 0.0, solver.max_dt
    while solver.time < until - 1e-12:
        begin, end = solver.time, solver.time + dt
        solver.seam("upper").set_flux(entering(begin, end) + off)
        solver.seam("upper").set_temperature(exact(1.0, end), end)
        solver.advance(dt)
        taken += solver.crossed("upper")
    return taken


@pytest.mark.parametrize("condition", ["temperature", "flux", "robin"])
@pytest.mark.parametrize(("scheme", "order"), [("sdirk2", 2), ("backward-euler", 1)])
def test_seams_are_of_second_order(condition: str, scheme: str, order: int) -> None:
    """Slab, heat that entered, and the face's temperature, which the partner gets."""
    errors = []
    for n in (1, 2, 4):
        step = 0.02 / n ** (2 / order)
        solver = seam(condition, 5.0, cells=10 * n, step=step, time_integration=scheme)
        taken = couple(solver, 0.4)
        errors.append(
            [
                np.sqrt(np.mean((solver.temperature - exact(centres(solver), 0.4)) ** 2)),
                abs(taken - 6 * 0.4 * entering(0.0, 0.4)),
                abs(solver.seam("upper").temperature - exact(1.0, 0.4)),
            ]
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.log2(np.divide(errors[:-1], errors[1:]))
    exactly = np.array(errors[1:]) < 1e-13
    assert (exactly | (rates > 1.8)).all(), rates


def test_the_face_is_of_second_order_in_time_alone() -> None:
    """On one grid: its own error is subtracted by a solution with a very small step."""
    faces = []
    for step in (0.04, 0.02, 0.01, 0.0005):
        solver = seam("flux", step=step)
        couple(solver, 0.4)
        faces.append(solver.seam("upper").temperature)
    errors = np.abs(np.array(faces[:-1]) - faces[-1])
    assert (np.log2(errors[:-1] / errors[1:]) > 1.8).all(), errors


def test_robin_takes_what_its_face_says() -> None:
    """A rate that is off by 1 is mostly refused where h is large, and the books know what was taken."""
    solver = seam("robin", 1e3)
    opening = solver.inventory()["energy"][0]
    taken = couple(solver, 0.4, off=1.0)
    assert solver.inventory()["energy"][0] - opening == pytest.approx(taken, rel=1e-13)
    sent = 6 * 0.4 * (entering(0.0, 0.4) + 1.0)
    assert abs(taken - sent) > 0.8 * 6 * 0.4


@pytest.mark.parametrize("condition", ["temperature", "flux", "robin"])
def test_a_repeated_step_is_identical(condition: str) -> None:
    solver = seam(condition, 2.0)
    couple(solver, 0.1)
    saved = solver.save()
    results = []
    for _ in range(2):
        solver.restore(saved)
        couple(solver, 0.2)
        results.append([solver.temperature.copy(), solver.seam("upper").temperature, solver.crossed("upper")])
    for first, second in zip(*results, strict=True):
        assert np.array_equal(first, second)


def test_what_a_step_cannot_follow_is_damped() -> None:
    """Hot meets cold, in one step that is ten thousand times what heat needs to cross a cell."""
    held = {"lower": {"kind": "temperature", "temperature": 1.0}, "upper": {"kind": "temperature", "temperature": 0.0}}
    solver = slab(initial=0.0, cells=100, step=1.0, boundaries=held)
    for _ in range(2):
        solver.advance(1.0)
        assert (np.diff(solver.temperature) < 0.0).all()
    assert np.abs(solver.temperature - (1.0 - centres(solver))).max() < 0.05


def test_a_seam_interpolates_in_time() -> None:
    """The partner's temperature goes in a straight line over steps that do not divide the time, and then stays."""
    solver = seam("temperature")
    solver.seam("upper").start_at(0.0)
    solver.seam("upper").set_temperature(1.0, 0.05)
    seen = []
    for dt in (0.007, 0.01, 0.013, 0.02, 0.01):
        solver.advance(dt)
        seen.append(solver.seam("upper").temperature)
    assert seen == pytest.approx([0.14, 0.34, 0.6, 1.0, 1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"upper": [0, 1, 1]}, "along x 'lower' is 0.0 and 'upper' 0.0"),
        ({"boundaries": {"lower": {"kind": "seam"}}}, "'boundaries' lacks 'upper'"),
        ({"conductivty": 1.0}, "conductivty"),
        ({"initial": "sin(u)"}, "unknown name 'u'"),
        ({"time_integration": "euler"}, "sdirk2"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        slab(**changes)
    assert message in str(caught.value)


def test_values_that_make_no_sense_are_named() -> None:
    with pytest.raises(SolverError, match=r"conductivity is -0.05 at x = 0.35; it must be a positive number"):
        slab(conductivity="0.3 - x", cells=10, initial=1.0).time  # noqa: B018
    with pytest.raises(SolverError, match="initial is inf at x = 0.5"):
        slab(initial="1/(x-0.5)", cells=1)
    with pytest.raises(SolverError, match="no seam at its lower end"):
        slab().seam("lower")
