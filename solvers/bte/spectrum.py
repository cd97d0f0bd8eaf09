"""Spectra of phonons: what a material's heat capacity, speeds and lifetimes are, by band or by mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bands:
    """Bands of an isotropic crystal: each has one group speed, the same in all directions.

    Raises ``SolverError`` for arrays of different lengths, and for values that are not positive and finite.
    """

    heat_capacity: Array
    """(bands,) J/(m³ K), of the modes of all directions."""
    velocity: Array
    """(bands,) m/s, the group speed."""
    lifetime: Array
    """(bands,) s."""
    bins: NDArray[np.int64]
    """(bands,) frequency bin, from 0; bands of one bin exchange heat where two materials meet."""
    frequency: Array
    """(bands,) rad/s, the bin's middle; 0 where there is none."""

    def __post_init__(self) -> None:
        _check(self, len(self.heat_capacity), self.velocity)

    @property
    def capacity(self) -> float:
        """Heat capacity per volume."""
        return float(self.heat_capacity.sum())

    @property
    def speed_capacity(self) -> float:
        """Sum of heat capacity times speed."""
        return float((self.heat_capacity * self.velocity).sum())

    def emission(self, bins: int) -> Array:
        """Heat capacity times speed of each of the frequency's ``bins``, (bins,)."""
        return np.bincount(self.bins, self.heat_capacity * self.velocity, bins).astype(np.float64)

    @property
    def conductivity(self) -> float:
        """Of the bulk: the sum of C v² τ / 3."""
        return float((self.heat_capacity * self.velocity**2 * self.lifetime).sum() / 3.0)


@dataclass(frozen=True)
class Modes:
    """Modes, each with a velocity of its own: q points times branches.

    Raises ``SolverError`` as ``Bands`` does.
    """

    heat_capacity: Array
    """(modes,) J/(m³ K)."""
    velocity: Array
    """(modes, 3) m/s."""
    lifetime: Array
    """(modes,) s."""
    bins: NDArray[np.int64]
    """(modes,) as of ``Bands``."""
    frequency: Array
    """(modes,) rad/s."""

    def __post_init__(self) -> None:
        if self.velocity.shape != (len(self.heat_capacity), 3):
            raise SolverError(f"velocities of the shape {self.velocity.shape}; they must be (modes, 3)")
        _check(self, len(self.heat_capacity), np.linalg.norm(self.velocity, axis=1) + 1e-300)

    @property
    def capacity(self) -> float:
        """Heat capacity per volume."""
        return float(self.heat_capacity.sum())

    @property
    def speed_capacity(self) -> float:
        """Sum of heat capacity times speed."""
        return float(self.heat_capacity @ np.linalg.norm(self.velocity, axis=1))

    @property
    def conductivity(self) -> Array:
        """Of the bulk, (3, 3): the sum of C τ v v."""
        return np.einsum("m,mi,mj->ij", self.heat_capacity * self.lifetime, self.velocity, self.velocity)


def _check(spectrum: Bands | Modes, count: int, speed: Array) -> None:
    if not count:
        raise SolverError("a spectrum without bands")
    for name, values in (
        ("heat_capacity", spectrum.heat_capacity),
        ("velocity", speed),
        ("lifetime", spectrum.lifetime),
    ):
        if len(values) != count:
            raise SolverError(f"{len(values)} values of '{name}' for {count} of 'heat_capacity'; they must be as many")
        wrong = ~(np.isfinite(values) & (values > 0.0))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise SolverError(f"'{name}' number {at + 1} is {values[at]}; it must be positive and finite")
    if len(spectrum.bins) != count or len(spectrum.frequency) != count:
        raise SolverError("'bins' and 'frequency' must be as many as 'heat_capacity'")
