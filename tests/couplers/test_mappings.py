"""Every mapping: its order, sums, moments and work, and the same result on any number of ranks."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.couplers.cells import Cells
from suture.couplers.rendezvous import places

from ..mpi import mpirun
from .play_mappings import AUTOMATIC, MISFITS, ORDERS, RANKS, RANKS_CASES, share
from .surfaces import smooth, square

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def arrived() -> dict[str, Any]:
    return json.loads(mpirun(8, "-m", "tests.couplers.play_mappings", "ranks", cwd=ROOT, timeout=120).stdout)


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return json.loads(mpirun(2, "-m", "tests.couplers.play_mappings", "orders", cwd=ROOT, timeout=120).stdout)


@pytest.mark.parametrize("mapping", RANKS_CASES)
@pytest.mark.parametrize("ranks", RANKS[1:], ids=lambda r: f"{r[0]}+{r[1]}")
def test_the_number_of_ranks_does_not_matter(arrived, mapping, ranks):
    one, many = arrived[mapping]["1 + 1"], arrived[mapping]["{} + {}".format(*ranks)]
    assert isinstance(one, dict), one
    assert isinstance(many, dict), many
    for quantity, values in one.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(many[quantity], values, rtol=0, atol=1e-12 * scale, err_msg=quantity)


EXPECTED = {"nearest neighbour": 1.0, "nearest projection": 2.0, "rbf": 3.0}
"""All kernels have the quadratic polynomial's order at least; the smoother ones have smaller errors."""


@pytest.mark.parametrize("mapping", ORDERS)
def test_states_converge_at_the_mapping_s_order(measured, mapping):
    errors = np.array([each["error"] for each in measured[mapping]])
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.all(orders > EXPECTED[next(name for name in EXPECTED if mapping.startswith(name))] - 0.2), orders


@pytest.mark.parametrize("mapping", ORDERS)
def test_sums_of_amounts_are_kept_and_work_is_the_same_on_both_sides(measured, mapping):
    for each in measured[mapping]:
        assert each["sum"] < 1e-14 and each["work"] < 1e-13, each


@pytest.mark.parametrize("mapping", [name for name in ORDERS if "volume" in name and "neighbour" not in name])
def test_first_moments_are_kept_where_both_sides_fill_the_same_volume(measured, mapping):
    assert max(each["moment"] for each in measured[mapping]) < 1e-13


@pytest.mark.parametrize("mapping", [name for name in ORDERS if name.startswith("rbf")])
def test_radial_functions_keep_first_moments_between_any_points(measured, mapping):
    assert max(each["moment"] for each in measured[mapping]) < 1e-13


def test_smoother_kernels_are_more_accurate(measured):
    kernels = ("rbf compact-c0", "rbf compact-c2", "rbf compact-c4", "rbf")
    finest = [measured[f"{kernel}, surface"][1]["error"] for kernel in kernels]
    assert all(smoother < rougher for rougher, smoother in pairwise(finest)), finest


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return json.loads(mpirun(4, "-m", "tests.couplers.play_mappings", "misfits", cwd=ROOT, timeout=120).stdout)


MESSAGES = {
    "projection from a cloud": "'nearest-projection' does not fit from 'a', which gives a cloud of points, to 'b', "
    "which gives a mesh of surfaces; possible: rbf, nearest-neighbour",
    "binning between meshes": "'binning' does not fit .* possible: intersection, nearest-projection, rbf,",
    "intersection with a cloud": "'intersection' does not fit from 'a', which gives cells, to 'b', which gives a cloud",
    "a cell without particles": r"the cell of 'b' from \(.*\) to \(.*\) holds no particle of 'a'; give larger cells",
    "a particle outside": r"the particle of 'a' at \(.*\) is in no cell of 'b'; the cells must hold every particle",
    "nothing on one side": "'a' gives nothing here, 'b' a mesh of surfaces: there is nothing to map from",
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_mapping_that_does_not_fit_is_refused_with_what_is_possible(told, misfit):
    assert re.search("interface 'seam': .*" + MESSAGES[misfit], told[misfit]), told[misfit]


@pytest.fixture(scope="module")
def chosen() -> dict[str, Any]:
    return json.loads(mpirun(2, "-m", "tests.couplers.play_mappings", "automatic", cwd=ROOT, timeout=120).stdout)


@pytest.mark.parametrize("sides", AUTOMATIC)
def test_what_is_chosen_by_itself_keeps_sums_and_maps_values_of_any_magnitude_alike(chosen, sides):
    usual, tiny, huge = ({q: np.array(v) for q, v in got.items()} for got in chosen[sides])
    for given, quantity in zip(AUTOMATIC[sides], ("momentum", "energy"), strict=True):
        amounts = smooth(places(given))
        assert usual[quantity][:, 0].sum() == pytest.approx(amounts.sum(), abs=1e-14 * np.abs(amounts).sum())
    for quantity, values in usual.items():
        for other in (tiny, huge):
            np.testing.assert_allclose(other[quantity], values, rtol=0, atol=1e-13 * np.abs(values).max())


def test_shares_are_what_the_test_above_needs():
    """Some rank has ghosts, one has nothing, and no point is lost."""
    mesh = square(16, seed=1)
    shares = [share(mesh, rank, 3, 97) for rank in range(3)]
    assert np.array_equal(np.sort(np.concatenate([own for _, own in shares])), np.arange(len(mesh)))
    assert [len(own) == 0 for _, own in shares] == [False, True, False]
    assert any(len(part.points) > len(part) for part, _ in shares)


def test_particles_take_their_cell_s_value_and_cells_the_mean_of_their_particles(chosen):
    cells, cloud = AUTOMATIC["cells and a cloud"]
    assert isinstance(cells, Cells)
    got = {q: np.array(v) for q, v in chosen["cells and a cloud"][0].items()}
    points = places(cloud)
    inside = np.all((points[:, None] >= cells.lower) & (points[:, None] <= cells.upper) | [False, False, True], axis=2)
    first = np.argmax(inside, axis=1)  # the cells are in the order of x, then y
    np.testing.assert_allclose(got["temperature"][:, 0], smooth(cells.centres)[first], rtol=1e-14)
    np.testing.assert_allclose(got["energy"][:, 0], np.bincount(first, smooth(points), len(cells)), rtol=1e-13)
    of_particles = smooth(points) @ inside / inside.sum(axis=0)
    np.testing.assert_allclose(got["velocity"], np.repeat(of_particles[:, None], 3, axis=1), rtol=1e-13)
    np.testing.assert_allclose(got["momentum"][:, 0], inside @ (smooth(cells.centres) / inside.sum(axis=0)), rtol=1e-13)
