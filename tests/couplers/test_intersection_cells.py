"""The L2 intersection of cells with a mesh: linear states, constant densities, sums, orders, and what is chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.couplers.mapping import measures

from ..mpi import mpirun
from .play_cells import SIZES, loads, pairs


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    root = Path(__file__).parents[2]
    return json.loads(mpirun(2, "-m", "mpi4py", "-m", "tests.couplers.play_cells", cwd=root, timeout=120).stdout)


@pytest.mark.parametrize("pair", pairs())
def test_a_cell_takes_the_mean_of_a_linear_state_to_round_off(found, pair):
    cells, _ = pairs()[pair]
    to_cells, _, _ = found["exact"][pair]
    np.testing.assert_allclose(to_cells["temperature"], 1.0 + cells.centres @ [2.0, -3.0, 5.0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("pair", pairs())
def test_constant_densities_arrive_as_such_in_both_directions(found, pair):
    cells, mesh = pairs()[pair]
    to_cells, to_mesh, _ = found["exact"][pair]
    ones = loads(mesh, np.ones(len(mesh)))
    size = measures(cells)
    np.testing.assert_allclose(to_cells["energy"], size, rtol=1e-13)
    np.testing.assert_allclose(to_mesh["energy"], ones, rtol=1e-12)
    assert abs(sum(to_cells["energy"]) - ones.sum()) < 1e-14 * ones.sum()
    assert abs(sum(to_mesh["energy"]) - size.sum()) < 1e-14 * size.sum()


@pytest.mark.parametrize("pair", pairs())
def test_constants_stay_constant_at_the_points_of_a_mesh(found, pair):
    _, to_mesh, _ = found["exact"][pair]
    np.testing.assert_allclose(to_mesh["temperature"], 3.7, rtol=1e-13)


@pytest.mark.parametrize("pair", pairs())
def test_it_is_what_is_chosen_where_nothing_is_said(found, pair):
    _, automatic, intersection = found["exact"][pair]
    assert automatic == intersection


EXPECTED = {"state in cells": 2.0, "density in cells": 2.0, "state at points": 1.0, "density at points": 1.0}
"""Where cells are the source the field is a staircase, which is of first order whatever is done with it."""


@pytest.mark.parametrize("what", EXPECTED)
def test_order_of_states_and_of_densities(found, what):
    errors = np.array(found["orders"][what])
    assert len(errors) == len(SIZES)
    assert np.all(np.log2(errors[:-1] / errors[1:]) > EXPECTED[what] - 0.1), errors


def test_densities_are_not_spiky(found):
    """The transpose of radial functions leaves 63 % in cells and 212 % at points, and does not converge."""
    assert found["orders"]["density in cells"][-1] < 0.001
    assert found["orders"]["density at points"][-1] < 0.01
