"""Stable and unstable pairings of who gives a state and who a flux, on the linear model problem (docs/schemes.md).

Measured: eigenvalues of the matrix of one step of two real slabs. Theory: roots of the dispersion relation, in which
space is continuous; the slabs come to it to second order in their spacing.
"""

from __future__ import annotations

import numpy as np
import pytest

from .pairings import PAIRINGS, Pair, Problem, growth_in_theory, left_by_a_kick

SHORT, MIDDLE, LONG = 1e-3, 0.1, 10.0
"""Steps, relative to the time in which heat crosses the whole."""
OVERLAP, TOUCHING = (0.2, 0.3), (0.3, 0.3)

# The table of docs/schemes.md, by the pairing's name in it: what the first, shorter side takes at b, and the second.
TABLE = {
    (*OVERLAP, SHORT): (0.9901, 0.9903, 0.9904, 1.0),
    (*OVERLAP, MIDDLE): (0.852, 0.630, 0.799, 1.0),
    (*OVERLAP, LONG): (1.510, 0.503, 0.764, 1.0),
    (*TOUCHING, MIDDLE): (1.100, 0.928, 1.0, 1.0),
    (*TOUCHING, LONG): (1.517, 0.659, 1.0, 1.0),
}


def measured(problem: Problem, pairing: str, cells: int) -> float:
    return float(np.abs(np.linalg.eigvals(Pair(problem, pairing, cells).matrix())).max())


@pytest.mark.parametrize(("place", "growths"), TABLE.items())
def test_growth_is_that_of_theory(place, growths):
    for pairing, stated in zip(PAIRINGS, growths, strict=True):
        problem = Problem(*place)
        expected = growth_in_theory(problem, pairing)
        assert expected == pytest.approx(stated, abs=6e-4 if stated > 1.0 or place[2] > SHORT else 6e-5)
        assert measured(problem, pairing, 20) == pytest.approx(expected, abs=1e-3)


def test_slabs_come_to_theory_to_second_order():
    problem = Problem(*TOUCHING, MIDDLE)
    expected = growth_in_theory(problem, "state, flux")
    errors = [abs(measured(problem, "state, flux", cells) - expected) for cells in (10, 20, 40)]
    assert 1.8 < np.polyfit(np.log([1.0, 0.5, 0.25]), np.log(errors), 1)[0] < 2.2, errors


@pytest.mark.parametrize("conductivity", [0.25, 1.0, 4.0])
def test_long_steps_multiply_by_the_ratio_of_resistances(conductivity):
    """g² = -R_flux / R_state, of the parts that are not shared."""
    problem = Problem(0.2, 0.3, 1e5, conductivity)
    resistances = {"first": 0.3, "second": 0.8 / conductivity, "first to a": 0.2, "second to b": 0.7 / conductivity}
    ratios = {
        "state, flux": resistances["second to b"] / resistances["first"],
        "flux, state": resistances["first to a"] / resistances["second"],
        "state, state": 0.2 * 0.7 / (0.3 * 0.8),
        "flux, flux": 1.0,
    }
    for pairing, ratio in ratios.items():
        assert growth_in_theory(problem, pairing) == pytest.approx(np.sqrt(ratio), rel=1e-4)
        assert measured(problem, pairing, 20) == pytest.approx(np.sqrt(ratio), rel=1e-4)


@pytest.mark.parametrize(("conductivity", "pairing"), [(4.0, "flux, state"), (0.25, "state, flux")])
def test_short_steps_multiply_by_the_ratio_of_effusivities(conductivity, pairing):
    """g² = -√(k c) of the side that takes the state over that of the side that takes the flux, where both touch."""
    problem = Problem(0.5, 0.5, SHORT, conductivity)
    assert growth_in_theory(problem, pairing) == pytest.approx(np.sqrt(2.0), rel=1e-6)
    # A face is half a cell from the last centre: the cells must resolve what a step heats.
    assert measured(problem, pairing, 120) == pytest.approx(np.sqrt(2.0), rel=0.03)
    other = {"flux, state": "state, flux", "state, flux": "flux, state"}[pairing]
    assert growth_in_theory(problem, other) < 1.0
    # An overlap of some lengths that a step heats takes it out: exp(-2 δ / √(D Δt)).
    assert growth_in_theory(Problem(0.4, 0.5, SHORT, conductivity), pairing) < 1.0


def responses(problem: Problem, pairing: str, steps: int) -> np.ndarray:
    """Gap between the two states at the overlap's middle after an error of 1 in what the second side takes, by step."""
    pair = Pair(problem, pairing, 20)
    pair.set(np.zeros(len(pair.values())))
    pair.taken[1] = 1.0
    gaps, middle = [], 0.5 * (problem.a + problem.b)
    for _ in range(steps):
        pair.step()
        gaps.append(_state(pair.second, middle - problem.a) - _state(pair.first, middle))
    return np.array(gaps)


def _state(slab, place):
    spacing = slab.settings.length / len(slab.temperature)
    return float(np.interp(place, (np.arange(len(slab.temperature)) + 0.5) * spacing, slab.temperature))


@pytest.mark.parametrize("step", [SHORT, MIDDLE])
def test_flux_and_flux_forget_no_error(step):
    """A kick leaves a gap for ever, so noise grows as a random walk does: variance n (gap of one kick)²."""
    problem = Problem(*OVERLAP, step)
    left = responses(problem, "flux, flux", 1500)
    assert left[-1] == pytest.approx(left_by_a_kick(problem), rel=5e-3)
    variance = np.cumsum(left**2)
    assert variance[-1] - variance[999] == pytest.approx(500 * left_by_a_kick(problem) ** 2, rel=0.01)


@pytest.mark.parametrize("pairing", ["state, flux", "flux, state", "state, state"])
def test_the_others_forget(pairing):
    """Noise of all steps before comes to a variance that is reached, and stays."""
    variance = np.cumsum(responses(Problem(*OVERLAP, SHORT), pairing, 1500) ** 2)
    assert variance[-1] == pytest.approx(variance[999], rel=1e-6)
