"""Standard errors of means of correlated series, while they grow and without keeping them.

Blocking (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461, 1989): pairs of neighbours are replaced by their means, again
and again. What correlation there is dies out on the way, and once it has, variance / number is the square of the mean's
error. Where that is so is decided by a test (Jonsson, Phys. Rev. E 98, 043304, 2018): the first level from which on the
correlations of neighbours, on all levels together, are no more than chance. What correlation is left at that level, too
little to be told from chance, would make the error some per cent too small; it is added, σ² + 2 γ for σ².

A level needs some sums only, and there are log2(n) of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import chdtri

from .cells import Array

_CONFIDENCE = 0.99
"""Chance that white noise passes the test."""
_LEAST = 4
"""Values of which a level must have more to have a say."""


_SUMS = ("first", "last", "sum", "squares", "products", "odd")


class _Level:
    """Sums over the blocks of one size, (columns,), of differences from the first block: they cancel less."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.first = np.zeros(columns)
        self.last = np.zeros(columns)
        self.sum = np.zeros(columns)
        self.squares = np.zeros(columns)
        self.products = np.zeros(columns)
        """Of neighbours."""
        self.odd = np.zeros(columns)
        """The block that waits for its partner, where the count is odd."""

    def add(self, rows: Array) -> Array:
        """Add blocks (n, columns) in their order; returns the blocks of twice the size that are complete with them."""
        if not self.count:
            self.first = rows[0].copy()
        shifted = rows - self.first
        chain = shifted if not self.count else np.concatenate(((self.last - self.first)[None], shifted))
        self.sum += shifted.sum(axis=0)
        self.squares += np.square(shifted).sum(axis=0)
        self.products += (chain[1:] * chain[:-1]).sum(axis=0)
        waiting = rows if self.count % 2 == 0 else np.concatenate((self.odd[None], rows))
        self.count += len(rows)
        self.last = rows[-1].copy()
        pairs = len(waiting) // 2
        self.odd = waiting[-1].copy()
        return 0.5 * (waiting[0 : 2 * pairs : 2] + waiting[1 : 2 * pairs : 2])

    def variance(self) -> Array:
        """Mean square deviation from the mean."""
        return np.maximum(self.squares / self.count - np.square(self.sum / self.count), 0.0)

    def covariance(self) -> Array:
        """Mean product of the deviations of neighbours."""
        mean = self.sum / self.count
        ends = 2.0 * self.sum - (self.last - self.first)  # all but the last, and all but the first, which is 0
        return (self.products - mean * ends + (self.count - 1) * np.square(mean)) / self.count


class Blocking:
    """The mean of each column of a series, and its standard error."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._levels: list[_Level] = []

    def add(self, rows: Array) -> None:
        """Add values, (n, columns), in their order."""
        depth = 0
        while len(rows):
            if depth == len(self._levels):
                self._levels.append(_Level(self._columns))
            rows = self._levels[depth].add(rows)
            depth += 1

    def save(self) -> dict[str, Array]:
        """Everything, as arrays: (levels,) and (levels, sums, columns)."""
        sums = [[getattr(level, name) for name in _SUMS] for level in self._levels]
        counts = np.array([level.count for level in self._levels], dtype=float)
        return {"counts": counts, "sums": np.array(sums).reshape(len(counts), len(_SUMS), self._columns)}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Return to what ``save`` gave."""
        self._levels = []
        for count, sums in zip(state["counts"], state["sums"], strict=True):
            level = _Level(self._columns)
            level.count = int(count)
            for name, values in zip(_SUMS, sums, strict=True):
                setattr(level, name, np.array(values))
            self._levels.append(level)

    @property
    def count(self) -> int:
        """Values so far."""
        return self._levels[0].count if self._levels else 0

    def mean(self) -> Array:
        """Of each column, (columns,); nan before the first value."""
        if not self.count:
            return np.full(self._columns, np.nan)
        return self._levels[0].first + self._levels[0].sum / self.count

    def naive_error(self) -> Array:
        """The standard error that there would be without correlation."""
        if self.count < 2:
            return np.full(self._columns, np.nan)
        return np.sqrt(self._levels[0].variance() / (self.count - 1))

    def error(self) -> Array:
        """Standard error of the mean, (columns,).

        nan where the series is too short to tell: fewer than 8 values, or correlated over all of it.
        """
        levels = [level for level in self._levels if level.count > _LEAST]
        if not levels:
            return np.full(self._columns, np.nan)
        counts = np.array([level.count for level in levels], dtype=float)[:, None]
        variances = np.array([level.variance() for level in levels])
        covariances = np.array([level.covariance() for level in levels])
        tests = _tests(counts, variances, covariances)
        limits = chdtri(np.arange(len(levels), 0, -1), 1.0 - _CONFIDENCE)[:, None]
        passed = tests < limits
        chosen = passed.argmax(axis=0)
        spread = (variances + 2.0 * np.maximum(covariances, 0.0)) / (counts - 1.0)
        squares = spread[chosen, np.arange(self._columns)]
        return np.where(passed.any(axis=0), np.sqrt(squares), np.nan)


def _tests(counts: Array, variances: Array, covariances: Array) -> Array:
    """For each level, Σ n ((n - 1) σ² / n² + γ)² / σ⁴ from it on, (levels, columns): chi-squared for white noise."""
    still = variances == 0.0  # what never varies is not correlated either
    excess = (counts - 1.0) / counts**2 + covariances / np.where(still, 1.0, variances)
    terms = np.where(still, 0.0, counts * np.square(excess))
    return np.cumsum(terms[::-1], axis=0)[::-1]
