"""Types of the compiled kernel; its comments stand in ``_fluxes.cpp``."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

class Kernel:
    """Face fluxes and residual on one rank's block of a uniform grid."""

    def __init__(
        self,
        owned: Sequence[int],
        active: Sequence[bool],
        valid_lower: Sequence[int],
        valid_upper: Sequence[int],
        spacing: Sequence[float],
        state: Array,
        local: Array,
        residual: Array,
        fields: Array,
    ) -> None: ...
    def set_wall(
        self,
        axis: int,
        end: int,
        isothermal: bool,
        velocity: Sequence[float],
        slip_length: float,
        temperature: float,
        /,
    ) -> None: ...
    def set_wall_temperature(self, axis: int, end: int, temperatures: Array, /) -> None: ...
    def set_reservoir(
        self, axis: int, end: int, pressure: float, density: float, temperature: float, energy: float, /
    ) -> None: ...
    def set_seam(self, axis: int, end: int, flux: Array, /) -> None: ...
    def open(self, axis: int, end: int, /) -> None: ...
    def set_beyond(self, axis: int, end: int, values: Array, /) -> None: ...
    def crossed(self, axis: int, end: int, /) -> Array: ...
    def primitives(self) -> None: ...
    def fill_ghosts(self) -> None: ...
    def compute_residual(self, weight: float, /) -> None: ...
    def stage(self, keep: float, start: Array, dt: float, /) -> None: ...
    def stability_rate(self, heat_capacity: Array, /) -> float: ...
