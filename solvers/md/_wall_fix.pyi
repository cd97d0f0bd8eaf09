"""Types of the compiled fix; its comments stand in ``_wall_fix.cpp``."""

import numpy as np
from numpy.typing import NDArray

VERSION: int

def define(lammps: int) -> None: ...
def now(lammps: int, id: str) -> NDArray[np.float64]: ...
def take(lammps: int, id: str) -> NDArray[np.float64]: ...
