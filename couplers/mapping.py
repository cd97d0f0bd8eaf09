"""Cell intersection: the linear operator between two discretisations of an interface made of axis-aligned cells.

With m(i, j) the measure (area of a surface, volume of an overlap region) that sender cell j and receiver cell i share:

    amounts (extensive)    a_i = sum_j m(i, j) / m(j) a_j     columns sum to one: sums stay equal
    states  (intensive)    s_i = sum_j m(i, j) / m(i) s_j     rows sum to one: constants stay constant

Both are the L2 projection between piecewise constants, and the transpose of one another up to the cell measures
(Farrell & Maddison 2011, doi:10.1016/j.cma.2010.07.015).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .cells import Array, Cells
from .errors import MappingError

Index = NDArray[np.int64]

FLAT = 1e-9
"""Two surfaces coincide when their planes differ by no more than this fraction of the interface's size."""


def overlaps(senders: Cells, receivers: Cells) -> tuple[Index, Index, Array]:
    """Find every pair of cells that share a positive measure.

    Returns receiver indices, sender indices and shared measures, each of shape (pairs,). Axes along which both cells
    are flat do not count in the measure; their planes must coincide.
    """
    nothing = np.zeros(0, dtype=np.int64)
    if not len(senders) or not len(receivers):
        return nothing, nothing, np.zeros(0)
    size = np.ptp(np.vstack((senders.lower, senders.upper, receivers.lower, receivers.upper)), axis=0).max()
    i, j = _candidates(senders, receivers, FLAT * size)
    low = np.maximum(receivers.lower[i], senders.lower[j])
    high = np.minimum(receivers.upper[i], senders.upper[j])
    thin = flat_axes(senders) & flat_axes(receivers)
    shared = np.clip(high - low, 0.0, None)
    shared[:, thin] = np.abs(high - low)[:, thin] <= FLAT * size
    share = shared.prod(axis=1)
    found = share > 0.0
    return i[found], j[found], share[found]


def _candidates(senders: Cells, receivers: Cells, slack: float) -> tuple[Index, Index]:
    """Pairs whose centres are near enough along every axis for the cells to touch.

    Each axis is measured by its own longest cells, so that slender cells do not all seem near to one another.
    """
    reach = _half(senders) + _half(receivers) + 2.0 * slack
    reach = np.where(reach > 0.0, reach, 1.0)
    trees = [cKDTree(cells.centres / reach) for cells in (receivers, senders)]
    near = trees[0].sparse_distance_matrix(trees[1], 1.0, p=np.inf, output_type="ndarray")
    return near["i"].astype(np.int64), near["j"].astype(np.int64)


def _half(cells: Cells) -> Array:
    return 0.5 * (cells.upper - cells.lower).max(axis=0)


def flat_axes(cells: Cells) -> NDArray[np.bool_]:
    """Axes along which all cells have no extent, (3,)."""
    return np.all(cells.lower == cells.upper, axis=0)


def measures(cells: Cells) -> Array:
    """Area, length or volume of each cell, (n,): the product of its extents along the axes that are not flat."""
    return (cells.upper - cells.lower)[:, ~flat_axes(cells)].prod(axis=1)


def require_cover(cells: Cells, shared: Array, side: str, other: str, interface: str) -> None:
    """Raise ``MappingError`` unless ``shared`` (n,), what the other side covers of each cell, is the whole cell."""
    require_fractions(cells, shared / measures(cells), side, f"the cells of {other!r}", interface)


def require_fractions(
    cells: Cells, covered: Array, side: str, by: str, interface: str, tolerance: float = 1e-9, remedy: str = ""
) -> None:
    """Raise ``MappingError``, naming a cell, unless ``covered`` (n,), the fraction that ``by`` covers of each, is 1."""
    if not len(cells):
        return
    missing = 1.0 - covered
    worst = int(np.argmax(np.abs(missing)))
    if abs(missing[worst]) > tolerance:
        what = "is not covered" if missing[worst] > 0 else "is covered twice"
        raise MappingError(
            f"interface {interface!r}: {abs(missing[worst]):.3g} of the cell of {side!r} from "
            f"{point_text(cells.lower[worst])} to {point_text(cells.upper[worst])} {what} by {by}. "
            f"Both sides must describe the same region{remedy}"
        )


def point_text(x: Array) -> str:
    """A place as messages show it."""
    return "(" + ", ".join(f"{c:g}" for c in x) + ")"
