"""Fixed-point problems x = H(x), and how an acceleration solves them, window by window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from suture.couplers.acceleration import Acceleration, create_acceleration
from suture.couplers.acceleration_settings import AccelerationSettings
from suture.couplers.cells import Array

Map = Callable[[Array], Array]


def fields_of(*lengths: int) -> dict[str, slice]:
    ends = np.cumsum((0, *lengths))
    return {f"field {f}": slice(int(a), int(b)) for f, (a, b) in enumerate(pairwise(ends))}


def accelerate(fields: Mapping[str, slice], total: Callable[[Array], Array] = np.copy, **settings) -> Acceleration:
    return create_acceleration(AccelerationSettings(**settings), fields, total)


def window(acceleration: Acceleration, law: Map, x: Array, tolerance: float, most: int = 100) -> tuple[Array, int]:
    """The answer of one window, and how often ``law`` was asked."""
    acceleration.begin()
    for count in range(1, most + 1):
        given = law(x)
        assert np.isfinite(given).all()
        if np.linalg.norm(given - x) <= tolerance * np.linalg.norm(given) or count == most:
            acceleration.accept(x, given)
            return given, count
        x = acceleration.update(x, given)
        assert np.isfinite(x).all()
    raise AssertionError("the last iteration returns")


def linear(dimension: int, seed: int = 1, radius: float = 2.0) -> tuple[Array, Array]:
    """A matrix without symmetry, and a vector."""
    random = np.random.default_rng(seed)
    return radius * random.standard_normal((dimension, dimension)) / dimension**0.5, random.standard_normal(dimension)
