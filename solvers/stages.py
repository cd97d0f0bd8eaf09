"""Implicit Runge-Kutta methods whose last stage is the step's end, for equations of heat."""

from __future__ import annotations

import math

_GAMMA = 1.0 - math.sqrt(0.5)

STAGES: dict[str, tuple[tuple[float, ...], ...]] = {
    # Alexander, SIAM J. Numer. Anal. 14 (1977) 1006: second order, L-stable; rows of weights, the last is the step's.
    "sdirk2": ((_GAMMA,), (1.0 - _GAMMA, _GAMMA)),
    "backward-euler": ((1.0,),),
}
"""By name, each stage's weights of itself and the stages before it, in the step's length."""
