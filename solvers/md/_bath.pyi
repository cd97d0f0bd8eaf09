"""Types of what is compiled; its comments stand in ``_bath.cpp``."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def define(lammps: int) -> None: ...
def set(
    lammps: int,
    id: str,
    lower: Sequence[float],
    upper: Sequence[float],
    edges: Sequence[float],
    rate: float,
    length: float,
    power: float,
    key: int,
) -> None: ...
def heat(lammps: int, id: str, temperatures: Sequence[float]) -> None: ...
def begin(lammps: int, id: str, last: int, waits: bool) -> None: ...
def between_steps(lammps: int, id: str) -> None: ...
def take(lammps: int, id: str) -> NDArray[np.float64]: ...
