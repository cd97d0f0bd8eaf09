"""How a grid is divided among ranks: known before MPI starts, so that a case can be refused in time."""

from __future__ import annotations

from itertools import product

GHOSTS = 2
"""Layers of neighbours' cells that the fluxes see; a rank needs as many cells along every active axis."""


def processors(cells: tuple[int, int, int], ranks: int) -> tuple[int, int, int] | None:
    """Ranks along x, y and z with the least surface between blocks; None where some would have too few cells.

    PETSc would choose for itself, but refuses a thin block only on the ranks that have it: the others would hang.
    """
    divisors = [n for n in range(1, ranks + 1) if ranks % n == 0]
    most = [1 if n == 1 else max(1, n // GHOSTS) for n in cells]
    fitting = [
        (x, y, z)
        for x, y, z in product(divisors, repeat=3)
        if x * y * z == ranks and all(p <= limit for p, limit in zip((x, y, z), most, strict=True))
    ]
    total = cells[0] * cells[1] * cells[2]

    def surface(grid: tuple[int, int, int]) -> float:
        return sum((p - 1) * total / n for p, n in zip(grid, cells, strict=True))

    return min(fitting, key=surface, default=None)


def most_ranks(cells: tuple[int, int, int]) -> int:
    """The largest number of ranks that the grid can be divided among."""
    x, y, z = (1 if n == 1 else max(1, n // GHOSTS) for n in cells)
    return x * y * z
