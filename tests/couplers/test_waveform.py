"""The course of a window in samples: amounts keep their sums whatever the steps, states are of second order."""

from __future__ import annotations

import numpy as np
import pytest

from suture.couplers.waveform import Recording, evenly, held, last, over, shared, summed

STEPS = [(10, 1), (10, 3), (1, 10), (7, 5)]


def edges(steps: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, steps + 1)


def record(steps: int, samples: int, amount, state) -> dict[str, np.ndarray]:
    recording = Recording(("energy", "temperature"), samples)
    recording.open({"temperature": np.array([[state(0.0)]])})
    for begin, end in zip(edges(steps), edges(steps)[1:], strict=False):
        values = {"energy": np.array([[amount(end) - amount(begin)]]), "temperature": np.array([[state(end)]])}
        recording.add(begin, end, values)
    return recording.course


@pytest.mark.parametrize(("giver", "taker"), STEPS)
@pytest.mark.parametrize("samples", [1, 4, 10])
def test_an_oscillating_flux_keeps_its_time_integral(giver, taker, samples):
    total = lambda t: np.sin(17.0 * t) + 3.0 * t  # noqa: E731
    course = record(giver, samples, total, np.cos)["energy"]
    taken = [over("energy", course, None, a, b) for a, b in zip(edges(taker), edges(taker)[1:], strict=False)]
    assert np.sum(taken) == pytest.approx(total(1.0), rel=1e-14)
    assert summed("energy", course)[0, 0] == pytest.approx(total(1.0), rel=1e-14)


def test_matching_steps_pass_on_each_amount_as_it_was():
    course = record(5, 5, lambda t: t**3, np.cos)["energy"]
    for begin, end in zip(edges(5), edges(5)[1:], strict=False):
        assert over("energy", course, None, begin, end)[0, 0] == pytest.approx(end**3 - begin**3, rel=1e-13)


def test_states_are_of_second_order_in_the_samples():
    opening = np.array([[1.0]])
    errors = []
    for samples in (4, 8, 16, 32):
        course = record(samples, samples, np.sin, lambda t: np.cos(3.0 * t))["temperature"]
        times = np.linspace(0.05, 1.0, 50)
        found = np.array([over("temperature", course, opening, 0.0, t)[0, 0] for t in times])
        errors.append(np.abs(found - np.cos(3.0 * times)).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(orders > 1.8), orders


def test_a_linear_state_is_exact_whatever_the_steps():
    line = lambda t: 2.0 - 5.0 * t  # noqa: E731
    for steps, samples in [(3, 7), (7, 3), (1, 4), (10, 1)]:
        course = record(steps, samples, np.sin, line)["temperature"]
        for end in (0.01, 0.3, 0.5, 0.999, 1.0):
            value = over("temperature", course, np.array([[line(0.0)]]), 0.0, end)
            assert value[0, 0] == pytest.approx(line(end), abs=1e-13)
        assert last("temperature", course)[0, 0] == line(1.0)


def test_what_is_held_and_what_is_spread():
    vector = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert np.array_equal(summed("momentum", evenly(vector, 4)), vector)
    assert np.array_equal(over("velocity", held(vector, 4), vector, 0.0, 0.6), vector)
    assert shared(0.0, 0.5, 4) == pytest.approx([1.0, 1.0, 0.0, 0.0])
    assert shared(0.1, 0.3, 4).sum() == pytest.approx(0.8)
