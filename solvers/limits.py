"""How large a problem may be before its settings are taken for a slip of the pen."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST = 10**8
"""Cells, sites or points: what a check can still count on one process."""


def check_count(key: str, counts: Sequence[int]) -> None:
    """Raises ``ValueError`` where the product of ``counts``, the setting ``key``, is more than ``MOST``."""
    product = math.prod(counts)
    if product > MOST:
        raise ValueError(f"{key!r} makes {product:.3g}; it must be at most {MOST:.0e}")
