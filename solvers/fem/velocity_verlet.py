"""Explicit motion of a solid body by velocity Verlet, with its mass lumped at the nodes.

    v+ = v + dt/2 a,   u' = u + dt v+,   v' = v+ + dt/2 a',   M a = F - s N(u)

It is the atoms' own integrator, with the atoms' own inertia where nodes are lattice places. In every step the impulse
on a node is dt times the mean of its inner forces at both ends and of the loads in between, to round-off. ``s`` is the
part of the inner force that counts, 1 unless atoms take the other part over.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .algebra import Matrix
from .elasticity import InnerForces
from .engine import Index
from .generalised_alpha import Motion
from .space import Space

Array = NDArray[np.float64]

_LOOKS = 60
"""Power iterations for the highest frequency: a few per cent."""
_MARGIN = 1.05
"""By which it may be higher than found."""


class Lumped:
    """A diagonal mass matrix, of owned dofs."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __matmul__(self, values: Array) -> Array:
        return self.values * values


class VelocityVerlet:
    """The scheme's place in the balance: loads act in the middle of a step, and momentum has no error."""

    inertial = True
    level = 0.5
    excess = 0.0


class Explicit:
    """Steps of the motion; takes the place of ``Balance``. Arrays are values of owned dofs, flat. Collective."""

    def __init__(self, mass: Lumped, inner: InnerForces, space: Space) -> None:
        self._mass, self._space = mass, space
        self.inner_force = inner.force
        """Of a displacement; what moves the body, of which ``counts`` is the part that does."""
        self.tangent = inner.tangent
        """What its highest frequency is of."""
        self._fixed: Index = np.zeros(0, dtype=np.int32)
        self.counts: Array = np.ones_like(mass.values)
        """Part of the inner force that counts."""
        self.mean_inner: Array = np.zeros_like(mass.values)
        """All of the inner force in the last step."""
        self._last: tuple[Array, Array] | None = None
        self._stable: float | None = None

    def fix(self, dofs: Index) -> None:
        """Name the owned dofs whose displacement is given."""
        self._fixed = dofs

    def mass_solve(self, right: Array) -> Array:
        """M^-1."""
        return right / self._mass.values

    def step(
        self, begin: Motion, dt: float, time: float, outer: Mapping[str, Array], given: Array
    ) -> tuple[Motion, Array, Array]:
        """The motion at the end, M a_m + N as a mean over the step, and the reactions.

        ``given`` is the displacement at the end, at the fixed dofs. Raises ``SolverError`` for a step that is not
        stable, and for one that tears an element.
        """
        self._require_stable(begin.displacement, dt, time)
        mass, loads, fixed = self._mass.values, sum(outer.values(), np.zeros_like(given)), self._fixed
        first = self._force(begin.displacement)
        half = begin.velocity + 0.5 * dt * (loads - self.counts * first) / mass
        half[fixed] = (given - begin.displacement)[fixed] / dt
        displacement = begin.displacement + dt * half
        displacement[fixed] = given[fixed]
        last = self._force(displacement)
        acceleration = (loads - self.counts * last) / mass
        acceleration[fixed] = 0.0
        velocity = half + 0.5 * dt * acceleration
        if self._space.domain.comm.allreduce(float(not np.isfinite(last).all())) > 0.0:
            raise SolverError(f"an element is torn or turned inside out at time {time + dt:g}: try a smaller 'step'")
        self.mean_inner = 0.5 * (first + last)
        inertia = mass * (velocity - begin.velocity) / dt
        reaction = np.zeros_like(inertia)
        reaction[fixed] = (inertia + self.counts * self.mean_inner - loads)[fixed]
        return Motion(displacement, velocity, acceleration), inertia + self.mean_inner, reaction

    def _force(self, displacement: Array) -> Array:
        """The inner force, that of the last step's end where it was there."""
        if self._last is None or not np.array_equal(self._last[0], displacement):
            self._last = displacement.copy(), self.inner_force(displacement)
        return self._last[1]

    def _require_stable(self, displacement: Array, dt: float, time: float) -> None:
        """Once: a step is stable up to 2 by the highest frequency."""
        if self._stable is None:
            self._stable = 2.0 / (_MARGIN * self._highest_frequency(displacement))
        if dt > self._stable:
            raise SolverError(
                f"a step of {dt:g} at time {time:g}; velocity Verlet is stable here up to about {self._stable:.3g}"
            )

    def _highest_frequency(self, displacement: Array) -> float:
        comm, tangent = self._space.domain.comm, self.tangent(displacement)
        vector = np.random.default_rng(comm.rank).standard_normal(len(displacement))
        square = 0.0
        for _ in range(_LOOKS):
            vector[self._fixed] = 0.0
            vector /= np.sqrt(comm.allreduce(float(vector @ vector)))
            vector = (tangent @ vector) / self._mass.values
            square = np.sqrt(comm.allreduce(float(vector @ vector)))
        return float(np.sqrt(square))


def lumped(mass: Matrix, unknowns: int) -> Lumped:
    """Each row of a mass matrix, summed up: of linear elements, what each node's own part of space has."""
    return Lumped(mass @ np.ones(unknowns))
