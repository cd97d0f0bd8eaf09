"""Two slabs whose plain iteration diverges: how they are coupled all the same, and to which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ..mpi import suture
from .variants import evaluation, played, scaled, variant

SHORT = ("end = 1.0", "end = 0.25")
PLAIN = ("samples = 4", 'samples = 4\nacceleration = { kind = "none" }')
AITKEN = ("samples = 4", 'samples = 4\nacceleration = { kind = "aitken" }')
ROBIN = ('condition = "flux"', 'condition = "robin"\ncoefficient = 120.0')
EXCHANGED = [
    ('["plate", "coat"]', '["coat", "plate"]'),
    ('condition = "flux"', 'condition = "other"'),
    ('condition = "temperature"', 'condition = "flux"'),
    ('condition = "other"', 'condition = "temperature"'),
]
PARALLEL = [("serial-implicit", "parallel-implicit"), ('order = ["plate", "coat"]\n', "")]
GROWING = ("window = 0.05", "window = 0.01\ngrowth = 1.3")
EXACTLY = ("samples = 4", "samples = 4\nconvergence = { relative = 1e-9 }")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("two_slabs")
    changes: dict[str, list[tuple[str, str]]] = {
        "plain": [PLAIN],
        "aitken": [AITKEN],
        "default": [],
        "parallel": PARALLEL,
        "robin": [PLAIN, ROBIN],
        "exchanged": [PLAIN, *EXCHANGED],
        "exactly": [EXACTLY],
        "exactly robin": [EXACTLY, ROBIN],
        "growing": [GROWING],
    }
    folders = [variant("two-slabs", folder / name, SHORT, *change) for name, change in changes.items()]
    for n in (2, 4):
        fine = variant("two-slabs", folder / f"fine {n}", SHORT)
        for key in ("window", "step"):
            scaled(fine, key, lambda value, n=n: value / n)
        scaled(fine, "cells", lambda value, n=n: round(value * n))
        folders.append(fine)
    return folder, played(folders, 2)


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("two-slabs").evaluate(runs[0] / name / "RUN")


def test_plain_iteration_diverges_and_says_so(runs: Any) -> None:
    found = runs[1]["plain"]
    assert found["exit_code"] == 7
    assert (
        "window 0 has not converged in 100 iterations: energy of seam: plate -> coat still changes" in found["message"]
    )


@pytest.mark.parametrize(
    ("name", "most"), [("aitken", 14), ("default", 8), ("parallel", 12), ("robin", 13), ("exchanged", 11)]
)
def test_it_converges(name: str, most: int, runs: Any) -> None:
    """Within some iterations, measured 12, 7, 10, 11 and 9, and to the solution."""
    found = result(runs, name)
    assert found["iterations"]["most"] <= most
    assert found["rms_error"] < 1e-4


def test_windows_may_grow(runs: Any) -> None:
    """From 0.01 by at most 1.3 to an end at 0.25: nine, the books of each closed."""
    found = result(runs, "growing")
    with h5py.File(runs[0] / "growing" / "RUN" / "ledger.h5") as ledger:
        times = ledger["time"][1:]
    assert len(times) == 9 and times[[0, -1]] == pytest.approx([0.01, 0.25], rel=1e-14)
    ratios = np.diff(times)[1:] / np.diff(times)[:-1]
    assert ratios == pytest.approx(np.full(7, ratios[0])) and 1.2 < ratios[0] <= 1.3
    assert found["rms_error"] < 1e-4


def test_a_robin_condition_has_the_same_fixed_point(runs: Any) -> None:
    one, other = result(runs, "exactly"), result(runs, "exactly robin")
    assert one["rms_error"] == pytest.approx(other["rms_error"], rel=1e-5)
    assert one["heat_error"] == pytest.approx(other["heat_error"], rel=1e-3)


def test_second_order(runs: Any) -> None:
    results = [result(runs, name) for name in ("exactly", "fine 2", "fine 4")]
    for key in ("rms_error", "heat_error"):
        errors = [each[key] for each in results]
        assert (np.log2(np.divide(errors[:-1], errors[1:])) > 1.8).all(), (key, errors)


def test_the_exact_solution_solves_the_problem() -> None:
    exact = evaluation("two-slabs").exact
    h, t = 1e-4, np.array([0.3, 0.3 + 1e-5, 0.3 - 1e-5])
    for x, k in ((0.4, 100.0), (1.7, 1.0)):
        values = exact([x - h, x, x + h], t)
        rate = (values[1, 1] - values[2, 1]) / 2e-5
        assert k * (values[0, 2] - 2 * values[0, 1] + values[0, 0]) / h**2 == pytest.approx(rate, rel=1e-4)
    below, above = exact([1 - 2e-6, 1 - 1e-6], t)[0], exact([1 + 1e-6, 1 + 2e-6], t)[0]
    assert 100 * (below[1] - below[0]) == pytest.approx(above[1] - above[0], rel=1e-3)
    assert exact([2.0], t)[0, 0] == 0.0


def test_the_command_ends_with_exit_code_7(tmp_path: Path) -> None:
    done = suture("run", variant("two-slabs", tmp_path / "case", SHORT, PLAIN), check=False)
    assert done.returncode == 7
    assert "has not converged in 100 iterations" in done.stdout + done.stderr
