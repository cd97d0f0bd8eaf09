"""Suture couples separately running solvers into one simulation and keeps the books."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .couplers.foreign import ForeignParticipant
    from .couplers.mesh import Mesh

__all__ = ["Mesh", "__version__", "join"]
__version__ = "0.1.0"


def join(case: str | Path, name: str, output: str | Path | None = None, resume: bool = False) -> ForeignParticipant:
    """Join the coupled run of ``case`` as participant ``name``, from a program of one's own under the same mpirun.

    Use it as a context manager: an error inside ends the whole run with participant, rank and window named.
    ``output`` is the run's folder where it is not CASE/RUN; all programs of a run name the same. ``resume`` goes on
    from the last checkpoint in it. Collective over MPI.COMM_WORLD.
    Raises ``CaseError``, ``LaunchError`` and ``ResumeError``.
    """
    from .entrance import watch

    watch(Path(case))
    from .foreign import join as join_foreign

    return join_foreign(Path(case), name, None if output is None else Path(output), resume)


def __getattr__(name: str) -> object:
    """``suture.Mesh`` needs NumPy, which importing ``suture`` alone does not load."""
    if name == "Mesh":
        from .couplers.mesh import Mesh

        return Mesh
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
