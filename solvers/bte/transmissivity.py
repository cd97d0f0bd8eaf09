"""What part of the phonons that arrive at an interface passes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]

MARSHAK = 2.0
"""Slip of a half-space by the P1 approximation, in units of 1 / (C v)."""
MILNE = 3.0 * 0.7104460896
"""The exact slip of gray phonons (Hopf's constant; Chandrasekhar, Radiative Transfer, 1950)."""


def diffuse_mismatch(first: Array, second: Array) -> Array:
    """Transmissivity from the first side to the second of an interface that forgets where phonons come from.

    Arguments are heat capacity times speed, (bins,), summed over the branches of a bin. Detailed balance holds exactly:
    ``first * t12 = second * t21``. Where a side has no phonons nothing passes. Swartz and Pohl, Rev. Mod. Phys. 61
    (1989) 605.
    """
    total = first + second
    return np.where((first > 0.0) & (second > 0.0), second / np.where(total > 0.0, total, 1.0), 0.0)


def adjoint(forth: Array, first: Array, second: Array) -> Array:
    """The transmissivity back that detailed balance asks for: ``forth * first / second``.

    Raises ``SolverError`` where it would exceed one.
    """
    back = np.where(second > 0.0, forth * first / np.where(second > 0.0, second, 1.0), 0.0)
    if (back > 1.0).any():
        most = float((second / first)[back > 1.0].min())
        found = f"a transmissivity of {float(forth.max()):g} lets more through"
        raise SolverError(f"{found} than detailed balance allows: at most {most:.6g}")
    return back


def from_resistance(resistance: float, speed_capacity: float, slip: float = MARSHAK) -> float:
    """Transmissivity of an interface whose resistance was measured between extrapolated temperatures.

    Such a resistance, as molecular dynamics gives it, contains the slip that transport adds by itself:
    t = 4 / (4 + C v R - s), where ``speed_capacity`` is C v, heat capacity per volume times speed. Raises
    ``SolverError`` where C v R < s: then slip alone would be more than was measured.
    """
    dimensionless = speed_capacity * resistance
    if dimensionless < slip:
        raise SolverError(
            f"a resistance of {resistance:g} is C v R = {dimensionless:.4g} times 1 / (C v), less than the slip "
            f"{slip:g} that transport has by itself; it must be at least {slip / speed_capacity:.4g}"
        )
    return 4.0 / (4.0 + dimensionless - slip)


def between(resistance: float, first: Array, second: Array) -> tuple[Array, Array]:
    """Transmissivities there and back, by bin, of the interface of two materials whose resistance was measured.

    To either half the interface is a wall that emits evenly, with the slip s of such a wall. Both are taken out of what
    was measured between extrapolated temperatures,

        4 / sum(g) = R + (4 - s) (1 / (C1 v1) + 1 / (C2 v2)) , with g = t12 C1 v1 = t21 C2 v2 of each bin,

    which is exact for gray phonons. At every frequency passes the same part of the most that detailed balance allows,
    the lesser of both C v; where one side has no phonons nothing does. ``first`` and ``second`` are heat capacity times
    speed, (bins,). Raises ``SolverError`` where more would have to pass than all of that.
    """
    most = np.minimum(first, second)
    slip = (4.0 - MILNE) * (1.0 / first.sum() + 1.0 / second.sum())
    part = 4.0 / (resistance + slip) / most.sum()
    if part > 1.0:
        raise SolverError(
            f"a resistance of {resistance:g} is less than that of an interface at which all passes that detailed "
            f"balance allows; it must be at least {4.0 / most.sum() - slip:.4g}"
        )
    there, back = (np.divide(part * most, side, out=np.zeros_like(side), where=side > 0.0) for side in (first, second))
    return there, back


def contact(what: str, resistance: float, speed_capacity: float, slip: float = MARSHAK) -> float:
    """``from_resistance``; its error says ``what`` has the resistance."""
    try:
        return from_resistance(resistance, speed_capacity, slip)
    except SolverError as error:
        raise SolverError(f"{what}: {error}") from error
