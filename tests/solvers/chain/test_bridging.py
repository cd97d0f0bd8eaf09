"""Bridging domain: what long and short waves lose, and what is conserved all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.chain import BridgingSettings, Motion, bridging_domain, start_packet

from .chains import HARMONIC, LENNARD_JONES

MATRICES = ["consistent", "row-summed"]


def domain(constraint: str, **changes: Any) -> Motion:
    tables: dict[str, Any] = {
        "atoms": 601, "overlap": 40, "element": 10, "elements": 40, "constraint": constraint,
        "potential": HARMONIC, "step": 0.1,
    }  # fmt: skip
    return bridging_domain(BridgingSettings.model_validate(tables | changes))


def energy(motion: Motion) -> float:
    return float(motion.inventory()["energy"][0])


def packet(constraint: str, step: float = 0.1) -> tuple[float, float]:
    """Energy that is left, and what the constraint took, of a packet of q = π/4, which no element can carry."""
    motion = domain(constraint, step=step)
    start_packet(motion, 560, 360.0, 40.0, np.pi / 4)
    opening = energy(motion)
    motion.advance(430.0)
    return energy(motion) / opening, motion.rows()["constraint"]["energy"][0] / opening


@pytest.mark.parametrize(("constraint", "left"), [("consistent", 0.838), ("row-summed", 0.096)])
def test_what_comes_back_of_a_short_packet(constraint, left):
    """Computed for a step of 0.1: all that is left is back among the atoms, the rest is the constraint's row."""
    reflected, taken = packet(constraint)
    assert reflected == pytest.approx(left, rel=0.01)
    assert reflected - taken == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("constraint", MATRICES)
def test_the_loss_depends_on_the_step(constraint):
    left = [packet(constraint, step)[0] for step in (0.2, 0.1, 0.05)]
    assert left[0] < left[1] < left[2]


def test_a_long_pulse_goes_on():
    motion = domain("consistent", atoms=901, elements=100)
    x = motion.places - 600
    travels = np.where(motion.places <= 860, np.exp(-0.5 * (x / 40) ** 2), 0.0)
    motion.displacement = travels
    motion.velocity = travels * x / 40**2
    opening = energy(motion)
    motion.advance(500.0)
    atoms = slice(0, 860)
    kinetic = 0.5 * (motion.masses[atoms] * motion.velocity[atoms] ** 2).sum()
    reflected = (kinetic + 0.5 * (np.diff(motion.displacement[:861]) ** 2).sum()) / opening
    assert reflected == pytest.approx(4.0e-5, rel=0.05)
    assert energy(motion) / opening > 0.98


@pytest.mark.parametrize("potential", [HARMONIC, LENNARD_JONES], ids=["harmonic", "lennard-jones"])
@pytest.mark.parametrize("constraint", MATRICES)
def test_momentum_is_conserved_to_round_off(constraint, potential):
    free = {"lower": "free", "upper": "free"}
    motion = domain(constraint, atoms=121, elements=12, ends=free, potential=potential, step=0.01)
    motion.velocity = 0.05 * np.exp(-(((motion.places - 70) / 5) ** 2)) * np.cos(0.6 * motion.places)
    opening, gross = motion.inventory()["momentum"][0], np.abs(motion.masses * motion.velocity).sum()
    motion.advance(20.0)
    assert abs(motion.inventory()["momentum"][0] - opening) < 1e-12 * gross
    assert abs(motion.rows()["constraint"]["momentum"][0]) < 1e-12 * gross
    assert motion.rows()["constraint"]["energy"][0] < -1e-5


@pytest.mark.parametrize("constraint", MATRICES)
def test_energy_closes_to_the_integrators_order_at_least(constraint):
    errors = []
    for step in (0.1, 0.05, 0.025):
        motion = domain(constraint, atoms=121, elements=12, step=step)
        start_packet(motion, 80, 40.0, 8.0, np.pi / 4)
        opening = energy(motion)
        motion.advance(80.0)
        errors.append((energy(motion) - opening - motion.rows()["constraint"]["energy"][0]) / opening)
    # Verlet's error is of second order in the energy that is lost, and that is less for shorter steps.
    assert (np.log2(np.abs(np.divide(errors[:-1], errors[1:]))) > 1.9).all()


def test_a_strained_domain_creeps():
    """Multipliers change velocities and no paths: under tension the halves slide apart, half as fast in half steps."""
    crept = []
    for step in (0.1, 0.05):
        motion = domain("consistent", atoms=121, elements=12, strain=0.01, step=step)
        motion.advance(5.0)
        crept.append(np.abs(motion.displacement).max())
    assert crept[0] > 1e-3 and crept[0] / crept[1] == pytest.approx(2.0, rel=0.2)


def test_consistent_multipliers_hold_every_atom_of_the_overlap():
    motion = domain("consistent", atoms=121, elements=12)
    start_packet(motion, 80, 60.0, 8.0, 0.3)
    motion.advance(30.0)
    atoms, nodes = motion.places[:120], motion.places[120:]
    beside = np.interp(atoms[80:], nodes, motion.velocity[120:])
    assert motion.velocity[80:120] == pytest.approx(beside, abs=1e-14)
    assert np.abs(motion.velocity[80:120]).max() > 1e-9


def test_masses_and_energies_are_shared():
    """Together they have the mass of all sites but half of the last, and the energy of the whole lattice."""
    motion = domain("consistent", potential={"kind": "harmonic", "second": 0.2}, mass=3.0)
    assert motion.masses.sum() == pytest.approx(3.0 * (560 + 400 + 0.5))
    strained = motion.scheme.energy(0.01 * motion.places)
    w = 0.5 * (1 + 4 * 0.2) * 0.01**2
    # Second bonds that would reach beyond the atoms are missing at both of their ends, where they weigh 1 and 0.025.
    assert strained == pytest.approx(w * 960, rel=2e-3)


def test_repeated_identically():
    motion = domain("row-summed", atoms=121, elements=12)
    start_packet(motion, 80, 60.0, 8.0, 0.3)
    saved, results = motion.save(), []
    for _ in range(2):
        motion.restore(saved)
        motion.advance(2.0)
        results.append(motion.velocity)
    assert np.array_equal(*results)
