"""Clocks of their own: the steady state is the same and comes sooner, and the books hold and say what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books
from suture.couplers.case import load_case
from suture.couplers.clocks import caution
from suture.couplers.errors import CaseError

from ..mpi import mpirun, suture
from .play_clocks import CASE, CLOCK, CLOCKS, SCHEMES, TANKS

ROOT = Path(__file__).parents[2]
SAID = (
    "books rates of a steady state: 'block' runs 20 times faster than the case's clock; "
    "totals are not those of a trajectory"
)
Runs = tuple[Path, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("clocks")
    done = mpirun(2, "-m", "tests.couplers.play_clocks", folder, cwd=ROOT, timeout=240.0)
    return folder, json.loads(done.stdout)


def profile(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The part's own times, and its temperatures, (times, cells)."""
    with h5py.File(folder / part / "profiles.h5") as file:
        return file["time"][:], file["temperature"][:]


def held(folder: Path, part: str) -> np.ndarray:
    with h5py.File(folder / "ledger.h5") as file:
        return file[f"participants/{part}/inventory"][:, 0]


def flow(folder: Path, kind: str) -> np.ndarray:
    with h5py.File(folder / "ledger.h5") as file:
        return file[f"flows/seam: film -> block/{kind}"][:, 0]


def steady_state() -> np.ndarray:
    """Of both slabs' cells, by their balances of conducted and made heat alone: 16 of 1/16 in each."""
    n, h = 16, 1 / 16
    conductivity, source = np.repeat([1.0, 10.0], n), np.zeros(2 * n)
    source[:n] = 20.0 * (np.arange(n) + 0.5) * h * h
    half = 0.5 * h / conductivity
    between = 1.0 / (half[1:] + half[:-1])
    first, last = 1.0 / half[0], 1.0 / (half[-1] + 1.0 / 30.0)
    matrix = np.diag(np.r_[first, between] + np.r_[between, last]) - np.diag(between, 1) - np.diag(between, -1)
    source[[0, -1]] += 400.0 * first, 300.0 * last
    return np.linalg.solve(matrix, source)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_clock_does_what_a_smaller_capacity_does(scheme: str, runs: Runs) -> None:
    """Cell by cell and window by window, in every scheme; only the block's own times differ."""
    one, other = (runs[0] / f"{scheme}, {name}" for name in ("clocks", "light"))
    for part, clock in (("film", 1.0), ("block", CLOCK)):
        (times, found), (less, expected) = profile(one, part), profile(other, part)
        np.testing.assert_allclose(times, clock * less, rtol=1e-12)
        np.testing.assert_allclose(found, expected, rtol=1e-11)
        np.testing.assert_allclose(held(one, part), clock * held(other, part), rtol=1e-11)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_balance_holds_and_the_whole_is_that_of_the_smaller_capacity(scheme: str, runs: Runs) -> None:
    one, other = (read_books(runs[0] / f"{scheme}, {name}") for name in ("clocks", "light"))
    assert one.balanced and one.worst < 2e-14
    assert one.caution == SAID and one.clocks == {"block": CLOCK, "film": 1.0} and not other.caution
    assert one.whole.terms.keys() == other.whole.terms.keys()
    for term, values in one.whole.terms.items():
        np.testing.assert_allclose(values, other.whole.terms[term], rtol=1e-10)
    terms = one.flows[0].terms
    np.testing.assert_allclose(terms["sent, in the receiver's time"], CLOCK * terms["sent"], rtol=1e-14)
    arrived = terms["received"] + terms["closing"] - terms["opening"]
    np.testing.assert_allclose(terms["sent, in the receiver's time"], arrived, rtol=1e-13)


def test_what_is_in_transit_and_what_a_filter_holds_is_in_the_receivers_time(runs: Runs) -> None:
    for scheme in ("parallel", "filter"):
        one, other = (flow(runs[0] / f"{scheme}, {name}", "carry") for name in ("clocks", "light"))
        assert np.abs(one[1:]).max() > 0.0
        sent = flow(runs[0] / f"{scheme}, clocks", "sent")
        np.testing.assert_allclose(one, CLOCK * other, rtol=0, atol=1e-11 * np.abs(sent).max())


def test_which_of_two_clocks_is_the_cases_is_a_matter_of_taste(runs: Runs) -> None:
    """The block twenty times as quick as the film, with windows told in the film's time or in the block's."""
    for part in ("film", "block"):
        (times, one), (same, other) = (profile(runs[0] / name, part) for name in ("serial, clocks", "slow film"))
        np.testing.assert_allclose(times, same, rtol=1e-12)
        np.testing.assert_allclose(one, other, rtol=1e-12)
    assert "'film' runs 20 times slower than" in read_books(runs[0] / "slow film").caution


def test_the_steady_state_is_the_same_and_comes_as_much_sooner_as_the_clock_is_quicker(runs: Runs) -> None:
    """To 1e-10 of that of the balances alone; windows until 1 ‰ of the block's way is left: 46 and 872 measured."""
    exact = steady_state()
    found = np.concatenate([profile(runs[0] / "steady, clocks", part)[1][-1] for part in ("film", "block")])
    np.testing.assert_allclose(found, exact, rtol=1e-10)
    windows = {}
    for name in ("steady, clocks", "steady, none"):
        left = held(runs[0] / name, "block") - 200.0 * exact[16:].mean()
        windows[name] = int(np.argmax(np.abs(left) < 1e-3 * abs(left[0])))
        assert windows[name] > 0, "it gets there"
    assert windows["steady, none"] / windows["steady, clocks"] == pytest.approx(CLOCK, rel=0.1)


def test_a_quick_side_that_is_slowed_leaves_the_slow_ones_course_nearly_as_it_is(runs: Runs) -> None:
    """The film advances by a quarter of the block's time, and is still nearly steady beside it: 0.4 % measured."""
    (times, slowed), (all_times, plain) = (
        profile(runs[0] / name, "block") for name in ("quasi-steady", "steady, none")
    )
    expected = np.interp(times, all_times, plain.mean(axis=1))
    way = 350.0 - expected[-1]
    assert way > 30.0
    assert np.abs(slowed.mean(axis=1) - expected).max() < 0.005 * way


@pytest.mark.parametrize(
    ("place", "defect"),
    [("the exchange", "is 0.95 of"), ("the ledger", "is 19 of"), ("what is in transit", "is 0.95 of")],
)
def test_a_ratio_that_is_dropped_ends_the_run(place: str, defect: str, runs: Runs) -> None:
    message = runs[1][f"ratio is dropped from {place}"]["message"]
    assert "window 0: the books do not balance\n  interface seam: film -> block: energy has a defect" in message
    assert defect in message


def test_a_ratio_that_is_dropped_everywhere_is_seen_in_the_whole_and_in_the_steady_state(runs: Runs) -> None:
    """Every single account then closes, and the whole does not: the block cools to what a twentieth keeps warm."""
    found = runs[1]["ratio is dropped everywhere"]
    assert not found["message"] and found["worst"] < 1e-12 and found["flows"] < 1e-12
    assert found["whole"] > 0.01
    wrong = profile(runs[0] / "ratio is dropped everywhere", "block")[1][-1]
    assert np.abs(wrong - steady_state()[16:]).max() > 1.0


@pytest.mark.parametrize("name", TANKS)
def test_vectors_other_units_and_several_samples(name: str, runs: Runs) -> None:
    """What the source lost in its time is what the sink got in its own, column by column."""
    books = read_books(runs[0] / name)
    assert books.balanced and not runs[1][name]["message"]
    accounts = [*books.participants, books.flows[0]]
    clocks = [books.clocks[name] for name in ("a", "b", "b")]
    gains = [(one.terms["closing"] - one.terms["opening"]) / clock for one, clock in zip(accounts, clocks, strict=True)]
    assert np.abs(gains[0]).min() > 0.0
    round_off = 1e-14 * sum(np.abs(one.terms["opening"]) / clock for one, clock in zip(accounts, clocks, strict=True))
    assert (np.abs(sum(gains)) < 1e-12 * np.abs(gains[0]) + round_off).all()
    assert (round_off < 1e-6 * np.abs(gains[0])).all()


def test_a_trajectory_is_another_one_and_the_ledger_says_so(runs: Runs) -> None:
    """The film's outer side swings; the block with a clock swings far more."""
    swing = {}
    for name in ("unsteady, clocks", "unsteady, none"):
        temperature = profile(runs[0] / name, "block")[1][25:, 0]
        swing[name] = np.ptp(temperature - np.polyval(np.polyfit(range(25), temperature, 2), range(25)))
    assert swing["unsteady, clocks"] > 5 * swing["unsteady, none"]
    assert not read_books(runs[0] / "unsteady, none").caution
    with h5py.File(runs[0] / "unsteady, clocks" / "ledger.h5") as file:
        assert file.attrs["caution"] == SAID
    tree = json.loads(suture("ledger", runs[0] / "unsteady, clocks", "--json").stdout)
    assert tree["caution"] == SAID and tree["clocks"] == {"block": 20.0, "film": 1.0}
    assert "not those of a trajectory" in " ".join(suture("ledger", runs[0] / "unsteady, clocks").stdout.split())


def test_a_resumed_run_goes_on_to_the_last_bit_and_all_that_it_leaves_says_what_it_is(
    runs: Runs, tmp_path: Path
) -> None:
    file, whole = tmp_path / "case.toml", runs[0] / "whole"
    text = (whole / "case.toml").read_text()
    file.write_text(text.replace("end = 1.2", "end = 0.6"))
    suture("run", tmp_path)
    file.write_text(text)
    done = suture("run", tmp_path, "--resume")
    for part in ("film", "block"):
        one, other = (profile(folder, part) for folder in (whole, tmp_path / "RUN"))
        assert all(np.array_equal(*both) for both in zip(one, other, strict=True))
    books = read_books(tmp_path)
    assert books.balanced and books.caution == SAID
    for term, values in read_books(whole).whole.terms.items():
        np.testing.assert_array_equal(values, books.whole.terms[term])
    assert SAID in done.stdout
    for left in ("suture.log", "report.html"):
        assert SAID in (tmp_path / "RUN" / left).read_text().replace("&#x27;", "'"), left
    assert SAID in suture("check", tmp_path).stdout.replace("\n", "")


def test_what_is_told_of_several_clocks() -> None:
    assert caution({"a": 1.0, "b": 1.0}) == ""
    assert caution({"a": 1.0, "b": 0.1, "c": 2.5}) == (
        "books rates of a steady state: 'b' runs 10 times slower than the case's clock, 'c' runs 2.5 times faster than "
        "the case's clock; totals are not those of a trajectory"
    )


def test_amounts_cross_by_units_and_clocks_and_states_by_units(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(CASE.format(**CLOCKS))
    case = load_case(tmp_path)
    assert case.window_of("film") == 0.1 and case.window_of("block") == 2.0
    assert case.factor("energy", "film", "block") == 20.0 and case.factor("energy", "block", "film") == 0.05
    assert case.factor("temperature", "film", "block") == 1.0


def refused(tmp_path: Path, **changes: float | str) -> str:
    (tmp_path / "case.toml").write_text(CASE.format(**CLOCKS | changes))
    with pytest.raises(CaseError) as refusal:
        load_case(tmp_path)
    return str(refusal.value)


def test_the_cases_time_is_somebodys(tmp_path: Path) -> None:
    message = refused(tmp_path, film=2.0)
    assert "[participants.film] clock\n  found:   2 of 'film', 20 of 'block'" in message
    assert "allowed: 1 of at least one participant, whose time is the case's" in message
    assert "divide every clock by 2, and multiply `window` and `end` in [time] by it" in message


@pytest.mark.parametrize(("clock", "allowed"), [(0.0, "greater than 0"), (-3.0, "greater than 0"), ("inf", "finite")])
def test_a_clock_is_a_positive_number(clock: float | str, allowed: str, tmp_path: Path) -> None:
    message = refused(tmp_path, block=clock)
    assert "[participants.block] clock" in message and allowed in message
