"""Phonons as lattice dynamics computes them, at the irreducible points of a crystal, and what transport makes of them.

Transport takes them mode by mode, turned through the crystal's symmetries, or drawn together into the bands of an
isotropic crystal. Either way the heat capacity, the emission and the conductivity of the bulk stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .spectrum import Bands, Modes

Array = NDArray[np.float64]

HBAR, BOLTZMANN = 1.054571817e-34, 1.380649e-23
_REST = 1e-9
"""Speed, over the highest, of modes that fly nowhere."""
_AGREES = 1e-3
"""How well the modes' sums must agree with those that a program has written beside them."""
_SAME = 1e-9
"""Velocity, over the highest, by which two images of one mode are the same."""


@dataclass(frozen=True)
class Phonons:
    """Modes at irreducible points, each standing for its star. SI units."""

    source: Path
    """The file or folder that they are from, for messages."""
    frequency: Array
    """(points, branches) rad/s."""
    heat_capacity: Array
    """(points, branches) J/(m³ K), of all points of the star."""
    velocity: Array
    """(points, branches, 3) m/s, at one point of the star."""
    rate: Array
    """(points, branches) 1/s, of scattering; what is at rest may have none."""

    def checked(self) -> Phonons:
        """Itself. Raises ``SolverError`` for frequencies, velocities and rates that no crystal has."""
        speed = np.linalg.norm(self.velocity, axis=2)
        for name, values in (("frequency", self.frequency), ("velocity", speed), ("heat capacity", self.heat_capacity)):
            self._refuse(~np.isfinite(values), name, values, "finite")
        self._refuse(
            self.frequency < 0.0,
            "frequency",
            self.frequency,
            "0 or above: the crystal is unstable where it is not",
        )
        wrong = self.carries & ~(np.isfinite(self.rate) & (self.rate > 0.0))
        self._refuse(wrong, "scattering rate", self.rate, "positive and finite where a phonon carries heat")
        if not self.carries.any():
            raise SolverError(f"'material' {self.source}: no mode carries heat; some must")
        return self

    def _refuse(self, wrong: NDArray[np.bool_], name: str, values: Array, allowed: str) -> None:
        if wrong.any():
            point, branch = (int(n) for n in np.argwhere(wrong)[0])
            raise SolverError(
                f"'material' {self.source}: the {name} of branch {branch + 1} at point {point + 1} is "
                f"{values[point, branch]:.4g}; it must be {allowed}"
            )

    @property
    def carries(self) -> NDArray[np.bool_]:
        """(points, branches) which modes carry heat: neither translations of the crystal nor modes at rest."""
        speed = np.linalg.norm(self.velocity, axis=2)
        return (self.heat_capacity > 0.0) & (speed > _REST * speed.max())

    def agree(self, conductivity: Array, written: str, isotropic: bool) -> None:
        """Raise ``SolverError`` where the modes' conductivity is not ``conductivity``, (3, 3), that ``written`` holds.

        Compared is the mean over directions, which symmetries do not change. An isotropic reduction also refuses a
        conductivity that differs with direction.
        """
        on = self.carries
        square = (self.velocity[on] ** 2).sum(axis=1)
        ours, theirs = (self.heat_capacity[on] * square / self.rate[on]).sum() / 3.0, np.trace(conductivity) / 3.0
        if not abs(ours - theirs) <= _AGREES * theirs:
            raise SolverError(
                f"'material' {self.source}: the modes conduct {ours:.6g} W/(m K), and {written} says {theirs:.6g}; "
                "they must agree to 0.1 %: is there scattering that is not in the rates?"
            )
        spread = np.abs(conductivity - theirs * np.eye(3)).max() / theirs
        if isotropic and spread > _AGREES:
            raise SolverError(
                f"'material' {self.source}: the conductivity differs from its mean by {spread:.1e} with direction; "
                "'bands' are for isotropic crystals, where it must be below 0.1 %"
            )

    def bands(self, count: int) -> Bands:
        """At most ``count`` bands, by mean free path, for a crystal that is isotropic.

        Edges divide the logarithm of the mean free path evenly, between those beyond which lies a ten thousandth of the
        conductivity. Each band has the sums of its modes: of C, C v and C v² τ.
        """
        on = self.carries
        c, v, rate = self.heat_capacity[on], np.linalg.norm(self.velocity[on], axis=1), self.rate[on]
        number = _binned(v / rate, c * v**2 / rate, count)
        sums = [np.bincount(number, weights=each, minlength=count) for each in (c, c * v, c * v**2 / rate)]
        capacity, emission, conducted = np.array(sums, dtype=float)
        # Modes at rest hold heat all the same: they go with those that fly least far.
        capacity[number.min()] += self.heat_capacity[~on].sum()
        used = np.flatnonzero(capacity)
        capacity, emission, conducted = capacity[used], emission[used], conducted[used]
        speed = emission / capacity
        return Bands(
            capacity,
            speed,
            conducted / (capacity * speed**2),
            np.arange(len(used), dtype=np.int64),
            np.zeros(len(used)),
        )

    def modes(self, images: Array, bins: int) -> Modes:
        """Every mode turned by ``images``, (n, 3, 3) orthogonal matrices, which share its heat capacity.

        Images that coincide are one. ``bins`` divide the frequencies evenly.
        """
        on = self.carries
        turned = np.einsum("nij,mj->mni", images, self.velocity[on])
        grid = np.round(turned / (_SAME * np.abs(turned).max())).astype(np.int64)
        mode = np.broadcast_to(np.arange(len(turned))[:, None], grid.shape[:2])
        keys = np.concatenate([mode[:, :, None], grid], axis=2).reshape(-1, 4)
        _, first, copies = np.unique(keys, axis=0, return_index=True, return_counts=True)
        of, share = first // len(images), copies / len(images)
        frequency = self.frequency[on]
        edges = np.linspace(0.0, frequency.max() * (1.0 + 1e-12), bins + 1)
        return Modes(
            self.heat_capacity[on][of] * share,
            turned.reshape(-1, 3)[first],
            1.0 / self.rate[on][of],
            (np.searchsorted(edges, frequency[of], side="right") - 1).astype(np.int64),
            frequency[of],
        )


def einstein(frequency: Array, temperature: float) -> Array:
    """Heat capacity of modes, J/K, of frequencies in rad/s at a temperature in K; 0 where the frequency is."""
    x = HBAR * np.where(frequency > 0.0, frequency, 1.0) / (BOLTZMANN * temperature)
    return np.where(frequency > 0.0, BOLTZMANN * (0.5 * x / np.sinh(0.5 * x)) ** 2, 0.0)


def _binned(path: Array, conducted: Array, count: int) -> NDArray[np.int64]:
    """The band of each mode, from 0."""
    order = np.argsort(path)
    part = np.cumsum(conducted[order]) / conducted.sum()
    low, high = (np.log(path[order][min(int(np.searchsorted(part, at)), len(path) - 1)]) for at in (1e-4, 1.0 - 1e-4))
    edges = np.linspace(low, high, count + 1)[1:-1]
    return np.searchsorted(edges, np.log(path), side="right").astype(np.int64)
