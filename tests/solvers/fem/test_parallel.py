"""The same answer, whatever the number of ranks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mpi import mpirun

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def runs() -> dict[int, dict[str, list[float]]]:
    command = ("-m", "tests.solvers.fem.parallel_heat")
    return {ranks: json.loads(mpirun(ranks, *command, cwd=ROOT).stdout.splitlines()[-1]) for ranks in (1, 2, 3)}


@pytest.mark.parametrize("ranks", [2, 3])
def test_same_answer_on_any_number_of_ranks(ranks: int, runs: dict[int, dict[str, list[float]]]) -> None:
    assert set(runs[1]) == {"square", "iterative", "radiating", "variable", "gmsh"}
    for name, alone in runs[1].items():
        assert runs[ranks][name] == pytest.approx(alone, rel=1e-9, abs=1e-12), name
