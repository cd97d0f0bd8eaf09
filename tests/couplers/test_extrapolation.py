"""The first iterate of a window: exact where the past determines it, and harmless where it does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from suture.couplers.cells import Array
from suture.couplers.checkpoint import flatten, unflatten
from suture.couplers.extrapolation import Extrapolation

from .fixed_points import fields_of

RANDOM = np.random.default_rng(4).standard_normal((5, 30))


def errors(course: Callable[[int], Array], windows: int = 20) -> tuple[Array, Array]:
    """Distance of the guess, and of the last value, from what each window comes to."""
    extrapolation, x, result = Extrapolation(fields_of(10, 20), np.copy), course(0), []
    for index in range(1, windows + 1):
        guess, new = extrapolation.guess(x), course(index)
        extrapolation.accept(new)
        result.append((np.linalg.norm(guess - new), np.linalg.norm(x - new)))
        x = new
    return np.array(result).T


@pytest.mark.parametrize(
    ("course", "learnt", "left"),
    [
        (lambda n: RANDOM[0] + n * RANDOM[1], 2, 1e-13),
        (lambda n: RANDOM[0] + n * RANDOM[1] + n**2 * RANDOM[2], 4, 1e-13),
        (lambda n: RANDOM[0] + np.sin(0.3 * n) * RANDOM[1] + np.cos(0.3 * n) * RANDOM[2], 7, 1e-6),
        (lambda n: RANDOM[0] + 0.5**n * RANDOM[1] + 0.9**n * RANDOM[2], 7, 1e-4),
    ],
    ids=["a line", "a parabola", "a sine", "decay"],
)
def test_a_course_that_the_past_determines_is_foreseen(course, learnt, left):
    guessed, held = errors(course)
    assert np.array_equal(guessed[:1], held[:1])
    assert (guessed[learnt:] < left * held[learnt:] + 1e-12).all()


@pytest.mark.parametrize("window", [0.2, 0.1, 0.05])
def test_a_smooth_course_is_foreseen_to_third_order_at_least(window):
    def worst(dt: float) -> float:
        return errors(lambda n: np.exp(np.sin(RANDOM[0] + n * dt)), 40)[0][-10:].max()

    assert np.log2(worst(window) / worst(window / 2.0)) > 2.5


def test_noise_is_not_amplified():
    noise = np.random.default_rng(5).standard_normal((201, 30))
    guessed, held = errors(lambda n: 10.0 + noise[n], 200)
    assert np.mean(guessed[20:] ** 2) < 0.9 * np.mean(held[20:] ** 2)


def test_each_field_is_foreseen_by_itself():
    def course(n: int) -> Array:
        x = RANDOM[0] + n * RANDOM[1]
        x[10:] += 1e9 * (n % 3 == 0)
        return x

    extrapolation, x = Extrapolation(fields_of(10, 20), np.copy), course(0)
    for index in range(1, 10):
        guess = extrapolation.guess(x)
        x = course(index)
        extrapolation.accept(x)
        if index > 2:
            assert guess[:10] == pytest.approx(x[:10])


def test_one_small_sum_a_window_and_pieces_that_may_be_empty():
    calls: list[int] = []

    def total(share: Array) -> Array:
        calls.append(share.size)
        return share.copy()

    for n in (0, 3, 300):
        calls.clear()
        extrapolation = Extrapolation(fields_of(n, 0), total)
        for index in range(12):
            assert extrapolation.guess(np.full(n, index / 3.0)).shape == (n,)
            extrapolation.accept(np.full(n, (index + 1) / 3.0))
        assert len(calls) == 12
        assert max(calls) < 20


def test_a_restored_extrapolation_goes_on_to_the_last_bit():
    def go_on(extrapolation: Extrapolation, first: int) -> list[Array]:
        guesses = []
        for index in range(first, first + 4):
            guesses.append(extrapolation.guess(np.sin(index * RANDOM[0])))
            extrapolation.accept(np.sin((index + 1) * RANDOM[0]))
        return guesses

    one, two = (Extrapolation(fields_of(10, 20), np.copy) for _ in range(2))
    for first in (0, 4):
        two.restore(unflatten(flatten(one.save())))
        assert np.array_equal(go_on(one, first), go_on(two, first))
