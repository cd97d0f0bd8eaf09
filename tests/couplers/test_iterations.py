"""Implicit windows: the fixed point of two and three programs, and everything that must not pass for convergence."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import mpirun
from .play_iterations import CELLS, RUNS, matrix


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iterations")
    return folder, json.loads(mpirun(3, "-m", "tests.couplers.play_iterations", folder).stdout.splitlines()[-1])


def fixed_point(names: str, gain: float, window: int) -> np.ndarray:
    """All temperatures of a chain at once: T = M (mean of the neighbours') + window + 1."""
    n = len(names)
    system = np.eye(n * CELLS)
    for k, name in enumerate(names):
        neighbours = [j for j in (k - 1, k + 1) if 0 <= j < n]
        for j in neighbours:
            rows, columns = slice(k * CELLS, (k + 1) * CELLS), slice(j * CELLS, (j + 1) * CELLS)
            system[rows, columns] = -matrix(name, gain) / len(neighbours)
    return np.linalg.solve(system, np.full(n * CELLS, window + 1.0)).reshape(n, CELLS)


@pytest.mark.parametrize("name", [name for name in RUNS if name.endswith((", ab", ", abc"))])
def test_two_and_three_programs_reach_their_joint_fixed_point(played, name):
    folder, results = played
    found = results[name]
    assert found["message"] == "" and found["worst"] < 1e-12
    for window in range(RUNS[name]["windows"]):
        exact = fixed_point(RUNS[name]["names"], RUNS[name]["gain"], window)
        course = np.array([course[window] for course in found["courses"]])
        assert np.allclose(course, exact, rtol=0, atol=2e-5 * np.abs(exact).max())
    books = read_books(folder / name)
    assert books.iterations.sum() == found["iterations"] and books.unconverged == ()
    assert books.iterations.max() > 2


def test_a_window_that_does_not_converge_ends_the_run(played):
    found = played[1]["no convergence"]
    assert found["code"] == 7 and found["iterations"] == 7
    assert re.match(r"window 0 has not converged in 7 iterations: energy of ab: a -> b still changes", found["message"])
    assert 'at_maximum = "continue"' in found["message"]


def test_a_case_may_go_on_and_every_such_window_is_on_record(played):
    folder, results = played
    found = results["no convergence, continue"]
    assert found["message"] == "" and found["worst"] < 1e-12
    books = read_books(folder / "no convergence, continue")
    assert books.unconverged == (0, 1, 2) and list(books.iterations) == [7, 7, 7]


@pytest.mark.parametrize("name", ["overflow", "not a number", "infinite"])
def test_what_is_no_number_is_never_convergence(played, name):
    found = played[1][name]
    assert found["code"] == 7
    assert "is not a number any more; the iteration diverges" in found["message"]


def test_a_loose_tolerance_leaves_no_leak(played):
    folder, results = played
    assert results["loose"]["message"] == "" and results["loose"]["worst"] < 1e-12
    books = read_books(folder / "loose")
    assert books.balanced and books.whole.drift.max() < 1e-12


def test_each_quantity_can_have_a_tolerance_of_its_own(played):
    results = played[1]
    assert results["strict energy"]["iterations"] > results["loose"]["iterations"] * 3 / 30
    assert results["absolute"]["iterations"] == 3  # everything is small enough at once
