"""A file that grows by a row a window: arrays by name in HDF5, buffered, readable while the run writes it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .cells import Array
from .errors import ResumeError

_CHUNK = 256
_FLUSH_EVERY = 10.0
"""Seconds between two writings: what a reader of a running case may lag behind."""


class SeriesFile:
    """Appends to datasets whose first axis grows; made on one rank only."""

    def __init__(self, path: Path, keep: int | None = None) -> None:
        """Start a new file, or go on with one whose datasets are cut back to ``keep`` rows.

        Raises ``ResumeError`` where the file to go on with is missing, unreadable or too short.
        """
        import h5py

        self._buffer: dict[str, list[Array]] = {}
        self._written = time.monotonic()
        try:
            self.file: Any = h5py.File(path, "w" if keep is None else "r+")  # pyright: ignore[reportAttributeAccessIssue]
        except OSError as error:
            raise ResumeError(f"{path} cannot be {'written' if keep is None else 'continued'}: {error}") from error

    def cut(self, name: str, rows: int) -> None:
        """Cut a dataset back to its first ``rows``; ``ResumeError`` where it has fewer."""
        if name not in self.file or len(self.file[name]) < rows:
            found = len(self.file[name]) if name in self.file else 0
            raise ResumeError(f"{self.file.filename}: {name} has {found} rows, and {rows} are needed to go on with it")
        self.file[name].resize(rows, axis=0)

    def append(self, name: str, row: ArrayLike) -> None:
        """Add one row to a dataset, which the first row makes."""
        self.extend(name, np.asarray(row, dtype=float)[None])

    def extend(self, name: str, rows: Array) -> None:
        """Add some rows to a dataset, which the first rows make."""
        self._buffer.setdefault(name, []).append(rows)

    def due(self) -> bool:
        """Whether the last writing is some seconds ago."""
        return time.monotonic() - self._written > _FLUSH_EVERY

    def write_soon(self) -> None:
        """Write what is buffered if it is due."""
        if self.due():
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        for name, rows in self._buffer.items():
            block = np.concatenate(rows)
            if name not in self.file:
                shape = block.shape[1:]
                self.file.create_dataset(name, (0, *shape), "f8", maxshape=(None, *shape), chunks=(_CHUNK, *shape))
            data = self.file[name]
            data.resize(len(data) + len(block), axis=0)
            data[-len(block) :] = block
        self._buffer.clear()
        self.file.flush()
        self._written = time.monotonic()

    def close(self) -> None:
        """Write the rest."""
        if self.file:
            self.flush()
            self.file.close()
