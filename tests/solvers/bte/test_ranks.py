"""The mesh, the directions and the bands divided among ranks: the same heat everywhere, in as many sweeps."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from ...mpi import mpirun

ROOT = Path(__file__).parents[3]


@functools.cache
def played(ranks: int) -> dict[str, dict[str, float]]:
    out = mpirun(ranks, "-m", "tests.solvers.bte.play_ranks", cwd=ROOT).stdout
    return json.loads(out.strip().splitlines()[-1])


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_several_ranks_do_what_one_does(ranks: int) -> None:
    one = {name.split(" ")[0]: books for name, books in played(1).items()}
    for name, books in played(ranks).items():
        alone = one[name.split(" ")[0]]
        assert books == pytest.approx(alone, rel=1e-9, abs=1e-11), name
        assert books["sweeps"] == alone["sweeps"], name


def test_books_balance_on_every_number_of_ranks() -> None:
    for ranks in (1, 2, 3, 4):
        for name, books in played(ranks).items():
            if not name.startswith("transient"):
                crossed = [heat for row, heat in books.items() if row not in ("inventory", "sweeps")]
                assert abs(sum(crossed)) <= 1e-12 * sum(map(abs, crossed)), (ranks, name)
