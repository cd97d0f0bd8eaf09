"""One side of a Navier-Stokes box as a wall that conducts heat to a partner: its temperature in, its heat out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..couplers.cells import Array, Cells
from ..couplers.window import Window
from ..solvers.navier_stokes import NavierStokes
from .flow_profiles import FlowProfiles


class FiniteVolumeWall:
    """Gives the faces of one side the partner's temperature, and the partner the heat that left through them.

    The wall is at rest, impermeable and without slip. Both quantities live on the side's faces. The heat is the sum of
    the solver's own face fluxes over all stages and steps. The temperature given back is the wall's own: what the
    partner compares with its face under a Robin condition, so that both agree once the window has converged.
    """

    def __init__(self, solver: NavierStokes, side: str, profiles: FlowProfiles | None = None) -> None:
        self._solver = solver
        self._side = side
        self._profiles = profiles
        solver.close_seam(side)
        self._faces = Cells(*solver.seam_cells(side))
        self._left = np.zeros((len(self._faces), 1))

    def cells(self, quantity: str) -> Cells:
        """The side's faces."""
        return self._faces

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Start from the partner's temperature, if it says so, else from that of the fluid next to the wall."""
        if "temperature" in states:
            self._solver.set_wall_temperature(self._side, states["temperature"][:, 0], self._solver.time)

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """The temperature goes in a straight line to that at the end."""
        self._solver.set_wall_temperature(self._side, values["temperature"][:, 0], self._solver.time + window.dt)
        self._left = np.zeros_like(self._left)

    def account(self, dt: float) -> None:
        """Add the heat that left through the solver's faces in the step."""
        self._left -= self._solver.seam_amounts(self._side)[:, 4:]

    def send(self, window: Window) -> Mapping[str, Array]:
        """The heat that left, and the wall's temperature."""
        return {"energy": self._left.copy(), "temperature": self._solver.wall_temperature(self._side)[:, None]}

    def record(self, window: Window) -> None:
        """Keep the profile along the normal."""
        if self._profiles:
            self._profiles.sample(window.end)

    def save(self) -> dict[str, Array]:
        """What left."""
        return {"left": self._left.copy()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Return to what ``save`` gave."""
        self._left = state["left"].copy()

    def received(self) -> Mapping[str, Array]:
        """No amounts come in."""
        return {}

    def carry(self) -> Mapping[str, Array]:
        """Nothing is owed."""
        return {}
