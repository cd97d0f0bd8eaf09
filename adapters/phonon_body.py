"""The phonons of a coupled run: their fields for ParaView, and their course."""

from __future__ import annotations

import numpy as np

from ..couplers.cells import Array
from ..couplers.kind import Context
from ..solvers.bte.output import nearest_vertices, write_fields
from ..solvers.bte.settings import FilmMesh, PhononSettings
from ..solvers.bte.solver import PhononTransport
from .course import Course

_PROFILE = ("x", "lattice", "temperature")


class CoupledPhonons(PhononTransport):
    """The solver with ``course.h5``: time, sweeps of the last window, mean flux, probes; of films also the profile.

    A film's profile is in ``x``, ``lattice`` and ``temperature``, (windows, 2 cells): both ends of every cell in order.
    """

    def __init__(self, settings: PhononSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case)
        self._output = context.output
        self._probes = nearest_vertices(self, settings.probes)
        self._film = isinstance(settings.mesh, FilmMesh)
        self._course = Course(context)

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if not self._course.lacks(time):
            return
        figures: dict[str, float | Array] = {"iterations": self.iterations, "flux": self.mean_flux()}
        for name, (rank, at) in self._probes.items():
            figures[name] = self.comm.bcast(float(self.temperature[at]) if self.comm.rank == rank else 0.0, root=rank)
        ends = self.ends() if self._film else None
        if ends is not None:
            figures |= {key: values.ravel() for key, values in zip(_PROFILE, ends, strict=True)}
        self._course.record(time, figures)

    def write(self, window: int, time: float) -> None:
        """Write temperature and heat flux at the end of ``window``."""
        if self.solution is not None:
            flux = np.moveaxis(self.solution.flux, 0, -1)
            write_fields(
                self, self._output, f"fields_{window + 1:06d}", {"temperature": self.temperature, "flux": flux}
            )
