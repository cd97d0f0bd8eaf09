"""Who gives a state and who gives a flux: two slabs that may overlap, coupled explicitly, exchanged at every step.

The model problem of Ren, J. Comput. Phys. 227, 1353 (2007): c T_t = (k T_x)_x, the first side on [0, b], the second on
[a, 1] with b >= a, and T = 0 at 0 and 1. At b the first side takes what the second had there one step before, and at a
the second takes what the first had there: a state, T, or a flux, k T_x.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass

import numpy as np

from suture.solvers.slab import Slab, SlabSettings
from suture.solvers.slab.faces import Condition
from suture.solvers.slab.settings import End

PAIRINGS: dict[str, tuple[Condition, Condition]] = {
    "state, flux": ("temperature", "flux"),
    "flux, state": ("flux", "temperature"),
    "state, state": ("temperature", "temperature"),
    "flux, flux": ("flux", "flux"),
}
"""What the first side takes at b, and what the second takes at a."""


@dataclass(frozen=True)
class Problem:
    """In units of the whole length and of the first side's conductivity and capacity."""

    a: float
    b: float
    step: float
    conductivity: float = 1.0
    """Of the second side, whose capacity is the first one's."""


# -- theory ------------------------------------------------------------------------------------------------------------


def kernel(problem: Problem, pairing: str, inverse: complex) -> complex:
    """An entire function of w = 1/g that is 0 where g is the growth of a mode in one step.

    By backward Euler a mode g^n φ(x) has φ'' = κ² φ with D κ² Δt = 1 - w. So φ is A S(x) on the first side and B S(1-x)
    on the second, S(l) = sinh(κl)/κ, with fluxes A C(x) and -k B C(1-x), C(l) = cosh(κl). With R the one of the two
    that is taken, at b and at a: A R(b) = w B R(1-b) and B R(1-a) = w A R(a).
    """
    first = cmath.sqrt((1.0 - inverse) / problem.step)
    second = first / np.sqrt(problem.conductivity)
    at_b, at_a = PAIRINGS[pairing]
    own = _of_first(at_b, first, problem.b) * _of_second(at_a, second, 1.0 - problem.a, problem)
    given = _of_second(at_b, second, 1.0 - problem.b, problem) * _of_first(at_a, first, problem.a)
    return own - inverse**2 * given


def _of_first(kind: str, kappa: complex, length: float) -> complex:
    if kind == "flux":
        return cmath.cosh(kappa * length)
    return cmath.sinh(kappa * length) / kappa if abs(kappa) > 1e-7 else complex(length)


def _of_second(kind: str, kappa: complex, length: float, problem: Problem) -> complex:
    return _of_first(kind, kappa, length) * (-problem.conductivity if kind == "flux" else 1.0)


def growth_in_theory(problem: Problem, pairing: str) -> float:
    """The largest of |g|: one over the smallest root of the kernel, which a contour shows to be the smallest."""
    starts = [
        radius * cmath.exp(1j * angle) for radius in (0.5, 1.0, 2.0, 4.0) for angle in np.linspace(0.0, np.pi, 13)
    ]
    roots = [root for start in starts if (root := _newton(problem, pairing, start)) is not None]
    smallest = min(abs(root) for root in roots)
    assert _roots_within(problem, pairing, 0.98 * smallest) == 0
    return 1.0 / smallest


def _newton(problem: Problem, pairing: str, start: complex) -> complex | None:
    at = start
    for _ in range(60):
        value = kernel(problem, pairing, at)
        shift = 1e-6 * max(1.0, abs(at))
        slope = (kernel(problem, pairing, at + shift) - kernel(problem, pairing, at - shift)) / (2.0 * shift)
        if slope == 0.0:
            return None
        step = value / slope
        if abs(step) < 1e-11:
            return at
        at -= step * min(1.0, 0.3 / abs(step))
    return None


def _roots_within(problem: Problem, pairing: str, radius: float) -> int:
    """By the argument principle."""
    circle = radius * np.exp(2j * np.pi * np.arange(4001) / 4000)
    values = np.array([kernel(problem, pairing, w) for w in circle])
    return round(float(np.angle(values[1:] / values[:-1]).sum() / (2.0 * np.pi)))


def left_by_a_kick(problem: Problem) -> float:
    """Flux and flux, like sides: the gap T₂ - T₁ that an error of 1 in what the second takes once leaves for ever.

    The mode of g = 1 is A x and A (x - 1), a gap of -A. Its amplitude is the error over the kernel's derivative with
    respect to g there, 2 + (b² - a² + (1-a)² - (1-b)²)/2Δt.
    """
    return -1.0 / (2.0 + (problem.b - problem.a) / problem.step)


# -- the two slabs -----------------------------------------------------------------------------------------------------


class Pair:
    """Two slabs with what each has been given; one step is a linear map of all that."""

    def __init__(self, problem: Problem, pairing: str, cells: int) -> None:
        """``cells`` in the whole length; a and b are faces of cells."""
        self._problem = problem
        self._takes = PAIRINGS[pairing]
        self.first = _slab(problem, 0.0, problem.b, cells, 1.0, "upper", self._takes[0])
        self.second = _slab(problem, problem.a, 1.0, cells, problem.conductivity, "lower", self._takes[1])
        self._places = round(problem.a * cells), round((problem.b - problem.a) * cells)
        self.taken = [0.0, 0.0]

    def step(self) -> None:
        """Each side takes what the other one had, both at once."""
        sides: tuple[tuple[Slab, End, Condition, float], ...] = (
            (self.first, "upper", self._takes[0], self.taken[0]),
            (self.second, "lower", self._takes[1], self.taken[1]),
        )
        for slab, end, kind, value in sides:
            if kind == "temperature":
                slab.seam(end).set_temperature(value, slab.time)
            else:
                # k T_x is heat that enters at an upper end, and leaves at a lower one.
                slab.seam(end).set_flux(value if end == "upper" else -value)
            slab.advance(self._problem.step)
        self.taken = [
            self._had(self.second, "lower", self._places[1], self._takes[0], self._problem.conductivity),
            self._had(self.first, "upper", self._places[0], self._takes[1], 1.0),
        ]

    def _had(self, slab: Slab, end: End, face: int, kind: Condition, conductivity: float) -> float:
        """State or flux at the lower end of the cell ``face``; at the seam where that is the slab's end."""
        if face == (0 if end == "lower" else len(slab.temperature)):
            entered = slab.crossed(end) / self._problem.step
            flux = entered if end == "upper" else -entered
            return slab.seam(end).temperature if kind == "temperature" else flux
        below, above = slab.temperature[face - 1], slab.temperature[face]
        if kind == "temperature":
            return 0.5 * (below + above)
        return conductivity * (above - below) * len(slab.temperature) / slab.settings.length

    def set(self, values: np.ndarray) -> None:
        """All that a step starts from."""
        number = len(self.first.temperature)
        self.first.temperature, self.second.temperature = values[:number].copy(), values[number:-2].copy()
        self.taken = values[-2:].tolist()

    def values(self) -> np.ndarray:
        """As ``set``."""
        return np.array([*self.first.temperature, *self.second.temperature, *self.taken])

    def matrix(self) -> np.ndarray:
        """Of one step."""
        columns = []
        for unit in np.eye(len(self.values())):
            self.set(unit)
            self.step()
            columns.append(self.values())
        return np.array(columns).T


def _slab(
    problem: Problem, lower: float, upper: float, cells: int, conductivity: float, end: End, kind: Condition
) -> Slab:
    ends = {"lower": {"kind": "temperature", "temperature": 0.0}, "upper": {"kind": "temperature", "temperature": 0.0}}
    settings = {
        "lower": [lower, 0.0, 0.0],
        "upper": [upper, 1.0, 1.0],
        "cells": round((upper - lower) * cells),
        "conductivity": conductivity,
        "capacity": 1.0,
        "initial": 0.0,
        "step": problem.step,
        "time_integration": "backward-euler",
        "boundaries": ends | {end: {"kind": "seam"}},
    }
    slab = Slab(SlabSettings.model_validate(settings))
    slab.condition(end, kind)
    return slab
