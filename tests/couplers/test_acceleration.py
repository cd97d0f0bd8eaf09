"""Relaxation, Aitken and the quasi-Newton methods against what they are known to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from suture.couplers import quasi_newton
from suture.couplers.acceleration_settings import AccelerationSettings
from suture.couplers.cells import Array
from suture.couplers.checkpoint import flatten, unflatten
from suture.couplers.secant_filter import create_judge, fit

from ..mpi import mpirun
from .fixed_points import accelerate, fields_of, linear, window

ROOT = Path(__file__).parents[2]
KINDS = ("iqn-ils", "iqn-imvj", "aitken", "constant", "none")
QUASI_NEWTON = KINDS[:2]


def test_without_acceleration_the_new_values_are_taken():
    x, given = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    assert np.array_equal(accelerate(fields_of(2), kind="none").update(x, given), given)
    relaxed = accelerate(fields_of(2), kind="constant", relaxation=0.25).update(x, given)
    assert relaxed == pytest.approx([1.5, 1.25])


def test_aitken_is_exact_for_one_unknown_after_two_steps():
    for slope in (-10.0, -0.5, 0.9, 3.0):
        acceleration = accelerate(fields_of(1), kind="aitken")
        answer, count = window(acceleration, lambda x, s=slope: s * x + 1.0, np.zeros(1), 1e-12)
        assert answer == pytest.approx([1.0 / (1.0 - slope)])
        assert count == 3


def test_aitken_starts_a_window_with_its_last_relaxation_but_not_with_a_larger_one_than_the_first():
    for slope, expected in ((-10.0, 1.0 / 11.0), (0.9, 0.5)):
        acceleration = accelerate(fields_of(1), kind="aitken")
        window(acceleration, lambda x, s=slope: s * x + 1.0, np.zeros(1), 1e-12)
        acceleration.begin()
        assert acceleration.update(np.zeros(1), np.ones(1)) == pytest.approx([expected])


@pytest.mark.parametrize("kind", QUASI_NEWTON)
@pytest.mark.parametrize("dimension", [1, 2, 7, 20])
def test_a_linear_problem_ends_after_as_many_iterations_as_it_has_dimensions(kind, dimension):
    matrix, source = linear(dimension)
    answer, count = window(
        accelerate(fields_of(dimension), kind=kind), lambda x: matrix @ x + source, np.zeros(dimension), 1e-9
    )
    assert answer == pytest.approx(np.linalg.solve(np.eye(dimension) - matrix, source), rel=1e-7)
    assert count <= dimension + 2


@pytest.mark.parametrize("kind", QUASI_NEWTON)
def test_for_one_unknown_the_order_is_that_of_the_secant_method(kind):
    acceleration, x, errors = accelerate(fields_of(1), kind=kind), np.array([1.0]), []
    acceleration.begin()
    root = 0.7390851332151607  # of x = cos x
    for _ in range(6):
        errors.append(abs(x[0] - root))
        x = acceleration.update(x, np.cos(x))
    orders = np.log(errors[2:]) - 0.0
    golden = (1.0 + 5.0**0.5) / 2.0
    assert errors[-1] < 1e-10
    assert np.mean(np.diff(np.log(-orders))) == pytest.approx(np.log(golden), rel=0.15)


def test_ils_solves_the_least_squares_of_its_columns():
    matrix, source = linear(30, radius=0.9)
    acceleration, x = accelerate(fields_of(30), filter="qr2", filter_limit=1e-12), np.zeros(30)
    acceleration.begin()
    residuals: list[Array] = []
    outputs: list[Array] = []
    for _ in range(8):
        outputs.append(matrix @ x + source)
        residuals.append(outputs[-1] - x)
        if len(residuals) > 1:
            v, w = np.diff(residuals, axis=0).T, np.diff(outputs, axis=0).T
            expected = outputs[-1] - w @ np.linalg.lstsq(v, residuals[-1], rcond=None)[0]
        x = acceleration.update(x, outputs[-1])
        if len(residuals) > 1:
            assert x == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_imvj_updates_the_jacobian_as_little_as_may_be():
    def law(x: Array) -> Array:
        return matrix @ x + 0.2 * np.sin(4.0 * x) + source

    matrix, source = linear(10, radius=0.7)
    acceleration, x, old = accelerate(fields_of(10), kind="iqn-imvj"), np.zeros(10), np.zeros((10, 10))
    for index in range(3):
        acceleration.begin()
        residuals: list[Array] = []
        outputs: list[Array] = []
        jacobian = old
        for _ in range(4):
            outputs.append(law(x))
            residuals.append(outputs[-1] - x)
            if len(residuals) > 1:
                v, w = np.diff(residuals, axis=0).T, np.diff(outputs, axis=0).T
                jacobian = old + (w - old @ v) @ np.linalg.pinv(v)
            last, x = x, acceleration.update(x, outputs[-1])
            if index or len(residuals) > 1:
                assert x == pytest.approx(outputs[-1] - jacobian @ residuals[-1], rel=1e-9)
        acceleration.accept(last, outputs[-1])
        old, source = jacobian, source + 0.1


@pytest.mark.parametrize("kind", QUASI_NEWTON)
def test_what_one_window_taught_serves_the_next(kind):
    matrix, source = linear(15)
    acceleration = accelerate(fields_of(15), kind=kind)
    x, first = window(acceleration, lambda x: matrix @ x + source, np.zeros(15), 1e-10)
    _, second = window(acceleration, lambda x: matrix @ x - source, x, 1e-8)
    assert (first >= 15, second) == (True, 2)


def test_with_no_window_reused_the_last_one_serves_for_the_first_step():
    matrix, source = linear(15, radius=0.9)
    acceleration = accelerate(fields_of(15), reused_windows=0)
    x, _ = window(acceleration, lambda x: matrix @ x + source, np.zeros(15), 1e-10)
    for sign in (-1.0, 1.0):
        x, count = window(acceleration, lambda x, s=sign: matrix @ x + s * source, x, 1e-6)
        assert count == 2
    # That window left one column, and the next one knows this direction alone.
    assert window(acceleration, lambda x: matrix @ x + np.ones(15), x, 1e-6)[1] > 10


@pytest.mark.parametrize("kind", QUASI_NEWTON)
def test_more_columns_than_are_kept(kind, monkeypatch):
    monkeypatch.setattr(quasi_newton, "MOST_COLUMNS", 12)
    matrix, source = linear(40, radius=0.6)
    acceleration, x = accelerate(fields_of(20, 20), kind=kind), np.zeros(40)
    for index in range(8):
        x, count = window(acceleration, lambda x, i=index: matrix @ x + np.cos(i) * source, x, 1e-8)
        assert count < 40
        sizes = [len(array) for name, array in acceleration.save().items() if name.startswith(("basis", "jacobian"))]
        assert max(sizes) <= 1.25 * 12 + 4


@pytest.mark.parametrize("kind", QUASI_NEWTON)
def test_residuals_from_one_to_a_trillionth(kind):
    n = 40
    basis = np.linalg.qr(np.random.default_rng(3).standard_normal((n, n)))[0]
    eigenvalues = 0.95 - 1e-1 ** np.linspace(0.0, 6.0, n)  # clustered: the columns are nearly dependent
    answer, count = window(
        accelerate(fields_of(n), kind=kind),
        lambda x: basis @ (eigenvalues * (basis.T @ x)) + basis.sum(axis=1),
        np.zeros(n),
        1e-13,
        most=60,
    )
    assert count < 45
    assert answer == pytest.approx(basis @ (basis.T @ basis.sum(axis=1) / (1.0 - eigenvalues)), abs=1e-9)


@pytest.mark.parametrize("kind", ["iqn-ils", "iqn-imvj", "aitken"])
def test_units_of_a_field_do_not_matter(kind):
    def run(unit: float) -> Array:
        scale, iterates = np.concatenate((np.ones(6), np.full(4, unit))), []
        acceleration, x = accelerate(fields_of(6, 4), kind=kind), np.zeros(10)
        for index in range(2):
            acceleration.begin()
            for _ in range(5):
                given = scale * (matrix @ (x / scale) + (1.0 + index) * source)
                last, x = x, acceleration.update(x, given)
                iterates.append(x / scale)
            acceleration.accept(last, given)
        return np.array(iterates)

    matrix, source = linear(10, radius=0.8)
    assert run(2.0**60) == pytest.approx(run(1.0), rel=1e-9, abs=1e-9)
    assert run(2.0**-60) == pytest.approx(run(1.0), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("filter", ["qr1", "qr2", "automatic"])
def test_a_filter_drops_the_older_of_two_like_columns(filter):
    columns = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [1e-12, 0.0, 0.0]])
    judge = create_judge(AccelerationSettings(filter=filter), columns, np.eye(3))
    assert fit(columns, judge).kept == [1, 2]


def test_the_limits_of_qr1_and_qr2_are_relative_to_all_and_to_the_column():
    columns = np.array([[1e-5, 1.0], [1e-5, 0.0]])
    for filter, limit, kept in (("qr1", 1e-4, [1]), ("qr1", 1e-6, [0, 1]), ("qr2", 1e-4, [0, 1]), ("qr2", 0.8, [1])):
        settings = AccelerationSettings(filter=filter, filter_limit=limit)
        assert fit(columns, create_judge(settings, columns, np.eye(2))).kept == kept


def test_the_automatic_filter_drops_what_contradicts_and_keeps_what_only_depends():
    new, old = np.array([1.0, 0.0]), np.array([1.0, 1e-3])
    columns = np.stack((old, new), axis=1)
    for jacobian_of_old, kept in (([2.0, 2e-3], [0, 1]), ([2.1, 0.0], [1])):
        outputs = np.stack((jacobian_of_old, [2.0, 0.0]), axis=1)
        judge = create_judge(AccelerationSettings(), columns, outputs.T @ outputs)
        assert fit(columns, judge).kept == kept


def test_old_columns_of_a_nonlinear_problem_do_no_harm():
    """Reused columns that contradict newer ones stall this problem where a fixed small limit keeps them."""

    def counts(**settings) -> list[int]:
        acceleration, x, result = accelerate(fields_of(60), **settings), np.zeros(60), []
        for index in range(1, 10):
            swing = np.sin(0.3 * index) * sources[0] + np.cos(0.3 * index) * sources[1]
            x, count = window(acceleration, lambda x, s=swing: matrix @ (x + 0.05 * np.sin(x)) + s, x, 1e-6, 60)
            result.append(count)
        return result

    random = np.random.default_rng(7)
    basis = np.linalg.qr(random.standard_normal((60, 60)))[0]
    matrix = (basis * np.linspace(0.0, 0.9, 60)) @ basis.T
    sources = 3.0 * random.standard_normal((2, 60))
    alone, automatic = counts(reused_windows=0), counts()
    assert max(counts(filter="qr2", filter_limit=1e-8)) == 60
    assert sum(automatic) < 0.9 * sum(alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [(3,), (2, 0), (0, 0), (2, 3), (1, 1, 1)])
def test_degenerate_problems_give_numbers(kind, lengths):
    fields, n = fields_of(*lengths), sum(lengths)
    constant = np.arange(n, dtype=float)
    laws = [lambda x: x, lambda x: 0.0 * x, lambda x: constant, lambda x: x + constant, lambda x: 0.5 * x + constant]
    acceleration, x = accelerate(fields, kind=kind), np.zeros(n)
    for law in laws:
        acceleration.begin()
        for _ in range(n + 3):
            given = law(x)
            last, x = x, acceleration.update(x, given)
            assert x.shape == (n,) and np.isfinite(x).all()
        acceleration.accept(last, given)


def test_a_window_that_converges_at_once_teaches_nothing_and_spoils_nothing():
    matrix, source = linear(8)
    acceleration = accelerate(fields_of(8), reused_windows=1)
    x, _ = window(acceleration, lambda x: matrix @ x + source, np.zeros(8), 1e-10)
    for _ in range(5):
        x, count = window(acceleration, lambda x: matrix @ x + source, x, 1e-8)
        assert count == 1
    assert window(acceleration, lambda x: matrix @ x - source, x, 1e-8)[1] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_few_sums_of_a_size_that_does_not_grow_with_the_fields(kind):
    def sizes(n: int) -> list[list[int]]:
        calls: list[int] = []

        def total(share: Array) -> Array:
            calls.append(share.size)
            return share.copy()

        acceleration, x, result = accelerate(fields_of(n, n), total, kind=kind), np.zeros(2 * n), []
        acceleration.begin()
        for _ in range(6):
            calls.clear()
            x = acceleration.update(x, np.sin(x) + np.arange(2.0 * n))
            result.append(list(calls))
        return result

    assert sizes(20) == sizes(500)
    assert all(len(calls) <= 2 for calls in sizes(20))


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_acceleration_goes_on_to_the_last_bit(kind):
    def law(x: Array) -> Array:
        return matrix @ x + 0.1 * np.sin(x) + source

    matrix, source = linear(12, radius=0.7)
    acceleration, x = accelerate(fields_of(5, 7), kind=kind), np.zeros(12)
    for _ in range(2):
        x, _ = window(acceleration, law, x, 1e-3, most=6)
        source = -1.3 * source
    again = accelerate(fields_of(5, 7), kind=kind)
    again.restore(unflatten(flatten(acceleration.save())))
    y = x.copy()
    for _ in range(2):
        x, count = window(acceleration, law, x, 1e-9, most=9)
        y, same = window(again, law, y, 1e-9, most=9)
        assert count == same
        assert np.array_equal(x, y)
        source = -1.3 * source


@pytest.mark.parametrize("kind", ["iqn-ils", "iqn-imvj", "aitken"])
def test_the_same_iterates_on_one_two_and_three_ranks(kind):
    runs = [
        np.array(json.loads(mpirun(ranks, "-m", "tests.couplers.play_acceleration", kind, cwd=ROOT).stdout))
        for ranks in (1, 2, 3)
    ]
    assert np.ptp(runs[0], axis=0).max() > 0.1
    for other in runs[1:]:
        assert np.abs(other - runs[0]).max() < 1e-12 * np.abs(runs[0]).max()


def test_every_kind_has_its_own_defaults():
    defaults = {kind: AccelerationSettings(kind=kind).model_dump(exclude_none=True) for kind in KINDS}
    assert AccelerationSettings().kind == "iqn-ils"
    assert defaults["iqn-ils"] == {
        "kind": "iqn-ils",
        "relaxation": 0.5,
        "reused_windows": 20,
        "filter": "automatic",
    }
    assert defaults["none"] == {"kind": "none"}
    assert AccelerationSettings(filter="qr2").filter_limit == 1e-2
    for kind, settings in defaults.items():
        assert AccelerationSettings(**settings) == AccelerationSettings(kind=kind)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "none", "relaxation": 0.5}, '"none" takes no relaxation; allowed are kind; remove it'),
        ({"kind": "aitken", "reused_windows": 3}, 'allowed are kind, relaxation; .* another kind: "iqn-ils"'),
        ({"kind": "iqn-imvj", "reused_windows": 3}, '"iqn-imvj" takes no reused_windows'),
        ({"filter_limit": 0.1}, '"automatic" takes no filter_limit; .* choose filter = "qr1" or "qr2"'),
        ({"kind": "constant", "filter_limit": 0.1}, "there is no filter to take a filter_limit"),
        ({"kind": "newton"}, "'iqn-ils', 'iqn-imvj', 'aitken', 'constant' or 'none'"),
        ({"relaxation": 0.0}, "greater than 0"),
        ({"reused_windows": -1}, "greater than or equal to 0"),
        ({"windows": 3}, "not permitted"),
    ],
)
def test_a_setting_that_does_nothing_is_an_error(settings, words):
    with pytest.raises(ValidationError, match=words):
        AccelerationSettings(**settings)


@pytest.fixture(scope="module")
def iterations() -> dict[tuple[str, str, str], dict]:
    """The rows of the benchmark, which counts as preCICE does."""
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "iterations.py"], capture_output=True, text=True, timeout=120, check=True
    )
    rows = json.loads(done.stdout)["rows"]
    return {(row["toy"], row["scheme"], row["acceleration"]): row for row in rows}


def test_the_benchmark_counts_as_the_peer_does(iterations):
    """Without acceleration, relaxed or by Aitken, both do the same arithmetic in a serial scheme, but for rounding."""
    compared = 0
    for (_, scheme, acceleration), row in iterations.items():
        simple = acceleration in ("none", "constant-0.5", "aitken-0.5", "aitken-0.1")
        if scheme == "serial-implicit" and simple and row["mean"] is not None:
            compared += 1
            lowest, highest = row.get("rounding", (row["mean"], row["mean"]))
            assert 0.98 * lowest <= row["peer"] <= 1.02 * highest and highest < 1.1 * lowest, row
    assert compared >= 17


def test_the_default_needs_no_more_iterations_than_the_best_of_the_peer(iterations):
    rows = [row for row in iterations.values() if row["acceleration"] == "default"]
    assert len(rows) == 10
    assert [row for row in rows if row["mean"] > row["peer"] or row["not_converged"]] == []


def test_each_quasi_newton_method_needs_about_as_few_iterations_as_the_peers(iterations):
    rows = [row for row in iterations.values() if row["acceleration"].startswith("iqn")]
    assert len(rows) == 40
    assert [row for row in rows if row["mean"] > 1.1 * row["peer"] or row["not_converged"]] == []
