"""Profiles along an interface's normal, window by window, in one small HDF5 file that all adapters write alike.

    /edges                 (n + 1,)            bin edges along the axis, in the participant's length unit
    /time                  (windows,)          at the windows' ends
    /{density,temperature} (windows, n)
    /velocity              (windows, n, 3)

Root attribute: ``axis`` (0, 1, 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..couplers.cells import Array

_BUFFERED = 64
"""Windows between two writings."""


class ProfileFile:
    """Appends one profile a window; made on one rank only."""

    def __init__(self, path: Path, axis: int, edges: Array) -> None:
        import h5py

        self._file: Any = h5py.File(path, "w")  # pyright: ignore[reportAttributeAccessIssue]
        self._file.attrs["axis"] = axis
        self._file["edges"] = edges
        self._buffer: dict[str, list[Any]] = {}

    def append(self, time: float, **values: Array | float) -> None:
        """Add one window: ``density`` (n,), ``temperature`` (n,), ``velocity`` (n, 3); nan where there is nothing."""
        for name, value in {"time": time, **values}.items():
            self._buffer.setdefault(name, []).append(np.asarray(value, dtype=float))
        if len(self._buffer["time"]) >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        for name, rows in self._buffer.items():
            block = np.stack(rows)
            if name not in self._file:
                shape = block.shape[1:]
                self._file.create_dataset(name, (0, *shape), "f8", maxshape=(None, *shape), chunks=(_BUFFERED, *shape))
            data: Any = self._file[name]
            data.resize(len(data) + len(block), axis=0)
            data[-len(block) :] = block
        self._buffer.clear()
        self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        self._file.close()
