"""A buffer of a solid whose atoms feel friction and noise at the continuum's temperature, and what that took."""

from __future__ import annotations

import numpy as np

from ..couplers.cells import Array
from ..solvers.errors import SolverError
from ..solvers.md.bath import Band, Bath, Corner
from ..solvers.md.dynamics import MolecularDynamics, Side
from .draws import Draw, Draws
from .impose_settings import BATH, Langevin


def beyond_plane(axis: int, at: float, beyond: Side) -> tuple[Corner, Corner]:
    """The box, infinite but at the plane, that all beyond the plane is outside of."""
    lower, upper = [-np.inf] * 3, [np.inf] * 3
    (upper if beyond == "above" else lower)[axis] = at
    return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])


class HeatBath:
    """Slabs of ``thickness`` from the plane ``at`` outward; the last one reaches to the end of the box.

    The bath acts in every step, on those atoms that are beyond the plane then; atoms that the script does not move must
    not be of its fluid. Momentum and energy given are kept by name (this rank's share, cumulative).
    """

    def __init__(
        self,
        solver: MolecularDynamics,
        axis: int,
        at: float,
        slabs: int,
        thickness: float,
        beyond: Side,
        settings: Langevin,
    ) -> None:
        self._solver = solver
        outward = 1 if beyond == "above" else -1
        self.edges: Array = at + outward * thickness * np.arange(slabs)
        """Ends of the slabs towards the plane."""
        distances = (*(thickness * np.arange(slabs)).tolist(), np.inf)
        box = beyond_plane(axis, at, beyond)
        band = Band(*box, distances, settings.rate, slabs * thickness, settings.power)
        key = int(Draws(solver, 6 if beyond == "above" else 7).of((0, 0)).integers(2**62))
        self._name = f"what is {beyond} {'xyz'[axis]} = {at:g}"
        self._bath = Bath(solver.lammps, f"suture_bath_{beyond}", solver.settings.fluid, band, key)
        self._given = np.zeros((slabs, 4))
        self.waits = False
        """Whether in the next window the bath acts after each step when told, and not by itself."""

    def impose(self, velocity: Array, temperature: Array, draw: Draw) -> None:
        """Let the slabs have ``temperature``, (slabs,), in the window that comes; no ``velocity`` is imposed.

        The random numbers are a function of the script's variable ``seed``, of the time step and the atom's id. Raises
        ``SolverError`` where a temperature is below 0.
        """
        if temperature.min() < 0.0:
            raise SolverError(
                f"the bath of {self._name} is to have a temperature of {temperature.min():.4g}: the continuum there is "
                "below 0; heat comes in faster than its elements can spread it, or a boundary is too cold"
            )
        self._bath.heat_to(temperature)
        self._bath.begin(self._solver.steps, self.waits)

    def between_steps(self) -> None:
        """Act as is due after a step, where it ``waits``."""
        self._bath.between_steps()

    @property
    def given(self) -> Array:
        """Three components of momentum, and energy, of each slab since the start, (slabs, 4), this rank's share."""
        self._given = self._given + self._bath.take()
        return self._given

    @given.setter
    def given(self, kept: Array) -> None:
        self._bath.take()
        self._given = kept

    @property
    def rows(self) -> dict[str, dict[str, Array]]:
        """What the bath gave."""
        total = self.given.sum(axis=0)
        return {BATH: {"momentum": total[:3], "energy": total[3:]}}

    @rows.setter
    def rows(self, kept: dict[str, dict[str, Array]]) -> None:
        # Only the sum over the slabs was kept.
        given = np.zeros_like(self._given)
        given[0] = np.concatenate([kept[BATH]["momentum"], kept[BATH]["energy"]])
        self.given = given
