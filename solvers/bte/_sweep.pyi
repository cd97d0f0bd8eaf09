import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Longs = NDArray[np.int32]

class Sweeper:
    """Upwind discontinuous Galerkin sweeps; see ``_sweep.cpp``."""

    def __init__(
        self,
        area: Doubles,
        volume: Doubles,
        neighbour: Longs,
        across: NDArray[np.int8],
        region: Longs,
        owned: int,
        radius: Doubles,
    ) -> None: ...
    def materials(
        self,
        removal: Doubles,
        emission: Doubles,
        heating: Doubles,
        memory: Doubles,
        flux: Doubles,
        moments: Doubles,
        bins: Longs,
        bands: int,
    ) -> None: ...
    def boundaries(self, entering: Doubles, leaving: Doubles, slots: Longs) -> None: ...
    def add(self, s: list[float], weight: float, first: int, drive: float, factors: list[float]) -> int: ...
    def drive(self, index: int, value: float) -> None: ...
    def turn(self, index: int, level: int, removal: float, gain: float, tau: float) -> None: ...
    def stages(self, index: int, stage: Longs) -> list[int]: ...
    def advance_stages(self, index: int, stage: Longs, least: Longs) -> bool: ...
    def order_of(self, index: int) -> tuple[Longs, Longs]: ...
    def half_ranges(self, normal: Doubles, region: Longs) -> tuple[Doubles, Doubles]: ...
    def sweep(
        self,
        begin: int,
        end: int,
        start: int,
        stop: int,
        temperature: Doubles,
        source: Doubles,
        moments: Doubles,
        theta: Doubles,
        kept_in: Doubles,
        kept_out: Doubles,
        state: Doubles,
        update: float,
        net: Doubles,
        upwind: Doubles,
    ) -> None: ...
