"""Means of correlated samples with honest errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def block_means(samples: Array, blocks: int) -> Array:
    """Means of ``blocks`` equal, consecutive blocks of a series: (n, ...) to (blocks, ...).

    What does not fill a block is left out at the beginning, where equilibration may linger.
    Raises ``ValueError`` if there are fewer samples than blocks.
    """
    length = len(samples) // blocks
    if length == 0:
        raise ValueError(f"{len(samples)} samples cannot be divided into {blocks} blocks")
    used = samples[len(samples) - length * blocks :]
    return used.reshape(blocks, length, *samples.shape[1:]).mean(axis=1)


def covariance_of_mean(means: Array) -> Array:
    """Covariance matrix of the mean of independent block means (blocks, k): shape (k, k).

    It is the scatter of the block means over the number of blocks, and true where a block is long compared with the
    correlation time (Flyvbjerg & Petersen, J. Chem. Phys. 91, 461, 1989).
    """
    return np.atleast_2d(np.cov(means, rowvar=False)) / len(means)


def standard_error(samples: Array, blocks: int = 32) -> float:
    """Standard error of the mean of one correlated series, from the scatter of block means."""
    return float(np.sqrt(covariance_of_mean(block_means(samples, blocks))[0, 0]))
