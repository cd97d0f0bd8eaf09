"""When windows begin: evenly, or in a geometric row that ends where the run ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suture.couplers.timetable import begin, fitted


def test_even_windows_are_multiples_to_the_last_bit() -> None:
    assert fitted(20.0, 1.0) == (20, 1.0)
    assert [begin(k, 0.1, 2.0, 1.0) for k in range(21)] == [k * 0.1 for k in range(21)]


def test_windows_that_double_are_found_exactly() -> None:
    assert fitted(15.0, 2.0) == (4, pytest.approx(2.0, rel=1e-14))
    assert [begin(k, 0.5, 7.5, 2.0) for k in range(5)] == pytest.approx([0.0, 0.5, 1.5, 3.5, 7.5], rel=1e-13)


@settings(deadline=None)
@given(windows=st.floats(1.0, 1e6), growth=st.floats(1.001, 10.0))
def test_they_end_where_the_run_ends_and_grow_no_faster_than_allowed(windows: float, growth: float) -> None:
    count, ratio = fitted(windows, growth)
    lengths = np.diff([begin(k, 1.0, windows, growth) for k in range(count + 1)])
    assert (lengths > 0.0).all() and lengths[0] == pytest.approx(min(1.0, windows)) and ratio <= growth * (1.0 + 1e-8)
    assert lengths[1:] / lengths[:-1] == pytest.approx(np.full(count - 1, ratio), rel=1e-4)
    fewer = (growth ** np.arange(count - 1)).sum()
    assert fewer < windows * (1.0 + 1e-8), "no more windows than it takes"
