"""The solid body of a coupled run: its fields for ParaView, and its course."""

from __future__ import annotations

from ..couplers.kind import Context
from ..solvers.fem import SolidSettings
from ..solvers.fem.output import Probes, write_fields
from ..solvers.fem.solid import SolidMechanics
from .course import Course


class CoupledSolid(SolidMechanics):
    """The solver with ``course.h5``: time, energies, every probe's displacement, the largest error if there is a
    reference."""

    def __init__(self, settings: SolidSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case)
        self._output = context.output
        self._probes = Probes(self.space, settings.probes)
        self._course = Course(context)

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if not self._course.lacks(time):
            return
        figures = {**self.energies(), **self._probes.values(self.displacement)}
        if self.settings.reference:
            figures["error"] = self.largest_error()
        self._course.record(time, figures)

    def write(self, window: int, time: float) -> None:
        """Write displacement and velocity at the end of ``window``."""
        path = self._output / f"fields_{window + 1:06d}.xdmf"
        fields = {"displacement": self.displacement, "velocity": self.velocity}
        write_fields(path, self.space, fields, time)
