"""Types of the compiled audit; its comments stand in ``_planes.cpp``."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

class Planes:
    """What crosses a plane, step by step."""

    def __init__(self, axis: int, at: float, dt: float, kick: float, mvv2e: float, books_atoms: bool) -> None: ...
    def start(self) -> None: ...
    def step(self, atoms: Array, partners: Array, pairs: Array) -> None: ...
    def entered(self) -> Array: ...
