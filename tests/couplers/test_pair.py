"""What ranks hand to one another at a rendezvous, on one rank that is both sides."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from suture.couplers.pair import FLOAT, INT, POINT, Kind, Pair


@pytest.fixture
def pair() -> Pair:
    return Pair(MPI.COMM_SELF, MPI.COMM_SELF, "a", "b", {"a": (0,), "b": (0,)}, deadline=10.0)


def test_arrays_arrive_as_they_are(pair):
    given = [np.arange(6)[::2], np.eye(4, 3).T[::-1].T, np.zeros((0, 2))]
    ((rank, came),) = pair.swap({0: given}, [FLOAT, POINT, Kind(np.int32, (2,))]).items()
    assert rank == 0 and [(a.dtype, a.shape) for a in came] == [(float, (3,)), (float, (4, 3)), (np.int32, (0, 2))]
    for one, other in zip(given, came, strict=True):
        assert np.array_equal(one, other)
    for given in ([np.zeros(0), np.ones(2)], [np.ones(1), np.zeros(0)]):
        assert [len(each) for each in pair.swap({0: given}, [FLOAT, FLOAT])[0]] == [len(each) for each in given]


def test_what_is_empty_does_not_come(pair):
    assert pair.swap({}, [INT]) == {} and pair.swap({0: [[], []]}, [INT, FLOAT]) == {}


def test_a_parcel_has_one_array_of_each_kind(pair):
    with pytest.raises(ValueError, match="zip"):
        pair.swap({0: [np.ones(1)]}, [FLOAT, FLOAT])


def test_a_reduction_gives_what_is_reduced_and_keeps_the_type(pair):
    values = np.array([3, -1], dtype=np.int32)
    total = pair.reduce(values, MPI.MAX)
    assert total is not values and np.array_equal(total, values) and total.dtype == np.int32
    pair.free()
