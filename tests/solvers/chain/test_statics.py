"""Equilibrium against closed forms, the order of the mesh, and how far each scheme is from the chain of atoms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suture.solvers.chain import SolverError, cauchy_born, equilibrium, held_nodes, lay_out, scheme
from suture.solvers.chain.links import LinkSum
from suture.solvers.chain.potentials import LennardJones
from suture.solvers.chain.schemes import uniform_strain

from .chains import CONSISTENT, HARMONIC, SCHEMES, SPACING, chain_settings, second_tension


def solve(settings: Any, site_load: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Displacements of all sites under forces on all sites, both as virtual work has them."""
    chain = lay_out(settings)
    held = held_nodes(settings, chain.nodes).values()
    load = chain.interpolation.T @ site_load
    return chain.interpolation @ equilibrium(scheme(settings, chain), load, held, start)


@pytest.mark.parametrize("element", [1, 4])
@pytest.mark.parametrize("name", SCHEMES)
def test_a_point_load_on_springs_makes_two_straight_lines(name, element):
    settings = chain_settings(name, potential=HARMONIC, element=element)
    load = np.zeros(121)
    load[50] = 0.3
    i = np.arange(121)
    exact = 0.3 / 120 * np.where(i <= 50, i * 70, (120 - i) * 50)
    assert solve(settings, load) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("element", [1, 5])
@pytest.mark.parametrize("name", CONSISTENT)
def test_pulled_ends_strain_a_consistent_chain_alike_everywhere(name, element):
    settings = chain_settings(name, element=element)
    chain = lay_out(settings)
    uniform = uniform_strain(chain, 0.02)
    start = uniform.copy()
    free = np.setdiff1d(np.arange(len(start)), np.concatenate(list(held_nodes(settings, chain.nodes).values())))
    start[free] += 0.01 * np.sin(free)
    found = solve(settings, np.zeros(121), start)
    assert found == pytest.approx(chain.interpolation @ uniform, abs=1e-12)


@pytest.mark.parametrize("width", [24, 48])
def test_ghost_forces_strain_a_blended_energy_by_the_second_derivative(width):
    """Differences of a stress φ₂' (α_{i+2} - α_{i+1} - α_i + α_{i-1}) / 2, about φ₂' α" and at most 6 φ₂'/K²."""
    settings = chain_settings("energy-blended", width=width, sites=401, core=[150, 250])
    strain = np.abs(np.diff(solve(settings, np.zeros(401)))).max() / SPACING
    stiffness = cauchy_born.stiffness(LennardJones(kind="lennard-jones"), np.array([SPACING]))[0]
    a = 1 - lay_out(settings).share
    second = 0.5 * np.abs(a[3:] - a[2:-1] - a[1:-2] + a[:-3]).max()
    assert second == pytest.approx(6 / width**2 * (1 - 3 / width))
    assert strain == pytest.approx(second_tension() * second / (stiffness * SPACING), rel=1e-3)


def test_a_sharp_energy_is_wrong_by_a_strain_that_no_mesh_mends():
    strains = []
    for sites in (121, 241):
        settings = chain_settings("energy-based", sites=sites, core=[40, sites - 41])
        strains.append(np.abs(np.diff(solve(settings, np.zeros(sites)))).max() / SPACING)
    assert strains[0] == pytest.approx(strains[1], rel=0.02) and strains[0] > 5e-4


def test_the_mesh_is_of_second_order():
    """Springs under a sine load: the nodes are exact, and what lies between is off by h² u''/8."""
    wave, errors = np.pi / 720, []
    i = np.arange(721)
    exact = np.sin(wave * i)
    load = 4 * np.sin(wave / 2) ** 2 * exact
    for element in (10, 20, 40):
        settings = chain_settings("force-blended", potential=HARMONIC, sites=721, core=[248, 472], element=element)
        errors.append(np.abs(solve(settings, load) - exact).max())
    assert np.log2(np.divide(errors[1:], errors[:-1])) == pytest.approx([2, 2], abs=0.1)
    assert errors[0] == pytest.approx(100 * wave**2 * exact[235] / 8, rel=1e-3)


ORDERS = {
    "force-based": 2,
    "quasi-nonlocal": 1,
    "force-blended": 2,
    "energy-based": 0,
    "energy-blended": 2,
    "ghost-force-corrected": 2,
}


def strain_error(name: str, length: int) -> float:
    """Largest error of the strain under a smooth load that strains chains of all lengths alike."""
    sites = 8 * length + 1
    place = np.arange(sites) / (sites - 1)
    # The stress sin(2πx) vanishes at the ends, where atoms and elements are held differently.
    load = np.cos(2 * np.pi * place) * 2 * np.pi / (sites - 1)
    springs = {"kind": "harmonic", "first": 1.0, "second": 0.2}
    changes: dict[str, Any] = {"sites": sites, "core": [3 * length, 5 * length], "potential": springs}
    if name in ("energy-blended", "force-blended", "ghost-force-corrected"):
        changes["width"] = length
    exact = solve(chain_settings("atoms", sites=sites, potential=springs), load)
    error = np.abs(np.diff(solve(chain_settings(name, **changes), load) - exact))
    return float(error[length:-length].max())


@pytest.mark.parametrize("name", ORDERS)
def test_the_order_in_the_spacing(name):
    """Everything grows with the sites, hand-shake included: left are the errors of the seam and of Cauchy-Born."""
    errors = [strain_error(name, length) for length in (16, 32, 64)]
    assert np.log2(np.divide(errors[:-1], errors[1:]))[-1] == pytest.approx(ORDERS[name], abs=0.25)


def test_too_large_a_load_is_said():
    settings = chain_settings("quasi-nonlocal")
    load = np.zeros(121)
    load[60] = 30.0
    with pytest.raises(SolverError, match="after 30 iterations of Newton's method: a force of .* is left; is the load"):
        solve(settings, load)


def test_a_chain_without_stiffness_is_said():
    settings = chain_settings("quasi-nonlocal")
    made, held = scheme(settings), held_nodes(settings, lay_out(settings).nodes).values()
    slack = LinkSum(tuple(replace(part, weights=0.0 * part.weights) for part in made.acting.parts))
    with pytest.raises(SolverError, match="the chain's stiffness is singular: .*; is the load too large"):
        equilibrium(replace(made, acting=slack), np.zeros(121), held)


def test_a_chain_that_nothing_holds_has_no_equilibrium():
    settings = chain_settings("quasi-nonlocal", ends={"lower": "free", "upper": "free"})
    with pytest.raises(SolverError, match="nothing holds the chain: an equilibrium needs an end that is 'fixed'"):
        solve(settings, np.zeros(121))
