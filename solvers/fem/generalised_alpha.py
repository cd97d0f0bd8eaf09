"""Time integration of the equation of motion: the generalised-alpha method, and equilibrium without inertia.

With the acceleration a, the inner force N(u) and the loads F, a step of generalised-alpha (Chung & Hulbert, J. Appl.
Mech. 60 (1993) 371) solves

    M a_m + N(u_f) = F(t_f),     x_m = x + (1 - alpha_m) (x' - x),   x_f = x + (1 - alpha_f) (x' - x)

for the values x' at its end, where Newmark's formulas hold:

    u' = u + dt v + dt^2 (a / 2 + beta (a' - a)),     v' = v + dt (a + gamma (a' - a)) .

With gamma = 1/2 - alpha_m + alpha_f it is of second order, and in every step

    M (v' - v) = dt (F - N(u_f)) + dt (alpha_f - 1/2) M (a' - a) .
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """Displacement, velocity and acceleration at one time, each (n,)."""

    displacement: Array
    velocity: Array
    acceleration: Array


@dataclass(frozen=True)
class GeneralisedAlpha:
    """The method's parameters."""

    alpha_m: float
    alpha_f: float
    beta: float
    gamma: float
    inertial = True

    @classmethod
    def of(cls, spectral_radius: float) -> GeneralisedAlpha:
        """The member that damps low frequencies least for what it leaves of high ones in a step, 0 to 1."""
        alpha_m = (2.0 * spectral_radius - 1.0) / (spectral_radius + 1.0)
        alpha_f = spectral_radius / (spectral_radius + 1.0)
        return cls(alpha_m, alpha_f, 0.25 * (1.0 - alpha_m + alpha_f) ** 2, 0.5 - alpha_m + alpha_f)

    @property
    def level(self) -> float:
        """Part of the step after which forces are in balance."""
        return 1.0 - self.alpha_f

    @property
    def excess(self) -> float:
        """alpha_f - 1/2: what the momentum gains besides the forces' impulse, per step and change of M a."""
        return self.alpha_f - 0.5

    def inertia(self, dt: float) -> float:
        """Weight of the mass matrix in the system for the displacement at the end."""
        return (1.0 - self.alpha_m) / (self.beta * dt * dt)

    def predicted(self, now: Motion, dt: float) -> Array:
        """Displacement at the end if the acceleration stays what it is."""
        return now.displacement + dt * (now.velocity + 0.5 * dt * now.acceleration)

    def finished(self, now: Motion, correction: Array, dt: float) -> Motion:
        """The motion at the end, whose displacement is the predicted one plus a correction."""
        change = correction / (self.beta * dt * dt)
        velocity = now.velocity + dt * (now.acceleration + self.gamma * change)
        return Motion(self.predicted(now, dt) + correction, velocity, now.acceleration + change)

    def accelerated(self, now: Motion, correction: Array, dt: float) -> Array:
        """a_m, for a predicted displacement plus a correction."""
        return now.acceleration + self.inertia(dt) * correction


@dataclass(frozen=True)
class QuasiStatic:
    """No inertia: forces are in balance at the end of every step, and the velocity is the mean one of the step."""

    inertial = False
    level = 1.0
    excess = 0.0

    def inertia(self, dt: float) -> float:
        """None."""
        return 0.0

    def predicted(self, now: Motion, dt: float) -> Array:
        """It stays where it is."""
        return now.displacement

    def finished(self, now: Motion, correction: Array, dt: float) -> Motion:
        """The motion at the end."""
        return Motion(now.displacement + correction, correction / dt, np.zeros_like(correction))

    def accelerated(self, now: Motion, correction: Array, dt: float) -> Array:
        """None."""
        return np.zeros_like(correction)


TimeScheme = GeneralisedAlpha | QuasiStatic
