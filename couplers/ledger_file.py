"""The ledger on disk: one HDF5 file that grows by a row a window, written by one rank.

    /time                                 (windows + 1,)    the case's time unit
    /iterations                           (windows,)        1 in an explicit scheme; negative where not converged
    /participants/NAME/inventory          (windows + 1, columns)
    /participants/NAME/gross              (windows, columns)   magnitudes of the parts that are summed up, at the ends
    /participants/NAME/residual           (windows, columns)   nan where the participant gives no inventory
    /participants/NAME/rows/ROW           (windows, columns)   what the boundary or source added
    /flows/NAME/{sent,received,audit}     (windows, columns)   audit is nan in a window without one
    /flows/NAME/carry                     (windows + 1, columns)
    /flows/NAME/{mean,error}              (columns,)   of a noisy sender: amount a window so far, and its standard error
    /buffers/NAME/inventory               (windows + 1, columns)   of the sender's buffer, by flow
    /buffers/NAME/rows/ROW                (windows, columns)

What is sent, and a buffer, is booked in the sender's time; what is received and carried in the receiver's.

Attributes of a participant: ``kept`` (columns,), 1 where it gives an inventory, else nan, and its ``clock``. Attributes
of the root: ``columns``, ``tolerance``, ``units``, ``title``, ``windows``, ``complete``: whether the run reached its
end, and ``caution``: a sentence where clocks differ, so that this is no trajectory, or an empty text. Of a flow:
``interface``, ``sender``, ``receiver``, ``lag``, ``noisy`` and the kind of its ``filter``, or an empty text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .blocking import Blocking
from .ledger import Chart, Closing
from .series import SeriesFile

NAME = "ledger.h5"
_MOMENTS = "/mean", "/error"
"""Datasets that do not grow."""


class LedgerFile:
    """Appends closings to ``ledger.h5``; buffers a few seconds of windows."""

    def __init__(self, path: Path, chart: Chart, opening: Closing, attributes: dict[str, Any]) -> None:
        self._series = SeriesFile(path)
        file = self._series.file
        file.attrs.update({**attributes, "columns": list(chart.columns), "complete": False})
        for name in chart.rows:
            group = file.create_group(f"participants/{name}")
            group.attrs.update({"kept": chart.keeps(name), "clock": chart.clocks.get(name, 1.0)})
        for flow in chart.flows:
            group = file.create_group(f"flows/{flow.name}")
            group.attrs.update(
                {
                    "interface": flow.interface,
                    "sender": flow.sender,
                    "receiver": flow.receiver,
                    "lag": flow.lag,
                    "noisy": flow.noisy,
                    "filter": flow.filter.kind if flow.filter else "",
                }
            )
        self._noise = {flow.name: Blocking(len(chart.columns)) for flow in chart.flows if flow.noisy}
        self._put_holdings(opening)
        self.flush()

    @classmethod
    def resume(cls, path: Path, windows: int, attributes: dict[str, Any]) -> LedgerFile:
        """Go on with the file of a run of which ``windows`` are done; ``ResumeError`` where that cannot be."""
        self = cls.__new__(cls)
        self._series = SeriesFile(path, keep=windows)
        file = self._series.file
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
        series = [name for name in names if not name.endswith(_MOMENTS)]
        for name in series:
            opened_with = name == "time" or name.endswith(("/inventory", "/carry"))
            self._series.cut(name, windows + int(opened_with))
        file.attrs.update({**attributes, "complete": False})
        self._noise = {}
        for name, group in file.get("flows", {}).items():
            if group.attrs.get("noisy", False):
                self._noise[name] = Blocking(group["sent"].shape[1])
                self._noise[name].add(group["sent"][:])
        return self

    def append(self, closing: Closing) -> None:
        """Add the windows of a closing."""
        self._put_holdings(closing)
        put = self._series.extend
        put("iterations", closing.iterations)
        for name, values in closing.residual.items():
            put(f"participants/{name}/residual", values)
        for name, values in closing.gross.items():
            put(f"participants/{name}/gross", values)
        for (name, row), values in closing.rows.items():
            put(f"participants/{name}/rows/{row}", values)
        for kind in ("sent", "received", "audit"):
            for name, values in getattr(closing, kind).items():
                put(f"flows/{name}/{kind}", values)
        for (name, row), values in closing.buffer_rows.items():
            put(f"buffers/{name}/rows/{row}", values)
        for name, noise in self._noise.items():
            noise.add(closing.sent[name])
        if self._series.due():
            self.flush()

    def _put_holdings(self, closing: Closing) -> None:
        """What is held at the windows' ends; the opening has it too."""
        put = self._series.extend
        put("time", closing.times)
        for name, values in closing.inventory.items():
            put(f"participants/{name}/inventory", values)
        for name, values in closing.carry.items():
            put(f"flows/{name}/carry", values)
        for name, values in closing.buffer.items():
            put(f"buffers/{name}/inventory", values)

    def flush(self) -> None:
        """Write what is buffered, and what the means and their errors are by now."""
        for name, noise in self._noise.items():
            for moment, values in zip(_MOMENTS, (noise.mean(), noise.error()), strict=True):
                self._series.file.require_dataset(f"flows/{name}{moment}", values.shape, "f8")[:] = values
        self._series.flush()

    def close(self, complete: bool) -> None:
        """Write the rest; ``complete`` says whether the run reached its end."""
        self.flush()
        self._series.file.attrs["complete"] = complete
        self._series.close()
