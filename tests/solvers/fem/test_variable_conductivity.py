"""Conductivities that depend on temperature: fluxes are the integral of k, books balance, bad files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from suture.solvers.conductivity_file import ConductivityCurve
from suture.solvers.errors import SolverError
from suture.solvers.fem.space import Space
from suture.solvers.fem.variable_conductivity import VariableConduction

from .bodies import given, heat, held, orders, rows, square
from .test_heat import MIXED

POWER = -1.3
TEMPERATURES = [0.5, 1.0, 2.0, 3.0, 5.0]
VARIABLE: dict[str, Any] = {"conductivity": None, "conductivity_file": "k.json"}


def curve_file(folder: Path, temperatures: list[float] = TEMPERATURES, **changed: Any) -> Path:
    """A conductivity that is a power of the temperature, which the curve meets exactly."""
    values = [t**POWER for t in temperatures]
    content = {"kind": "conductivity", "format": 1, "units": "si", "temperature": temperatures, "conductivity": values}
    (folder / "k.json").write_text(json.dumps(content | changed))
    return folder


def test_a_power_law_is_met_and_its_slope_too() -> None:
    curve = ConductivityCurve(np.array(TEMPERATURES), np.array(TEMPERATURES) ** POWER)
    t = np.linspace(0.5, 5.0, 301)
    assert curve.value(t) == pytest.approx(t**POWER, rel=1e-13)
    assert curve.slope(t[1:-1]) == pytest.approx(POWER * t[1:-1] ** (POWER - 1.0), rel=1e-11)
    assert curve.value(np.array([6.0])) == pytest.approx([5.0**POWER]) and curve.slope(np.array([6.0])) == [0.0]


def test_the_curve_converges_with_the_spacing() -> None:
    """At least second order where the logarithms are not straight."""
    errors = []
    for n in (5, 9, 17, 33):
        knots = np.linspace(200.0, 600.0, n)
        curve = ConductivityCurve(knots, 1e5 / (knots * (1.0 + knots / 300.0)))
        t = np.linspace(200.0, 600.0, 1001)
        errors.append(np.abs(curve.value(t) * t * (1.0 + t / 300.0) / 1e5 - 1.0).max())
    assert orders(errors).min() > 1.8, errors


# -- against the integral of k -----------------------------------------------------------------------------------------


def wall(n: int, order: int, folder: Path) -> float:
    """The heat through a wall between 4 and 1, after a long time, over what the integral of k says."""
    body = heat(
        {"kind": "box", "lower": [0, 0], "upper": [1, 0.25], "cells": [n, 1]}, directory=folder, order=order, step=1e4,
        initial=1.0, time_integration="backward-euler", boundaries=given(4.0, "x-lower") | given(1.0, "x-upper"),
        **VARIABLE,
    )  # fmt: skip
    for _ in range(3):
        body.advance(1e4)
    before = rows(body)
    body.advance(1e4)
    entered = {name: value - before[name] for name, value in rows(body).items()}
    assert abs(sum(entered.values())) <= 1e-12 * entered["x-lower"]
    exact = (4.0 ** (POWER + 1.0) - 1.0) / (POWER + 1.0)
    return entered["x-lower"] / 1e4 / 0.25 / exact


@pytest.mark.parametrize(("order", "least"), [(1, 1.9), (2, 3.5)])
def test_the_flux_is_the_integral_of_the_conductivity(order: int, least: float, tmp_path: Path) -> None:
    curve_file(tmp_path)
    errors = [abs(wall(n, order, tmp_path) - 1.0) for n in (4, 8, 16)]
    assert orders(errors).min() > least, errors
    assert errors[-1] < 3e-3


def test_a_constant_file_is_a_constant(tmp_path: Path) -> None:
    curve_file(tmp_path, conductivity=[2.0] * len(TEMPERATURES))
    settings: dict[str, Any] = {"initial": "1 + x*y", "boundaries": MIXED, "order": 2}
    constant, same = (
        heat(square(6), directory=tmp_path, **settings, **more) for more in ({"conductivity": 2.0}, VARIABLE)
    )
    for body in (constant, same):
        body.advance(0.2)
    assert same.temperature == pytest.approx(constant.temperature, rel=1e-12)
    assert rows(same) == pytest.approx(rows(constant), rel=1e-9, abs=1e-12)


def test_the_books_balance_at_shared_corners_too(tmp_path: Path) -> None:
    """Three boundaries of given temperature meet: every reaction is divided, and none is lost."""
    boundaries = (
        given("1 + x + t", "x-lower", "y-lower") | given("2", "x-upper") | {"y-upper": {"kind": "flux", "flux": 1}}
    )
    body = heat(
        square(8),
        directory=curve_file(tmp_path),
        initial="1 + x*y",
        source="exp(-x)",
        boundaries=boundaries,
        **VARIABLE,
    )
    before = held(body)
    for _ in range(3):
        body.advance(0.17)
    gained = held(body) - before
    assert gained == pytest.approx(sum(rows(body).values()), rel=1e-12)
    assert all(abs(value) > 1e-3 for value in rows(body).values())


def test_the_tangent_is_the_derivative(tmp_path: Path) -> None:
    """Without either part Newton's method would only creep."""
    body = heat(square(3), directory=curve_file(tmp_path), initial="1 + x*y", order=2, **VARIABLE)
    space: Space = body.space
    curve = ConductivityCurve(np.array(TEMPERATURES), np.array(TEMPERATURES) ** POWER)
    conduction = VariableConduction(curve, space, 1)
    now = body.temperature
    change = np.random.default_rng(2).normal(size=now.size)
    step = 1e-6
    difference = (conduction.heat(now + step * change, 1.0) - conduction.heat(now - step * change, 1.0)) / (2.0 * step)
    straight, steeper = conduction.tangent(now, 1.0)
    assert straight @ change + steeper @ change == pytest.approx(difference, abs=1e-8 * np.abs(difference).max())
    assert np.abs(steeper @ change).max() > 1e-2 * np.abs(difference).max()


# -- what is refused ---------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[Any, str]] = {
    "missing": (None, r"'conductivity_file' .*k\.json: no such file; run the stage that makes it"),
    "no JSON": ("k = 1", r"k\.json: .*; it must be JSON"),
    "another kind": ({"kind": "fluid-properties"}, r"k\.json: kind: Input should be 'conductivity'"),
    "not ascending": (
        {"temperature": [0.5, 2.0, 1.0, 3.0, 5.0]},
        r"'temperature' is \[0.5, 2.0, .*; it must be positive and",
    ),
    "negative": (
        {"conductivity": [1.0, 1.0, -1.0, 1.0, 1.0]},
        "'conductivity' is .*; it must be positive, one for each",
    ),
    "other units": ({"units": "lj"}, r"k\.json: units: Input should be 'si'"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    changed, message = FILES[name]
    if isinstance(changed, str):
        (tmp_path / "k.json").write_text(changed)
    elif changed is not None:
        curve_file(tmp_path, **changed)
    with pytest.raises(SolverError, match=message):
        heat(square(2), directory=tmp_path, initial=1.0, **VARIABLE)


def test_temperatures_beyond_the_file(tmp_path: Path) -> None:
    curve_file(tmp_path)
    message = r"the body has temperatures from 1 to {}; 'conductivity_file' knows 0.5 to 5"
    with pytest.raises(SolverError, match=message.format(7)):
        heat(square(2), directory=tmp_path, initial="1 + 6*x", **VARIABLE)
    body = heat(square(2), directory=tmp_path, initial=1.0, boundaries=given("1 + 80*t", "x-lower"), **VARIABLE)
    with pytest.raises(SolverError, match="'conductivity_file' knows 0.5 to 5"):
        body.advance(0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"conductivity_file": "k.json"}, "give either a 'conductivity' or a 'conductivity_file'"),
        ({"conductivity": None}, "give either a 'conductivity' or a 'conductivity_file'"),
        (
            VARIABLE | {"linear_solver": "iterative"},
            "linear_solver is 'iterative' with a 'conductivity_file'; it must be",
        ),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        heat(square(2), **settings)


def test_a_shell_about_an_axis_conducts_the_integral_of_k_too(tmp_path: Path) -> None:
    """Between the radii 1 and 2, half high: 2 pi h / ln 2 times the integral of k from 1 to 4."""
    mesh = {"kind": "box", "lower": [1.0, 0.0], "upper": [2.0, 0.5], "cells": [16, 1]}
    body = heat(
        mesh, directory=curve_file(tmp_path), order=2, step=1e4, initial=1.0, time_integration="backward-euler",
        axisymmetric=True, boundaries=given(4.0, "x-lower") | given(1.0, "x-upper"), **VARIABLE,
    )  # fmt: skip
    for _ in range(3):
        body.advance(1e4)
    before = rows(body)["x-lower"]
    body.advance(1.0)
    exact = np.pi / np.log(2.0) * (1.0 - 4.0 ** (POWER + 1.0)) / -(POWER + 1.0)
    assert rows(body)["x-lower"] - before == pytest.approx(exact, rel=1e-4)
