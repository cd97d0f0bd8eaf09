"""Blending functions against their definitions, and their slopes against differences."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.chain import blend, blend_slope

KINDS = ["linear", "cubic", "quintic", "cosine"]


@pytest.mark.parametrize(
    ("kind", "quarter"), [("linear", 0.25), ("cubic", 5 / 32), ("quintic", 53 / 512), ("cosine", 0.5 - np.sqrt(0.125))]
)
def test_values_and_symmetry(kind, quarter):
    t = np.array([[-2.0, 0.0, 0.25], [0.5, 1.0, 3.0]])
    assert blend(kind, t) == pytest.approx(np.array([[0, 0, quarter], [0.5, 1, 1]]), abs=1e-15)
    fine = np.linspace(0, 1, 41)
    assert blend(kind, fine) + blend(kind, 1 - fine) == pytest.approx(np.ones(41), abs=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_the_slope_is_the_derivative(kind):
    t, d = np.linspace(0.02, 0.98, 25), 1e-6
    difference = (blend(kind, t + d) - blend(kind, t - d)) / (2 * d)
    assert blend_slope(kind, t) == pytest.approx(difference, abs=1e-8)
    assert (blend_slope(kind, np.array([-1.0, 0.0, 1.0, 2.0])) == 0).all()


@pytest.mark.parametrize(("kind", "power"), [("linear", 1), ("cubic", 2), ("quintic", 3), ("cosine", 2)])
def test_how_smoothly_each_leaves_zero(kind, power):
    values = blend(kind, np.array([1e-3, 2e-3]))
    assert np.log2(values[1] / values[0]) == pytest.approx(power, abs=0.01)
