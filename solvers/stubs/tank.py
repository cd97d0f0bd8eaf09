"""Two stubs that hold mass, momentum and energy in a row of tanks, one for each interface cell.

A ``Source`` loses a known, time-dependent amount through every cell; a ``Sink`` fills up with what it is given. Both
can be told to fail in a chosen way, in a chosen window, on a chosen rank.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Array = NDArray[np.float64]

WIDTHS = {"mass": 1, "momentum": 3, "energy": 1}
_RATES = np.array([[1.0], [0.3], [-0.2], [8.0], [2.5]])
"""Steady part of each component's rate per area: mass, three momenta, energy."""


Cells = Annotated[int, Field(ge=1, le=10_000)]


class Fault(BaseModel):
    """What goes wrong, when and where."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    kind: Literal["leak", "crash", "slow", "busy", "hang", "killed", "nan"]
    window: int = Field(0, ge=0, description="First window in which it happens.")
    rank: int = Field(0, ge=0, description="Rank of the participant on which it happens.")


class TankSettings(BaseModel):
    """Settings of both stubs: the interface grid, the step, and a fault."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    lower: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="Lower corner of the interface.")
    upper: tuple[float, float, float] = Field((1.0, 1.0, 0.0), description="Upper corner of the interface.")
    cells: tuple[Cells, Cells] = Field((1, 1), description="Cells in x and y.")
    step: float = Field(1.0, gt=0, description="Longest step; any relation to the window.")
    fault: Fault | None = None


class Tank:
    """What both stubs have in common: cells split over the ranks, inventories, faults."""

    def __init__(self, settings: TankSettings, comm: MPI.Comm, window: float) -> None:
        self.settings = settings
        self.comm = comm
        self.time = 0.0
        self._window = window
        x = np.linspace(settings.lower[0], settings.upper[0], settings.cells[0] + 1)
        y = np.linspace(settings.lower[1], settings.upper[1], settings.cells[1] + 1)
        grid = np.array([(x[i], y[j], x[i + 1], y[j + 1]) for j in range(len(y) - 1) for i in range(len(x) - 1)])
        own = np.array_split(grid, comm.size)[comm.rank]
        self.lower = np.column_stack((own[:, :2], np.full(len(own), settings.lower[2])))
        self.upper = np.column_stack((own[:, 2:], np.full(len(own), settings.upper[2])))
        self.area: Array = np.prod(own[:, 2:] - own[:, :2], axis=1)
        self.held = np.zeros((len(own), 5))

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def inventory(self) -> dict[str, Array]:
        """What this rank's tanks hold."""
        return split(np.ascontiguousarray(self.held.T).sum(axis=1))  # along rows, numpy sums pairwise

    def rows(self) -> dict[str, dict[str, Array]]:
        """No boundaries, no sources."""
        return {}

    def save(self) -> dict[str, Any]:
        """Time and contents."""
        return {"time": self.time, "held": self.held.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``save``."""
        self.time, self.held = state["time"], state["held"].copy()

    def fails(self, kind: str) -> bool:
        """Whether the fault of that kind happens now, here."""
        fault = self.settings.fault
        return (
            fault is not None
            and fault.kind == kind
            and fault.rank == self.comm.rank
            and self.time >= fault.window * self._window * (1 - 1e-12)
        )

    def _misbehave(self) -> None:
        if self.fails("crash"):
            raise RuntimeError("the stub was told to crash")
        if self.fails("slow"):
            time.sleep(1.0)
        if self.fails("busy"):
            until = time.monotonic() + 5.0
            while time.monotonic() < until:
                pass
        if self.fails("hang"):
            time.sleep(1e6)
        if self.fails("killed"):
            os.kill(os.getpid(), 9)


class Source(Tank):
    """Loses rate(t) area dt through every cell: 1 + sin(2 pi t) times a steady rate, integrated exactly."""

    def __init__(self, settings: TankSettings, comm: MPI.Comm, window: float) -> None:
        super().__init__(settings, comm, window)
        self.held += 100.0 * self.area[:, None]
        self.lost = np.zeros_like(self.held)
        """Total that has left each cell since the start."""

    def advance(self, dt: float) -> None:
        """Lose what leaves in ``dt``."""
        self._misbehave()
        end = self.time + dt
        part = dt + (np.cos(2 * np.pi * self.time) - np.cos(2 * np.pi * end)) / (2 * np.pi)
        lost = part * self.area[:, None] * _RATES.T
        if self.fails("nan"):
            lost = lost * np.nan
        self.held -= lost
        self.lost += lost
        self.time = end

    def save(self) -> dict[str, Any]:
        """Time, contents and losses."""
        return super().save() | {"lost": self.lost.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``save``."""
        super().restore(state)
        self.lost = state["lost"].copy()


class Sink(Tank):
    """Fills at the rates it is given: ``rate`` (cells, 5), per time."""

    def __init__(self, settings: TankSettings, comm: MPI.Comm, window: float) -> None:
        super().__init__(settings, comm, window)
        self.rate = np.zeros_like(self.held)
        self.taken = np.zeros_like(self.held)
        """Taken through each cell in the last step."""

    def advance(self, dt: float) -> None:
        """Fill for ``dt``; a leaking sink keeps a little less than it took."""
        self._misbehave()
        self.taken = self.rate * (np.nan if self.fails("nan") else dt)
        self.held += self.taken * (1.0 - 1e-9 if self.fails("leak") else 1.0)
        self.time += dt


def split(row: Array) -> dict[str, Array]:
    """Five columns as mass, momentum, energy; works on (5,) and (n, 5)."""
    return {"mass": row[..., :1], "momentum": row[..., 1:4], "energy": row[..., 4:]}


def join(amounts: dict[str, Array]) -> Array:
    """The inverse of ``split``: (n, 5)."""
    return np.hstack([amounts[q] for q in WIDTHS])
