"""Ghost forces at uniform strain: what each scheme leaves, where, and the law of the width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.chain import lay_out, patch_test, scheme
from suture.solvers.chain.patch import ghost_forces
from suture.solvers.chain.schemes import uniform_strain

from .chains import CONSISTENT, SCHEMES, chain_settings, second_tension

STRAINS = [0.0, 0.01, 0.02]


def wide(name: str, width: int, **changes: Any) -> Any:
    """A core with room for the hand-shake on both sides."""
    room = width + 20
    return chain_settings(name, width=width, sites=2 * room + 41, core=[room, room + 40], **changes)


@pytest.mark.parametrize("strain", STRAINS)
@pytest.mark.parametrize("element", [1, 5])
@pytest.mark.parametrize("name", CONSISTENT)
def test_no_ghost_forces(name, element, strain):
    assert patch_test(chain_settings(name, element=element), strain).largest < 3e-12


@pytest.mark.parametrize("strain", STRAINS)
def test_the_sharp_energy_leaves_half_a_second_bond_on_four_sites(strain):
    patch = patch_test(chain_settings("energy-based"), strain)
    expected = np.zeros(121)
    expected[[79, 80, 81, 82]] = [-1, 1, 1, -1]  # the core ends with site 80
    expected[[41, 40, 39, 38]] = [1, -1, -1, 1]
    assert patch.forces == pytest.approx(0.5 * second_tension(strain) * expected, abs=1e-13)
    assert patch.site in (38, 39, 40, 41, 79, 80, 81, 82)
    if strain == 0.0:
        assert patch.largest == pytest.approx(0.04696, rel=1e-4)


@pytest.mark.parametrize(("width", "over_tension"), [(4, 0.1875), (16, 0.01025), (64, 0.00071)])
def test_the_blended_energy_leaves_a_third_difference(width, over_tension):
    settings = wide("energy-blended", width)
    patch = patch_test(settings)
    assert patch.largest / second_tension() == pytest.approx(over_tension, rel=0.01)
    a = 1.0 - lay_out(settings).share
    third = np.zeros(len(a))
    third[2:-2] = 0.5 * (a[4:] - 2 * a[3:-1] + 2 * a[1:-3] - a[:-4])
    assert patch.forces == pytest.approx(second_tension() * third, abs=1e-13)


@pytest.mark.parametrize(("blending", "power"), [("linear", -1), ("cubic", -2), ("cosine", -2), ("quintic", -3)])
def test_the_law_of_the_width(blending, power):
    largest = [patch_test(wide("energy-blended", width, blending=blending)).largest for width in (256, 512, 1024)]
    assert np.log2(np.divide(largest[1:], largest[:-1])) == pytest.approx([power, power], abs=0.05)


@pytest.mark.parametrize("strain", STRAINS)
def test_a_correction_at_its_strain_leaves_nothing(strain):
    settings = chain_settings("ghost-force-corrected", correction_strain=strain)
    assert patch_test(settings, strain).largest < 3e-12
    assert patch_test(settings, 0.01 - strain / 2).largest > 1e-6 or strain == 0.01 - strain / 2


@pytest.mark.parametrize(("away", "left"), [(0.001, 3.2e-4), (0.02, 6.0e-3)])
def test_what_a_frozen_correction_leaves(away, left):
    """Of the sharp energy, whose ghost forces are φ₂'/2; brought up to date it leaves nothing."""
    settings = chain_settings("ghost-force-corrected", width=1)
    patch = patch_test(settings, away)
    assert patch.largest == pytest.approx(left, rel=0.02)
    assert patch.largest == pytest.approx(0.5 * (second_tension() - second_tension(away)), rel=1e-9)
    chain = lay_out(settings)
    updated = scheme(settings, chain).corrected(uniform_strain(chain, away))
    assert ghost_forces(updated, chain, settings, away).largest < 3e-12


def test_harmonic_bonds_have_ghost_forces_where_they_are_strained():
    """φ₂' = k₂ 2 a ε."""
    potential = {"kind": "harmonic", "first": 1.0, "second": 0.2, "spacing": 1.5}
    for strain in STRAINS:
        largest = patch_test(chain_settings("energy-based", potential=potential), strain).largest
        assert largest == pytest.approx(0.5 * 0.2 * 2 * 1.5 * strain, abs=1e-13)


@pytest.mark.parametrize("name", SCHEMES)
def test_first_neighbours_alone_have_none(name):
    settings = chain_settings(name, potential={"kind": "harmonic"}, element=4)
    assert patch_test(settings, 0.02).largest < 1e-13


def test_a_free_end_is_refused():
    settings = chain_settings("quasi-nonlocal", ends={"upper": "free"})
    with pytest.raises(ValueError, match=r"the patch test needs fixed ends; 'ends.upper' is 'free'"):
        patch_test(settings)
