"""PETSc for phonon transport, started on this rank alone: by default it would wait for every rank of the world."""

from __future__ import annotations

from typing import Any

import petsc4py  # pyright: ignore[reportMissingImports]
from mpi4py import MPI

petsc4py.init([], comm=MPI.COMM_SELF)

from petsc4py import PETSc as _PETSc  # noqa: E402  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

PETSc: Any = _PETSc
