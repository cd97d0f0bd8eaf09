"""Problems in two halves that cost nothing, to count coupling iterations on.

Either half takes what the other gives, and gives its answer at the end of the window. A half may be tried again and
again in a window; ``accept`` ends it.

    linear-*   y = P x and x = A P^T y + b(t), with P orthogonal and A symmetric, 100 unknowns. The eigenvalues of A say
               how hard it is: contract 0 … 0.9, osc -0.9 … 0.9, fsi -10 · 0.7^k (one light body in a heavy fluid).
    heat2d*    du/dt = lap u + f on two rectangles that meet at x = 1, by central differences and backward Euler: the
               first takes the temperature of the seam and gives its heat flux, the second takes the flux and gives the
               temperature. Its solution 1 + x² + 3 y² + 1.2 t has no discretisation error. In heat2d-strong the first
               rectangle is thin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags, identity, kron
from scipy.sparse.linalg import splu

Array = NDArray[np.float64]


class Half(Protocol):
    initial: Array
    """What it gives at the beginning."""

    def advance(self, taken: Array, end: float) -> Array:
        """What it gives at the window's end, if it takes this."""
        ...

    def accept(self) -> None:
        """The last try stands."""
        ...


@dataclass(frozen=True)
class Toy:
    first: Half
    """Goes first in a serial scheme."""
    second: Half
    window: float
    windows: int
    tolerance: float
    """Largest change of either half's answer, relative to its norm, in the last iteration of a window."""


class Map:
    """A half without memory."""

    def __init__(self, initial: Array, law: Callable[[Array, float], Array]) -> None:
        self.initial = initial
        self._law = law

    def advance(self, taken: Array, end: float) -> Array:
        return self._law(taken, end)

    def accept(self) -> None:
        pass


def linear(eigenvalues: Array) -> Toy:
    n, random = len(eigenvalues), np.random.default_rng(7)
    basis, turn = (np.linalg.qr(random.standard_normal((n, n)))[0] for _ in range(2))
    steady, swing = random.standard_normal((2, n))

    def source(t: float) -> Array:
        return steady * (1.0 + 0.5 * np.sin(2.0 * np.pi * t)) + swing * np.cos(2.0 * np.pi * t)

    start = basis @ ((basis.T @ source(0.0)) / (1.0 - eigenvalues))
    first = Map(turn @ start, lambda x, t: turn @ x)
    second = Map(start, lambda y, t: basis @ (eigenvalues * (basis.T @ (turn.T @ y))) + source(t))
    return Toy(first, second, window=0.05, windows=20, tolerance=1e-6)


def exact(x: Array | float, y: Array | float, t: float) -> Array:
    return np.asarray(1.0 + x**2 + 3.0 * y**2 + 1.2 * t)


SOURCE = 1.2 - 2.0 - 6.0
"""du/dt - lap u of the exact solution."""


def second_difference(n: int, spacing: float):
    return diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n)) / spacing**2


class Rectangle:
    """Columns of unknowns at ``x``, rows inside 0 < y < 1; ``weights`` are the widths of the columns' cells."""

    def __init__(self, x: Array, weights: Array, operator, spacing: float, dt: float) -> None:
        self.x, self.dt, self.h = x, dt, spacing
        self.y = spacing * np.arange(1, round(1.0 / spacing))
        self.weights = weights[:, None]
        rows = second_difference(len(self.y), spacing)
        laplacian = kron(operator, identity(len(self.y))) + kron(diags(weights), rows)
        cells = kron(diags(weights), identity(len(self.y)))
        self.solver = splu((cells / dt - laplacian).tocsc())
        self.u = self.tried = exact(x[:, None], self.y, 0.0)

    def right_side(self, t: float) -> Array:
        """Old values, source, and the exact solution at y = 0 and y = 1."""
        right = self.u / self.dt + SOURCE
        right[:, 0] += exact(self.x, 0.0, t) / self.h**2
        right[:, -1] += exact(self.x, 1.0, t) / self.h**2
        return self.weights * right

    def solve(self, right: Array) -> None:
        self.tried = self.solver.solve(right.ravel()).reshape(right.shape)

    def accept(self) -> None:
        self.u = self.tried


class Left(Rectangle):
    """From x = 1 - length to the seam, whose temperature it takes; gives the heat flux through the seam."""

    def __init__(self, length: float, spacing: float, dt: float) -> None:
        n = round(length / spacing) - 1
        x = 1.0 - length + spacing * np.arange(1, n + 1)
        super().__init__(x, np.ones(n), second_difference(n, spacing), spacing, dt)
        self.outer = 1.0 - length
        self.seam = self.tried_seam = exact(1.0, self.y, 0.0)
        self.initial = np.full(len(self.y), 2.0)

    def advance(self, taken: Array, end: float) -> Array:
        right = self.right_side(end)
        right[0] += exact(self.outer, self.y, end) / self.h**2
        right[-1] += taken / self.h**2
        self.solve(right)
        self.tried_seam = taken.copy()
        # The balance of the half cells that lie along the seam.
        ends = exact(1.0, np.array([0.0, 1.0]), end)
        curvature = np.diff(np.concatenate((ends[:1], taken, ends[1:])), 2) / self.h**2
        storage = (taken - self.seam) / self.dt - curvature - SOURCE
        return (taken - self.tried[-1]) / self.h + 0.5 * self.h * storage

    def accept(self) -> None:
        super().accept()
        self.seam = self.tried_seam


class Right(Rectangle):
    """From the seam to x = 1 + length; takes the heat flux through the seam, gives its temperature."""

    def __init__(self, length: float, spacing: float, dt: float) -> None:
        n = round(length / spacing)
        weights = np.ones(n)
        weights[0] = 0.5
        operator = second_difference(n, spacing).tolil()
        operator[0, 0] = -1.0 / spacing**2
        super().__init__(1.0 + spacing * np.arange(n), weights, operator, spacing, dt)
        self.outer = 1.0 + length
        self.initial = exact(1.0, self.y, 0.0)

    def advance(self, taken: Array, end: float) -> Array:
        right = self.right_side(end)
        right[0] -= taken / self.h
        right[-1] += exact(self.outer, self.y, end) / self.h**2
        self.solve(right)
        return self.tried[0].copy()


def heat(left: float, right: float, spacing: float = 1.0 / 16.0, dt: float = 0.1) -> Toy:
    return Toy(Left(left, spacing, dt), Right(right, spacing, dt), window=dt, windows=10, tolerance=1e-10)


TOYS: dict[str, Callable[[], Toy]] = {
    "linear-contract": lambda: linear(0.9 * np.arange(100) / 99.0),
    "linear-osc": lambda: linear(-0.9 + 1.8 * np.arange(100) / 99.0),
    "linear-fsi": lambda: linear(-10.0 * 0.7 ** np.arange(100)),
    "heat2d": lambda: heat(1.0, 1.0),
    "heat2d-strong": lambda: heat(0.125, 1.0),
}
