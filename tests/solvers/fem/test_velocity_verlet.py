"""Explicit motion of solid bodies: of second order, with books to round-off, and no step that is not stable."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from suture.solvers.errors import SolverError
from suture.solvers.fem import SolidSettings

from .bodies import orders
from .solids import CLAMPED, UNIT, beam, held, imbalance, mixed, rows, solid
from .test_solid import linear_wave, manufactured, mean_square

EXPLICIT: dict[str, Any] = {"time_integration": "velocity-verlet"}


def swing(step: float) -> Any:
    """A beam that is let go, after a part of a period."""
    body = solid(beam(), step=step, boundaries=CLAMPED, displacement=["0", "0.02*x*x"], **EXPLICIT)
    body.advance(0.32)
    return body


def test_second_order_in_the_step() -> None:
    found = [swing(step).displacement for step in (2e-3, 1e-3, 5e-4, 2.5e-4)]
    errors = [np.abs(a - b).max() for a, b in pairwise(found)]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2.0, 2.0], abs=0.1)


def test_energy_to_second_order() -> None:
    errors = [abs(rows(swing(step))["numerical dissipation"][3]) for step in (4e-3, 2e-3, 1e-3)]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2.0, 2.0], abs=0.3)
    assert errors[0] < 2e-3 * held(swing(4e-3))[3]


def test_order_in_space() -> None:
    """With lumped mass the error still goes with the square of the elements."""
    errors = [mean_square(manufactured(n, 1, 4e-3, linear_wave(0.5), **EXPLICIT)) for n in (8, 16, 32)]
    assert orders(errors)[-1] > 1.85, errors


@pytest.mark.parametrize("law", ["linear", "neo-hookean"])
def test_books_close(law: str) -> None:
    """With every kind of boundary and load, corners included."""
    left, through, brought = imbalance(mixed(law, step=4e-3, **EXPLICIT))
    assert (np.abs(left) <= 1e-12 * through).all(), left / through
    assert all(np.abs(brought[name]).max() > 0.0 for name in ("x-lower", "x-upper", "y-upper", "y-lower", "body force"))


def test_unstable_steps_are_refused() -> None:
    """The bound is the true one within a tenth: a step that is shorter by that does not grow."""
    body = solid(beam(), step=0.05, boundaries=CLAMPED, velocity=["0", "x"], **EXPLICIT)
    with pytest.raises(
        SolverError, match=r"a step of 0\.05 at time 0; velocity Verlet is stable here up to about "
    ) as found:
        body.advance(0.05)
    stable = float(str(found.value).split()[-1])
    calm = solid(beam(), step=0.99 * stable, boundaries=CLAMPED, velocity=["0", "0.01*x"], **EXPLICIT)
    calm.advance(300 * stable)
    assert np.abs(calm.displacement).max() < 0.1
    wild = solid(beam(), step=stable, boundaries=CLAMPED, velocity=["0", "0.01*x"], **EXPLICIT)
    wild._balance._stable = np.inf
    wild.settings = wild.settings.model_copy(update={"step": 1.1 * stable})
    wild.advance(300 * stable)
    assert not np.abs(wild.displacement).max() < 0.1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"order": 2}, "'order' is 2; time_integration = 'velocity-verlet' is for order = 1"),
        ({"expansion": 1e-3}, "there is an 'expansion'; time_integration = 'velocity-verlet'"),
    ],
)
def test_mistakes_are_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SolidSettings.model_validate({"mesh": beam(), **UNIT, **EXPLICIT, **more})
