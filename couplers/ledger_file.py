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

While the run writes it, and where it was killed, all but ``mean`` and ``error`` have spare rows, and ``/written`` (1,)
says how many windows are whole (``series.py``).

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
from .cells import Array
from .ledger import Chart, Closing
from .series import SeriesFile, read_series

NAME = "ledger.h5"


class LedgerFile:
    """Appends closings to ``ledger.h5``; buffers a few seconds of windows."""

    def __init__(self, path: Path, chart: Chart, opening: Closing, attributes: dict[str, Any]) -> None:
        self._series = SeriesFile(path)
        groups = self._series.attributes
        groups["/"] = {**attributes, "columns": list(chart.columns), "complete": False}
        for name in chart.rows:
            groups[f"participants/{name}"] = {"kept": chart.keeps(name), "clock": chart.clocks.get(name, 1.0)}
        for flow in chart.flows:
            groups[f"flows/{flow.name}"] = {
                "interface": flow.interface,
                "sender": flow.sender,
                "receiver": flow.receiver,
                "lag": flow.lag,
                "noisy": flow.noisy,
                "filter": flow.filter.kind if flow.filter else "",
            }
        self._noise = {flow.name: Blocking(len(chart.columns)) for flow in chart.flows if flow.noisy}
        for name, values in _holdings(opening).items():
            self._series.begin(name, values[0])
        self._begin()

    @classmethod
    def resume(cls, path: Path, windows: int, attributes: dict[str, Any]) -> LedgerFile:
        """Go on with the file of a run of which ``windows`` are done; ``ResumeError`` where that cannot be."""
        self = cls.__new__(cls)
        self._series = SeriesFile(path, keep=windows)
        self._series.attributes["/"] |= {**attributes, "complete": False}
        self._noise = {}
        with read_series(path) as file:
            for name, group in file.file.get("flows", {}).items():
                if group.attrs.get("noisy", False):
                    sent = file[f"flows/{name}/sent"][:windows]
                    self._noise[name] = Blocking(sent.shape[1])
                    self._noise[name].add(sent)
        self._begin()
        return self

    def _begin(self) -> None:
        self._series.before_flush = self._tell_noise
        self.flush()

    def append(self, closing: Closing) -> None:
        """Add the windows of a closing."""
        put = self._series.extend
        for name, values in _holdings(closing).items():
            put(name, values)
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
        self._series.write_soon()

    def _tell_noise(self) -> None:
        """What the means and their errors are by now."""
        for name, noise in self._noise.items():
            self._series.fixed |= {f"flows/{name}/mean": noise.mean(), f"flows/{name}/error": noise.error()}

    def flush(self) -> None:
        """Write what is buffered."""
        self._series.flush()

    def close(self, complete: bool) -> None:
        """Write the rest; ``complete`` says whether the run reached its end."""
        self._series.attributes["/"]["complete"] = complete
        self._series.close()


def _holdings(closing: Closing) -> dict[str, Array]:
    """What is held at the windows' ends, by dataset; the opening has it too."""
    held = {"time": closing.times}
    held |= {f"participants/{name}/inventory": values for name, values in closing.inventory.items()}
    held |= {f"flows/{name}/carry": values for name, values in closing.carry.items()}
    return held | {f"buffers/{name}/inventory": values for name, values in closing.buffer.items()}
