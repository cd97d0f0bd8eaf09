"""Potentials against their derivatives, the continuum's energy against that of the lattice."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from suture.solvers.chain import cauchy_born
from suture.solvers.chain.potentials import Harmonic, LennardJones

from .chains import SPACING

POTENTIALS = [
    LennardJones(kind="lennard-jones", depth=2.0, distance=1.5),
    Harmonic(kind="harmonic", first=3.0, second=-0.5, spacing=1.5),
]


@pytest.mark.parametrize("potential", POTENTIALS, ids=lambda p: p.kind)
@pytest.mark.parametrize("neighbour", [1, 2])
def test_slopes_and_curvatures(potential, neighbour):
    r, d = neighbour * np.linspace(1.4, 1.7, 7), 1e-5
    for lower, upper in (("energy", "slope"), ("slope", "curvature")):
        value = getattr(potential, lower)
        difference = (value(neighbour, r + d) - value(neighbour, r - d)) / (2 * d)
        assert getattr(potential, upper)(neighbour, r) == pytest.approx(difference, rel=1e-6, abs=1e-7)


def test_the_minimum_of_lennard_jones():
    depth, distance = np.array([2.0]), np.array([1.5])
    assert POTENTIALS[0].energy(1, distance) == pytest.approx(-depth)
    assert POTENTIALS[0].slope(1, distance) == pytest.approx(0.0, abs=1e-14)
    assert POTENTIALS[0].curvature(1, distance) == pytest.approx(72.0 * depth / distance**2)


def test_the_spacing_without_stress():
    spacing = cauchy_born.equilibrium_spacing(LennardJones(kind="lennard-jones"))
    assert spacing == pytest.approx(SPACING, abs=2e-15)
    assert spacing == pytest.approx(0.9974598857, abs=2e-10)  # computed for the same chain by other means
    assert cauchy_born.equilibrium_spacing(POTENTIALS[1]) == pytest.approx(1.5, abs=1e-14)


@pytest.mark.parametrize("potential", POTENTIALS, ids=lambda p: p.kind)
def test_stress_and_stiffness_are_derivatives_of_the_lattices_energy(potential):
    """The lattice's energy is the sum over the bonds of a periodic cell, counted atom by atom."""

    def lattice_energy(spacing: float) -> float:
        places, period = spacing * np.arange(6), 6 * spacing
        near = np.mod(places[None, :] - places[:, None], period)
        first = np.isclose(near, spacing) | np.isclose(near, period - spacing)
        second = np.isclose(near, 2 * spacing) | np.isclose(near, period - 2 * spacing)
        near = np.minimum(near, period - near)
        pairs = potential.energy(1, near[first]).sum() + potential.energy(2, near[second]).sum()
        return 0.5 * float(pairs) / 6

    r, d = 1.52, 1e-4
    low, middle, high = (lattice_energy(r + shift) for shift in (-d, 0, d))
    spacing = np.array([r])
    assert cauchy_born.energy(potential, spacing) == pytest.approx([middle], rel=1e-14)
    assert cauchy_born.stress(potential, spacing) == pytest.approx([(high - low) / (2 * d)], rel=1e-5)
    assert cauchy_born.stiffness(potential, spacing) == pytest.approx([(high - 2 * middle + low) / d**2], rel=1e-5)


def test_a_chain_that_would_collapse_is_refused():
    with pytest.raises(
        ValidationError, match=r"'first' = 1 and 'second' = -0.25 collapses; 'first' \+ 4 'second' must"
    ):
        Harmonic(kind="harmonic", second=-0.25)
