"""Filters: what each does to steps and to noise, that none loses anything, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.case import load_case
from suture.couplers.checkpoint import flatten, unflatten
from suture.couplers.errors import CaseError, FilterError
from suture.couplers.filter_model import FilterSettings, Gaussian, Kalman, MovingWindow, Pod
from suture.couplers.filters import bell, create_filter, riccati_gain
from suture.couplers.pod_filter import stand_out

from ..mpi import mpirun, suture
from .play_filters import FILTERS, UNITS
from .play_tanks import CASE, SERIAL

Array = np.ndarray[Any, np.dtype[np.float64]]

SETTINGS: dict[str, FilterSettings] = {
    "moving-window": MovingWindow(kind="moving-window", windows=20),
    "gaussian": Gaussian(kind="gaussian", width=5.5),
    "pod": Pod(kind="pod", windows=12),
    "kalman": Kalman(kind="kalman", drift=0.1),
    "kalman, measured": Kalman(kind="kalman"),
}


def passed(settings: FilterSettings, series: Array, opening: Array | None = None) -> tuple[Array, Array]:
    """What an amount's filter gives of a series (windows, points, columns), and what it holds before and after each."""
    filter = create_filter(settings, lambda share: share, "the test")
    held = filter.open(np.zeros_like(series[0]) if opening is None else opening)
    given, holding = [], [held]
    for new in series:
        given.append(filter.step(new, held))
        held = held + new - given[-1]
        holding.append(held)
    return np.array(given), np.array(holding)


def smoothed(settings: FilterSettings, series: Array) -> Array:
    """A state's course through a filter."""
    filter = create_filter(settings, lambda share: share, "the test")
    filter.open(series[0])
    return np.array([filter.step(new, None) for new in series])


def white(windows: int, points: int = 1, seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal((windows, points, 1))


@pytest.mark.parametrize("windows", [2, 20])
def test_a_moving_window_divides_the_variance_by_its_windows_and_delays_by_half_of_them(windows):
    settings = MovingWindow(kind="moving-window", windows=windows)
    given, _ = passed(settings, white(3000, 40))
    assert np.var(given[windows:]) * windows == pytest.approx(1.0, abs=0.03)
    step, held = passed(settings, np.ones((60, 1, 1)))
    np.testing.assert_allclose(step[:windows, 0, 0], np.arange(1, windows + 1) / windows)
    np.testing.assert_allclose(held[windows:], (windows - 1) / 2)
    np.testing.assert_allclose(smoothed(settings, white(50))[windows:], passed(settings, white(50))[0][windows:])


def test_a_gaussian_has_the_variance_and_the_delay_of_its_weights():
    """Of half a bell with many windows: Σ w² = 1 / (√π width), and a delay of √(2/π) width."""
    settings = Gaussian(kind="gaussian", width=20.0)
    weights = bell(20.0)
    assert len(weights) == 81 and weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert np.square(weights).sum() * np.sqrt(np.pi) * 20.0 == pytest.approx(1.0, abs=0.03)
    assert weights @ np.arange(81) == pytest.approx(20.0 * np.sqrt(2 / np.pi), rel=0.03)
    given, _ = passed(settings, white(3000, 40))
    assert np.var(given[81:]) == pytest.approx(np.square(weights).sum(), rel=0.05)
    step, held = passed(settings, np.ones((100, 1, 1)))
    np.testing.assert_allclose(step[:81, 0, 0], np.cumsum(weights))
    assert held[-1, 0, 0] == pytest.approx(weights @ np.arange(81))


def test_weights_open_as_if_the_opening_amounts_had_always_flowed():
    for name in ("moving-window", "gaussian"):
        given, held = passed(SETTINGS[name], np.full((30, 2, 3), 7.0), np.full((2, 3), 7.0))
        np.testing.assert_allclose(given, 7.0, rtol=1e-13)
        np.testing.assert_allclose(held, held[:1].repeat(31, axis=0), rtol=1e-12)
        assert held[0, 0, 0] > 7.0


@pytest.mark.parametrize("drift", [0.03, 0.3, 2.0])
def test_a_kalman_filter_ends_at_the_riccati_gain(drift):
    """P = P⁻ / (P⁻ + 1) and P⁻ = P + drift²; the estimate after a step is 1 - (1 - K)^n."""
    gain = riccati_gain(drift)
    before = gain / (1.0 - gain)
    assert before == pytest.approx(before / (before + 1.0) + drift**2)
    settings = Kalman(kind="kalman", drift=drift)
    start = np.zeros((4000, 1, 1))
    estimate = smoothed(settings, np.concatenate((start, np.ones((20, 1, 1)))))[4000:, 0, 0]
    np.testing.assert_allclose(estimate, 1.0 - (1.0 - gain) ** np.arange(1, 21), rtol=1e-9)
    noise = smoothed(settings, white(4000, 40))
    assert np.var(noise[1000:]) == pytest.approx(gain / (2.0 - gain), rel=0.1)


def test_a_kalman_filter_is_the_best_of_all_gains_for_a_random_walk():
    """The error of the estimate, relative to the noise's variance, is the gain itself."""
    noise = white(6000, 30, seed=2)
    walk = 0.1 * np.cumsum(white(6000, 30, seed=3), axis=0)
    errors = {
        drift: np.mean(np.square(smoothed(Kalman(kind="kalman", drift=drift), walk + noise) - walk)[500:])
        for drift in (0.025, 0.1, 0.4)
    }
    assert errors[0.1] == pytest.approx(riccati_gain(0.1), rel=0.03)
    assert errors[0.1] < min(errors[0.025], errors[0.4])
    measured = np.mean(np.square(smoothed(Kalman(kind="kalman"), walk + noise) - walk)[500:])
    assert measured < 1.03 * errors[0.1]


def test_a_measured_kalman_filter_takes_each_component_as_it_is():
    """Beside pure noise about a steady value, which wants the smallest gain, a quick signal without noise."""
    quick = np.sin(0.3 * np.arange(3000))[:, None, None]
    both = np.concatenate((white(3000) + 5.0, quick), axis=2)
    given = smoothed(Kalman(kind="kalman"), both)[2000:, 0]
    assert np.std(given[:, 0]) < 0.12 and np.mean(given[:, 0]) == pytest.approx(5.0, abs=0.1)
    np.testing.assert_allclose(given[:, 1], quick[2000:, 0, 0], atol=1e-3)


def rank_one(windows: int, points: int) -> Array:
    """A profile that swells and shrinks."""
    profile = 3.0 + np.sin(np.linspace(0.0, 3.0, points))
    return (2.0 + np.sin(2 * np.pi * np.arange(windows) / 25.0))[:, None, None] * profile[:, None]


@pytest.mark.parametrize("modes", [1, "automatic"])
def test_pod_recovers_a_signal_of_one_mode_in_noise_without_delay(modes):
    """One mode of N windows and m values has an error of about √(1/N + 1/m) times the noise's (first-order theory)."""
    signal = rank_one(400, 60)
    given = smoothed(Pod(kind="pod", windows=30, modes=modes), signal + white(400, 60))
    error = np.sqrt(np.mean(np.square(given - signal)[30:]))
    assert error == pytest.approx(np.sqrt(1 / 30 + 1 / 60), rel=0.1)


def test_modes_stand_out_of_noise():
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((200, 40))
    two = noise + 30.0 * np.outer(rng.standard_normal(200), rng.standard_normal(40)) / 4
    two = two + 30.0 * np.outer(rng.standard_normal(200), rng.standard_normal(40)) / 4
    for matrix, modes in ((noise, 1), (two, 2)):
        assert stand_out(np.linalg.svd(matrix, compute_uv=False), 200, 40) == modes
        assert stand_out(np.linalg.svd(matrix.T, compute_uv=False), 40, 200) == modes


def test_which_filters_never_turn_an_answer_around():
    """Re Σ g(n) exp(-i ω n) of the answer g to a pulse: of equal weights it is as low as sin(ωT)/ωT, about -0.2."""
    pulse = np.zeros((6000, 1, 1))
    pulse[3000] = 1.0  # long after the gain has settled
    turns = np.exp(-1j * np.outer(np.arange(3000), np.linspace(0.0, np.pi, 401)))
    names = ("moving-window", "gaussian", "kalman")
    lowest = {n: (passed(SETTINGS[n], pulse)[0][3000:, 0, 0] @ turns).real.min() for n in names}
    assert lowest["moving-window"] == pytest.approx(-0.2, abs=0.03)
    assert lowest["gaussian"] > 0.0 and lowest["kalman"] > 0.0


@pytest.mark.parametrize("name", ["pod", "kalman", "kalman, measured"])
def test_estimates_hold_nothing_of_a_steady_flow(name):
    given, held = passed(SETTINGS[name], np.full((2000, 5, 1), 3.0), np.full((5, 1), 99.0))
    np.testing.assert_allclose(given, 3.0, rtol=1e-12)
    np.testing.assert_allclose(held, 0.0, atol=1e-10)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_pulse_comes_out_whole_and_what_is_held_stays_bounded(name):
    pulse = np.zeros((6000, 4, 2))
    pulse[100] = 1.0
    given, held = passed(SETTINGS[name], pulse)
    np.testing.assert_allclose(given.sum(axis=0), 1.0, atol=1e-4)
    np.testing.assert_allclose(held[-1], 0.0, atol=1e-4)
    noise = np.random.default_rng(5).standard_normal((20000, 4, 2))
    _, held = passed(SETTINGS[name], noise)
    early, late = np.abs(held[2000:10000]).max(), np.abs(held[10000:]).max()
    assert late < 1.5 * early, "what is held wanders off"


def test_dropping_what_the_estimate_leaves_out_shows():
    """With the held part thrown away in every window, a twentieth of a step's amount is lost for good."""
    filter = create_filter(SETTINGS["kalman"], lambda share: share, "the test")
    series = np.concatenate((np.zeros((200, 1, 1)), np.ones((500, 1, 1))))
    nothing = filter.open(series[0])
    given = sum(filter.step(new, nothing) for new in series)
    assert 500.0 - given[0, 0] > 5.0


@pytest.mark.parametrize("name", SETTINGS)
def test_a_saved_filter_goes_on_to_the_last_bit(name, tmp_path):
    series = np.random.default_rng(6).standard_normal((60, 5, 3))
    whole, _ = passed(SETTINGS[name], series)
    first = create_filter(SETTINGS[name], lambda share: share, "the test")
    held = first.open(np.zeros((5, 3)))
    for new in series[:37]:
        held = held + new - first.step(new, held)
    np.savez(tmp_path / "state.npz", **flatten(first.save() | {"held": held}))
    with np.load(tmp_path / "state.npz") as arrays:
        state = unflatten(arrays)
    second = create_filter(SETTINGS[name], lambda share: share, "the test")
    second.open(np.zeros((5, 3)))
    second.restore(state)
    held = state["held"]
    for window, new in enumerate(series[37:], 37):
        given = second.step(new, held)
        assert np.array_equal(given, whole[window])
        held = held + new - given


def test_pod_refuses_what_has_no_more_values_than_modes():
    message = r'seam: a: mass: a filter of kind "pod" finds .* there (is 1|are 3) of the [24] values'
    for settings, points in ((Pod(kind="pod", windows=5), 1), (Pod(kind="pod", windows=5, modes=3), 3)):
        with pytest.raises(FilterError, match=message):
            create_filter(settings, lambda share: share, "seam: a: mass").open(np.zeros((points, 1)))


# In a coupled run.


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("filters")
    done = mpirun(4, "-m", "tests.couplers.play_filters", folder, cwd=Path(__file__).parents[2])
    return folder, json.loads(done.stdout)


def flow(folder: Path, name: str) -> dict[str, Array]:
    with h5py.File(folder / name / "ledger.h5") as file:
        group = file["flows/seam: a -> b"]
        return {key: group[key][:] for key in ("sent", "received", "carry", "mean", "error")}


@pytest.mark.parametrize("name", FILTERS)
def test_nothing_is_lost_in_a_thousand_windows(runs, name):
    folder, results = runs
    assert results[name]["message"] == "" and results[name]["worst"] < 1e-12
    books, raw = flow(folder, name), flow(folder, "no filter")
    assert len(books["sent"]) == 1000
    np.testing.assert_array_equal(books["sent"], raw["sent"])
    lost = books["sent"].sum(axis=0) - books["received"].sum(axis=0) - (books["carry"][-1] - books["carry"][0])
    assert (np.abs(lost) / np.abs(books["sent"]).sum(axis=0)).max() < 1e-14
    # What is held is some windows' flow and not more; and momentum_y, which is mostly noise, has less of it.
    assert (np.abs(books["carry"]) < 30 * np.abs(books["sent"]).max(axis=0)).all()
    assert np.var(books["received"][100:, 2]) < 0.3 * np.var(raw["received"][100:, 2])


@pytest.mark.parametrize("name", FILTERS)
def test_a_forgotten_holding_is_found(runs, name):
    assert "seam: a -> b: " in runs[1][f"{name}, forgotten"]["message"]
    assert "has a defect of" in runs[1][f"{name}, forgotten"]["message"]


@pytest.mark.parametrize("name", FILTERS)
def test_ranks_and_samples_change_nothing(runs, name):
    folder, results = runs
    for other in (f"{name} on 3 + 1", f"{name} on 1 + 3", f"{name}, samples"):
        assert results[other]["message"] == ""
    alone = flow(folder, name)["received"][:20]
    for other in (f"{name} on 3 + 1", f"{name} on 1 + 3"):
        np.testing.assert_allclose(flow(folder, other)["received"], alone, atol=1e-12)


def test_a_run_says_how_exact_its_means_are(runs):
    """White noise of 0.05 in each of 12 cells: a standard error of 0.05 √(12 / 1000) in the mean of a window."""
    folder, _ = runs
    noise = flow(folder, "no filter")
    np.testing.assert_allclose(noise["mean"], noise["sent"].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(noise["error"], 0.05 * np.sqrt(12 / 1000), rtol=0.2)
    shown = suture("ledger", folder / "moving-window").stdout
    assert " ± " in shown and "held by the moving-window filter of seam: a -> b, or in transit, at the end" in shown
    tree = json.loads(suture("ledger", folder / "moving-window", "--json").stdout)
    assert tree["noise"]["seam: a -> b"]["error"] == pytest.approx(noise["error"].tolist())
    assert tree["filters"] == {"seam: a -> b": "moving-window"}


@pytest.mark.parametrize("name", ["moving-window", "pod"])
def test_a_resumed_run_is_the_run_itself(tmp_path, name):
    def case(folder: Path, end: float) -> Path:
        folder.mkdir(exist_ok=True)
        scheme = "parallel-explicit" if name == "pod" else "serial-explicit"
        more = (
            f"\n[interfaces.seam]\nfilter = {FILTERS[name]}\n[run]\ncheckpoint_every = 4\n[ledger]\ncell_errors = true"
        )
        units = (*UNITS[:2], UNITS[1])
        setting = SERIAL | {"ranks": (1, 2), "end": end, "units": units, "scheme": scheme, "more": more}
        (folder / "case.toml").write_text(CASE.format(**setting))
        return folder

    suture("run", case(tmp_path / "whole", 5.0))
    suture("run", case(tmp_path / "cut", 3.5))
    suture("run", case(tmp_path / "cut", 5.0), "--resume")
    whole, resumed = flow(tmp_path / "whole", "RUN"), flow(tmp_path / "cut", "RUN")
    assert all(np.array_equal(whole[key], resumed[key]) for key in ("sent", "received", "carry"))
    # What is known of the errors is added up anew from the books, in other portions.
    np.testing.assert_allclose(resumed["error"], whole["error"], rtol=1e-9)
    same_in_every_cell(tmp_path / "whole" / "RUN", tmp_path / "cut" / "RUN", whole["mean"])


def same_in_every_cell(whole: Path, resumed: Path, mean: Array) -> None:
    """What the ranks of both participants keep of every cell, whose amounts add up to those of the ledger."""
    total = np.zeros(5)
    for file in ("a/noise-0.npz", "b/noise-0.npz", "b/noise-1.npz"):
        with np.load(whole / file) as one, np.load(resumed / file) as other:
            assert all(np.array_equal(one[key], other[key], equal_nan=True) for key in one)
            if file.startswith("a"):
                assert one["seam/temperature/place"].shape == (12, 3)
                assert (one["seam/temperature/error"] > 0).all()
            else:
                total += np.concatenate([one[f"seam/{q}/mean"].sum(axis=0) for q in ("mass", "momentum", "energy")])
    np.testing.assert_allclose(total, mean, rtol=0.1)


# In a case.


def load(tmp_path: Path, filter: str, units: Any = UNITS, scheme: str = "serial-explicit", more: str = "") -> Any:
    table = f"{more}\n[interfaces.seam]\nfilter = {filter}\n"
    (tmp_path / "case.toml").write_text(CASE.format(**(SERIAL | {"units": units, "scheme": scheme, "more": table})))
    return load_case(tmp_path)


def test_a_filter_of_an_interface_is_for_what_the_noisy_side_gives(tmp_path):
    case = load(tmp_path, FILTERS["moving-window"])
    by_sender = {d.sender: d.filter for d in case.interfaces["seam"].directions}
    assert by_sender == {"a": SETTINGS["moving-window"], "b": None}
    (tmp_path / "case.resolved.toml").write_text(case.resolved())
    assert load_case(tmp_path / "case.resolved.toml").model_dump() == case.model_dump()


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        (
            '{ kind = "moving-widow", windows = 3 }',
            r'kind\n  found:   "moving-widow"\n.*\n.*mean "moving-window"\?',
        ),
        (
            '{ kind = "moving-window", windows = 0 }',
            r"filter\] windows\n  found:   0\n  allowed: greater than or",
        ),
        ('{ kind = "moving-window" }', r"filter\] windows\n  found:   nothing\n  allowed: this key is needed"),
        ('{ kind = "gaussian", width = -1.0 }', r"filter\] width\n  found:   -1.0\n  allowed: greater than 0"),
        ('{ kind = "pod", windows = 9, modes = 0 }', r"filter\] modes\n  found:   0\n"),
        ('{ kind = "kalman", drift = 0 }', r"filter\] drift\n  found:   0\n  allowed: greater than 0"),
        ('{ kind = "kalman", windows = 9 }', r"filter\] windows\n  found:   an unknown key\n  allowed: kind, drift"),
    ],
)
def test_mistakes_in_a_filter_are_named(tmp_path, filter, message):
    with pytest.raises(CaseError) as caught:
        load(tmp_path, filter)
    assert re.search(message, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("scheme", ["serial-implicit", "parallel-implicit"])
def test_an_implicit_scheme_refuses_filters(tmp_path, scheme):
    with pytest.raises(
        CaseError, match=rf'filter\n  found:   "kalman" in scheme "{scheme}", which repeats its windows'
    ):
        load(tmp_path, FILTERS["kalman"], scheme=scheme)


def test_an_interface_without_noise_refuses_a_filter(tmp_path):
    with pytest.raises(CaseError, match="found:   \"kalman\", where neither 'a' nor 'b' is noisy"):
        load(tmp_path, FILTERS["kalman"], units=("lj", '"lj"', '"lj"'))
