"""The mass on a spring: its order, its energy, its books, its links."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from suture.solvers.oscillator import Oscillator, OscillatorSettings, Push, Spring


def oscillator(**changes: Any) -> Oscillator:
    tables = {"mass": 2.0, "stiffness": 8.0, "displacement": [1, 0, 0], "velocity": [0, 3, 0], "step": 0.1}
    return Oscillator(OscillatorSettings.model_validate(tables | changes))


def test_second_order() -> None:
    errors = []
    for n in (1, 2, 4):
        mass = oscillator(step=0.1 / n)
        for _ in range(50 * n):
            mass.advance(mass.max_dt)
        exact = [np.cos(10.0), 1.5 * np.sin(10.0), 0.0]
        errors.append(np.abs(mass.displacement - exact).max())
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2, 2], abs=0.1)


def test_energy_is_kept_and_the_impulses_add_up() -> None:
    mass = oscillator()
    before, opening = mass.energy(), mass.inventory()["momentum"]
    assert before == pytest.approx(0.5 * 2 * 9 + 0.5 * 8)
    mass.links.append(Spring(5.0))
    mass.links[0].start_at(np.array([0.0, 0.0, 2.0]))  # type: ignore[attr-defined]
    mass.links[0].set_partner(np.array([0.0, 0.0, 2.0]), 0.0)  # type: ignore[attr-defined]
    before, impulse = mass.energy(), np.zeros(3)
    for _ in range(1000):
        mass.advance(0.1)
        impulse += mass.links[0].impulse
    assert mass.energy() == pytest.approx(before, rel=1e-12)
    change = mass.inventory()["momentum"] - opening
    assert np.allclose(change, impulse + mass.rows()["ground"]["momentum"], atol=1e-12)
    assert np.abs(impulse).min() > 0.1


def test_a_push_gives_what_it_says() -> None:
    mass = oscillator(stiffness=0.0, velocity=[0, 0, 0])
    push = Push()
    push.force = np.array([3.0, 0.0, -1.0])
    mass.links.append(push)
    mass.advance(0.25)  # three steps
    assert push.impulse == pytest.approx([0.75, 0, -0.25])
    assert mass.velocity == pytest.approx([0.375, 0, -0.125])
    assert mass.displacement == pytest.approx([1 + 0.5 * 1.5 * 0.0625, 0, -0.5 * 0.5 * 0.0625])


def test_a_moving_partner_takes_the_energy_that_the_spring_gives_it() -> None:
    """Work on the partner, force times way, is what mass and spring lose: also in steps that cut its way."""
    mass = oscillator()
    spring = Spring(5.0)
    spring.start_at(np.zeros(3))
    mass.links.append(spring)
    before, work, way = mass.energy(), 0.0, np.zeros(3)
    for number in range(40):
        target = np.sin([0.3 * (number + 1), 0.1, 0.2 * number])
        spring.set_partner(target, mass.time + 0.3)
        for dt in (0.1, 0.06, 0.14):
            mass.advance(dt)
            step = spring.partner - way
            way = spring.partner
            length = dt / (2 if dt > 0.1 else 1)
            assert length <= 0.1
            work -= float(spring.impulse @ step) / dt
    assert abs(work) > 1.0
    assert mass.energy() == pytest.approx(before - work, rel=1e-12)


def test_a_repeated_step_is_identical() -> None:
    mass = oscillator()
    mass.links += [Push(), Spring(1.0)]
    mass.advance(0.1)
    saved, results = mass.save(), []
    for _ in range(2):
        mass.restore(saved)
        mass.advance(0.2)
        results.append((mass.displacement, mass.velocity, mass.rows()["ground"]["momentum"]))
    for first, second in zip(*results, strict=True):
        assert np.array_equal(first, second)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        oscillator(mass=0.0)
    with pytest.raises(ValidationError, match="damping"):
        oscillator(damping=1.0)
