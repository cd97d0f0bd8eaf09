"""The stubs at an interface: a source gives amounts and takes a temperature, a sink the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from ..couplers.cells import Array, Cells, total
from ..couplers.kind import CheckRequest, Context, Kind
from ..couplers.window import Window
from ..solvers.stubs.tank import Sink, Source, TankSettings, join, split

AMOUNTS = ("mass", "momentum", "energy")


class TankFaceSettings(BaseModel):
    """Nothing to set: the grid is the solver's."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class SourceFace:
    """Sends what the source lost."""

    def __init__(self, solver: Source) -> None:
        self._solver = solver
        self._cells = Cells(solver.lower, solver.upper)
        self._before = np.zeros_like(solver.lost)
        self.felt: Mapping[str, Array] = {}
        """The partner's states as they were received last."""

    def cells(self, quantity: str) -> Cells:
        """The tanks' faces."""
        return self._cells

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Keep the states."""
        self.felt = states

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Keep the states."""
        self.felt = values
        self._before = self._solver.lost.copy()

    def account(self, dt: float) -> None:
        """The source counts by itself."""

    def send(self, window: Window) -> Mapping[str, Array]:
        """What left in the window."""
        return split(self._solver.lost - self._before)

    def save(self) -> Mapping[str, Any]:
        """The temperature felt."""
        return {"felt": dict(self.felt)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``save``."""
        self.felt = dict(state["felt"])

    def received(self) -> Mapping[str, Array]:
        """No amounts come this way."""
        return {}

    def carry(self) -> Mapping[str, Array]:
        """Nothing is carried."""
        return {}


class SinkFace:
    """Spreads what it received evenly over the window, and counts what the sink took."""

    def __init__(self, solver: Sink) -> None:
        self._solver = solver
        self._cells = Cells(solver.lower, solver.upper)
        self._sent = np.zeros_like(solver.held)
        self._taken = np.zeros_like(solver.held)

    def cells(self, quantity: str) -> Cells:
        """The tanks' faces."""
        return self._cells

    def prepare(self, states: Mapping[str, Array]) -> None:
        """No states come this way."""

    def initial_amounts(self, window: Window) -> Mapping[str, Array]:
        """A pressure of 8 for the first window."""
        opening = np.zeros_like(self._solver.held)
        opening[:, 3] = 8.0 * self._solver.area * window.dt
        return split(opening)

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Spread the amounts, and what is left of earlier ones, over the window."""
        self._sent = self._sent - self._taken + join(dict(values))
        self._taken = np.zeros_like(self._sent)
        self._solver.rate = self._sent / window.dt

    def account(self, dt: float) -> None:
        """Count what the sink took in the step."""
        self._taken += self._solver.taken

    def send(self, window: Window) -> Mapping[str, Array]:
        """The temperature is the energy per area."""
        return {"temperature": self._solver.held[:, 4:] / self._solver.area[:, None]}

    def save(self) -> Mapping[str, Any]:
        """What came and what was taken."""
        return {"sent": self._sent.copy(), "taken": self._taken.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``save``."""
        self._sent, self._taken = state["sent"].copy(), state["taken"].copy()

    def received(self) -> Mapping[str, Array]:
        """What the sink took in the window."""
        return split(total(self._taken))

    def carry(self) -> Mapping[str, Array]:
        """What arrived and was not taken."""
        return split(total(self._sent - self._taken))


def _extent(solver: TankSettings, interface: TankFaceSettings) -> Any:
    return solver.lower, solver.upper


def _check(request: CheckRequest) -> None:
    """The types say it all."""


SOURCE = Kind(
    name="stub-source",
    equal_windows=True,
    solver_settings=TankSettings,
    interface_settings=TankFaceSettings,
    create_solver=lambda settings, context: Source(settings, context.comm, context.window),
    create_adapter=lambda solver, settings, context: SourceFace(cast(Source, solver)),
    gives=AMOUNTS,
    takes=("temperature",),
    check=_check,
    extent=_extent,
    rewinds=True,
    resumes=True,
)


def _create_sink(settings: TankSettings, context: Context) -> Sink:
    return Sink(settings, context.comm, context.window)


SINK = Kind(
    name="stub-sink",
    equal_windows=True,
    solver_settings=TankSettings,
    interface_settings=TankFaceSettings,
    create_solver=_create_sink,
    create_adapter=lambda solver, settings, context: SinkFace(cast(Sink, solver)),
    gives=("temperature",),
    takes=AMOUNTS,
    check=_check,
    extent=_extent,
    rewinds=True,
    resumes=True,
)
