"""The books of solid bodies: momentum and energy to round-off, and what the time integrator does to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.fem.boundaries import Fixed
from suture.solvers.fem.generalised_alpha import GeneralisedAlpha, Motion

from ...mpi import mpirun
from .bodies import SIDES
from .solids import CLAMPED, LAWS, at, beam, held, imbalance, mixed, rows, solid

ROWS = {*SIDES, "body force", "integration", "numerical dissipation"}
VARIANTS: dict[str, dict[str, Any]] = {
    "midpoint": {},
    "damped": {"spectral_radius": 0.6},
    "quasi-static": {"time_integration": "quasi-static"},
    "quadratic": {"order": 2, "spectral_radius": 0.0},
}

# -- books -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_books_balance(law: str, variant: str) -> None:
    rest, through, brought = imbalance(mixed(law, **VARIANTS[variant]))
    assert (np.abs(rest) <= 1e-13 * through).all(), rest / through
    assert set(brought) | {"integration"} == ROWS


def test_the_books_balance_by_multigrid() -> None:
    rest, through, _ = imbalance(mixed("linear", linear_solver="iterative", spectral_radius=0.6))
    assert (np.abs(rest) <= 1e-12 * through).all(), rest / through


@pytest.mark.parametrize("row", sorted(ROWS))
def test_every_row_is_needed(row: str) -> None:
    """With any one dropped the books do not balance: in momentum, in energy, or in both."""
    rest, through, brought = imbalance(mixed("neo-hookean", spectral_radius=0.6))
    missing = np.abs(rest + brought[row]) > 1e-4 * through
    expected = {"integration": [True, True, False, False], "numerical dissipation": [False, False, False, True]}
    resting = {"x-lower": [True, True, False, False], "y-upper": [False, True, False, True]}
    leaning = {"y-lower": [False, True, False, True]}
    assert missing.tolist() == (expected | resting | leaning).get(row, [True, True, False, True])


def test_books_without_the_reactions_do_not_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    """What facets transmit by their stress, alone, is off by the elements' error."""
    divide = Fixed.divide
    monkeypatch.setattr(Fixed, "divide", lambda self, reaction, conducted: divide(self, 0.0 * reaction, conducted))
    rest, through, _ = imbalance(mixed("linear"), 2)
    assert (np.abs(rest)[[0, 1, 3]] > 1e-3 * through[[0, 1, 3]]).all()


def test_a_corner_is_divided_between_its_sides() -> None:
    """In uniform stress each side of a square bears exactly its own, though all have the displacement of the ends."""
    u = {"x": "0.1*x + 0.3*y", "y": "0.2*y"}
    body = solid(
        {"kind": "box", "lower": [0, 0], "upper": [1, 1], "cells": [3, 3]}, lame=2.0, shear=1.0, step=1.0,
        time_integration="quasi-static", boundaries={name: {"kind": "displacement", **u} for name in SIDES},
    )  # fmt: skip
    body.advance(1.0)
    along_x, along_y = [2 * 0.3 + 2 * 0.1, 0.3], [0.3, 2 * 0.3 + 2 * 0.2]
    for name, sign, expected in zip(SIDES, (-1, 1, -1, 1), (along_x, along_x, along_y, along_y), strict=True):
        assert rows(body)[name][:2] == pytest.approx(sign * np.array(expected), rel=1e-12)


def test_rollers_bear_no_force_along_them() -> None:
    rollers = {"y-lower": {"kind": "displacement", "y": 0.0}, "x-lower": {"kind": "displacement", "x": 0.0}}
    pulled = {"x-upper": {"kind": "traction", "traction": [1.0, 0.0]}}
    body = solid(beam(), step=1.0, time_integration="quasi-static", boundaries=rollers | pulled)
    body.advance(1.0)
    assert rows(body)["y-lower"] == pytest.approx(0.0, abs=1e-14)
    assert rows(body)["x-lower"] == pytest.approx([-1.0, 0.0, 0.0, 0.0], abs=1e-13)
    modulus = 100.0 / (1 - 0.3**2)
    assert at(body, 2.0, 1.0) == pytest.approx([2.0 / modulus, -0.3 / 0.7 / modulus], rel=1e-12)


@pytest.mark.parametrize("condition", ["traction", "displacement"])
@pytest.mark.parametrize("law", LAWS)
def test_what_crosses_a_seam_is_in_the_books(law: str, condition: str) -> None:
    boundaries = {"x-upper": {"kind": "seam"}, "y-lower": {"kind": "displacement", "y": 0.0}}
    body = solid(beam(), material=law, boundaries=boundaries, spectral_radius=0.7)
    body.condition("x-upper", condition)
    seam, before, crossed = body.seam("x-upper"), held(body), np.zeros(4)
    for window in range(4):
        seam.force = np.full((len(seam.dofs), 2), [0.1, 0.05]) * (window + 1)
        seam.set_displacement(np.full((len(seam.dofs), 2), [0.02, 0.01]) * (window + 1) ** 2, body.time + 0.12)
        body.advance(0.12)
        crossed += [*seam.impulse.sum(axis=0), 0.0, seam.work.sum()]
    rest = held(body) - before - sum(rows(body).values()) - crossed
    assert (np.abs(rest) < 1e-13 * np.abs(crossed).max()).all()
    assert (np.abs(crossed[[0, 1, 3]]) > 1e-3).all()
    if condition == "traction":
        assert crossed[0] == pytest.approx(0.12 * 0.1 * 10 * len(seam.dofs), rel=1e-13)


# -- the time integrator -----------------------------------------------------------------------------------------------

SHAKEN: dict[str, Any] = {"displacement": ["0.05*x**2", "0.1*sin(9*x)*y"], "velocity": ["y*x", "cos(7*y)*x"]}


def test_the_energy_of_a_linear_body_stays_what_it_is() -> None:
    """At spectral radius 1, over 500 steps of all its frequencies."""
    body = solid(beam(), boundaries=CLAMPED, **SHAKEN)
    before = held(body)[3]
    for _ in range(100):
        body.advance(0.25)
        assert held(body)[3] == pytest.approx(before, rel=2e-13)
    assert abs(rows(body)["numerical dissipation"][3]) < 2e-13 * before
    assert rows(body)["integration"] == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("radius", [0.0, 0.5, 0.9])
def test_below_one_energy_is_dissipated_and_the_row_says_how_much(radius: float) -> None:
    body = solid(beam(), boundaries=CLAMPED, spectral_radius=radius, **SHAKEN)
    before = held(body)[3]
    body.advance(2.0)
    lost = before - held(body)[3]
    assert lost > 0.01 * before
    assert rows(body)["numerical dissipation"][3] == pytest.approx(-lost, rel=1e-10)


def amplification(radius: float, phase: float) -> np.ndarray:
    """What a step makes of (u, dt v, dt^2 a) of an oscillator with omega dt = ``phase``."""
    scheme, columns = GeneralisedAlpha.of(radius), []
    for start in np.eye(3):
        begin = Motion(*(start[n : n + 1] for n in range(3)))
        balance = [
            scheme.accelerated(begin, c, 1.0)
            + phase**2 * (begin.displacement + scheme.level * (scheme.predicted(begin, 1.0) + c - begin.displacement))
            for c in (np.zeros(1), np.ones(1))
        ]
        end = scheme.finished(begin, -balance[0] / (balance[1] - balance[0]), 1.0)
        columns.append(np.concatenate([end.displacement, end.velocity, end.acceleration]))
    return np.array(columns).T


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_spectral_radius(radius: float) -> None:
    """What is left in a step of what it cannot follow is the radius asked for; nothing grows at any frequency."""
    at_infinity = np.abs(np.linalg.eigvals(amplification(radius, 1e6))).max()
    assert at_infinity == pytest.approx(radius, abs=1e-3)  # a triple eigenvalue, by its cube root of round-off
    for phase in np.logspace(-2, 4, 40):
        assert np.abs(np.linalg.eigvals(amplification(radius, phase))).max() < 1.0 + 1e-6


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0])
def test_low_frequencies_are_followed_to_second_order(radius: float) -> None:
    errors = []
    for steps in (20, 40, 80):
        state, matrix = np.array([1.0, 0.0, -((2.0 / steps) ** 2)]), amplification(radius, 2.0 / steps)
        errors.append(abs((np.linalg.matrix_power(matrix, steps) @ state)[0] - np.cos(2.0)))
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.1), errors


# -- ranks -------------------------------------------------------------------------------------------------------------


def test_on_one_two_and_three_ranks(tmp_path: Path) -> None:
    """Displacements, energies and rows agree to 1e-9, for all laws, in a plane and in space."""
    found = []
    for ranks in (1, 2, 3):
        file = tmp_path / f"{ranks}.json"
        mpirun(ranks, "-m", "tests.solvers.fem.play_solid", file, cwd=Path(__file__).parents[3])
        found.append(json.loads(file.read_text()))
    for name, values in found[0].items():
        for other in found[1:]:
            assert other[name] == pytest.approx(values, rel=1e-9, abs=1e-10), name
    assert max(abs(value) for value in found[0]["rest"]) < 1e-12
