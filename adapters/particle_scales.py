"""What a particle region can say of its scales before a run: its box, its step, and the fluid that was measured."""

from __future__ import annotations

import numpy as np

from ..couplers.kind import CheckRequest
from ..couplers.scales import FluidScales, Scales
from ..solvers.errors import SolverError
from ..solvers.md.settings import MolecularDynamicsSettings
from ..solvers.md.trial import ScriptError, ScriptFacts, try_script
from ..solvers.navier_stokes.closures import Measured, read_fluid_file
from .flow_scales import fluid_at


def particle_scales(request: CheckRequest) -> Scales:
    """The region with its buffers, a slab of a buffer, and the time step.

    Raises ``CaseError`` where LAMMPS refuses the script.
    """
    solver: MolecularDynamicsSettings = request.solver
    script = request.case / solver.script
    try:
        facts = try_script(script, solver.variables)
    except ScriptError as mistake:
        place = f"participants.{request.participant}.solver"
        found = f"{solver.script}: {mistake}"
        raise request.report(place, "script", found, "a script that LAMMPS accepts", mistake.remedy) from mistake
    return _scales(request, facts)


def _scales(request: CheckRequest, facts: ScriptFacts) -> Scales:
    box = np.array(facts.upper) - np.array(facts.lower)
    fluid = _measured(request)
    if not request.interfaces:
        return Scales(length=float(box.max()), step=facts.timestep, fluid=fluid)
    sides = list(request.interfaces.values())
    axis = "xyz".index(sides[0].axis)
    low, high = facts.lower[axis], facts.upper[axis]
    for side in sides:
        buffer = side.slabs * side.thickness
        if side.beyond == "above":
            high = min(high, side.at + buffer)
        else:
            low = max(low, side.at - buffer)
    edges = [float(edge) for edge in box]
    edges[axis] = sides[0].thickness
    return Scales(length=high - low, finest=edges[axis], edges=tuple(edges), step=facts.timestep, fluid=fluid)


def _measured(request: CheckRequest) -> FluidScales | None:
    """The fluid that a stage of the case has measured, at its state point."""
    for path in sorted(request.made):
        try:
            file = read_fluid_file(path)
        except SolverError:  # not measured yet, or no fluid
            continue
        return fluid_at(Measured(file), file.state_point.density, file.state_point.temperature)
    return None
