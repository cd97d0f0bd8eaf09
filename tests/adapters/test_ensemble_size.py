"""How many members an ensemble has: by the error that is wanted, and not by every whim of the one that is measured."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.ensemble_size import EnsembleSize, choose
from suture.solvers.md.settings import EnsembleSettings


def settings(**changed):
    return EnsembleSettings.model_validate(
        {"members": 2, "most": 64, "over": 10, "error": {"momentum": 0.1, "energy": 50.0}, **changed}
    )


@pytest.mark.parametrize(
    ("now", "needed", "groups", "chosen"),
    [
        (8, 8.0, 1, 8),
        (8, 8.1, 1, 9),
        (8, 11.2, 4, 12),
        (8, 300.0, 1, 16),  # at most twice as many
        (48, 300.0, 1, 64),  # at most the most
        (8, 5.4, 1, 8),  # not much fewer would do
        (8, 5.2, 1, 7),
        (8, 5.2, 2, 8),
        (16, 5.0, 1, 8),  # at least half as many
        (32, 0.0, 1, 16),
        (2, 0.0, 1, 2),  # at least the fewest
    ],
)
def test_the_number_follows_what_is_needed_with_some_slack(now, needed, groups, chosen):
    assert choose(now, needed, settings(groups=groups)) == chosen


def course(size, windows, deviation, common=None, seed=3):
    """Numbers of members, window by window, whose amounts have this deviation, beside what all have in common."""
    generator, number, numbers = np.random.default_rng(seed), 2, []
    for window in range(windows):
        if verdict := size.judge(number):
            if verdict.members != number:
                size.begin_anew(cloned=verdict.members > number)
            number = verdict.members
        everyone = common(window) if common else 0.0
        for plane in range(2):
            size.add(plane, everyone + deviation(window) * generator.standard_normal((number, 5)))
        numbers.append(number)
    return np.array(numbers)


def sized(**changed):
    return EnsembleSize(settings(**changed), MPI.COMM_SELF, MPI.COMM_SELF)


def test_it_grows_to_what_the_error_needs_and_stays():
    """White noise of deviation 1 in the mean over 10 windows: (1 / √10 / 0.1)² = 10 members."""
    numbers = course(sized(), 4000, lambda window: 1.0)
    assert np.all(numbers[:160] == 2)
    settled = numbers[1000:]
    assert 10 <= settled.min() and settled.max() <= 16
    assert np.count_nonzero(np.diff(settled)) <= 4


def test_it_shrinks_when_the_noise_does():
    numbers = course(sized(), 4000, lambda window: 1.0 if window < 2000 else 0.5)
    assert numbers[1900] >= 10 and numbers[-1] <= 5


def test_what_all_members_do_alike_is_no_noise():
    calm = course(sized(), 1000, lambda window: 0.1, common=lambda window: 1000.0 * np.sin(0.1 * window))
    assert np.all(calm == 2)


def test_the_quantity_that_demands_most_decides():
    size = sized(error={"mass": 10.0, "energy": 0.05})
    course(size, 600, lambda window: 1.0)
    assert size._verdict(8).quantity == "energy"
    assert size._verdict(8).wanted == 0.05


def test_clones_are_not_compared_at_once():
    size = sized()
    size.begin_anew(cloned=True)
    for _ in range(10):
        size.add(0, np.zeros((32, 5)))
    assert size.judge(32) is None
    assert size._freedom == 0.0


def test_it_goes_on_from_what_was_saved():
    whole, first, second = sized(), sized(), sized()
    wanted = course(whole, 405, lambda window: 1.0)
    course(first, 405, lambda window: 1.0)
    second.restore(first.save())
    generators = [np.random.default_rng(7) for _ in range(2)]
    for size, generator in zip((whole, second), generators, strict=True):
        for _ in range(10):
            verdict = size.judge(wanted[-1])
            size.add(0, generator.standard_normal((wanted[-1], 5)))
            size.add(1, generator.standard_normal((wanted[-1], 5)))
    assert whole.save().keys() == second.save().keys()
    assert np.array_equal(whole._squares, second._squares) and whole._freedom == second._freedom
    assert verdict is None or verdict.members <= 64
