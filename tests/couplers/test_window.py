"""The steps of a window add up to it, leave no sliver and keep to the solver's limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suture.couplers.window import Window


def steps(dt: float, limit: float) -> list[float]:
    return list(Window(0, 0.0, dt).steps(lambda: limit))


@pytest.mark.parametrize(
    ("dt", "limit", "expected"),
    [
        (0.25, 1.0, [0.25]),
        (0.25, 0.1, [0.1, 0.075, 0.075]),
        (0.3, 0.1, [0.1, 0.1, 0.1]),
        (1.0, 0.3, [0.3, 0.3, 0.2, 0.2]),
        (1.0, 0.5, [0.5, 0.5]),
    ],
)
def test_the_last_two_steps_share_what_is_left(dt, limit, expected):
    assert steps(dt, limit) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(1e-3, 2.0))
def test_steps_add_up_to_the_window_to_the_last_bit(dt, fraction):
    limit = fraction * dt
    taken = steps(dt, limit)
    total = 0.0
    for step in taken:
        total += step
    assert total == dt
    assert math.fsum(taken) == pytest.approx(dt, rel=len(taken) * 2.3e-16)
    assert max(taken) <= limit * (1 + 1e-12)
    assert min(taken) >= min(dt, 0.5 * limit) * (1 - 1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.4), min_size=200, max_size=200))
def test_a_solver_may_change_its_step(limits):
    asked: list[float] = []

    def limit() -> float:
        asked.append(limits[len(asked)])
        return asked[-1]

    taken = list(Window(3, 0.75, 1.0).steps(limit))
    assert sum(taken) == pytest.approx(1.0, rel=1e-14)
    assert len(asked) == len(taken)
    assert all(step <= most * (1 + 1e-12) for step, most in zip(taken, asked, strict=True))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), 1e-30])
def test_a_step_that_makes_no_headway_is_an_error(limit):
    window = Window(0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"max_dt is .* at 0.1 of a window of 1; it must be longer"):
        limits = iter([0.1, limit])
        list(window.steps(lambda: next(limits)))


def test_the_end_of_a_window():
    assert Window(2, 0.5, 0.25).end == 0.75
