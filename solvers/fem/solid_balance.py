"""Solves the balance of forces in one step, linear or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .algebra import Matrix, System, combined, know_rigid_bodies
from .elasticity import InnerForces
from .engine import Index
from .generalised_alpha import Motion, TimeScheme
from .space import Space

Array = NDArray[np.float64]

_SYSTEMS = 4
"""Factorisations that are kept: a window has seldom more different steps."""
_ROUND_OFF = 1e-14
"""Residual, relative to its terms, that is as good as none."""
_SETTLED = 1e-9
"""Residual that is good enough if Newton's method does not make it smaller: the round-off of its terms."""
_NEAR = 1e-5
"""Residual below which the last tangent serves once more."""
_TAME, _QUICK = 1e-2, 0.1
"""Residual below which that of the step's beginning does, while a pass takes the residual down by this factor."""
_PASSES = 25


@dataclass(frozen=True)
class _Step:
    """One step in time."""

    begin: Motion
    dt: float
    end: float
    loads: Array


class Balance:
    """M a_m + N(u_f) = F at all dofs but the fixed ones. Arrays are values of owned dofs, flat."""

    def __init__(self, mass: Matrix, inner: InnerForces, scheme: TimeScheme, space: Space, iterative: bool) -> None:
        self._mass, self._inner, self._scheme, self._space = mass, inner, scheme, space
        self._iterative = iterative
        self._fixed = np.zeros(0, dtype=np.int32)
        self._systems: dict[float, System] = {}
        self._first: tuple[float, Array, System] | None = None
        """Step, displacement and system where the last step began, if not linear."""

    def fix(self, dofs: Index) -> None:
        """Name the owned dofs whose displacement is given; collective."""
        self._fixed = dofs
        while self._systems:
            self._systems.popitem()[1].free()
        self._forget_first()

    def mass_solve(self, right: Array) -> Array:
        """M^-1 on the dofs that are not fixed, where ``right`` is zero; collective."""
        system = System(combined([(1.0, self._mass)], self._fixed), iterative=False)
        found = system.solve(right)
        system.free()
        return found

    def step(
        self, begin: Motion, dt: float, time: float, outer: Mapping[str, Array], given: Array
    ) -> tuple[Motion, Array, Array]:
        """The motion at the end, M a_m + N(u_f), and that less the loads: the reactions. Collective.

        ``given`` is the displacement at the end, at the fixed dofs. Raises ``SolverError`` where it is not found.
        """
        at = _Step(begin, dt, time + dt, sum(outer.values(), np.zeros_like(given)))
        start = self._first_guess(at) if self._scheme.inertial and not self._inner.linear else np.zeros_like(given)
        moved = np.zeros_like(given)
        moved[self._fixed] = (given - self._scheme.predicted(begin, dt) - start)[self._fixed]
        correction = self._solve(at, start, moved)
        forces = self._forces(at, correction)
        finite = self._space.domain.comm.allreduce(int(np.isfinite(forces).all())) == self._space.domain.comm.size
        if not finite:
            raise SolverError(f"the displacement is not finite at time {at.end:g}: look at the boundaries' formulas")
        return self._scheme.finished(begin, correction, dt), forces, forces - at.loads

    def _forces(self, at: _Step, correction: Array) -> Array:
        """M a_m + N(u_f) for the predicted displacement plus a correction."""
        inner = self._without_resultant(self._inner.force(self._level(at, correction)))
        if not self._scheme.inertial:
            return inner
        return self._mass @ self._scheme.accelerated(at.begin, correction, at.dt) + inner

    def _without_resultant(self, forces: Array) -> Array:
        """Inner forces add up to none: what round-off leaves, alike in elements that are alike, is taken out evenly."""
        blocks = forces.reshape(-1, self._space.components)
        own = np.ascontiguousarray(blocks.T).sum(axis=1)
        total = self._space.domain.comm.allreduce(own)
        return (blocks - total * self._space.components / self._space.size).ravel()

    def _level(self, at: _Step, correction: Array) -> Array:
        """The displacement at which forces are in balance."""
        begin = at.begin.displacement
        return begin + self._scheme.level * (self._scheme.predicted(at.begin, at.dt) + correction - begin)

    def _first_guess(self, at: _Step) -> Array:
        """The prediction, or where an acceleration that jumps makes it worse than that, a constant velocity."""
        steady = at.begin.displacement + at.dt * at.begin.velocity - self._scheme.predicted(at.begin, at.dt)
        guesses = (np.zeros_like(steady), steady)
        sizes = [self._norms(self._free(self._forces(at, each) - at.loads))[0] for each in guesses]
        return guesses[0] if sizes[0] <= sizes[1] else guesses[1]

    def _free(self, forces: Array) -> Array:
        """Without the reactions."""
        forces[self._fixed] = 0.0
        return forces

    def _solve(self, at: _Step, start: Array, moved: Array) -> Array:
        """What is added to the predicted displacement; ``moved`` is what the fixed dofs go from ``start``.

        In the first step of Newton's method they move, and the others with them as the tangent says, so that no element
        is torn.
        """
        residual = self._forces(at, start) - at.loads + self._stiffened(at, start, moved)
        system = self._first_system(at, start)
        change = -system.solve(self._free(residual))
        found = start + moved + change
        return found if self._direct else self._newton(at, found, change, system)

    def _newton(self, at: _Step, correction: Array, change: Array, first: System) -> Array:
        """The correction that balances forces; ``change`` was the last step towards it, by the system ``first``."""
        system, size, before = first, np.inf, np.inf
        for _ in range(_PASSES):
            forces = self._forces(at, correction)
            residual = self._free(forces - at.loads)
            size = self._relative(residual, forces, at.loads)
            if np.isnan(size) or self._turned(at, correction):  # go half of the way
                change = 0.5 * change
                correction = correction - change
                continue
            if size <= _ROUND_OFF or (size <= _SETTLED and size > 0.5 * before):
                # An older tangent comes nearer slowly, and stops as far off as is allowed: the books see what is left.
                return correction - system.solve(residual) if system is first else correction
            serves = size < min(_TAME, _QUICK * before) if system is first else size < _NEAR
            if not serves:
                system = self._system(at, correction)
            change = -system.solve(residual)
            correction, before = correction + change, size
        raise SolverError(
            f"the displacements at time {at.end:g} have not converged in {_PASSES} Newton steps, "
            f"a residual of {size:.1e} is left: try a smaller 'step'"
        )

    def _stiffened(self, at: _Step, correction: Array, moved: Array) -> Array:
        """By how much the tangent changes the forces where the fixed dofs move."""
        if not self._norms(moved)[0]:
            return np.zeros_like(moved)
        stiffness = self._inner.tangent(self._level(at, correction)) @ moved
        return self._scheme.level * stiffness + self._scheme.inertia(at.dt) * (self._mass @ moved)

    def _turned(self, at: _Step, correction: Array) -> bool:
        """Whether a part of the body is turned inside out; collective."""
        if self._inner.linear:
            return False
        own = self._inner.turned(self._level(at, correction))
        return self._space.domain.comm.allreduce(own) > 0.0

    @property
    def _direct(self) -> bool:
        """Whether one solve is enough, and its residual need not be looked at."""
        return self._inner.linear and not self._iterative

    def _relative(self, residual: Array, *terms: Array) -> float:
        """Norm of the residual over that of its terms, 0 for round-off alone, nan where not finite; collective."""
        first, *others = self._norms(residual, *terms)
        if not np.isfinite([first, *others]).all():
            return float("nan")
        if first <= self._inner.round_off:
            return 0.0
        return first / max(float(np.linalg.norm(others)), float(np.finfo(float).tiny))

    def _norms(self, *arrays: Array) -> list[float]:
        """Norms over all ranks; collective."""
        squares = self._space.domain.comm.allreduce(np.array([each @ each for each in arrays]))
        return np.sqrt(squares).tolist()

    def _first_system(self, at: _Step, start: Array) -> System:
        """The system where a step begins, kept for windows that are repeated from there; collective."""
        if self._inner.linear:
            return self._system(at, start)
        level = self._level(at, start)
        alike = self._first is not None and self._first[0] == at.dt and np.array_equal(self._first[1], level)
        if self._first is None or self._space.domain.comm.allreduce(int(not alike)):
            self._forget_first()
            self._first = at.dt, level, self._made(at, start)
        return self._first[2]

    def _forget_first(self) -> None:
        if self._first is not None:
            self._first[2].free()
        self._first = None

    def _system(self, at: _Step, correction: Array) -> System:
        """The system for a change of the displacement at the end, without the fixed rows."""
        key = at.dt if self._inner.linear else 0.0
        if self._inner.linear and key in self._systems:
            return self._systems[key]
        while len(self._systems) >= (_SYSTEMS if self._inner.linear else 1):
            self._systems.pop(next(iter(self._systems))).free()
        self._systems[key] = self._made(at, correction)
        return self._systems[key]

    def _made(self, at: _Step, correction: Array) -> System:
        tangent = self._inner.tangent(self._level(at, correction))
        terms = [(self._scheme.level, tangent), (self._scheme.inertia(at.dt), self._mass)]
        petsc = combined(terms, self._fixed)
        if self._iterative:
            know_rigid_bodies(petsc, self._space.points[: self._space.owned, : self._space.components])
        return System(petsc, self._iterative)
