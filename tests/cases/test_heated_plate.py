"""A gas over a heated plate: the surface is that of a monolithic solution, to second order; heat in is heat out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .variants import evaluation, played, variant

CHANGES = {
    "coarse": [("cells = [32, 1, 16]", "cells = [16, 1, 8]")],
    "as it stands": [],
    "on ranks": [
        ("cells = [32, 1, 16]", "cells = [16, 1, 8]"),
        ('kind = "finite-volume"\n', 'kind = "finite-volume"\nranks = 2\n'),
        ('kind = "heat-conduction"\n', 'kind = "heat-conduction"\nranks = 2\n'),
    ],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("heated_plate")
    return folder, played([variant("heated-plate", folder / name, *change) for name, change in CHANGES.items()], 4)


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("heated-plate").evaluate(runs[0] / name / "RUN")


def test_the_surface_comes_to_the_monolithic_one(runs: Any) -> None:
    coarse, fine = result(runs, "coarse"), result(runs, "as it stands")
    for key in ("temperature", "flux"):
        assert np.log2(coarse[key] / fine[key]) > 1.4, key
    assert abs(fine["nusselt"]) < 0.004
    assert fine["change"] < 1e-5


def test_heat_in_is_heat_out_and_stored(runs: Any) -> None:
    assert result(runs, "as it stands")["balance"] < 1e-10


def test_the_ranks_do_not_matter(runs: Any) -> None:
    one, two = result(runs, "coarse"), result(runs, "on ranks")
    assert two["temperature"] == pytest.approx(one["temperature"], abs=1e-9)
    assert two["nusselt"] == pytest.approx(one["nusselt"], abs=1e-9)


def test_the_monolithic_solution_is_of_second_order() -> None:
    means = [evaluation("heated-plate").monolithic(n)[1].mean() for n in (32, 64, 128)]
    assert np.log2((means[0] - means[1]) / (means[1] - means[2])) > 1.0
