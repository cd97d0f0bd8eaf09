"""Starts PETSc and DOLFINx on the ranks that use them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import SolverError

if TYPE_CHECKING:
    from mpi4py import MPI

NEEDED = {"dolfinx": "python3-dolfinx-real", "petsc4py": "python3-petsc4py-real", "meshio": "meshio (from PyPI)"}
"""Modules that the solvers need, and the packages that have them."""


def missing() -> str:
    """What is not installed, in words; else an empty text."""
    absent = [f"{module} ({package})" for module, package in NEEDED.items() if find_spec(module) is None]
    return f"finite elements need {', '.join(absent)}" if absent else ""


def start(comm: MPI.Comm) -> None:
    """Start PETSc on ``comm``: by default it would wait for every rank of the world. Collective.

    Raises ``SolverError`` where something is not installed.
    """
    problem = missing()
    if problem:
        raise SolverError(problem)
    import petsc4py  # pyright: ignore[reportMissingImports]

    petsc4py.init([], comm=comm)
