"""Velocity Verlet for a chain, with a book of all that its forces do beside the gradient of its energy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .damping import damping_rates
from .layout import Numbers, held_nodes, lay_out
from .rows import Book, Rows, book, work
from .schemes import Scheme, scheme
from .settings import ChainSettings, End, MotionSettings

Array = NDArray[np.float64]


class Constraint(Protocol):
    """Changes velocities at the end of a step, such as Lagrange multipliers do."""

    def correction(self, velocity: Array) -> Array:
        """What is added to the velocities, (nodes,)."""
        ...


class Motion:
    """Masses that a scheme's forces move; the whole chain is held by whoever makes it.

    A step is half a damping, velocity Verlet, the constraint, half a damping: of second order. Energy is kinetic and
    counted energy, above that of the uniform lattice at rest. Rows: each fixed end (momentum), ``stadium`` (what
    damping added: heat, negative), ``constraint``, and the scheme's own. A row's work is that of the trapezoidal rule:
    the energy's balance closes to the integrator's error, that of momentum to round-off.
    """

    def __init__(
        self,
        settings: MotionSettings,
        made: Scheme,
        places: Array,
        masses: Array,
        held: dict[End, Numbers],
        constraint: Constraint | None = None,
    ) -> None:
        """``places`` are those of the nodes, in sites, (nodes,); ``masses`` likewise; ``held`` as of ``held_nodes``."""
        self.settings, self.scheme, self.places, self.masses = settings, made, places, masses
        self.time = 0.0
        self.displacement, self.velocity = np.zeros(len(places)), np.zeros(len(places))
        self._held, self._constraint = held, constraint
        self._rates = damping_rates(settings.stadium, places)
        named = {"stadium": bool(settings.stadium), "constraint": constraint is not None, made.row: bool(made.row)}
        self._rows = Rows([*(f"{end} end" for end in held), *(name for name, there in named.items() if there)])

    # -- the protocol of a solver --------------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes."""
        steps = math.ceil(dt / self.settings.step - 1e-9) or 1
        force, extra = self._forces()
        for _ in range(steps):
            force, extra = self._step(dt / steps, force, extra)

    def inventory(self) -> Book:
        """Momentum of the nodes, kinetic and counted energy."""
        return book(float(self.masses @ self.velocity), sum(self.energies().values()))

    def rows(self) -> dict[str, Book]:
        """What ends, damping, constraint and the scheme's extra forces have added so far."""
        return self._rows.book()

    def save(self) -> dict[str, Any]:
        """Everything that changes."""
        return {
            "time": self.time,
            "displacement": self.displacement.copy(),
            "velocity": self.velocity.copy(),
            "rows": self._rows.save(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = state["time"]
        self.displacement, self.velocity = state["displacement"].copy(), state["velocity"].copy()
        self._rows.restore(state["rows"])

    def energies(self) -> dict[str, float]:
        """``kinetic`` and ``potential``, the latter above that of the uniform lattice."""
        kinetic = 0.5 * float(self.masses @ self.velocity**2)
        return {"kinetic": kinetic, "potential": self.scheme.energy(self.displacement)}

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _forces(self) -> tuple[Array, Array | None]:
        extra = self.scheme.extra(self.displacement) if self.scheme.row else None
        return self.scheme.force(self.displacement), extra

    def _step(self, dt: float, force: Array, extra: Array | None) -> tuple[Array, Array | None]:
        self._damp(0.5 * dt)
        self._kick(0.5 * dt, force)
        way = dt * self.velocity
        self.displacement = self.displacement + way
        new_force, new_extra = self._forces()
        self._kick(0.5 * dt, new_force)
        if extra is not None and new_extra is not None:
            momentum = 0.5 * dt * float(np.sum(extra + new_extra))
            self._rows.add(self.scheme.row, momentum, work(extra, new_extra, way))
        self._constrain()
        self._damp(0.5 * dt)
        self.time += dt
        return new_force, new_extra

    def _kick(self, dt: float, force: Array) -> None:
        """Forces act for ``dt``; the ends hold their nodes, and take what acts on them."""
        acting = force.copy()
        for end, nodes in self._held.items():
            self._rows.add(f"{end} end", -dt * float(np.sum(force[nodes])), 0.0)
            acting[nodes] = 0.0
        self.velocity = self.velocity + dt * acting / self.masses

    def _damp(self, dt: float) -> None:
        if self.settings.stadium:
            self._change("stadium", self.velocity * np.expm1(-self._rates * dt))

    def _constrain(self) -> None:
        if self._constraint is not None:
            self._change("constraint", self._constraint.correction(self.velocity))

    def _change(self, row: str, change: Array) -> None:
        """Velocities change at one instant: what that adds is known exactly."""
        before = self.velocity
        self.velocity = before + change
        self._rows.add(row, float(self.masses @ change), 0.5 * float(self.masses @ (change * (self.velocity + before))))


def chain(settings: ChainSettings) -> Motion:
    """The chain of the settings, at rest in its uniform lattice; set ``displacement`` and ``velocity`` to start it."""
    made = lay_out(settings)
    held = held_nodes(settings, made.nodes)
    return Motion(settings, scheme(settings, made), made.nodes.astype(float), made.masses(settings.mass), held)
