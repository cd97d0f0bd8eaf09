"""The L2 intersection between distributed meshes: the same on any number of ranks, and refused on every rank alike."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..mpi import mpirun
from .play_intersection import CASES, RANKS, REFUSED


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    done = mpirun(
        8, "-m", "mpi4py", "-m", "tests.couplers.play_intersection", cwd=Path(__file__).parents[2], timeout=120
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("ranks", RANKS[1:], ids=lambda r: f"{r[0]}+{r[1]}")
@pytest.mark.parametrize("case", CASES)
def test_the_number_of_ranks_does_not_matter(found, case, ranks):
    one, many = found[case]["1 + 1"], found[case]["{} + {}".format(*ranks)]
    for quantity, values in one.items():
        atol = 1e-12 * np.abs(values).max()
        np.testing.assert_allclose(many[quantity], values, rtol=0, atol=atol, err_msg=quantity)


@pytest.mark.parametrize("case", CASES)
def test_sums_and_work_are_kept_on_any_number_of_ranks(found, case):
    assert len(found["measured"][case]) == len(RANKS)
    for defects in found["measured"][case]:
        assert defects["sum"] < 1e-14
        assert defects["work"] < 1e-13


@pytest.mark.parametrize("case", ("cells and triangle", "cells and line"))
def test_amounts_of_cells_keep_their_first_moment_on_a_mesh(found, case):
    assert max(defects["moment"] for defects in found["measured"][case]) < 1e-13


MESSAGES = {
    "hole": r"interface 'seam': 0\.\d+ of the triangle of '[ab]' around \(0\.[345]",
    "part": r"interface 'seam': [01]\.?\d* of the triangle of '[ab]' around .* is not covered by the elements of",
    "mixed": r"interface 'seam': the mapping intersection needs elements of one dimension on both sides, here 2",
    "outer only": r"interface 'seam': some elements of 'a' have outer points only, without a way to another point",
    "cells over a hole": r"interface 'seam': 0\.\d+ of the cell of 'a' from \(0\.25, 0\.5, 0\) to \(0\.5, 0\.75, 0\) "
    r"is not covered by the elements of 'b'\. Both sides must .* choose the mapping rbf",
    "mesh over half of the cells": r"interface 'seam': [01]\.?\d* of the triangle of 'b' around \((0\.[4-9]|1).* is "
    r"not covered by the cells of 'a'\. Both sides must .* choose the mapping rbf",
    "cells beyond the mesh": r"interface 'seam': 1 of the cell of 'b' from \(1.* is not covered by the elements of 'a'",
    "boxes": r"interface 'seam': the mapping 'intersection' does not fit from '[ab]', which gives .*; possible: [nr]",
    "cloud": r"interface 'seam': the mapping 'intersection' does not fit from 'a', which gives a mesh of surfaces",
}


@pytest.mark.parametrize("ranks", ((1, 1), (2, 1), (4, 4)), ids=lambda r: f"{r[0]}+{r[1]}")
@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_on_any_number_of_ranks(found, case, ranks):
    assert re.match(MESSAGES[case], found[case]["{} + {}".format(*ranks)])
