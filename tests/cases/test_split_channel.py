"""Two flow solvers that share a channel are one flow solver, to second order in the step, and in the steady state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.couplers.audit import read_books

from .variants import evaluation, played, variant

PARALLEL = [("serial-", "parallel-"), ('order = ["lower", "upper"]\n', "")]
FIELDS = ("density", "velocity", "temperature")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("split_channel")
    changes = {
        "one": [("end = 2.0", "end = 0.48")],
        "half": [("end = 2.0", "end = 0.48"), ("0.04", "0.02"), ("initial =", "cfl = 0.4\ninitial =")],
        "quarter": [("end = 2.0", "end = 0.48"), ("0.04", "0.01"), ("initial =", "cfl = 0.2\ninitial =")],
        "loose": [("end = 2.0", "end = 0.48"), ("1e-9", "1e-3"), ("1e-13", "1e-5"), *PARALLEL],
        "parallel": [("end = 2.0", "end = 0.16"), *PARALLEL],
    }
    return folder, played([variant("split-channel", folder / name, *change) for name, change in changes.items()], 2)


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("split-channel").evaluate(runs[0] / name / "RUN")


def test_the_difference_to_the_whole_is_of_second_order(runs: Any) -> None:
    results = [result(runs, name) for name in ("one", "half", "quarter")]
    assert {each["steps"] for each in results} == {4}
    errors = np.array([[each["difference"][name] for name in FIELDS] for each in results])
    assert (errors[0] < 3e-5).all(), errors
    assert (np.log2(errors[:-1] / errors[1:]) > 1.7).all(), errors


def test_a_loose_tolerance_loses_nothing(runs: Any) -> None:
    """Mass, momentum and energy cross to round-off; what is late is the carry."""
    found = result(runs, "loose")
    assert found["iterations"]["mean"] < 8
    (flow,) = read_books(runs[0] / "loose" / "RUN").flows
    assert np.abs(flow.terms["closing"]).max() > 1e-9, "nothing was left to carry: the tolerance is not loose"


def test_a_parallel_scheme_has_the_same_answer(runs: Any) -> None:
    found = result(runs, "parallel")
    assert max(found["difference"].values()) < 3e-5


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_steady_states_are_equal(tmp_path: Path) -> None:
    folder = variant("split-channel", tmp_path / "steady", ("end = 2.0", "end = 20.0"))
    assert played([folder], 2, timeout=900)["steady"]["exit_code"] == 0
    found = evaluation("split-channel").evaluate(folder / "RUN")
    assert max(found["last_difference"].values()) < 1e-11
    assert found["distance_to_couette"] < 1e-7
