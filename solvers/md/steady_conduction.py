"""An interface's thermal resistance from a run between two baths, and from several lengths that of an infinite one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .bilayer import Bilayer, Segment
from .bilayer_dynamics import Records
from .statistics import block_means

Array = NDArray[np.float64]

BLOCKS = 16
"""Blocks of the steady state, whose scatter gives the errors."""
BATCH = 4
"""Records that are averaged before the end of the transient is sought."""
LATER = 0.5
"""By this much smaller a variance of the mean, found in the second half, says that the first was not steady yet."""
IMBALANCE = 4.0
"""Standard errors by which heat in and heat out of a steady state may differ."""


@dataclass(frozen=True)
class Measured:
    """A number and its standard error."""

    value: float
    standard_error: float

    @property
    def inverse(self) -> Measured | None:
        """1/x, or None where x is not known to differ from zero (less than three standard errors)."""
        if self.value <= 3.0 * self.standard_error:
            return None
        return Measured(1.0 / self.value, self.standard_error / self.value**2)


@dataclass(frozen=True)
class SteadyConduction:
    """What a run between two baths tells, in LAMMPS' units."""

    resistance: Measured
    """(T_hot - T_cold)/q at the interface, between the lines fitted to both sides; the mean of both interfaces."""
    jumps: tuple[Measured, Measured]
    """T_hot - T_cold of each interface."""
    temperature: Measured
    """Of the interface: the mean of the four lines' ends."""
    flux: Measured
    """Heat per time and area, the mean of what was given and taken."""
    given: Measured
    """Heat per time and area that the hot bath gave."""
    taken: Measured
    """Heat per time and area that the cold bath took."""
    drift: float
    """Energy that no bath accounts for (the integrator's), relative to what the hot bath gave."""
    conductivity: tuple[Measured | None, Measured | None]
    """Flux over gradient of both sides, in this length; None where no gradient is seen."""
    steady_from: float
    """Time at which the transient ends."""
    profile: Array
    """Height, temperature and its standard error, (layers, 3)."""


def analyse(records: Records, bilayer: Bilayer) -> SteadyConduction:
    """Find the steady state in the records, and the resistance of the interface in it.

    The temperature of a side at the interface is that of a line fitted between bath and interface. Errors are those of
    a jackknife over blocks, so what temperatures and powers have in common is counted.

    Raises
    ------
    SolverError
        The records show no steady state: a transient over half of them, or heat in that is not heat out.
    """
    series = _series(records, bilayer)
    area = 2.0 * records.area
    first = steady_from(np.column_stack([series[:, 0] + series[:, 1], series[:, 2] + series[:, 3]]))
    if first is None:
        raise SolverError(
            f"no steady state within {len(series) * records.duration:g}: the transient lasts over half of it; "
            "take a longer duration"
        )
    means = block_means(series[first:], BLOCKS)

    def measured(value: Callable[[Array], float]) -> Measured:
        return jackknife(value, means)

    given, taken = (measured(lambda m, k=k: m[k] / area) for k in (2, 3))
    _require_balance(measured(lambda m: (m[2] - m[3]) / area), given, taken)
    return SteadyConduction(
        resistance=measured(lambda m: area * (m[0] + m[1]) / (m[2] + m[3])),
        jumps=(measured(lambda m: m[0]), measured(lambda m: m[1])),
        temperature=measured(lambda m: m[4]),
        flux=measured(lambda m: 0.5 * (m[2] + m[3]) / area),
        given=given,
        taken=taken,
        drift=unexplained_energy(records) / (records.given[-1] - records.given[0]),
        conductivity=tuple(  # pyright: ignore[reportArgumentType]  # the two of them
            measured(lambda m, k=k: m[k] * 2.0 * area / (m[2] + m[3])).inverse for k in (5, 6)
        ),
        steady_from=first * records.duration,
        profile=_profile(records, first),
    )


def unexplained_energy(records: Records) -> float:
    """What the atoms' energy rose by beyond the balance of the baths: given - taken."""

    def change(values: Array) -> float:
        return float(values[-1] - values[0])

    return change(records.energy) - (change(records.given) - change(records.taken))


def _require_balance(difference: Measured, given: Measured, taken: Measured) -> None:
    if abs(difference.value) > IMBALANCE * difference.standard_error:
        raise SolverError(
            f"the hot bath gave {given.value:.4g} ± {given.standard_error:.2g} per time and area and the cold one "
            f"took {taken.value:.4g} ± {taken.standard_error:.2g}: the state is not steady; take a longer duration, or "
            "a shorter timestep if the energy drifts"
        )


def _series(records: Records, bilayer: Bilayer) -> Array:
    """Per record, (records, 7): both jumps, power given and taken, interface temperature, gradient of either side.

    Gradients are positive where heat flows from hot to cold.
    """
    ends, slopes = np.empty((2, 2, len(records.temperature))), np.empty((2, 2, len(records.temperature)))
    for interface, pair in enumerate(bilayer.segments()):
        for side, segment in enumerate(pair):
            fit = _line(segment, records)
            ends[interface, side], slopes[interface, side] = fit @ records.temperature[:, segment.layers].T
    jumps = ends[:, 0] - ends[:, 1]
    falls = np.array([[-1.0], [1.0]])  # across the upper interface heat flows up, across the lower one down
    powers = [np.diff(sums, prepend=0.0) / records.duration for sums in (records.given, records.taken)]
    return np.column_stack(
        [*jumps, *powers, ends.mean(axis=(0, 1)), *(falls[None] * slopes.swapaxes(0, 1)).mean(axis=1)]
    )


def _line(segment: Segment, records: Records) -> Array:
    """What makes of a segment's temperatures the fitted line's value at the interface and its slope, (2, layers)."""
    height = records.height[segment.layers]
    below, above = segment.beside
    interface = 0.5 * (records.height[below] + records.height[above] + (records.period if above < below else 0.0))
    # Its image that is nearest to the segment.
    interface -= records.period * np.round((interface - height.mean()) / records.period)
    return np.linalg.pinv(np.column_stack([np.ones_like(height), height - interface]))


def _profile(records: Records, first: int) -> Array:
    means = block_means(records.temperature[first:], BLOCKS)
    errors = means.std(axis=0, ddof=1) / np.sqrt(BLOCKS)
    return np.column_stack([records.height, means.mean(axis=0), errors])


def jackknife(value: Callable[[Array], float], means: Array) -> Measured:
    """A function of the means of several series, and its standard error, from independent block means (blocks, k).

    Blocks are left out one by one (Quenouille 1956, Tukey 1958), which counts the covariance of the series and the
    bend of the function; the value's bias of the order 1/blocks is taken off. What neighbouring blocks still have in
    common is added, σ² + 2 γ for σ².
    """
    blocks = len(means)
    all_of_them = value(means.mean(axis=0))
    without = np.array([value(np.delete(means, block, axis=0).mean(axis=0)) for block in range(blocks)])
    ones = blocks * all_of_them - (blocks - 1) * without
    away = ones - ones.mean()
    correlation = max(0.0, float(np.mean(away[1:] * away[:-1])))
    return Measured(float(ones.mean()), float(np.sqrt((ones.var(ddof=1) + 2.0 * correlation) / blocks)))


def steady_from(series: Array) -> int | None:
    """The record from which on series (records, k) are steady, or None if that is not in their first half.

    For each series the beginning is left out that makes the standard error of the remaining mean least, counted in
    batches of records (MSER; White 1997, and White, Cobb & Spratt, Proc. Winter Simulation Conf. 2000, 755); the
    latest of these counts.
    """
    batches = len(series) // BATCH
    means = series[: batches * BATCH].reshape(batches, BATCH, -1).mean(axis=1)
    half = batches // 2
    # Of a few batches at the very end the scatter says nothing.
    errors = np.array([means[first:].var(axis=0) / (batches - first) for first in range(3 * batches // 4)])
    errors += np.finfo(float).eps * np.square(means.mean(axis=0))  # what does not vary is steady from its start
    first = int(errors[: half + 1].argmin(axis=0).max())
    later = errors[half:].min(axis=0) < LATER * errors[: half + 1].min(axis=0)
    return None if first == half or later.any() else first * BATCH


@dataclass(frozen=True)
class Extrapolation:
    """R = R∞ + c/L, fitted to several lengths."""

    resistance: Measured
    slope: Measured
    chi_squared: float
    degrees_of_freedom: int


def extrapolate(lengths: Sequence[float], resistances: Sequence[Measured]) -> Extrapolation:
    """The resistance at 1/L → 0, by weighted least squares over at least two lengths.

    Where χ² per degree of freedom exceeds one, the errors are widened by its root.
    """
    errors = np.array([one.standard_error for one in resistances])
    design = np.column_stack([np.ones(len(lengths)), 1.0 / np.array(lengths)]) / errors[:, None]
    scaled = np.array([one.value for one in resistances]) / errors
    covariance = np.linalg.inv(design.T @ design)
    solution = covariance @ design.T @ scaled
    chi_squared = float(np.sum((design @ solution - scaled) ** 2))
    freedom = len(lengths) - 2
    widening = max(1.0, chi_squared / freedom) if freedom else 1.0
    found = [
        Measured(float(x), float(s)) for x, s in zip(solution, np.sqrt(widening * np.diag(covariance)), strict=True)
    ]
    return Extrapolation(found[0], found[1], chi_squared, freedom)
