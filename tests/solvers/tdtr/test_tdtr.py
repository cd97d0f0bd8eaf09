"""Thermoreflectance: the multilayer solution against others' numbers, pulse sums, and fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.errors import SolverError
from suture.solvers.tdtr import Layer, Measurement, Sample, fit, lock_in, ratio, signal

# 80 nm of aluminium on silicon; an independent frequency-domain code, matched by a time-domain pulse sum to 1e-6.
SAMPLE = Sample((Layer(180.0, 2.43e6, 80e-9, 200e6), Layer(142.0, 1.64e6)))
LASERS = Measurement(repetition=80e6, modulation=9.8e6, pump_radius=10e-6, probe_radius=10e-6)
DELAYS = np.array([0.1e-9, 0.5e-9, 1.0e-9, 3.6e-9])
RATIOS = {False: [10.4273, 6.5567, 4.3653, 1.3847], True: [11.1493, 8.2542, 6.0571, 2.3404]}


@pytest.mark.parametrize("pump_phase", [False, True])
def test_the_ratio_of_aluminium_on_silicon(pump_phase: bool) -> None:
    assert ratio(SAMPLE, LASERS, DELAYS, pump_phase) == pytest.approx(RATIOS[pump_phase], rel=1e-4)


def test_a_layer_cut_in_two_is_the_layer() -> None:
    halves = Sample((Layer(180.0, 2.43e6, 30e-9), Layer(180.0, 2.43e6, 50e-9, 200e6), Layer(142.0, 1.64e6, 1e-3)))
    assert ratio(halves, LASERS, DELAYS) == pytest.approx(ratio(SAMPLE, LASERS, DELAYS), rel=1e-6)


def pulse(t: np.ndarray, k: float, c: float, lasers: Measurement) -> np.ndarray:
    """What the probe sees of a half-space after a pulse of unit energy, in closed form."""
    width = lasers.pump_radius**2 + lasers.probe_radius**2
    return 1.0 / (c * np.sqrt(np.pi * k / c * t)) / (4.0 * np.pi * (k / c * t + width / 8.0))


@pytest.mark.parametrize("pump_phase", [False, True])
def test_summed_over_pulses_a_half_space_is_the_frequency_domain(pump_phase: bool) -> None:
    times = np.geomspace(0.5e-10, 20e-6, 400)
    found = lock_in(times, pulse(times, 142.0, 1.64e6, LASERS), LASERS, DELAYS, pump_phase)
    exact = signal(Sample((Layer(142.0, 1.64e6),)), LASERS, DELAYS, pump_phase)
    assert np.abs(found.signal / exact - 1.0) == pytest.approx(0.0, abs=3e-6)
    assert (found.bound < 1e-5 * np.abs(exact)).all()


def test_the_bound_of_the_truncated_tail_holds() -> None:
    times = np.geomspace(0.5e-10, 20e-6, 400)
    values = pulse(times, 142.0, 1.64e6, LASERS)
    whole = lock_in(times, values, LASERS, DELAYS)
    for until, most in ((4e-8, 0.5), (2e-7, 0.05)):
        cut = lock_in(times[times < until], values[times < until], LASERS, DELAYS)
        assert (np.abs(cut.signal - whole.signal) <= cut.bound).all()
        assert (cut.bound < most * np.abs(whole.signal)).all()


def test_a_fit_of_exact_data_returns_what_was_put_in() -> None:
    start = Sample((Layer(180.0, 2.43e6, 80e-9, 120e6), Layer(100.0, 1.64e6)))
    delays = np.geomspace(0.1e-9, 3.6e-9, 12)
    found = fit(start, LASERS, delays, ratio(SAMPLE, LASERS, delays), ["1.conductivity", "0.conductance"])
    assert found.values == pytest.approx({"1.conductivity": 142.0, "0.conductance": 200e6}, rel=1e-5)


def test_a_fit_of_noisy_data_contains_the_truth_in_its_error_bars() -> None:
    delays = np.geomspace(0.2e-9, 3.6e-9, 8)
    exact = ratio(SAMPLE, LASERS, delays)
    inside = 0
    for seed in range(6):
        noisy = exact * (1.0 + 0.01 * np.random.default_rng(seed).standard_normal(len(delays)))
        found = fit(SAMPLE, LASERS, delays, noisy, ["1.conductivity", "0.conductance"], error=0.01)
        off = found.values["1.conductivity"] - 142.0
        assert abs(off) < 4.0 * found.errors["1.conductivity"]
        inside += abs(off) < found.errors["1.conductivity"]
    assert inside >= 3


MISTAKES: dict[str, tuple[Any, str]] = {
    "delay": (lambda: signal(SAMPLE, LASERS, [2e-8]), "between 0 and the pulses' period"),
    "layer": (lambda: Layer(-1.0, 1.0), "conductivity = -1.0; it must be positive"),
    "infinite": (lambda: Sample((Layer(1.0, 1.0), Layer(1.0, 1.0))), "layer 1 of 2 is infinitely thick"),
    "laser": (lambda: Measurement(80e6, 0.0, 1e-6, 1e-6), "modulation = 0.0"),
    "name": (lambda: fit(SAMPLE, LASERS, [1e-9, 2e-9], [1.0, 1.0], ["2.conductivity"]), "a layer from 0 to 1"),
    "data": (lambda: fit(SAMPLE, LASERS, [1e-9], [1.0], ["1.conductivity"]), "more are needed"),
    "short": (lambda: lock_in([1e-10, 1e-9, 2e-9, 3e-9], [4.0, 3.0, 2.0, 1.0], LASERS, [1e-9]), "two periods"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(SolverError, match=message):
        call()
