"""What the process was started under."""

from __future__ import annotations

import os

_RANK_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK")
"""One of these is set in every process that an MPI launcher started."""


def under_mpi() -> bool:
    """Whether an MPI launcher started this process."""
    return any(variable in os.environ for variable in _RANK_VARIABLES)


def start_mpi_only_under_mpi() -> None:
    """Keep importing mpi4py from starting MPI where no launcher started us: no command needs it there.

    A process that is an MPI job by itself starts more slowly, and leaves marks in the environment that confuse an
    mpirun started from it.
    """
    import mpi4py

    mpi4py.rc.initialize = under_mpi()
