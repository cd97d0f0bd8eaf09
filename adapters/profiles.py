"""Profiles along an interface's normal, window by window, in one small HDF5 file that all adapters write alike.

    /edges                 (n + 1,)            bin edges along the axis, in the participant's length unit
    /time                  (windows,)          at the windows' ends
    /{density,temperature} (windows, n)
    /velocity              (windows, n, 3)

Root attribute: ``axis`` (0, 1, 2).
"""

from __future__ import annotations

from pathlib import Path

from ..couplers.cells import Array
from ..couplers.series import SeriesFile


class ProfileFile:
    """Appends one profile a window; made on one rank only."""

    def __init__(self, path: Path, axis: int, edges: Array, done: int = 0) -> None:
        """``done`` windows are kept of a run that is resumed."""
        self._series = SeriesFile(path, keep=done or None)
        if done:
            for name in self._series.file:
                if name != "edges":
                    self._series.cut(name, done)
        else:
            self._series.file.attrs["axis"] = axis
            self._series.file["edges"] = edges

    def append(self, time: float, **values: Array | float) -> None:
        """Add one window: ``density`` (n,), ``temperature`` (n,), ``velocity`` (n, 3); nan where there is nothing."""
        for name, value in {"time": time, **values}.items():
            self._series.append(name, value)
        self._series.write_soon()

    def due(self) -> bool:
        """Whether it is time to write."""
        return self._series.due()

    def extend(self, **values: Array) -> None:
        """Add windows, the first axis of each, and write them."""
        for name, rows in values.items():
            self._series.extend(name, rows)
        self._series.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        self._series.flush()

    def close(self) -> None:
        """Write the rest."""
        self._series.close()
