"""Small solids in which atoms and elements meet, for the tests: a case, and each side alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

from suture.adapters import atomistic_solid, solid_boundary
from suture.couplers.kind import Context

from ..cases.variants import variant

SMALL = (
    ("lower = [-43.38, -43.38, -43.38]", "lower = [-21.69, -21.69, -21.69]"),
    ("upper = [43.38, 43.38, 43.38]", "upper = [21.69, 21.69, 21.69]"),
    ("sqrt(x*x + y*y + z*z) - 8", "sqrt(x*x + y*y + z*z) - 3"),
    ("grades = [7.0, 16.0]", "grades = [8.0]"),
    ("- 11.5", "- 6.5"),
    ('script = "in.core"', 'script = "in.core"\nvariables = { core = 3.0, radius = 19.0 }'),
)
"""The vacancy in copper with 12 free atoms."""
BLENDED = (('- 6.5"', '- 6.5", width = 4.0'), ("grades = [8.0]", "grades = [12.0]"), ("radius = 19.0", "radius = 22.0"))
"""Atoms count as far as 10.5 Å, and copper's potential reaches twice 5.5 Å: once more to the atoms' surroundings."""
PERFECT = ("radius = 19.0 }", "radius = 19.0, vacancies = 0 }")

FORCES = ("displacement", "velocity", "shift", "blending", "covered", "weight", "force")
BALL: dict[str, Any] = {
    "mesh": {
        "kind": "crystal", "lower": [-14.46] * 3, "upper": [14.46] * 3,
        "core": "sqrt(x*x + y*y + z*z) - 3", "grades": [30.0],
    },
    "material": "cauchy-born", "density": 0.0847, "time_integration": "quasi-static", "step": 10.0,
    "crystal": {
        "structure": "fcc", "constant": 3.615,
        "potential": {"kind": "eam", "file": "Cu_mishin1.eam.alloy", "element": "Cu"},
    },
    "boundaries": {"outer": {"kind": "displacement", "x": 0, "y": 0, "z": 0}},
}  # fmt: skip
NEAR = "sqrt(x*x + y*y + z*z) - 6.5"


def small(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the case, with ``changes`` of its case file."""
    return variant("vacancy", folder, *SMALL, *changes)


def elements(
    folder: Path,
    hand_shake: dict[str, Any],
    comm: MPI.Comm = MPI.COMM_SELF,
    takes: tuple[str, ...] = ("momentum",),
    **solver: Any,
) -> tuple[Any, Any]:
    """A body of copper and its side of the seam."""
    kind = solid_boundary.KIND
    context = Context(comm=comm, name="far", case=folder, output=folder, window=1.0, interface="seam")
    body = kind.create_solver(kind.solver_settings.model_validate(BALL | solver), context)
    side = kind.interface_settings.model_validate({"region": "all", "condition": "forces", "hand_shake": hand_shake})
    return body, kind.create_adapter(body, side, replace(context, exchange=(FORCES, takes)))


def atoms(folder: Path, script: Path, window: float = 1.0, **settings: Any) -> tuple[Any, Any]:
    """Atoms of a script, and their side."""
    kind = atomistic_solid.KIND
    context = Context(MPI.COMM_SELF, "core", case=script.parent, output=folder, window=window, interface="seam")
    still = {"script": script.name, "free": "free", "time_integration": "quasi-static"}
    of = kind.solver_settings.model_validate(still | settings)
    solver = kind.create_solver(of, context)
    return solver, kind.create_adapter(solver, kind.interface_settings.model_validate({}), context)
