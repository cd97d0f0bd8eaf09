"""Clocks of their own: participants that advance by different times in a window, on their way to a steady state.

A participant whose clock is c advances by c times the coupling window. What crosses an interface is an integral over
the giver's time, so it is multiplied by the ratio of the two clocks on the way: rate times the receiver's time. Then
every participant does in the case's time what one would do without a clock whose capacities (inertia, heat capacity)
are divided by c; the rates, and with them the steady state, are the same (Lockerby, Duque-Daza, Borg, Reese, J. Comput.
Phys. 237, 344, 2013).
"""

from __future__ import annotations

from collections.abc import Mapping


def ratio(clocks: Mapping[str, float], sender: str, receiver: str) -> float:
    """The receiver's time that passes in a unit of the sender's: amounts are multiplied by it on the way.

    Exactly 1.0 between equal clocks. ``clocks`` are by participant.
    """
    return clocks[receiver] / clocks[sender]


def caution(clocks: Mapping[str, float]) -> str:
    """What the books of a run are where clocks differ, in a sentence; an empty text where they book a trajectory."""
    words = [f"{name!r} runs {_pace(clock)} than the case's clock" for name, clock in clocks.items() if clock != 1.0]
    if not words:
        return ""
    return f"books rates of a steady state: {', '.join(words)}; totals are not those of a trajectory"


def _pace(clock: float) -> str:
    return f"{clock:.6g} times faster" if clock > 1.0 else f"{1.0 / clock:.6g} times slower"
