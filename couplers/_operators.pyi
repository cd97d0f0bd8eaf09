import numpy as np
from numpy.typing import NDArray

from .cells import Array
from .operators import Index32

def apply_stencil(columns: Index32, weights: Array, x: Array, out: Array) -> None: ...
def apply_transposed_stencil(columns: Index32, weights: Array, y: Array, out: Array) -> None: ...
def apply_blocks(
    rows: Index32,
    first_row: NDArray[np.int64],
    columns: Index32,
    first_column: NDArray[np.int64],
    values: Array,
    x: Array,
    out: Array,
) -> None: ...
def apply_transposed_blocks(
    rows: Index32,
    first_row: NDArray[np.int64],
    columns: Index32,
    first_column: NDArray[np.int64],
    values: Array,
    y: Array,
    out: Array,
) -> None: ...
