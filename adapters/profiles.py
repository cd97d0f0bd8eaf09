"""Profiles along an interface's normal, window by window, in one small HDF5 file that all adapters write alike.

    /edges                 (n + 1,)            bin edges along the axis, in the participant's length unit
    /time                  (windows,)          at the windows' ends
    /{density,temperature} (windows, n)
    /velocity              (windows, n, 3)

Root attribute: ``axis`` (0, 1, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..couplers.cells import Array
from ..couplers.series import SeriesFile


class ProfileFile:
    """Appends one profile a window; made on one rank only."""

    def __init__(self, path: Path, axis: int, edges: Array, done: int = 0) -> None:
        """``done`` windows are kept of a run that is resumed."""
        self._series = SeriesFile(path, keep=done or None)
        self._series.attributes["/"]["axis"] = axis
        self._series.fixed["edges"] = edges

    def append(self, time: float, **values: Array | float) -> None:
        """Add one window: ``density`` (n,), ``temperature`` (n,), ``velocity`` (n, 3); nan where there is nothing."""
        for name, value in {"time": time, **values}.items():
            self._series.append(name, value)
        self._series.write_soon()

    def extend_when_written(self, give: Callable[[], Mapping[str, Array]]) -> None:
        """Let ``give`` make the profiles of many windows at once, the first axis of each."""

        def extend() -> None:
            for name, rows in give().items():
                self._series.extend(name, rows)

        self._series.before_flush = extend

    def write_soon(self) -> None:
        """Write if the last time is some seconds ago."""
        self._series.write_soon()
