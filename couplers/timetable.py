"""When the coupling windows of a case begin: all equally long, or each longer than the one before."""

from __future__ import annotations

import math
from functools import lru_cache

_SAME = 1e-9
"""Numbers of windows that differ by less, relatively, are the same."""


@lru_cache
def fitted(windows: float, growth: float) -> tuple[int, float]:
    """Number of windows that reach ``windows`` times the first one's length, and the ratio of one to the one before.

    The ratio is the largest up to ``growth`` with which the last window ends there.
    """
    if growth == 1.0:
        return round(windows), 1.0
    needed = math.log1p(windows * (growth - 1.0)) / math.log(growth)
    count = max(1, math.ceil(needed * (1.0 - _SAME)))
    if count == 1:
        return 1, growth  # there is no ratio to find
    low, high = 0.0, growth * (1.0 + _SAME)
    while high - low > 4e-16 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _lengths(count, middle) > windows else (middle, high)
    return count, 0.5 * (low + high)


def _lengths(count: int, ratio: float) -> float:
    """Length of so many windows, the first of which is one long."""
    step = math.log(ratio)
    return math.expm1(count * step) / math.expm1(step) if step else float(count)


def begin(index: int, window: float, end: float, growth: float) -> float:
    """When window ``index`` begins, the first of which is ``window`` long."""
    if growth == 1.0:
        return index * window
    count, ratio = fitted(end / window, growth)
    return end if index >= count else window * _lengths(index, ratio)
