"""What each scheme conserves, as a property of its forces at displacements that are nowhere uniform."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.chain import SolverError, lay_out, scheme
from suture.solvers.chain.schemes import uniform_strain

from .chains import ENERGIES, FORCES, SCHEMES, SPACING, chain_settings


def rough(count: int) -> np.ndarray:
    """Displacements without any symmetry."""
    return 0.02 * np.random.default_rng(1).standard_normal(count)


def made(name, element=1, **changes):
    settings = chain_settings(name, element=element, **changes)
    chain = lay_out(settings)
    return scheme(settings, chain), chain, rough(len(chain.nodes))


@pytest.mark.parametrize("element", [1, 3])
@pytest.mark.parametrize("name", SCHEMES)
def test_the_stiffness_is_the_derivative_of_the_force(name, element):
    it, _, u = made(name, element)
    matrix, d = it.stiffness(u).toarray(), 1e-6
    for node in range(len(u)):
        push = np.zeros(len(u))
        push[node] = d
        difference = (it.force(u - push) - it.force(u + push)) / (2 * d)
        assert matrix[:, node] == pytest.approx(difference, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("element", [1, 3])
@pytest.mark.parametrize("name", SCHEMES)
def test_forces_less_the_extra_ones_are_the_gradient(name, element):
    it, _, u = made(name, element)
    gradient, d = -(it.force(u) - it.extra(u)), 1e-6
    for node in range(0, len(u), 3):
        push = np.zeros(len(u))
        push[node] = d
        assert gradient[node] == pytest.approx((it.energy(u + push) - it.energy(u - push)) / (2 * d), abs=2e-7)


@pytest.mark.parametrize("element", [1, 3])
@pytest.mark.parametrize("name", ENERGIES)
def test_an_energy_gives_symmetry_and_no_net_force(name, element):
    it, _, u = made(name, element)
    matrix = it.stiffness(u)
    assert it.symmetric and abs(matrix - matrix.T).max() < 1e-12
    force = it.force(u)
    assert abs(force.sum()) < 1e-13 * abs(force).sum()


@pytest.mark.parametrize("name", FORCES)
def test_a_force_based_scheme_has_neither(name):
    it, _, u = made(name)
    matrix = it.stiffness(u)
    assert not it.symmetric and abs(matrix - matrix.T).max() > 0.1
    force = it.force(u)
    assert abs(force.sum()) > 1e-7 * abs(force).sum()
    assert it.row == "force blending" and abs(it.extra(u)).max() > 1e-3


@pytest.mark.parametrize("name", SCHEMES[1:])
def test_a_core_from_end_to_end_is_the_chain_of_atoms(name):
    """Surfaces included: nothing of the continuum is left at an end that is atoms."""
    it, _, u = made(name, core=[0, 120])
    atoms, _, _ = made("atoms")
    change = 0.0 if name != "ghost-force-corrected" else it.dead_load
    assert it.force(u) - change == pytest.approx(atoms.force(u), abs=1e-12)
    assert it.energy(u) == pytest.approx(atoms.energy(u), rel=1e-12)


@pytest.mark.parametrize("name", SCHEMES[1:])
def test_atoms_in_the_core_feel_atoms_and_nodes_far_off_elements(name):
    it, chain, u = made(name)
    atoms, _, _ = made("atoms")
    force = it.force(u)
    assert force[43:78] == pytest.approx(atoms.force(u)[43:78], abs=1e-12)
    strained = np.diff(u) + SPACING
    potential = chain.potential
    stress = potential.slope(1, strained) + 2 * potential.slope(2, 2 * strained)
    assert force[1:28] == pytest.approx(np.diff(stress)[:27], abs=1e-12)
    assert force[93:-1] == pytest.approx(np.diff(stress)[92:], abs=1e-12)


@pytest.mark.parametrize("name", FORCES)
def test_forces_are_blended_by_the_share_of_the_node(name):
    it, chain, u = made(name)
    atoms, _, _ = made("atoms")
    r, potential = np.diff(u) + SPACING, chain.potential
    elastic = np.diff(potential.slope(1, r) + 2 * potential.slope(2, 2 * r))
    share = chain.share[1:-1]
    assert it.force(u)[1:-1] == pytest.approx((1 - share) * atoms.force(u)[1:-1] + share * elastic, abs=1e-12)
    if name == "force-blended":
        assert np.unique(share).size > 8


@pytest.mark.parametrize("name", SCHEMES)
def test_the_energy_of_a_uniform_strain_is_that_of_the_lattice(name):
    """With continuum at both ends, each of 120 spacings has the energy of the lattice; atoms have two surfaces."""
    it, chain, _ = made(name, element=7)
    r = np.array([SPACING, SPACING * 1.01])
    first, second = (np.diff(chain.potential.energy(n, n * r))[0] for n in (1, 2))
    spacings = 119 if name == "atoms" else 120
    expected = 120 * first + spacings * second
    assert it.energy(uniform_strain(chain, 0.01)) == pytest.approx(expected, rel=1e-11)


def test_masses_of_nodes():
    settings = chain_settings("quasi-nonlocal", element=6, mass=2.0)
    chain = lay_out(settings)
    masses = chain.masses(settings.mass)
    assert list(chain.nodes[:9]) == [0, 3, 9, 15, 21, 27, 33, 39, 40]
    assert masses[2] == pytest.approx(12.0) and masses[7] == pytest.approx(2 * 3.5) and masses[9] == 2.0
    assert masses.sum() == pytest.approx(2.0 * 121)


def test_sites_that_pass_each_other_are_found():
    it, _, u = made("atoms")
    u[7] = 1.5
    with pytest.raises(SolverError, match="two sites of the chain have met or passed each other"):
        it.force(u)
