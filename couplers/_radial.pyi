import numpy as np
from numpy.typing import NDArray

from .cells import Array
from .operators import Index32

def build_blocks(
    points: Array, at: Array, origin: Array, size: float, kernel: str, support: float, count: int
) -> tuple[Index32, NDArray[np.int64], Index32, NDArray[np.int64], Array, Index32]: ...
def nearest_distances(points: Array, samples: Array, count: int) -> Array: ...
