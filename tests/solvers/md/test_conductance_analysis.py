"""What is made of records and fluctuations, against series whose resistance is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.spatial import cKDTree

from suture.solvers.errors import SolverError
from suture.solvers.md.bilayer import BASIS, LEAST_CELLS, LEAST_FITTED, Bilayer, Structure
from suture.solvers.md.bilayer_dynamics import Records
from suture.solvers.md.interface_fluctuations import interface_conductance
from suture.solvers.md.steady_conduction import (
    Measured,
    analyse,
    extrapolate,
    jackknife,
    steady_from,
    unexplained_energy,
)

BILAYER = Bilayer("fcc", (1.5, 1.7), 3, LEAST_CELLS)
RESISTANCE, FLUX, CONDUCTIVITY = 2.5, 0.04, (5.0, 8.0)
AREA, MEAN = 20.0, 0.25
NEIGHBOURS = {"fcc": (12, np.sqrt(0.5)), "bcc": (8, np.sqrt(0.75)), "diamond": (4, np.sqrt(3.0) / 4.0)}


class TestBilayer:
    @pytest.mark.parametrize("structure", list(BASIS))
    def test_equal_crystals_are_one_crystal(self, structure: Structure):
        """Every atom has the neighbours of the perfect crystal, those at both interfaces too."""
        bilayer = Bilayer(structure, (2.0, 2.0), 3, 4)
        places, types = bilayer.atoms()
        box = np.array([bilayer.edge, bilayer.edge, bilayer.heights[-1]])
        number, distance = NEIGHBOURS[structure]
        distances = cKDTree(places, boxsize=box).query(places, k=number + 2)[0]
        np.testing.assert_allclose(distances[:, 1:-1], 2.0 * distance, rtol=1e-12)
        assert np.all(distances[:, -1] > 2.05 * distance)
        assert np.bincount(types).tolist() == [0, len(places) // 2, len(places) // 2]

    @pytest.mark.parametrize("structure", list(BASIS))
    def test_layers_have_equally_many_atoms(self, structure: Structure):
        bilayer = Bilayer(structure, (2.0, 2.3), 3, 5)
        places, types = bilayer.atoms()
        layers = np.searchsorted(bilayer.heights, places[:, 2], side="right") - 1
        assert np.bincount(layers).tolist() == [len(places) // 20] * 20
        assert np.array_equal(types, 1 + layers // bilayer.side)

    @pytest.mark.parametrize("cells", [LEAST_CELLS, 11, 16, 33])
    def test_segments_lie_alike_between_baths_and_interfaces(self, cells: int):
        bilayer = Bilayer("diamond", (1.0, 1.0), 2, cells)
        hot, cold = bilayer.bath(0), bilayer.bath(1)
        assert hot[0] == bilayer.side - 1 - hot[-1]
        assert np.array_equal(cold, hot + bilayer.side)
        layers = [segment.layers for pair in bilayer.segments() for segment in pair]
        assert {len(one) for one in layers} == {len(layers[0])}
        assert len(layers[0]) >= LEAST_FITTED
        used = np.concatenate([*layers, hot, cold])
        assert len(set(used.tolist())) == len(used)

    def test_a_shorter_one_would_have_too_few_layers(self):
        layers = Bilayer("fcc", (1.0, 1.0), 2, LEAST_CELLS - 1).segments()[0][0].layers
        assert len(layers) <= LEAST_FITTED


def noise(shape: tuple[int, ...], correlation: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise of variance one whose correlation falls by ``correlation`` from record to record."""
    white = random.standard_normal((200 + shape[0], *shape[1:]))
    return np.asarray(lfilter([np.sqrt(1.0 - correlation**2)], [1.0, -correlation], white, axis=0))[200:]


def records(count: int = 256, seed: int = 0, shake: float = 0.0, transient: float = 0.0) -> Records:
    """Records of a bilayer of known resistance and conductivities, with correlated noise of relative size ``shake``."""
    steps = np.repeat(np.array(BILAYER.lattice_constants) / 2.0, BILAYER.side)
    height = np.cumsum(steps) - steps / 2.0
    period = float(steps.sum())
    middle = [height[BILAYER.bath(kind)].mean() for kind in (0, 1)]
    # Halfway between the planes on both sides.
    spacing = float(np.mean(BILAYER.lattice_constants)) / 2.0
    upper = height[BILAYER.side - 1] + spacing / 2.0
    faces = (height[0] - spacing / 2.0, upper, period + height[0] - spacing / 2.0)
    profile = np.empty_like(height)
    for kind, sign in ((0, 1.0), (1, -1.0)):
        side = slice(kind * BILAYER.side, (kind + 1) * BILAYER.side)
        z = height[side]
        to_face = np.minimum(z - faces[kind], faces[kind + 1] - z)
        profile[side] = MEAN + sign * FLUX * (0.5 * RESISTANCE + to_face / CONDUCTIVITY[kind])
        # A bath is no line.
        profile[side][np.abs(z - middle[kind]) < 1.0] += 0.1 * sign
    random = np.random.default_rng(seed)
    power = 2.0 * AREA * FLUX * (1.0 + shake * noise((count, 2), 0.7, random))
    fading = transient * np.exp(-np.arange(count) / (count / 20.0))
    temperature = profile * (1.0 + 0.3 * shake * noise((count, len(height)), 0.7, random)) + fading[:, None] * np.where(
        np.arange(len(height)) < BILAYER.side, -1.0, 1.0
    )
    given, taken = np.cumsum(power, axis=0).T * 2.0
    return Records(2.0, temperature, height - height[0], period, AREA, given, taken, given - taken)


class TestSteadyConduction:
    def test_exact_where_there_is_no_noise(self):
        found = analyse(records(), BILAYER)
        assert found.resistance.value == pytest.approx(RESISTANCE, rel=1e-10)
        assert [jump.value for jump in found.jumps] == pytest.approx([RESISTANCE * FLUX] * 2, rel=1e-10)
        assert found.flux.value == pytest.approx(FLUX, rel=1e-12)
        assert found.temperature.value == pytest.approx(MEAN, rel=1e-12)
        for one, known in zip(found.conductivity, CONDUCTIVITY, strict=True):
            assert one is not None
            assert one.value == pytest.approx(known, rel=1e-9)
        assert found.profile[:, 1] == pytest.approx(records().temperature[0])

    def test_errors_cover(self):
        """Deviations in units of the claimed error have a mean square of one, for correlated noise."""
        found = [analyse(records(seed=seed, shake=0.1), BILAYER) for seed in range(100)]
        for name, known in (("resistance", RESISTANCE), ("flux", FLUX), ("temperature", MEAN)):
            ratios = [(getattr(one, name).value - known) / getattr(one, name).standard_error for one in found]
            # 100 squares of a variable with 15 degrees of freedom: 1.15 ± 0.19.
            assert 0.6 < np.mean(np.square(ratios)) < 1.8, name

    def test_a_transient_is_left_out(self):
        shaken = analyse(records(count=512, shake=0.05, transient=0.2, seed=1), BILAYER)
        assert 0.0 < shaken.steady_from < 512.0
        assert abs(shaken.resistance.value - RESISTANCE) < 4.0 * shaken.resistance.standard_error

    def test_a_drift_is_no_steady_state(self):
        drifting = records(shake=0.01)
        drifting.temperature[:, : BILAYER.side] += np.linspace(0.0, 0.5, 256)[:, None]
        with pytest.raises(SolverError, match="no steady state within 512: the transient lasts over half of it"):
            analyse(drifting, BILAYER)

    def test_heat_that_is_lost_is_noticed(self):
        leaking = records(shake=0.02)
        leaking = replace(leaking, taken=0.9 * leaking.taken)
        with pytest.raises(SolverError, match=r"the hot bath gave 0\.0\d+ ± .* the state is not steady; take a longer"):
            analyse(leaking, BILAYER)

    @pytest.mark.parametrize("dropped", ["given", "taken", "energy"])
    def test_each_term_of_the_balance_is_needed(self, dropped: str):
        kept = records(shake=0.1)
        scale = kept.given[-1] - kept.given[0]
        assert abs(unexplained_energy(kept)) < 1e-12 * scale
        without = replace(kept, **{dropped: np.zeros(256)})
        assert abs(unexplained_energy(without)) > 1e-3 * scale

    def test_nothing_but_noise_has_no_inverse(self):
        assert Measured(0.1, 0.04).inverse is None
        assert Measured(0.5, 0.1).inverse == Measured(2.0, 0.4)


def test_the_jackknife_knows_what_means_have_in_common():
    """Numerator and denominator that vary together have an exact ratio."""
    common = 1.0 + 0.2 * np.random.default_rng(2).standard_normal(16)
    found = jackknife(lambda m: m[0] / m[1], np.column_stack([3.0 * common, common]))
    assert found.value == pytest.approx(3.0)
    assert found.standard_error < 1e-12


def test_steady_from_the_start_or_after_a_step():
    series = noise((400, 2), 0.5, np.random.default_rng(3))
    assert steady_from(series) is not None
    stepped = series.copy()
    stepped[:80, 1] += 10.0
    assert steady_from(stepped) == pytest.approx(80, abs=24)
    stepped[:280, 1] += 10.0
    assert steady_from(stepped) is None


class TestExtrapolation:
    def test_a_line_in_the_inverse_length_is_found(self):
        lengths = [10.0, 20.0, 40.0]
        fit = extrapolate(lengths, [Measured(2.0 + 5.0 / length, 0.01) for length in lengths])
        assert (fit.resistance.value, fit.slope.value) == pytest.approx((2.0, 5.0))
        assert fit.chi_squared < 1e-12
        assert fit.degrees_of_freedom == 1

    def test_two_points_have_the_error_of_the_line_through_them(self):
        """R∞ = 2 R(2L) - R(L), so its variance is 4 s² + s²."""
        fit = extrapolate([10.0, 20.0], [Measured(2.5, 0.1), Measured(2.25, 0.1)])
        assert fit.resistance.value == pytest.approx(2.0)
        assert fit.resistance.standard_error == pytest.approx(0.1 * np.sqrt(5.0))

    def test_a_bad_fit_widens_the_errors(self):
        values = [Measured(2.5, 0.01), Measured(2.0, 0.01), Measured(2.3, 0.01)]
        narrow = extrapolate([10.0, 20.0, 40.0], [replace(one, standard_error=1.0) for one in values])
        wide = extrapolate([10.0, 20.0, 40.0], values)
        assert wide.chi_squared > 100.0
        assert wide.resistance.standard_error == pytest.approx(
            0.01 * narrow.resistance.standard_error * np.sqrt(wide.chi_squared)
        )


def exchange(conductance: float, seed: int, count: int = 40000, atoms: int = 400) -> np.ndarray:
    """Energies of two sides of springs that exchange heat at k = T = area = 1, with a vibration between them."""
    random = np.random.default_rng(seed)
    capacity, spacing = 3.0 * atoms / 4.0, 0.1
    keep = np.exp(-conductance * spacing / capacity)
    steps = np.sqrt(capacity * (1.0 - keep**2)) * random.standard_normal(count)
    slow = np.asarray(lfilter([1.0], [1.0, -keep], steps))
    # A damped oscillation, which does not carry heat: its integral is zero.
    vibration = np.asarray(lfilter([1.0], [1.0, -1.6, 0.8], 0.5 * random.standard_normal(count)))
    difference = (slow + vibration).reshape(-1, 2).mean(axis=1)
    return np.column_stack([difference, -difference])


class TestFluctuations:
    def test_the_conductance_of_a_known_exchange(self):
        """Errors cover, and no bias is left by the finite capacity, though τ is only 50 times a sample."""
        found = [interface_conductance(exchange(30.0, seed), 0.2, 1.0, 1.0, 1.0, 400) for seed in range(60)]
        ratios = [(one.value - 30.0) / one.standard_error for one in found]
        assert max(one.standard_error / one.value for one in found) < 0.2
        assert 0.5 < np.mean(np.square(ratios)) < 1.6
        # Half of what would be left without the capacity, exp(-cut/τ).
        assert abs(np.mean([one.value for one in found]) - 30.0) < 1.2

    def test_area_temperature_and_constant_scale_it(self):
        energies = exchange(30.0, 1)
        one = interface_conductance(energies, 0.2, 1.0, 1.0, 1.0, 400)
        # The same atoms in units of which time's is half, energy's a third, and length's a fifth as long.
        other = interface_conductance(3.0 * energies, 0.4, 25.0, 3.0, 1.0, 400)
        assert other.value == pytest.approx(one.value * 3.0 / 2.0 / 25.0)

    def test_sides_that_are_too_small_are_refused(self):
        with pytest.raises(SolverError, match="the sides come to equilibrium within a few samples; take longer sides"):
            interface_conductance(exchange(30.0, 1), 0.2, 1.0, 1.0, 1.0, 8)
