"""Starts PETSc and DOLFINx on the ranks that use them."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import SolverError

NEEDED = {"dolfinx": "python3-dolfinx-real", "petsc4py": "python3-petsc4py-real", "meshio": "meshio (from PyPI)"}
"""Modules that the solvers need, and the packages that have them."""


def missing() -> str:
    """What is not installed, in words; else an empty text."""
    absent = [f"{module} ({package})" for module, package in NEEDED.items() if find_spec(module) is None]
    return f"finite elements need {', '.join(absent)}" if absent else ""


def start() -> None:
    """Start PETSc on this rank alone: by default it would wait for every rank of the world.

    Its matrices and vectors live on the communicators that they are made with all the same. Raises ``SolverError``
    where something is not installed.
    """
    problem = missing()
    if problem:
        raise SolverError(problem)
    import petsc4py  # pyright: ignore[reportMissingImports]
    from mpi4py import MPI

    petsc4py.init([], comm=MPI.COMM_SELF)
