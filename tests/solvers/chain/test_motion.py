"""Books of a moving chain: momentum to round-off, energy to the integrator's order, and what each scheme leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.chain import Motion, SolverError, chain
from suture.solvers.chain.damping import damping_rates
from suture.solvers.chain.settings import Stadium

from .chains import ENERGIES, FORCES, HARMONIC, SCHEMES, chain_settings

FREE = {"lower": "free", "upper": "free"}


def shaken(name: str, **changes: Any) -> Motion:
    """A chain with a strong pulse in its core that runs into both seams; nothing about it is symmetric."""
    motion = chain(chain_settings(name, **({"element": 3} | changes)))
    motion.displacement = 0.02 * np.exp(-(((motion.places - 57) / 6) ** 2))
    motion.velocity = 0.3 * np.exp(-(((motion.places - 63) / 4) ** 2))
    return motion


def missing(motion: Motion, duration: float = 4.0) -> tuple[float, float, float]:
    """What momentum and energy changed beside their rows, and the momentum's gross."""
    opening, gross = motion.inventory(), float(np.abs(motion.masses * motion.velocity).sum())
    motion.advance(duration)
    closing, rows = motion.inventory(), motion.rows().values()
    change = {key: closing[key] - opening[key] - sum(row[key] for row in rows) for key in opening}
    return float(change["momentum"][0]), float(change["energy"][0]), gross


@pytest.mark.parametrize("ends", [{}, FREE, {"lower": "free"}])
@pytest.mark.parametrize("name", SCHEMES)
def test_the_books_of_momentum_close_to_round_off(name, ends):
    motion = shaken(name, ends=ends, stadium=[{"begin": 90, "end": 120, "rate": 0.5}], strain=0.01)
    momentum, _, gross = missing(motion)
    assert abs(momentum) < 1e-12 * gross
    assert set(motion.rows()) >= {f"{end} end" for end in ("lower", "upper") if end not in ends} | {"stadium"}


@pytest.mark.parametrize("name", ENERGIES)
def test_a_free_chain_with_an_energy_keeps_its_momentum(name):
    motion = shaken(name, ends=FREE)
    opening = motion.inventory()["momentum"]
    motion.advance(4.0)
    assert motion.inventory()["momentum"] == pytest.approx(opening, rel=1e-12)


@pytest.mark.parametrize("name", FORCES)
def test_a_force_based_one_does_not_and_says_so(name):
    motion = shaken(name, ends=FREE)
    opening = motion.inventory()["momentum"]
    motion.advance(4.0)
    change = motion.inventory()["momentum"] - opening
    assert abs(change[0]) > 1e-6 * opening[0]
    assert motion.rows()["force blending"]["momentum"] == pytest.approx(change, rel=1e-7)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_books_of_energy_close_to_the_integrators_order(name):
    """Kinetic, counted energy and rows, the heat of a damping band included; halving the step leaves a quarter."""
    errors = []
    for step in (0.01, 0.005, 0.0025):
        motion = shaken(name, step=step, stadium=[{"begin": 70, "end": 50, "rate": 0.5, "power": 2.0}])
        errors.append(missing(motion)[1])
        assert motion.rows()["stadium"]["energy"][0] < -1e-3
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2, 2], abs=0.15)


@pytest.mark.parametrize("name", [*FORCES, "ghost-force-corrected"])
def test_the_extra_forces_do_work(name):
    """Without their row the energy would not close at any step."""
    motion = shaken(name, step=0.001, strain=0.01)
    row = motion.scheme.row
    _, left, _ = missing(motion)
    assert abs(motion.rows()[row]["energy"][0]) > 20 * abs(left)


@pytest.mark.parametrize("name", [name for name in ENERGIES if name != "ghost-force-corrected"])
def test_a_scheme_with_an_energy_has_no_row_of_its_own(name):
    assert set(shaken(name).rows()) == {"lower end", "upper end"}


def test_an_end_takes_the_momentum_of_what_it_reflects():
    """A pulse of springs that travels up comes back as it went: the end has given twice its momentum."""
    motion = chain(chain_settings("atoms", potential=HARMONIC, step=0.05))
    x = motion.places - 60
    motion.displacement = 1e-3 * np.exp(-((x / 8) ** 2))
    motion.velocity = motion.displacement * 2 * x / 64
    motion.velocity += 2e-3 * np.exp(-((x / 8) ** 2))  # net momentum, half of it on each way
    opening = motion.inventory()["momentum"][0]
    motion.advance(100.0)
    ends = {end: motion.rows()[f"{end} end"]["momentum"][0] for end in ("lower", "upper")}
    assert motion.inventory()["momentum"][0] == pytest.approx(opening + sum(ends.values()), rel=1e-12)
    assert ends["lower"] == pytest.approx(-opening, rel=0.02) and ends["upper"] == pytest.approx(-opening, rel=0.02)


def test_the_rate_of_a_single_oscillation():
    """Three springs: the middle mass swings with ω² = 2 k / m, and decays by half of γ."""
    band = {"begin": 0.0, "end": 2.0, "rate": 0.1}
    settings = chain_settings("atoms", sites=4, potential=HARMONIC, mass=2.0, step=0.01, stadium=[band])
    motion = chain(settings)
    motion.displacement[1:3] = 1e-3, -1e-3
    motion.advance(20.0)
    # Masses 1 and 2 against each other: m x'' = -3 k x - γ m x', with γ = 0.05 and 0.1 at sites 1 and 2.
    matrix = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [-1, 0.5, -0.05, 0], [0.5, -1, 0, -0.1]])
    values, vectors = np.linalg.eig(matrix)
    exact = vectors @ (np.exp(20.0 * values) * np.linalg.solve(vectors, np.array([1e-3, -1e-3, 0, 0])))
    assert motion.displacement[1:3] == pytest.approx(exact.real[:2], abs=2e-7)
    assert motion.velocity[1:3] == pytest.approx(exact.real[2:], abs=2e-7)


def test_where_a_stadium_damps():
    places = np.array([0.0, 10.0, 15.0, 20.0, 25.0])
    up, down = Stadium(begin=10, end=20, rate=2.0), Stadium(begin=20, end=10, rate=1.0, power=2.0)
    assert damping_rates([up], places) == pytest.approx([0, 0, 1, 2, 0])
    assert damping_rates([up, down], places) == pytest.approx([0, 1, 1.25, 2, 0])


@pytest.mark.long
@pytest.mark.parametrize("name", FORCES)
def test_force_based_schemes_do_not_heat_a_warm_chain(name):
    """Not conserved is not the same as growing: the work of the extra forces wanders in 50,000 steps."""
    motion = chain(chain_settings(name))
    motion.velocity = 0.3 * np.random.default_rng(3).standard_normal(121)
    motion.velocity[[0, 1, 119, 120]] = 0.0
    opening, work = motion.inventory()["energy"][0], []
    for _ in range(10):
        motion.advance(50.0)
        work.append(motion.rows()["force blending"]["energy"][0] / opening)
    assert 1e-6 < np.abs(work).max() < 0.01


def test_a_uniform_strain_stays_at_rest_but_for_ghost_forces():
    for name, moves in (("force-blended", False), ("quasi-nonlocal", False), ("energy-based", True)):
        motion = chain(chain_settings(name, strain=0.02, element=4))
        motion.advance(1.0)
        assert (np.abs(motion.displacement).max() > 1e-4) == moves
        assert moves or np.abs(motion.displacement).max() < 1e-13


@pytest.mark.parametrize("name", ["force-blended", "ghost-force-corrected"])
def test_a_repeated_advance_is_identical(name):
    motion = shaken(name, stadium=[{"begin": 90, "end": 120, "rate": 0.5}])
    motion.advance(0.3)
    saved, results = motion.save(), []
    for _ in range(2):
        motion.restore(saved)
        motion.advance(0.255)
        results.append((motion.time, motion.displacement, motion.velocity, str(motion.rows())))
    first, second = results
    assert first[0] == second[0] == pytest.approx(0.555) and first[3] == second[3]
    assert np.array_equal(first[1], second[1]) and np.array_equal(first[2], second[2])


def test_too_long_a_step_is_said():
    with pytest.raises(SolverError, match="have met or passed each other; is the step too long, or a load too large"):
        shaken("quasi-nonlocal", step=0.5).advance(50.0)
