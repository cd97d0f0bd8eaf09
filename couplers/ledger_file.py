"""The ledger on disk: one HDF5 file that grows by a row a window, written by one rank.

    /time                                 (windows + 1,)    the case's time unit
    /iterations                           (windows,)        1 in an explicit scheme; negative where not converged
    /participants/NAME/inventory          (windows + 1, columns)
    /participants/NAME/residual           (windows, columns)   nan where the participant gives no inventory
    /participants/NAME/rows/ROW           (windows, columns)   what the boundary or source added
    /flows/NAME/{sent,received,audit}     (windows, columns)   audit is nan in a window without one
    /flows/NAME/carry                     (windows + 1, columns)
    /buffers/NAME/inventory               (windows + 1, columns)   of the sender's buffer, by flow
    /buffers/NAME/rows/ROW                (windows, columns)

Attribute of a participant: ``kept`` (columns,), 1 where it gives an inventory, else nan. Attributes of the root:
``columns``, ``tolerance``, ``units``, ``title``, ``windows``, and ``complete``: whether the run reached its end.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from .cells import Array
from .ledger import Chart, Closing

NAME = "ledger.h5"
_CHUNK = 256
_FLUSH_EVERY = 5.0
"""Seconds between two writings: what a reader of a running case may lag behind."""


class LedgerFile:
    """Appends closings to ``ledger.h5``; buffers a few seconds of windows."""

    def __init__(self, path: Path, chart: Chart, opening: Closing, attributes: dict[str, Any]) -> None:
        import h5py

        self._file: Any = h5py.File(path, "w")  # pyright: ignore[reportAttributeAccessIssue]
        self._file.attrs.update({**attributes, "columns": list(chart.columns), "complete": False})
        self._buffer: dict[str, list[Array]] = {}
        self._written = time.monotonic()
        for name in chart.rows:
            self._file.create_group(f"participants/{name}").attrs["kept"] = chart.keeps(name)
        for flow in chart.flows:
            group = self._file.create_group(f"flows/{flow.name}")
            group.attrs.update(
                {"interface": flow.interface, "sender": flow.sender, "receiver": flow.receiver, "lag": flow.lag}
            )
        self._put("time", np.asarray(opening.time))
        for name, values in opening.inventory.items():
            self._put(f"participants/{name}/inventory", values)
        for name, values in opening.carry.items():
            self._put(f"flows/{name}/carry", values)
        for name, values in opening.buffer.items():
            self._put(f"buffers/{name}/inventory", values)
        self.flush()

    def append(self, closing: Closing) -> None:
        """Add one window."""
        self._put("time", np.asarray(closing.time))
        self._put("iterations", np.asarray(float(closing.iterations if closing.converged else -closing.iterations)))
        for name in closing.inventory:
            self._put(f"participants/{name}/inventory", closing.inventory[name])
            self._put(f"participants/{name}/residual", closing.residual[name])
        for (name, row), values in closing.rows.items():
            self._put(f"participants/{name}/rows/{row}", values)
        for kind in ("sent", "received", "carry", "audit"):
            for name, values in getattr(closing, kind).items():
                self._put(f"flows/{name}/{kind}", values)
        for name, values in closing.buffer.items():
            self._put(f"buffers/{name}/inventory", values)
        for (name, row), values in closing.buffer_rows.items():
            self._put(f"buffers/{name}/rows/{row}", values)
        if time.monotonic() - self._written > _FLUSH_EVERY:
            self.flush()

    def _put(self, path: str, values: Array) -> None:
        self._buffer.setdefault(path, []).append(values)

    def flush(self) -> None:
        """Write what is buffered."""
        for path, rows in self._buffer.items():
            block = np.stack(rows)
            if path not in self._file:
                shape = (0, *block.shape[1:])
                self._file.create_dataset(
                    path, shape, dtype="f8", maxshape=(None, *block.shape[1:]), chunks=(_CHUNK, *block.shape[1:])
                )
            data: Any = self._file[path]
            data.resize(len(data) + len(block), axis=0)
            data[-len(block) :] = block
        self._buffer.clear()
        self._file.flush()
        self._written = time.monotonic()

    def close(self, complete: bool) -> None:
        """Write the rest; ``complete`` says whether the run reached its end."""
        self.flush()
        self._file.attrs["complete"] = complete
        self._file.close()
