"""Waves on the chain, through a seam and into a damping band, against closed forms and a transfer matrix."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.chain import chain, lay_out, lumped_reflection, measure_reflection, scheme, start_packet
from suture.solvers.chain.waves import amplitudes, frequency

from .chains import HARMONIC, LENNARD_JONES, SCHEMES, chain_settings


def seam(name: str, element: int, atoms: int = 1200, step: float = 0.8, potential=HARMONIC):
    """Atoms up to a seam, elements of ``element`` spacings behind it, as long as the packet needs."""
    return chain(
        chain_settings(
            name,
            sites=atoms + 1 + 420 * element,
            core=[0, atoms],
            element=element,
            potential=potential,
            step=step,
            **({"width": 1} if "blended" in name or "corrected" in name else {}),
        )
    )


def test_the_closed_form():
    q = np.pi * np.array([0.05, 0.1, 0.05])
    closed = [lumped_reflection(*pair) for pair in zip(q, (4, 4, 10), strict=True)]
    assert closed == pytest.approx([0.0244, 0.1175, 0.2331], abs=5e-5)  # computed
    assert lumped_reflection(0.3, 1) == pytest.approx(0.0, abs=1e-15)  # the sine of one place differs by processor
    assert lumped_reflection(0.21, 10) == pytest.approx(1.0)  # sin(q/2) > 1/n: nothing goes on


@pytest.mark.parametrize(("element", "part"), [(4, 0.05), (4, 0.1), (10, 0.05)])
def test_a_seam_reflects_what_the_closed_form_says(element, part):
    q = part * np.pi
    measured = measure_reflection(seam("quasi-nonlocal", element), 1200, 600.0, 80.0, q, 1200.0)
    assert measured == pytest.approx(lumped_reflection(q, element), abs=1e-5)


@pytest.mark.parametrize("name", SCHEMES[1:])
def test_sharp_schemes_reflect_alike_where_first_neighbours_are_all(name):
    q = 0.1 * np.pi
    measured = measure_reflection(seam(name, 4, atoms=600), 600, 300.0, 40.0, q, 600.0)
    assert measured == pytest.approx(lumped_reflection(q, 4), abs=1e-8)


def test_waves_that_the_elements_cannot_carry_come_back_whole():
    measured = measure_reflection(seam("quasi-nonlocal", 10, atoms=600), 600, 300.0, 40.0, 0.15 * np.pi, 620.0)
    assert measured == pytest.approx(1.0, abs=1e-6)


def scattered(settings, q: float) -> float:
    """|R| at one frequency: (K - ω² M) u = 0, with waves and what decays beside the seam as unknowns.

    Left of it u = e^{iqj} + R e^{-iqj} + E z^j, with z + 1/z = 2c' and c' the other root of the lattice's dispersion;
    right of it, in elements of one spacing, T e^{iQj}.
    """
    plan, left, right = lay_out(settings), 20, 100
    sites, spacing = np.arange(121), np.array([plan.spacing])
    first, second = plan.potential.curvature(1, spacing)[0], plan.potential.curvature(2, 2 * spacing)[0]
    squared = 4 * first * np.sin(q / 2) ** 2 + 4 * second * np.sin(q) ** 2
    beyond = 2 * np.arcsin(np.sqrt(squared / (first + 4 * second)) / 2)
    cosine = -first / (2 * second) - np.cos(q)
    z = cosine + np.sign(cosine) * np.sqrt(cosine**2 - 1)  # |z| > 1: decays to the left
    outside = sites < left
    waves = [
        np.where(outside, np.exp(-1j * q * sites), 0),
        np.where(outside, z ** (np.minimum(sites, left) - left), 0),
        np.where(sites > right, np.exp(1j * beyond * sites), 0),
    ]
    inside = np.eye(121)[:, left : right + 1]
    matrix = scheme(settings).stiffness(np.zeros(121)).toarray() - squared * np.diag(plan.masses(1.0))
    rows = slice(left - 10, right + 10)
    unknown = (matrix @ np.column_stack([*waves, inside]))[rows]
    known = -(matrix @ np.where(outside, np.exp(1j * q * sites), 0))[rows]
    found, residual, rank, _ = np.linalg.lstsq(unknown, known, rcond=None)
    assert rank == unknown.shape[1] and residual < 1e-18
    return float(abs(found[0]))


@pytest.mark.parametrize("part", [0.1, 0.3, 0.6])
@pytest.mark.parametrize(
    ("name", "width"),
    [("quasi-nonlocal", None), ("force-based", None), ("force-blended", 16), ("ghost-force-corrected", 16)],
)
def test_a_seam_of_second_neighbours_scatters_as_at_one_frequency(name, width, part):
    """Elements of one spacing: what comes back is the seam's own, and a blended one sends back little."""
    q, changes = part * np.pi, {} if width is None else {"width": width}
    exact = scattered(chain_settings(name, core=[0, 60], step=0.04, **changes), q)
    long = chain_settings(name, sites=1001, core=[0, 400], step=0.04, **changes)
    duration = 400.0 / (8.4 * np.cos(q / 2))
    assert measure_reflection(chain(long), 400, 200.0, 30.0, q, duration) == pytest.approx(exact, rel=0.02, abs=2e-6)
    assert exact < 5e-5 or width is None


@pytest.mark.parametrize("potential", [HARMONIC, HARMONIC | {"second": 0.3}, LENNARD_JONES], ids=["1", "1, 2", "lj"])
def test_a_packet_travels_one_way_with_the_frequency_of_the_lattice(potential):
    """Each wave number's phase, after many periods of velocity Verlet's own frequency."""
    step = 0.05 if potential is LENNARD_JONES else 0.4
    settings = chain_settings("atoms", sites=801, potential=potential, step=step)
    motion, q = chain(settings), 0.2 * np.pi
    start_packet(motion, 800, 300.0, 30.0, q)
    up, down = amplitudes(motion, 800, q)
    phases = np.exp(-1j * q * np.arange(801))
    before = phases @ motion.displacement
    steps = 400
    motion.advance(steps * step)
    turned = np.angle((phases @ motion.displacement) / before)
    omega = 2 / step * np.arcsin(0.5 * step * frequency(settings, np.array(q)))
    assert np.exp(1j * turned) == pytest.approx(np.exp(-1j * omega * steps * step), abs=1e-4)
    assert down < 1e-6 * up
    assert amplitudes(motion, 800, q) == pytest.approx((up, 0.0), rel=1e-4, abs=1e-4 * up)


def test_elements_alone_are_of_second_order_in_their_length():
    """The slowest vibration of a chain that is nearly all elements, against that of the lattice."""
    errors, q = [], np.pi / 400
    for element in (5, 10, 20):
        motion = chain(
            chain_settings("quasi-nonlocal", sites=401, core=[0, 1], element=element, potential=HARMONIC, step=0.5)
        )
        motion.displacement = 1e-6 * np.sin(q * motion.places)
        opening = motion.displacement.copy()
        motion.advance(600.0)  # three quarters of a period: the slope in time is at its largest
        exact = np.cos(600.0 * 2 * np.sin(q / 2))
        middle = len(opening) // 2
        errors.append(abs(motion.displacement[middle] / opening[middle] - exact))
    assert np.log2(np.divide(errors[1:], errors[:-1])) == pytest.approx([2, 2], abs=0.1)
    assert errors[-1] == pytest.approx(1.5 * np.pi * q**2 * (20**2 - 1) / 24, rel=0.1)


def band_reflection(q: float, length: int, rate: float) -> float:
    """Energy that comes back from a damping band before a fixed end, by the recurrence of u exp(-iωt).

    (2 - ω² - iωγ_s) u_s = u_{s+1} + u_{s-1}, from u = 0 at the end to the waves before the band.
    """
    omega = 2 * np.sin(q / 2)
    above, here = 0j, 1 + 0j
    for s in range(length - 1, -2, -1):
        gamma = rate * max(s, 0) / length
        above, here = here, (2 - omega**2 - 1j * omega * gamma) * here - above
        above, here = above / abs(here), here / abs(here)
    # u_{-2} = here, u_{-1} = above: A e^{iqs} + B e^{-iqs}
    matrix = np.exp(1j * q * np.array([[-2, 2], [-1, 1]]))
    up, down = np.linalg.solve(matrix, [here, above])
    return float(abs(down / up) ** 2)


BAND = {0.02: 0.106, 0.05: 6.1e-3, 0.1: 2.1e-4, 0.2: 1.5e-5, 0.4: 2.9e-6}
"""Computed: energy reflected at q/π, length 100, linear growth to 1."""


@pytest.mark.parametrize("part", BAND)
def test_what_a_damping_band_sends_back(part):
    q = part * np.pi
    settings = chain_settings(
        "atoms", sites=1101, potential=HARMONIC, step=0.2, stadium=[{"begin": 1000, "end": 1100, "rate": 1.0}]
    )
    motion = chain(settings)
    measured = measure_reflection(motion, 1000, 520.0, 60.0, q, 1060.0 / np.cos(q / 2)) ** 2
    assert measured == pytest.approx(BAND[part], rel=0.1)
    assert measured == pytest.approx(band_reflection(q, 100, 1.0), rel=0.02)


def test_what_a_band_does_not_send_back_is_its_heat():
    settings = chain_settings(
        "atoms", sites=501, potential=HARMONIC, step=0.1, stadium=[{"begin": 400, "end": 500, "rate": 1.0}]
    )
    motion = chain(settings)
    start_packet(motion, 400, 200.0, 30.0, 0.2 * np.pi)
    opening = motion.inventory()["energy"][0]
    motion.advance(450.0)
    assert motion.rows()["stadium"]["energy"][0] == pytest.approx(-opening, rel=2e-3)
    assert motion.inventory()["energy"][0] < 1e-3 * opening
