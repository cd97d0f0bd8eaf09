"""Heat conduction by finite elements: orders of convergence, boundaries against closed forms, books to round-off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from suture.solvers.errors import SolverError
from suture.solvers.fem.boundaries import Fixed

from .bodies import SIDES, given, heat, held, orders, rows, square

WAVE = "sin(x + 0.5)*cos(1.5*y)*exp(-t)"
WAVE_SOURCE = "(1 + 0.3*x)*3.25*" + WAVE + " - 0.3*cos(x + 0.5)*cos(1.5*y)*exp(-t) - (2 - y)*" + WAVE
"""What makes the wave solve (2 - y) du/dt = div((1 + 0.3 x) grad u) + source."""
MANUFACTURED: dict[str, Any] = {
    "conductivity": "1 + 0.3*x",
    "capacity": "2 - y",
    "initial": "sin(x + 0.5)*cos(1.5*y)",
    "source": WAVE_SOURCE,
    "reference": WAVE,
}


def manufactured(n: int, order: int, step: float, **more: Any) -> Any:
    body = heat(
        square(n),
        order=order,
        step=step,
        boundaries=given(WAVE, "x-lower", "y-lower", "y-upper")
        | {"x-upper": {"kind": "flux", "flux": "1.3*cos(1.5)*cos(1.5*y)*exp(-t)"}},
        **MANUFACTURED,
        **more,
    )
    while body.time < 0.25 - 1e-12:
        body.advance(0.25)
    return body


@pytest.mark.parametrize(("order", "sizes"), [(1, (8, 16, 32)), (2, (4, 8, 16)), (3, (2, 4, 8))])
def test_order_in_space(order: int, sizes: tuple[int, ...]) -> None:
    """One more than the elements', of the largest nodal error; steps are so short that they do not show."""
    errors = [manufactured(n, order, 0.25 / 16 / 2**order).largest_error() for n in sizes]
    assert orders(errors)[-1] > order + 1 - 0.25, errors


@pytest.mark.parametrize(("method", "order"), [("sdirk2", 2.0), ("backward-euler", 1.0)])
def test_order_in_time(method: str, order: float) -> None:
    errors = [manufactured(6, 4, 0.25 / n, time_integration=method).largest_error() for n in (2, 4, 8)]
    assert orders(errors) == pytest.approx(order, abs=0.15), errors


# -- boundaries ------------------------------------------------------------------------------------------------------


def steady(**boundaries: Any) -> Any:
    """A wall one thick, along x, after a long time."""
    body = heat(
        {"kind": "box", "lower": [0, 0], "upper": [1, 0.25], "cells": [8, 2]}, conductivity=2.0, step=1e3, order=2,
        time_integration="backward-euler", initial=300.0, boundaries=boundaries, probes={},
    )  # fmt: skip
    for _ in range(4):
        body.advance(1e3)
    return body


def at(body: Any, x: float) -> np.ndarray:
    points = body.space.points[: body.space.owned]
    return body.temperature[np.isclose(points[:, 0], x)]


def test_convection_on_both_sides() -> None:
    """Three resistances in a row: 1/5 + 1/2 + 1/10."""
    body = steady(
        **{
            "x-lower": {"kind": "convection", "coefficient": 5.0, "temperature": 400.0},
            "x-upper": {"kind": "convection", "coefficient": 10.0, "temperature": 300.0},
        }
    )
    flux = 100.0 / 0.8
    assert at(body, 0.0) == pytest.approx(400.0 - flux / 5.0, rel=1e-12)
    assert at(body, 1.0) == pytest.approx(300.0 + flux / 10.0, rel=1e-12)


def test_radiation_to_the_cold() -> None:
    """2 (400 - T) = c (T^4 - 200^4), with c of a black body a hundred times over, to make it matter."""
    c = 5.670374419e-6
    body = steady(
        **given(400.0, "x-lower"), **{"x-upper": {"kind": "radiation", "coefficient": c, "temperature": 200.0}}
    )
    expected = brentq(lambda t: 2.0 * (400.0 - t) - c * (t**4 - 200.0**4), 200.0, 400.0, xtol=1e-13)
    assert at(body, 1.0) == pytest.approx(expected, rel=1e-12)


def test_a_place_without_a_boundary_is_insulated() -> None:
    body = heat(square(4), initial="1 + x", step=10.0, time_integration="backward-euler")
    before = held(body)
    for _ in range(8):
        body.advance(10.0)
    assert body.temperature == pytest.approx(1.5, rel=1e-12)
    assert held(body) == pytest.approx(before, rel=1e-13)


# -- books -----------------------------------------------------------------------------------------------------------

MIXED = given("1 + x + t", "x-lower", "y-lower") | {
    "x-upper": {"kind": "convection", "coefficient": 3.0, "temperature": "2 + sin(5*t)"},
    "y-upper": {"kind": "flux", "flux": "x*cos(t)"},
}


def mixed(**more: Any) -> Any:
    return heat(square(5), **({"order": 2, "initial": "1 + x*y", "source": "exp(-x)", "boundaries": MIXED} | more))


def imbalance(body: Any, windows: int = 5) -> tuple[float, float, dict[str, float]]:
    """What the rows do not explain of the change of the inventory, what flowed, and the rows."""
    before = held(body)
    for _ in range(windows):
        body.advance(0.23)
    brought = rows(body)
    return held(body) - before - sum(brought.values()), sum(map(abs, brought.values())), brought


@pytest.mark.parametrize("more", [{}, {"linear_solver": "iterative"}, {"time_integration": "backward-euler"}])
def test_the_books_balance(more: dict[str, Any]) -> None:
    rest, through, brought = imbalance(mixed(**more))
    assert abs(rest) < 1e-13 * through
    assert set(brought) == {*SIDES, "source"} and all(abs(value) > 1e-3 for value in brought.values())


@pytest.mark.parametrize("row", [*SIDES, "source"])
def test_every_row_is_needed(row: str) -> None:
    """With any one dropped the books do not balance."""
    rest, through, brought = imbalance(mixed(), 2)
    assert abs(rest + brought[row]) > 1e-3 * through


def test_the_books_balance_with_radiation_too() -> None:
    boundaries = MIXED | {"y-upper": {"kind": "radiation", "coefficient": 0.5, "temperature": "1 + t"}}
    rest, through, _ = imbalance(mixed(boundaries=boundaries))
    assert abs(rest) < 1e-12 * through


def test_books_without_the_reactions_do_not_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fluxes at given temperatures are reactions: what facets conduct, alone, is off by the elements' error."""
    divide = Fixed.divide
    monkeypatch.setattr(Fixed, "divide", lambda self, reaction, conducted: divide(self, 0.0 * reaction, conducted))
    rest, through, _ = imbalance(mixed(), 2)
    assert abs(rest) > 1e-3 * through


def test_a_corner_is_divided_between_its_sides() -> None:
    """u = 1 + x^2 + 3 y^2 + 1.2 t: each side gets exactly its own flux, though all four share their ends."""
    formula = "1 + x**2 + 3*y**2 + 1.2*t"
    body = heat(
        square(3), order=2, initial="1 + x**2 + 3*y**2", source=-6.8, time_integration="backward-euler",
        boundaries=given(formula, *SIDES), reference=formula,
    )  # fmt: skip
    body.advance(0.5)
    assert body.largest_error() < 1e-13
    expected = {"x-lower": 0.0, "x-upper": 1.0, "y-lower": 0.0, "y-upper": 3.0, "source": -3.4}
    assert rows(body) == pytest.approx(expected, abs=1e-13)


# -- regions, rewind, errors ------------------------------------------------------------------------------------------


def test_save_and_restore_repeat_a_window_to_the_last_bit() -> None:
    body = mixed()
    body.advance(0.23)
    state = body.save()
    body.advance(0.23)
    first, first_rows = body.temperature.copy(), rows(body)
    body.restore(state)
    body.advance(0.23)
    assert (body.temperature == first).all() and rows(body) == first_rows


def test_a_seam_takes_the_mean_rate_and_gives_back_what_crossed() -> None:
    boundaries = given(1.0, "x-lower") | {"x-upper": {"kind": "seam"}}
    body = heat(square(4), initial=1.0, boundaries=boundaries)
    seam = body.seam("x-upper")
    seam.set_rate(np.full(len(seam.dofs), 0.3))
    before = held(body)
    body.advance(0.25)
    assert seam.crossed == pytest.approx(0.075, rel=1e-13)
    assert held(body) - before == pytest.approx(seam.crossed.sum() + rows(body)["x-lower"], rel=1e-12)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no such place": (
        {"boundaries": {"hot": {"kind": "flux", "flux": 1.0, "where": "x - 3"}}},
        r"boundary 'hot': no facets on the rim of the mesh: 'where' = 'x - 3' is zero on none of them",
    ),
    "twice": (
        {"boundaries": given(1.0, "x-lower") | {"hot": {"kind": "flux", "flux": 1.0, "where": "x"}}},
        "boundaries 'x-lower' and 'hot' have 4 facets in common; each must belong to one",
    ),
    "negative": ({"conductivity": "x - 0.5"}, r"conductivity is -?0.* at \(.*\); it must be positive"),
    "not a number": ({"capacity": "log(x - 2)"}, "capacity .* it must be positive"),
    "no region": ({"conductivity": {"steel": 1.0}}, "conductivity names the region 'steel'; the mesh names none"),
    "overflow": (
        {"boundaries": {"x-upper": {"kind": "radiation", "coefficient": 1.0, "temperature": "1e80*t"}}},
        "the temperatures after time 0 are not finite",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    settings, message = MISTAKES[name]
    with pytest.raises(SolverError, match=message):
        heat(square(4), **settings).advance(0.1)


def test_no_seam_of_that_name() -> None:
    with pytest.raises(SolverError, match="the body has no seam 'cut'; it has none"):
        heat(square(2)).seam("cut")


def test_fields_and_probes(tmp_path: Path) -> None:
    import h5py

    from suture.solvers.fem.output import Probes, write_fields

    body = heat(square(4), order=2, initial="1 + 2*x + y")
    probes = Probes(body.space, {"middle": (0.5, 0.5), "corner": (1.0, 1.0)})
    found = probes.values(body.temperature)
    assert found["middle"] == pytest.approx([2.5]) and found["corner"] == pytest.approx([4.0])
    write_fields(tmp_path / "fields.xdmf", body.space, {"temperature": body.temperature}, 0.0)
    with h5py.File(tmp_path / "fields.h5") as file:
        values = file["Function/temperature/0"][:, 0]
        points = file["Mesh/mesh/geometry"][:]
    assert values == pytest.approx(1 + 2 * points[:, 0] + points[:, 1])


def test_what_is_conducted_to_and_fro_counts_where_round_off_is_judged() -> None:
    """In a step that is long against the time through a cell, far more is conducted than held."""
    body = heat(square(8), conductivity=1e8, boundaries=given("x", "x-lower", "x-upper"), initial="x*x", step=1.0)
    before, held_before = rows(body), held(body)
    body.advance(1.0)
    defect = held(body) - held_before - sum(rows(body).values()) + sum(before.values())
    gross = float(body.gross()["energy"][0])
    assert gross > 1e8 * held(body) and abs(defect) < 1e-15 * gross
