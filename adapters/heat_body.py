"""The heat-conducting body of a coupled run: its fields for ParaView, and its course."""

from __future__ import annotations

from ..couplers.kind import Context
from ..solvers.fem import HeatSettings
from ..solvers.fem.heat import HeatConduction
from ..solvers.fem.output import Probes, write_fields
from .course import Course


class CoupledHeat(HeatConduction):
    """The solver with ``course.h5``: time, temperatures of probes and averages, the largest error of a reference."""

    def __init__(self, settings: HeatSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case)
        self._output = context.output
        self._probes = Probes(self.space, settings.probes)
        self._course = Course(context)

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if not self._course.lacks(time):
            return
        figures = {name: value[0] for name, value in self._probes.values(self.temperature).items()}
        figures |= {name: self.average(name) for name in self.settings.averages}
        if self.settings.reference:
            figures["error"] = self.largest_error()
        self._course.record(time, figures)

    def write(self, window: int, time: float) -> None:
        """Write the temperature at the end of ``window``."""
        path = self._output / f"fields_{window + 1:06d}.xdmf"
        write_fields(path, self.space, {"temperature": self.temperature}, time)
